"""Decks of walls over HTTP: imported, exported, and a wall copied; the same as forms of the desk."""

from __future__ import annotations

from typing import Any

import msgspec
from tornado.routing import URLSpec

from handlers.base import ApiHandler
from handlers.page import ID
from handlers.walls import with_links
from livewall import wire
from livewall.names import wall_code


class DeckHandler(ApiHandler):
    """POST /api/walls/CODE/deck: the polls of a deck; 200 where it was imported under this id before."""

    async def post(self, code: str) -> None:
        self.need("host")
        id = self.argument("id") or None
        polls, created = await self.services.decks.add(code, self.raw(), self.who, id=id)
        self.answer({"polls": polls}, 201 if created else 200)


class DeckFileHandler(ApiHandler):
    """GET /api/walls/CODE/deck.md"""

    async def get(self, code: str) -> None:
        self.need("host")
        text = await self.services.decks.text(code)
        self.set_header("Content-Type", "text/markdown; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="deck-{wall_code(code)}.md"')
        self.finish(text)


class WallDuplicateHandler(ApiHandler):
    """POST /api/walls/CODE/duplicate"""

    async def post(self, code: str) -> None:
        self.need("host")
        self.body(wire.Nothing)
        wall, version = await self.services.decks.duplicate(code, self.who)
        self.set_header("Location", f"/api/walls/{wall.code}")
        self.answer(with_links(msgspec.to_builtins(wall), self.services.base_url), 201, version=version)


def api(plain: dict[str, Any]) -> list[URLSpec]:
    return [
        URLSpec(rf"/api/walls/{ID}/deck", DeckHandler, plain),
        URLSpec(rf"/api/walls/{ID}/deck\.md", DeckFileHandler, plain),
        URLSpec(rf"/api/walls/{ID}/duplicate", WallDuplicateHandler, plain),
    ]
