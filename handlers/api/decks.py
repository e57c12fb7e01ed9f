"""Imports and exports the decks of walls, and copies a wall."""

from __future__ import annotations

from handlers.api.walls import with_links
from handlers.base import ApiHandler
from handlers.request_bodies import MAX_BODY
from livewall import wire
from livewall.names import wall_code


class DeckHandler(ApiHandler):
    """POST /api/walls/CODE/deck: create the polls of a deck. The status is 200 if it was imported under this id
    before."""

    write_right = "host"
    body_limit = MAX_BODY

    async def post(self, code: str) -> None:
        import_id = self.argument("id") or None
        imported, created = await self.services.decks.add(code, self.raw(), self.who, import_id=import_id)
        self.answer(imported, 201 if created else 200)


class DeckFileHandler(ApiHandler):
    """GET /api/walls/CODE/deck.md"""

    async def get(self, code: str) -> None:
        self.require("host")
        text = await self.services.decks.text(code)
        self.set_header("Content-Type", "text/markdown; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="deck-{wall_code(code)}.md"')
        self.finish(text)


class WallDuplicateHandler(ApiHandler):
    """POST /api/walls/CODE/duplicate"""

    write_right = "host"

    async def post(self, code: str) -> None:
        self.body(wire.Nothing)
        wall, version = await self.services.decks.duplicate(code, self.who)
        self.set_header("Location", f"/api/walls/{wall.code}")
        self.answer(with_links(wall, self.services.base_url), 201, version=version)
