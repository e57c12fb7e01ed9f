"""Reports of screens, and a wall's health and results."""

from __future__ import annotations

from handlers.base import ApiHandler
from livewall import wire
from livewall.errors import NotFound
from livewall.identity import NOBODY
from livewall.names import wall_code
from livewall.wall_rows import stream_of


class ScreenHandler(ApiHandler):
    """PUT /api/walls/CODE/screens/ID. It needs no sign-in, because a projector has none."""

    async def put(self, code: str, screen_id: str) -> None:
        report = self.body(wire.ScreenIn)
        stream = await existing_wall(self, code)
        address = self.address if self.services.limits.on else None
        self.services.screens.report(stream, screen_id, report, self.services.clock(), address)
        self.answer({"people": self.services.presence.people(stream)})


class WallResultsHandler(ApiHandler):
    """GET /api/walls/CODE/results"""

    async def get(self, code: str) -> None:
        self.answer(await self.services.walls.results(code, self.who))


class WallHealthHandler(ApiHandler):
    """GET /api/walls/CODE/health"""

    async def get(self, code: str) -> None:
        self.require("host")
        stream = await existing_wall(self, code)
        screens = self.services.screens.of(stream, self.services.clock())
        self.answer({"screens": screens, "audience": self.services.presence.audience(stream), "now": self.now()})


async def existing_wall(handler: ApiHandler, code: str) -> str:
    """Return the stream of an existing wall. Raises NotFound."""
    stream = stream_of(wall_code(code))
    try:
        await handler.services.hub.view(stream, NOBODY)
    except NotFound:
        raise NotFound("not_found", f"there is no wall {code[:12]}") from None
    return stream
