"""For those who run it: alive, ready, measured."""

from __future__ import annotations

from handlers.base import BaseHandler
from livewall.errors import Busy
from livewall.metrics import CONTENT_TYPE


class HealthHandler(BaseHandler):
    """GET /healthz: the process turns its loop."""

    async def prepare(self) -> None:
        self.expect_body()

    def get(self) -> None:
        self.answer({"ok": True})


class ReadyHandler(BaseHandler):
    """GET /readyz: it takes work; 503 while it drains, or its database cannot be read or written."""

    async def prepare(self) -> None:
        self.expect_body()

    async def get(self) -> None:
        if self.services.draining:
            raise Busy("draining", "the server is stopping")
        await self.services.store.check_ready()
        self.answer({"ready": True, "writes_waiting": self.services.store.waiting()})


class MetricsHandler(BaseHandler):
    """GET /metrics, for operators and hosts"""

    async def get(self) -> None:
        self.need("operator", "host")
        hub, metrics = self.services.hub.hub, self.services.metrics
        metrics.behind.set(hub.behind)
        metrics.deliveries.set(hub.deliveries)
        metrics.streams.set(len(hub.streams))
        logs = [log for stream in hub.streams.values() for log in stream.logs.values()]
        metrics.ring_events.set(sum(len(log) for log in logs))
        metrics.ring_bytes.set(sum(log.size for log in logs))
        metrics.writes_waiting.set(self.services.store.waiting())
        self.set_header("Content-Type", CONTENT_TYPE)
        self.finish(metrics.text())
