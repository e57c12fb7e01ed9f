"""The state of a running server, for those who operate it: ready or not, and what it measures."""

from __future__ import annotations

from livewall.errors import Busy
from livewall.hub.live_hub import LiveHub
from livewall.metrics import Metrics
from livewall.store.store import Store


class Health:
    """Reads the state of the store and the hub."""

    def __init__(self, store: Store, hub: LiveHub, metrics: Metrics) -> None:
        self._store = store
        self._hub = hub.hub
        self._metrics = metrics

    async def check_ready(self, *, draining: bool) -> int:
        """Return how many writes wait. Raises Busy while the server drains, or its database cannot be read or
        written."""
        if draining:
            raise Busy("draining", "the server is stopping")
        await self._store.check_ready()
        return self._store.waiting()

    def measure(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        hub, metrics = self._hub, self._metrics
        metrics.behind.set(hub.behind)
        metrics.deliveries.set(hub.deliveries)
        metrics.streams.set(len(hub.streams))
        logs = [log for stream in hub.streams.values() for log in stream.logs.values()]
        metrics.ring_events.set(sum(len(log) for log in logs))
        metrics.ring_bytes.set(sum(log.size for log in logs))
        metrics.writes_waiting.set(self._store.waiting())
        return metrics.text()
