"""Walls over HTTP."""

from __future__ import annotations

from msgspec import structs

from handlers.api.answers import Links, WallShown
from handlers.base import ApiHandler
from handlers.request_bodies import LARGE_BODY
from livewall import wire
from livewall.listing import Listing
from livewall.wall_rows import Wall


class WallsHandler(ApiHandler):
    """POST and GET /api/walls"""

    write_right = "host"

    async def get(self) -> None:
        self.require("host")
        page = await self.services.walls.list(**self.page_arguments())
        self.answer(Listing([with_links(wall, self.services.base_url) for wall in page.items], page.next))

    async def post(self) -> None:
        wall, version = await self.services.walls.create(self.body(wire.WallIn), self.who)
        self.set_header("Location", f"/api/walls/{wall.code}")
        self.answer(with_links(wall, self.services.base_url), 201, version=version)


class WallHandler(ApiHandler):
    """GET, PUT and DELETE /api/walls/CODE"""

    write_right = "host"
    body_limit = LARGE_BODY

    async def get(self, code: str) -> None:
        wall, version = await self.services.walls.get(code, self.who)
        self.answer_versioned(with_links(wall, self.services.base_url), version)

    async def put(self, code: str) -> None:
        wall, version = await self.services.walls.edit(
            code, self.body(wire.WallEdit), self.who, version=self.if_match()
        )
        self.answer(with_links(wall, self.services.base_url), version=version)

    async def delete(self, code: str) -> None:
        self.body(wire.Nothing)
        await self.services.walls.delete(code, self.who)
        self.answer({})


def with_links(wall: Wall, base: str) -> WallShown:
    """Return the wall with the addresses of its pages, never made from a Host header."""
    address = f"{base}/w/{wall.code}"
    return WallShown(**structs.asdict(wall), links=Links(address, f"{address}/screen", f"{address}/host"))
