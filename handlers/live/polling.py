"""Long and plain polling: the same cursor for clients that get one response at a time. Nothing is kept between two
requests."""

from __future__ import annotations

import asyncio

from handlers.base import BaseHandler
from handlers.live.connections import Connections
from handlers.live.streams import follow, streams_of
from livewall.errors import BadInput, Busy, LivewallError
from livewall.hub.framing import JsonFraming
from livewall.hub.reader import Reader
from livewall.services import Services

FRAMING = JsonFraming()
MAX_WAIT = 30.0


class Collector:
    """Collects what the hub sends during one request."""

    framing = FRAMING
    transport = "long-poll"

    def __init__(self, credential: str) -> None:
        self.credential = credential
        self.parts: list[bytes] = []
        self.arrived = asyncio.Event()
        self.error: LivewallError | None = None

    def send(self, data: bytes) -> int:
        self.parts.append(data)
        self.arrived.set()
        return len(data)

    def keep(self, unsent: bytes) -> None:
        raise AssertionError("a collector takes everything")

    def watch(self) -> None:
        raise AssertionError("a collector takes everything")

    def ended(self, stream: str, error: LivewallError) -> None:
        self.error = error
        self.arrived.set()

    def lost(self) -> None:
        self.arrived.set()

    def refuse(self, error: LivewallError) -> None:
        self.error = error
        self.arrived.set()

    def drain(self, after_ms: int) -> None:
        self.arrived.set()


class UpdatesHandler(BaseHandler):
    """GET /updates/STREAMS?since=&wait="""

    def initialize(self, services: Services, connections: Connections) -> None:  # type: ignore[override]
        super().initialize(services)
        self.connections = connections
        self._collector: Collector | None = None

    async def get(self, streams: str) -> None:
        if self.services.draining:
            raise Busy("draining", "the server is stopping")
        wait = self._wait()
        names, since = streams_of(streams), self.since()
        hub = self.services.hub.hub
        collector = self._collector = Collector(self.who.credential)
        reader = Reader(collector, self.who)
        try:
            await follow(self.services, reader, names, since)
            await self._collect(reader, collector, wait)
            if collector.error is not None:
                raise collector.error
            positions = hub.positions(reader)
            position = ",".join(positions.get(name, "") for name in names)
        finally:
            self._collector = None
            for name, cursor in reader.cursors.items():
                # Between two requests nobody is attached, so the voter is remembered for a moment.
                self.services.viewers.polled(name, cursor.tag, self.who)
            hub.gone(reader)
        # Only a poll of the whole state can be answered with 304. With `since`, an empty list is an answer of its own.
        if wait == 0 and not since:
            etag = f'"{position}"'
            self.set_header("ETag", etag)
            if self.client_holds(etag):
                self.set_status(304)
                self.finish()
                return
        self.set_header("Content-Type", "application/json; charset=utf-8")
        events = b"".join(collector.parts).rstrip(b",")
        self.finish(b'{"events":[' + events + b'],"pos":"' + position.encode() + b'"}')

    async def _collect(self, reader: Reader, collector: Collector, wait: float) -> None:
        """Collect the events that the reader lacks. If there are none, wait up to `wait` seconds for the first."""
        hub = self.services.hub.hub
        hub.start(reader)
        await self.services.hub.settled(reader)
        if wait == 0 or collector.parts or self.request.connection is None:
            return
        # Only from here on: a request that is answered at once is no connection that a drain has to end.
        self.connections.add(collector)
        try:
            await asyncio.wait_for(collector.arrived.wait(), wait)
        except TimeoutError:
            pass
        finally:
            self.connections.remove(collector)

    def on_connection_close(self) -> None:
        super().on_connection_close()
        if self._collector is not None:
            self._collector.arrived.set()

    def _wait(self) -> float:
        text = self.argument("wait", "25")
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        # A comparison with NaN is false, so NaN is refused here as well.
        if not 0 <= seconds < 1e6:
            raise BadInput("invalid", "wait: seconds, 0 to 30", fields={"wait": "seconds, 0 to 30"})
        return min(seconds, MAX_WAIT)
