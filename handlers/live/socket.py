"""WebSockets: one LiveSocket that follows streams and takes acts, and what PollSocket, WallSocket and TaskSocket add.

A socket is refused by closing it with a code after it was accepted, so that a browser's script can tell why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tornado.websocket import WebSocketHandler, WebSocketProtocol

from handlers.api.polls import result_of
from handlers.base import BaseHandler
from handlers.live.connections import Connections
from handlers.transport.header import forget
from handlers.transport.stream import LiveStream
from handlers.transport.websocket import Frames
from livewall import wire
from livewall.errors import BadInput, Busy, CloseCode, LivewallError, NotAllowed, close_code, invalid
from livewall.hub.framing import WebSocketFraming, text_frame
from livewall.hub.reader import Reader, State
from livewall.limits import is_guess
from livewall.pending_bodies import Share
from livewall.services import Services
from livewall.voting.ballots import Cast

MAX_STREAMS = 16
MAX_MESSAGE = 64 * 1024
MAX_UNDER_WAY = 32
FRAMING = WebSocketFraming()
PING = b"\x89\x00"


class SocketOutlet:
    """A WebSocket as the hub sees it."""

    __slots__ = ("send", "socket", "stream")
    framing = FRAMING

    def __init__(self, socket: LiveSocket, stream: LiveStream) -> None:
        self.socket = socket
        self.stream = stream
        self.send: Callable[[bytes], int] = stream.socket.send

    def keep(self, rest: bytes) -> None:
        self.stream.keep(rest)

    def watch(self) -> None:
        self.stream.watch()

    def ended(self, stream: str, error: LivewallError) -> None:
        self.socket.ended(stream, error)

    def lost(self) -> None:
        self.stream.close()


class LiveSocket(BaseHandler, WebSocketHandler):
    """GET /ws/STREAMS"""

    transport = "websocket"
    has_head = False

    def initialize(self, services: Services, connections: Connections) -> None:  # type: ignore[override]
        super().initialize(services)
        self.connections = connections
        self.reader: Reader | None = None
        self._outlet: SocketOutlet | None = None
        self._named: list[str] = []
        self._slot = -1
        self._answered = True
        self._stuck = False
        self._replies: list[bytes] = []
        self._under_way = 0
        self._full_at = 0.0
        self._address = ""
        self._come_back: int | None = None
        self._room: asyncio.Event | None = None
        self._changes: list[wire.Subscribe | wire.Unsubscribe] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def credential(self) -> str:
        return self.who.credential

    # -- opening

    async def prepare(self) -> None:
        headers = self.request.headers
        if self.request.method != "GET":
            raise BadInput("method_not_allowed", "a WebSocket begins with GET")
        if headers.get("Upgrade", "").lower() != "websocket":
            raise BadInput("malformed", "this address speaks WebSocket; use /sse/ or /updates/ without")
        if "upgrade" not in headers.get("Connection", "").lower() or not headers.get("Sec-WebSocket-Key"):
            raise BadInput("malformed", "the WebSocket handshake lacks Connection: Upgrade or its key")
        if self.services.site.is_foreign(headers, self.request.host, self.schemes):
            raise NotAllowed("forbidden", f"a page of another site cannot open a socket here{self.services.site.hint}")
        self._refused: LivewallError | None = None
        try:
            await self.identify()
        except LivewallError as error:
            self._refused = error
        self.refuse_other_host()

    def check_origin(self, origin: str) -> bool:
        return True  # decided in `prepare`, with our own answer

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        if self.request.headers.get("Sec-WebSocket-Version") != "13":
            return None
        return Frames(self, MAX_MESSAGE, Share(self.services.bodies, self.address), self._take_message)

    async def open(self, *args: str, **kwargs: str) -> None:
        if self._refused is not None:
            self.refuse(self._refused)
            return
        if self.services.draining:
            self.drain(1000)
            return
        stream = self.stream
        if stream.closed():  # left while it was found out who asks
            return
        self._outlet = SocketOutlet(self, stream)
        self.reader = Reader(self._outlet, self.who)
        self.connections.add(self)
        self._slot = self.connections.websocket_heartbeat.add(self)
        stream.go_live(self._held, self._empty, self._answer)
        stream.set_close_callback(self._make_room)  # Tornado notices at its next read, which may wait for room
        # What a request said is not needed any more, and it is most of what a waiting connection would keep.
        names, since = streams_of(args[0]), self.since()
        self._address = self.address
        forget(self.request.headers)
        try:
            await follow(self.services, self.reader, names, since)
        except LivewallError as error:
            self.refuse(error)
            return
        self._named = names
        if self.reader.state is not State.GONE:
            self.services.hub.hub.start(self.reader)

    @property
    def stream(self) -> LiveStream:
        protocol = self.ws_connection
        assert isinstance(protocol, Frames)
        return protocol.stream

    def _held(self) -> None:
        if self.reader is not None:
            self.services.hub.hub.busy(self.reader)

    def _empty(self) -> None:
        if self.reader is not None:
            self._stuck = False
            self.services.hub.hub.ready(self.reader)
        self._make_room()

    # -- closing

    def refuse(self, error: LivewallError) -> None:
        self._close(close_code(error), error.message)

    def drain(self, after_ms: int) -> None:
        """What is under way is answered first: a server that stops commits what it took."""
        self._come_back = after_ms
        if not self._under_way:
            self._leave()

    def _leave(self) -> None:
        self._close(CloseCode.DRAINING, str(self._come_back))

    def _close(self, code: int, reason: str) -> None:
        """Close with a code. No direct send may follow the close frame."""
        self._flush()
        if self.reader is not None:
            self.services.hub.hub.gone(self.reader)
        self.close(code, reason.encode()[:120].decode("utf-8", "ignore"))
        self._make_room()

    def on_close(self) -> None:
        if self.reader is not None and self._outlet is not None:
            stream = self._outlet.stream
            self.services.hub.hub.gone(self.reader)
            self.connections.remove(self)
            self.connections.websocket_heartbeat.remove(self, self._slot)
            # Without this the stream would hold the socket that holds it, until the collector comes.
            stream.go_still()
            self.reader = self._outlet = None
        self._make_room()

    def ended(self, stream: str, error: LivewallError) -> None:
        """The right to one stream is lost: said in a message, or by closing where the address named nothing else."""
        if self._named == [stream]:
            asyncio.get_running_loop().call_soon(self.refuse, error)
            return
        self._say({"stream": stream, "reset": True})
        self._say({"stream": stream, "error": error.body()})

    # -- the pulse

    def heartbeat(self) -> None:
        """Every 20 s a ping and a heartbeat; a socket that did not answer the last ping is closed."""
        protocol = self.ws_connection
        if protocol is None or protocol.is_closing() or self.reader is None:
            return
        if not self._answered or self._stuck:
            self._cut()
            return
        if self.reader.state is not State.READY:
            self._stuck = True  # no ping passes what it has not read; reading shows as well that somebody is there
        else:
            self._answered = False
            positions = self.services.hub.hub.positions(self.reader)
            self.stream.say(PING + text_frame(wire.encode({"heartbeat": positions, "now": self.now()})))

    def _cut(self) -> None:
        """Nothing was heard for two periods: whoever is there cannot catch up."""
        stream = self.stream
        self._close(CloseCode.CANNOT_CATCH_UP, "no answer to a ping")
        if stream.holding:
            stream.close()

    def on_pong(self, data: bytes) -> None:
        self._answer()

    def _answer(self) -> None:
        """Somebody is there, and reads."""
        self._answered = True
        self._stuck = False

    # -- acts

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        self._answer()
        try:
            if isinstance(message, bytes):
                raise BadInput("malformed", "send text, not binary")
            self._act(wire.decode_act(message))
        except LivewallError as error:
            self._error(wire.ref_of(message), error)
            self._count_message()
        return self._wait_for_room() if self._is_full() else None

    def _is_full(self) -> bool:
        """Whether so many acts are under way, or the client reads its answers so slowly, that no more is read."""
        if self.ws_connection is None or self.ws_connection.is_closing():
            return False
        return self._under_way >= MAX_UNDER_WAY or self.stream.holding

    async def _wait_for_room(self) -> None:
        while self._is_full():  # asked here, too: there may be room again before this runs for the first time
            self._room = asyncio.Event()
            await self._room.wait()
        self._room = None

    def _make_room(self) -> None:
        if self._room is not None and not self._is_full():
            self._room.set()

    def _act(self, act: wire.Vote | wire.Retract | wire.Subscribe | wire.Unsubscribe) -> None:
        match act:
            case wire.Vote():
                self._vote(act)
            case wire.Retract():
                self._retract(act)
            case wire.Subscribe() | wire.Unsubscribe():
                self._count(1)
                self._count_message()
                self._changes.append(act)
                if len(self._changes) == 1:
                    self._task = asyncio.ensure_future(self._follow())

    def _count_message(self) -> None:
        """What is refused, and what asks the store, is limited for each connection: beyond, it is closed with 4008."""
        try:
            self._take_message()
        except Busy as error:
            asyncio.get_running_loop().call_soon(self.refuse, error)

    def _take_message(self) -> None:
        """Raises Busy (`rate`)."""
        full_at = self.services.limits.message(self._full_at, self.services.monotonic())
        if full_at is None:
            raise Busy("rate", "too many messages that could not be taken")
        self._full_at = full_at

    def _vote(self, act: wire.Vote) -> None:
        poll, voter = self._poll(act.poll), self._voter()

        def done(cast: Cast | None, error: BaseException | None) -> None:
            self._count(-1)
            if act.code:
                error = self._looked_at(voter, error)
            if cast is None:
                self._error(act.ref, error)
                return
            self.services.metrics.ballot[result_of(cast)].inc()
            self._ok(act.ref, cast.ballot)

        if act.code:
            self._vote_in_turn(poll, voter, act, done)
        else:
            self.services.booth.cast(poll, voter, act, done)
            self._count(1)

    def _vote_in_turn(
        self, poll: str, voter: str, act: wire.Vote, done: Callable[[Cast | None, BaseException | None], None]
    ) -> None:
        """A code may have to wait for its turn. Raises Busy (`rate`)."""
        wait = self.services.limits.turn(voter, self._address, self.services.monotonic())
        self._count(1)

        def cast() -> None:
            try:
                self.services.booth.cast(poll, voter, act, done)
            except LivewallError as error:  # the server is stopping
                done(None, error)

        if wait:
            asyncio.get_running_loop().call_later(wait, cast)
        else:
            cast()

    def _looked_at(self, voter: str, error: BaseException | None) -> BaseException | None:
        """Count a wrong code; what its voter is told."""
        wrong = isinstance(error, LivewallError) and is_guess(error)
        try:
            self.services.limits.looked_at(voter, self._address, self.services.monotonic(), wrong=wrong)
        except Busy as busy:
            return busy
        return error

    def _retract(self, act: wire.Retract) -> None:
        poll, voter = self._poll(act.poll), self._voter()

        def done(cast: Cast | None, error: BaseException | None) -> None:
            self._count(-1)
            if cast is None:
                self._error(act.ref, error)
            else:
                self._ok(act.ref, cast.ballot)

        self.services.booth.retract(poll, voter, act.round, done)
        self._count(1)

    async def _follow(self) -> None:
        """One change after the other, so that what was asked last holds and no more streams than allowed are taken."""
        while self._changes:
            act = self._changes[0]
            try:
                if self.reader is not None:
                    await self._change(self.reader, act)
            except Exception as error:
                self._error(act.ref, error)
            self._changes.pop(0)
            self._count(-1)

    async def _change(self, reader: Reader, act: wire.Subscribe | wire.Unsubscribe) -> None:
        if isinstance(act, wire.Unsubscribe):
            self.services.hub.hub.detach(reader, act.stream)
            self._ok(act.ref, {"stream": act.stream})
            return
        if act.stream not in reader.cursors and len(reader.cursors) >= MAX_STREAMS:
            raise too_many()
        await self.services.hub.attach(reader, stream_name(act.stream), act.since)
        self._ok(act.ref, {"stream": act.stream}, now=True)
        self.services.hub.hub.start(reader)

    def _count(self, change: int) -> None:
        self._under_way += change
        if change < 0:
            self._make_room()
            if not self._under_way and self._come_back is not None:
                asyncio.get_running_loop().call_soon(self._leave)

    def _poll(self, named: str | None) -> str:
        if named is not None:
            return named
        raise invalid("poll", "say which poll")

    def _voter(self) -> str:
        if self.who.voter is None:
            raise NotAllowed("no_voter", "get a voter with POST /api/voters, and send its token when you connect")
        self.services.limits.act(self.who.voter, self.services.monotonic())
        return self.who.voter

    # -- answers: those that come together leave together

    def _ok(self, ref: str, found: Any, *, now: bool = False) -> None:
        self._say({"ref": ref, "ok": found}, now=now)

    def _error(self, ref: str | None, error: BaseException | None) -> None:
        if not isinstance(error, LivewallError):
            if error is not None:
                self.log_exception(type(error), error, error.__traceback__)
            error = LivewallError("internal", "something went wrong here; it was logged")
        self._say({"ref": ref, "error": error.body()})

    def _say(self, message: Any, *, now: bool = False) -> None:
        if not self._replies and not now:
            asyncio.get_running_loop().call_soon(self._flush)
        self._replies.append(text_frame(wire.encode(message)))
        if now:
            self._flush()

    def _flush(self) -> None:
        replies, self._replies = self._replies, []
        protocol = self.ws_connection
        if replies and protocol is not None and not protocol.is_closing():
            self.stream.say(b"".join(replies))


class PollSocket(LiveSocket):
    """GET /ws/polls/ID: the poll an act is about need not be named."""

    def _poll(self, named: str | None) -> str:
        return named if named is not None else self.path_args[0].partition("/")[2]


class WallSocket(LiveSocket):
    """GET /ws/walls/CODE: follows its active item by `subscribe`, so losing one item closes nothing."""


class TaskSocket(LiveSocket):
    """GET /ws/tasks and /ws/tasks/ID: nothing to act on."""

    def _poll(self, named: str | None) -> str:
        raise invalid("poll", "this socket follows a task; say which poll")


def stream_name(text: str) -> str:
    """A stream's name, or the refusal of what can be none."""
    if not text or len(text) > 120 or not text.isascii() or not text.isprintable() or any(c in text for c in '"\\ '):
        raise LivewallError("no_such_stream", "there is no such stream")
    return text


def streams_of(text: str) -> list[str]:
    """The streams of an address, each once."""
    return list(dict.fromkeys(text.split(",")))


def too_many() -> LivewallError:
    return BadInput("too_many_streams", f"at most {MAX_STREAMS} streams on one connection")


async def follow(services: Services, reader: Reader, names: list[str], since: str) -> None:
    """Give a reader its cursors, in the order of the address. Raises the first refusal.

    As many positions as streams, or none counts: one that belongs to another stream would be a hole.
    """
    if len(names) > MAX_STREAMS:
        raise too_many()
    places = since.split(",")
    if len(places) != len(names):
        places = [""] * len(names)
    for name, place in zip(names, places, strict=True):
        await services.hub.attach(reader, stream_name(name), place or None)

