"""Health, readiness and metrics, for those who run the server."""

from __future__ import annotations

from handlers.base import BaseHandler
from livewall.metrics import CONTENT_TYPE


class HealthHandler(BaseHandler):
    """GET /healthz: the event loop is running."""

    async def prepare(self) -> None:
        self.expect_body()

    def get(self) -> None:
        self.answer({"ok": True})


class ReadyHandler(BaseHandler):
    """GET /readyz: the server accepts work. The status is 503 while it drains, or if its database cannot be read or
    written."""

    async def prepare(self) -> None:
        self.expect_body()

    async def get(self) -> None:
        waiting = await self.services.health.check_ready(draining=self.services.draining)
        self.answer({"ready": True, "writes_waiting": waiting})


class MetricsHandler(BaseHandler):
    """GET /metrics, for operators and hosts."""

    async def get(self) -> None:
        self.require("operator", "host")
        self.set_header("Content-Type", CONTENT_TYPE)
        self.finish(self.services.health.measure())
