"""A reader that joins a wall as a page does, follows it and its active poll, and resumes by position.

`Viewer` with `audience` is a projector; `visitor.Visitor` is a viewer that acts.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote

import msgspec
from tornado.httputil import HTTPHeaders

from livewall.client.transports import EventParser, milliseconds
from livewall.rehearsal.channel import Channel, ConnectionLost
from livewall.rehearsal.checks import Fault
from livewall.rehearsal.http_client import HttpConnection, Response, Socket, Stream
from livewall.rehearsal.network import Link
from livewall.rehearsal.observer import Observer
from livewall.rehearsal.run import Run, VisibleState

LONG_POLL_SECONDS = 25.0
FIRST_PAUSE, MAX_PAUSE = 0.2, 3.0
SILENCE_SECONDS = (
    45.0  # seconds without data on a live connection; heartbeats come every 20 s (WebSocket) or 15 s (SSE)
)


class StreamRefused(Exception):
    """The server refuses the stream for good."""


class Viewer(Observer):
    def __init__(
        self, run: Run, name: str, transport: str, *, audience: bool = False, more: Iterable[str] = ()
    ) -> None:
        super().__init__(run, name, more)
        self.transport = transport
        self.audience = audience
        self.chance = random.Random(run.chance.random())
        self.link = Link(run.network, random.Random(run.chance.random()))
        self.headers: dict[str, str] = {}
        self.channel: Channel | None = None
        self.is_live = asyncio.Event()
        self.refs = itertools.count(1)
        self.waiting: dict[str, asyncio.Future[Any]] = {}
        self._socket: Socket | None = None
        self._reconnect_wanted = asyncio.Event()
        self._in_reach = asyncio.Event()
        self._in_reach.set()
        self._lost_at: float | None = None
        self._tried_at = 0.0
        self._seen: VisibleState | None = None
        self._told_of: set[str] = set()
        """The ids of messages and questions that this reader has got."""

    # -- staying connected

    async def stay(self, *others: Coroutine[Any, Any, None]) -> None:
        """Follow the wall under disturbances, and run the other coroutines, until cancelled. Raises StreamRefused."""
        tasks = [asyncio.ensure_future(part) for part in (self.follow(), self.disturb(), *others)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def watch(self) -> None:
        """Follow the wall as a projector, without loading its page. A refusal is recorded as a fault."""
        try:
            await self.stay()
        except StreamRefused as problem:
            self.run.fault(Fault("screen", f"{self.name} was refused: {problem}"))

    async def follow(self) -> None:
        """Stay connected until cancelled, whatever happens. Raises StreamRefused."""
        pause = FIRST_PAUSE
        while True:
            await self._in_reach.wait()
            self._reconnect_wanted.clear()
            hint: float | None = None
            try:
                hint = await getattr(self, f"_{self.transport.replace('-', '_')}")()
                pause = FIRST_PAUSE
            except ConnectionLost:
                pause = min(pause * 2, MAX_PAUSE)
            finally:
                self._not_live()
            if not self._reconnect_wanted.is_set():
                await asyncio.sleep((pause if hint is None else hint) * self.chance.uniform(0.8, 1.2))

    async def disturb(self) -> None:
        """Apply the disturbances of the network, and of phones that sleep, until the rehearsal ends."""
        for disturbance in self.link.disturbances():
            if await self._ends_within(disturbance.after):
                return
            if disturbance.kind == "asleep":
                if (channel := self.channel) is not None and channel.open:
                    channel.sleep(True)
                    await self._ends_within(disturbance.seconds)
                    channel.sleep(False)
                continue
            self._in_reach.clear()
            self.run.figures.lost[disturbance.kind] += 1
            self.reconnect(vanish=disturbance.kind == "vanished")
            await self._ends_within(disturbance.seconds)
            self._in_reach.set()

    async def _ends_within(self, seconds: float) -> bool:
        """Wait; return True if the rehearsal ends within so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self.run.over.wait()
        return False

    def reconnect(self, *, vanish: bool = False) -> None:
        if (channel := self.channel) is not None and channel.open:
            if vanish:
                self.run.ghosts.add(channel)
                channel.vanish()
            else:
                channel.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Channel]:
        start = self.run.now()
        channel = self.channel = await Channel.connect(self.run.server, self.link, slow=True)
        self._tried_at = start
        try:
            yield channel
        finally:
            if channel not in self.run.ghosts:
                channel.close()
            for waiting in self.waiting.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionLost("the connection is lost"))

    def _became_live(self, server: float | None) -> None:
        """Note that the server accepted the connection."""
        figures = self.run.figures
        if self.is_live.is_set():
            self.resuming.clear()
            return
        self.is_live.set()
        self.live_since = self.run.now()
        figures.is_live(self.kind, +1)
        if self._lost_at is not None:
            self._lost_at = None
            figures.returned += 1
            figures.back.add(self.run.now() - self._tried_at, server)
        else:
            self.resuming.clear()

    def _not_live(self) -> None:
        if self.is_live.is_set():
            self.is_live.clear()
            self.run.figures.is_live(self.kind, -1)
            if not self._reconnect_wanted.is_set():
                self._lost_at = self.run.now()

    @property
    def kind(self) -> str:
        return "screens" if self.audience else self.transport

    # -- the transports

    def address(self, kind: str, more: str = "") -> str:
        streams = list(self.chains)
        at = {stream: chain.state.resume_at for stream, chain in self.chains.items()}
        self.resuming = {stream for stream, position in at.items() if position}
        since = ",".join(position or "" for position in at.values()) if self.resuming else ""
        query = [f"since={quote(since, safe=',~.')}"] if since else []
        query += [more] if more else []
        query += ["as=audience"] if self.audience else []
        return f"/{kind}/{quote(','.join(streams), safe='/,')}" + ("?" + "&".join(query) if query else "")

    async def _websocket(self) -> float | None:
        """Follow until the connection ends; the seconds after which the server wants us back, if it said so."""
        async with self._connection() as channel:
            self._socket = socket = Socket(channel)
            self.unanswered_requests.clear()
            origin = {"Origin": self.run.server.origin}
            head = await socket.open(self.address("ws"), {**self.headers, **origin}, self.run.server)
            if head.status != 101:
                return self._refused(head.status, head.headers)
            self._became_live(channel.server_seconds())
            socket.start(self._receive_socket)
            await self._wait_for_end(channel, socket.closed)
            if socket.code is not None and socket.code >= 4500:
                raise StreamRefused(f"closed with {socket.code} {socket.reason}")
            return milliseconds(socket.reason) if socket.code in (4000, 4008) else None

    async def _sse(self) -> float | None:
        async with self._connection() as channel:
            stream, parser = Stream(channel), EventParser()

            def receive(data: bytes) -> None:
                for text in parser.feed(data):
                    self.receive(msgspec.json.decode(text))

            accept = {"Accept": "text/event-stream"}
            head = await stream.open(self.address("sse"), {**self.headers, **accept}, self.run.server)
            if head.status != 200:
                return self._refused(head.status, head.headers)
            self._became_live(channel.server_seconds())
            stream.start(receive)
            await self._wait_for_end(channel, stream.closed)
            return parser.retry

    async def _long_polling(self) -> float | None:
        connection = HttpConnection(self.run.server, self.link)
        self._tried_at = self.run.now()
        try:
            while not self._reconnect_wanted.is_set():
                answer = await self._poll_once(connection)
                if answer is None:
                    return None
                if answer.status != 200:
                    return self._refused(answer.status, answer.headers)
                self._became_live(answer.server_seconds)
                for message in (answer.json() or {}).get("events", []):
                    self.apply(message)
            return None
        finally:
            if connection.channel not in self.run.ghosts:
                connection.close()

    async def _poll_once(self, connection: HttpConnection) -> Response | None:
        """Return one response, or None if the reader must reconnect elsewhere first."""
        # The first request does not wait, so that its duration measures the server.
        wait = LONG_POLL_SECONDS if self.is_live.is_set() else 0.0
        address = self.address("updates", f"wait={wait:g}")
        request = asyncio.ensure_future(connection.request("GET", address, self.headers, patience=wait + 15))
        reconnecting = asyncio.ensure_future(self._reconnect_wanted.wait())
        both: list[asyncio.Future[Any]] = [request, reconnecting]
        try:
            await asyncio.sleep(0)
            self.channel = connection.channel
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            self.channel = connection.channel or self.channel
            return await request if request.done() else None
        finally:
            reconnecting.cancel()
            request.cancel()
            with suppress(asyncio.CancelledError, ConnectionLost):
                await request

    async def _wait_for_end(self, channel: Channel, closed: asyncio.Future[None]) -> None:
        """Wait until the connection ends, the reader must reconnect, or no data arrives for too long."""
        reconnecting = asyncio.ensure_future(self._reconnect_wanted.wait())
        both: list[asyncio.Future[Any]] = [closed, reconnecting]
        try:
            while not closed.done() and not self._reconnect_wanted.is_set():
                quiet = SILENCE_SECONDS - (self.run.now() - max(channel.received_at, channel.connected_at))
                if quiet <= 0:
                    return
                await asyncio.wait(both, timeout=quiet, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reconnecting.cancel()

    def _refused(self, status: int, headers: HTTPHeaders) -> float | None:
        if status in (401, 403, 404):
            raise StreamRefused(f"status {status}")
        if status in (429, 503) and (after := headers.get("retry-after", "")).isdecimal():
            self.run.figures.rate_limited += status == 429
            return min(float(after), 30.0)
        raise ConnectionLost(f"status {status}")

    # -- reactions

    def _receive_socket(self, text: str) -> None:
        message = msgspec.json.decode(text)
        ref = message.get("ref") if type(message) is dict else None
        if ref is None:
            self.receive(message)
        elif ref in self.unanswered_requests:
            stream = self.unanswered_requests.pop(ref)
            if "error" in message and stream in self.chains:
                self.reconnect()
        elif (waiting := self.waiting.get(ref)) is not None and not waiting.done():
            waiting.set_result(message)

    def active_poll_changed(self, previous: str | None) -> None:
        """Subscribe to the new active poll on a WebSocket; on another transport, reconnect."""
        if self.transport != "websocket":
            self._reconnect_wanted.set()
        elif self.is_live.is_set():
            with suppress(ConnectionLost):
                if previous is not None:
                    self._send_request("unsubscribe", previous)
                if self.poll is not None:
                    self._send_request("subscribe", self.poll)

    def _send_request(self, what: str, stream: str) -> None:
        assert self._socket is not None
        ref = str(next(self.refs))
        self.unanswered_requests[ref] = stream
        self._socket.send({"do": what, "ref": ref, "stream": stream})

    def told_of(self, message: dict[str, Any]) -> None:
        """Note when this reader gets what somebody said, for the first time."""
        data = message.get("data")
        if self.channel is not None and isinstance(data, dict) and "id" in data and data["id"] not in self._told_of:
            self._told_of.add(data["id"])
            since = max(self.live_since, self.channel.connected_at)
            self.run.record_seen((data["id"], "said", 0, False), self.channel, since, screen=self.audience)

    def poll_changed(self, poll: dict[str, Any]) -> None:
        act = (poll["id"], poll["phase"], poll["round"], poll["published"])
        if self.channel is not None and act != self._seen:
            since = max(self.followed_since, self.channel.connected_at)
            self.run.record_seen(act, self.channel, since, screen=self.audience)
        self._seen = act
