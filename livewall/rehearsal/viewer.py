"""Somebody who looks: joins a wall as a page does, follows it and its active poll, and comes back by position.

`Viewer` with `audience` is a projector; `people.Person` is a viewer that votes.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote

import msgspec

from livewall.client.transports import EventParser, milliseconds
from livewall.rehearsal.channel import Channel, Lost
from livewall.rehearsal.checks import Fault
from livewall.rehearsal.http_client import Answer, HttpConnection, Socket, Stream
from livewall.rehearsal.network import Link
from livewall.rehearsal.observer import Observer
from livewall.rehearsal.run import Act, Run

LONG_POLL = 25.0
FIRST_PAUSE, LAST_PAUSE = 0.2, 3.0
FAST_SILENCE = 45.0  # seconds without a word on a live connection: WebSockets have a heartbeat every 20, SSE every 15


class GoneForGood(Exception):
    """The server said that there is nothing to come back to."""


class Viewer(Observer):
    def __init__(self, hall: Run, name: str, transport: str, *, audience: bool = False) -> None:
        super().__init__(hall, name)
        self.transport = transport
        self.audience = audience
        self.chance = random.Random(hall.chance.random())
        self.link = Link(hall.weather, random.Random(hall.chance.random()))
        self.headers: dict[str, str] = {}
        self.channel: Channel | None = None
        self.is_live = asyncio.Event()
        self.refs = itertools.count(1)
        self.waiting: dict[str, asyncio.Future[Any]] = {}
        self._socket: Socket | None = None
        self._elsewhere = asyncio.Event()
        self._away = asyncio.Event()
        self._away.set()
        self._lost_at: float | None = None
        self._tried_at = 0.0
        self._seen: Act | None = None

    # -- staying connected

    async def stay(self, *more: Coroutine[Any, Any, None]) -> None:
        """Follow, endure, and do what else there is, until cancelled. Raises GoneForGood."""
        life = [asyncio.ensure_future(part) for part in (self.follow(), self.endure(), *more)]
        try:
            await asyncio.gather(*life)
        finally:
            for part in life:
                part.cancel()
            await asyncio.gather(*life, return_exceptions=True)

    async def watch(self) -> None:
        """A projector's life; its page is not loaded. Being sent away is noted as a fault of the hall."""
        try:
            await self.stay()
        except GoneForGood as problem:
            self.hall.fault(Fault("screen", f"{self.name} was sent away: {problem}"))

    async def follow(self) -> None:
        """Stay connected, whatever happens, until cancelled. Raises GoneForGood."""
        pause = FIRST_PAUSE
        while True:
            await self._away.wait()
            self._elsewhere.clear()
            hint: float | None = None
            try:
                hint = await getattr(self, f"_{self.transport.replace('-', '_')}")()
                pause = FIRST_PAUSE
            except Lost:
                pause = min(pause * 2, LAST_PAUSE)
            finally:
                self._not_live()
            if not self._elsewhere.is_set():
                await asyncio.sleep((pause if hint is None else hint) * self.chance.uniform(0.8, 1.2))

    async def endure(self) -> None:
        """What the network, and people's pockets, do to a connection, until the evening is over."""
        for spell in self.link.spells():
            if await self._over_within(spell.after):
                return
            if spell.kind == "asleep":
                if (channel := self.channel) is not None and channel.open:
                    channel.sleep(True)
                    await self._over_within(spell.seconds)
                    channel.sleep(False)
                continue
            self._away.clear()
            self.hall.figures.lost[spell.kind] += 1
            self.drop(vanish=spell.kind == "vanished")
            await self._over_within(spell.seconds)
            self._away.set()

    async def _over_within(self, seconds: float) -> bool:
        """Whether the evening ended before so many seconds were over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self.hall.over.wait()
        return False

    def drop(self, *, vanish: bool = False) -> None:
        if (channel := self.channel) is not None and channel.open:
            if vanish:
                self.hall.ghosts.add(channel)
                channel.vanish()
            else:
                channel.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Channel]:
        start = self.hall.now()
        channel = self.channel = await Channel.connect(self.hall.place, self.link, slow=True)
        self._tried_at = start
        try:
            yield channel
        finally:
            if channel not in self.hall.ghosts:
                channel.close()
            for waiting in self.waiting.values():
                if not waiting.done():
                    waiting.set_exception(Lost("the connection is lost"))

    def _live(self, server: float | None) -> None:
        """The server took us in."""
        figures = self.hall.figures
        if self.is_live.is_set():
            self.claimed.clear()
            return
        self.is_live.set()
        self.live_since = self.hall.now()
        figures.is_live(self.kind, +1)
        if self._lost_at is not None:
            self._lost_at = None
            figures.returned += 1
            figures.back.add(self.hall.now() - self._tried_at, server)
        else:
            self.claimed.clear()

    def _not_live(self) -> None:
        if self.is_live.is_set():
            self.is_live.clear()
            self.hall.figures.is_live(self.kind, -1)
            if not self._elsewhere.is_set():
                self._lost_at = self.hall.now()

    @property
    def kind(self) -> str:
        return "screens" if self.audience else self.transport

    # -- the transports

    def address(self, kind: str, more: str = "") -> str:
        streams = list(self.chains)
        at = {stream: chain.held.resume_at for stream, chain in self.chains.items()}
        self.claimed = {stream for stream, position in at.items() if position}
        since = ",".join(position or "" for position in at.values()) if self.claimed else ""
        query = [f"since={quote(since, safe=',~.')}"] if since else []
        query += [more] if more else []
        query += ["as=audience"] if self.audience else []
        return f"/{kind}/{quote(','.join(streams), safe='/,')}" + ("?" + "&".join(query) if query else "")

    async def _websocket(self) -> float | None:
        """Follow until the connection ends; the seconds after which the server wants us back, if it said so."""
        async with self._connection() as channel:
            self._socket = socket = Socket(channel)
            self.unanswered.clear()
            origin = {"Origin": self.hall.place.origin}
            head = await socket.open(self.address("ws"), {**self.headers, **origin}, self.hall.place)
            if head.status != 101:
                return self._refused(head.status, head.headers)
            self._live(channel.server_seconds())
            socket.start(self._hear_socket)
            await self._until_silent(channel, socket.closed)
            if socket.code is not None and socket.code >= 4500:
                raise GoneForGood(f"closed with {socket.code} {socket.reason}")
            return milliseconds(socket.reason) if socket.code in (4000, 4008) else None

    async def _sse(self) -> float | None:
        async with self._connection() as channel:
            stream, parser = Stream(channel), EventParser()

            def heard(data: bytes) -> None:
                for text in parser.feed(data):
                    self.hear(msgspec.json.decode(text))

            accept = {"Accept": "text/event-stream"}
            head = await stream.open(self.address("sse"), {**self.headers, **accept}, self.hall.place)
            if head.status != 200:
                return self._refused(head.status, head.headers)
            self._live(channel.server_seconds())
            stream.start(heard)
            await self._until_silent(channel, stream.closed)
            return parser.retry

    async def _long_polling(self) -> float | None:
        line = HttpConnection(self.hall.place, self.link)
        self._tried_at = self.hall.now()
        try:
            while not self._elsewhere.is_set():
                answer = await self._poll_once(line)
                if answer is None:
                    return None
                if answer.status != 200:
                    return self._refused(answer.status, answer.headers)
                self._live(answer.server_seconds)
                for message in (answer.json() or {}).get("events", []):
                    self.take(message)
            return None
        finally:
            if line.channel not in self.hall.ghosts:
                line.close()

    async def _poll_once(self, line: HttpConnection) -> Answer | None:
        """One answer; None when there is another place to look first."""
        # The first answer of a connection comes at once where it has something to say: how long it took is no secret.
        wait = LONG_POLL if self.is_live.is_set() else 0.0
        address = self.address("updates", f"wait={wait:g}")
        asking = asyncio.ensure_future(line.ask("GET", address, self.headers, patience=wait + 15))
        moving = asyncio.ensure_future(self._elsewhere.wait())
        both: list[asyncio.Future[Any]] = [asking, moving]
        try:
            await asyncio.sleep(0)
            self.channel = line.channel
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            self.channel = line.channel or self.channel
            return await asking if asking.done() else None
        finally:
            moving.cancel()
            asking.cancel()
            with suppress(asyncio.CancelledError, Lost):
                await asking

    async def _until_silent(self, channel: Channel, closed: asyncio.Future[None]) -> None:
        """Return when the connection has ended, when we are wanted elsewhere, or when nothing comes any more."""
        moving = asyncio.ensure_future(self._elsewhere.wait())
        both: list[asyncio.Future[Any]] = [closed, moving]
        try:
            while not closed.done() and not self._elsewhere.is_set():
                quiet = FAST_SILENCE - (self.hall.now() - max(channel.raw_at, channel.connected_at))
                if quiet <= 0:
                    return
                await asyncio.wait(both, timeout=quiet, return_when=asyncio.FIRST_COMPLETED)
        finally:
            moving.cancel()

    def _refused(self, status: int, headers: Any) -> float | None:
        if status in (401, 403, 404):
            raise GoneForGood(f"status {status}")
        if status in (429, 503) and (after := headers.get("retry-after", "")).isdecimal():
            self.hall.figures.rate_limited += status == 429
            return min(float(after), 30.0)
        raise Lost(f"status {status}")

    # -- what follows from what is seen

    def _hear_socket(self, payload: bytes) -> None:
        message = msgspec.json.decode(payload)
        ref = message.get("ref") if type(message) is dict else None
        if ref is None:
            self.hear(message)
        elif ref in self.unanswered:
            stream = self.unanswered.pop(ref)
            if "error" in message and stream in self.chains:
                self.drop()
        elif (waiting := self.waiting.get(ref)) is not None and not waiting.done():
            waiting.set_result(message)

    def move(self, left: str | None) -> None:
        """Over the socket the server is told; other connections are made anew."""
        if self.transport != "websocket":
            self._elsewhere.set()
        elif self.is_live.is_set():
            with suppress(Lost):
                if left is not None:
                    self._ask("unsubscribe", left)
                if self.poll is not None:
                    self._ask("subscribe", self.poll)

    def _ask(self, what: str, stream: str) -> None:
        assert self._socket is not None
        ref = str(next(self.refs))
        self.unanswered[ref] = stream
        self._socket.say({"do": what, "ref": ref, "stream": stream})

    def look_at_poll(self, poll: dict[str, Any]) -> None:
        act = (poll["id"], poll["phase"], poll["round"], poll["published"])
        if self.channel is not None and act != self._seen:
            since = max(self.staged_at, self.channel.connected_at)
            self.hall.saw(act, self.channel, since, screen=self.audience)
        self._seen = act
