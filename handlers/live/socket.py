"""WebSockets: `LiveSocket`, and the sockets of polls, walls and tasks.

A socket is refused by closing it with a code after it was accepted, so that the script of a page can see the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tornado.websocket import WebSocketHandler, WebSocketProtocol

from handlers.base import BaseHandler
from handlers.live.acts import Acts, MessageRate
from handlers.live.connections import Connections
from handlers.live.replies import Replies
from handlers.live.streams import follow, streams_of
from handlers.transport.header import clear_fields
from handlers.transport.stream import LiveStream
from handlers.transport.websocket import Frames
from livewall import wire
from livewall.errors import BadInput, Busy, CloseCode, LivewallError, NotAllowed, close_code, invalid
from livewall.hub.framing import WebSocketFraming, text_frame
from livewall.hub.reader import Reader, State
from livewall.pending_bodies import Share
from livewall.services import Services

MAX_MESSAGE = 64 * 1024
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

    def keep(self, unsent: bytes) -> None:
        self.stream.keep(unsent)

    def watch(self) -> None:
        self.stream.watch()

    def ended(self, stream: str, error: LivewallError) -> None:
        self.socket.ended(stream, error)

    def lost(self) -> None:
        self.stream.close()


class LiveSocket(BaseHandler, WebSocketHandler):
    """GET /ws/STREAMS: the handshake, the heartbeat and the end of a socket. `Acts` carries out what it sends."""

    transport = "websocket"
    has_head = False

    def initialize(self, services: Services, connections: Connections) -> None:  # type: ignore[override]
        super().initialize(services)
        self.connections = connections
        self.reader: Reader | None = None
        self._outlet: SocketOutlet | None = None
        self._acts: Acts | None = None
        self._replies = Replies(self._write)
        self._rate = MessageRate(services)
        self._named: list[str] = []
        self._slot = -1
        self._pong_received = True
        self._is_stuck = False
        self._retry_after_ms: int | None = None
        self._room: asyncio.Event | None = None

    @property
    def credential(self) -> str:
        return self.who.credential

    # -- opening

    async def prepare(self) -> None:
        headers = self.request.headers
        if self.request.method != "GET":
            raise BadInput("method_not_allowed", "a WebSocket begins with GET")
        if headers.get("Upgrade", "").lower() != "websocket":
            raise BadInput("malformed", "this address is for WebSockets; otherwise use /sse/ or /updates/")
        if "upgrade" not in headers.get("Connection", "").lower() or not headers.get("Sec-WebSocket-Key"):
            raise BadInput("malformed", "the WebSocket handshake lacks Connection: Upgrade or Sec-WebSocket-Key")
        if self.services.site.is_foreign(headers, self.request.host, self.schemes):
            raise NotAllowed("forbidden", f"a page of another site cannot open a socket here{self.services.site.hint}")
        self._refused: LivewallError | None = None
        try:
            await self.identify()
        except LivewallError as error:
            # The handshake is completed nevertheless: a script cannot read the status of one that was refused.
            self._refused = error
        self.refuse_other_host()

    def check_origin(self, origin: str) -> bool:
        return True  # decided in `prepare`, with an error in our own shape

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        if self.request.headers.get("Sec-WebSocket-Version") != "13":
            return None
        return Frames(self, MAX_MESSAGE, Share(self.services.bodies, self.address), self._rate.take)

    async def open(self, *args: str, **kwargs: str) -> None:
        if self._refused is not None:
            self.refuse(self._refused)
            return
        if self.services.draining:
            self.drain(1000)
            return
        stream = self.stream
        if stream.closed():  # the client disconnected while it was identified
            return
        self._outlet = SocketOutlet(self, stream)
        self.reader = Reader(self._outlet, self.who)
        self._acts = Acts(
            self.services,
            self.reader,
            self._replies,
            address=self.address,
            poll_of=self.poll_of,
            finished=self._act_finished,
        )
        self.connections.add(self)
        self._slot = self.connections.websocket_heartbeat.add(self)
        stream.start_direct_sends(self._buffered, self._drained, self._mark_alive)
        stream.set_close_callback(self._make_room)  # Tornado would notice at its next read, which may have to wait
        # The headers of the request are not needed any longer, and they are most of the memory of an idle connection.
        names, since = streams_of(args[0]), self.since()
        clear_fields(self.request.headers)
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

    def _is_closing(self) -> bool:
        return self.ws_connection is None or self.ws_connection.is_closing()

    def _write(self, data: bytes) -> None:
        if not self._is_closing():
            self.stream.send_soon(data)

    def _buffered(self) -> None:
        if self.reader is not None:
            self.services.hub.hub.busy(self.reader)

    def _drained(self) -> None:
        if self.reader is not None:
            self._is_stuck = False
            self.services.hub.hub.ready(self.reader)
        self._make_room()

    # -- closing

    def refuse(self, error: LivewallError) -> None:
        self._close(close_code(error), error.message)

    def drain(self, after_ms: int) -> None:
        """Close the connection once the acts under way are answered, because a server that stops commits what it has
        accepted."""
        self._retry_after_ms = after_ms
        if self._acts is None or not self._acts.under_way:
            self._close_for_drain()

    def _close_for_drain(self) -> None:
        self._close(CloseCode.DRAINING, str(self._retry_after_ms))

    def _close(self, code: int, reason: str) -> None:
        """Close with a code. No direct send may follow the close frame."""
        self._replies.flush()
        if self.reader is not None:
            self.services.hub.hub.gone(self.reader)
        # A control frame has at most 125 bytes, two of them for the code (RFC 6455 §5.5.1).
        self.close(code, reason.encode()[:120].decode("utf-8", "ignore"))
        self._make_room()

    def on_close(self) -> None:
        if self.reader is not None and self._outlet is not None:
            stream = self._outlet.stream
            self.services.hub.hub.gone(self.reader)
            self.connections.remove(self)
            self.connections.websocket_heartbeat.remove(self, self._slot)
            # Without this, the stream and the socket would hold each other until the garbage collector runs.
            stream.stop_direct_sends()
            self.reader = self._outlet = None
        self._make_room()
        if self._acts is not None:
            self._acts.close()
        self._acts = None  # breaks the cycle, as `stop_direct_sends` does
        self._replies.close()

    def ended(self, stream: str, error: LivewallError) -> None:
        """Tell the client that it may no longer read a stream. Close the connection if the address named no other
        stream."""
        # Later, because the hub is just walking through the readers of the stream.
        if self._named == [stream]:
            asyncio.get_running_loop().call_soon(self.refuse, error)
            return
        self._replies.send({"stream": stream, "reset": True})
        self._replies.send({"stream": stream, "error": error.body()})

    # -- the heartbeat

    def heartbeat(self) -> None:
        """Send a ping and a heartbeat, every 20 s. Close a socket that did not answer the last ping."""
        if self._is_closing() or self.reader is None:
            return
        if not self._pong_received or self._is_stuck:
            self._close_silent()
            return
        if self.reader.state is not State.READY:
            # A ping cannot overtake the bytes that the client has not read, and reading them shows that it is alive.
            self._is_stuck = True
        else:
            self._pong_received = False
            positions = self.services.hub.hub.positions(self.reader)
            self.stream.send_soon(PING + text_frame(wire.encode({"heartbeat": positions, "now": self.now()})))

    def _close_silent(self) -> None:
        """Close a socket from which nothing has arrived for two periods."""
        stream = self.stream
        self._close(CloseCode.CANNOT_CATCH_UP, "no answer to a ping")
        # A close frame behind unread bytes never arrives, and the connection would stay until TCP gives up.
        if stream.has_buffered_bytes:
            stream.close()

    def on_pong(self, data: bytes) -> None:
        self._mark_alive()

    def _mark_alive(self) -> None:
        self._pong_received = True
        self._is_stuck = False

    # -- acts

    def poll_of(self, named: str | None) -> str:
        """Return the poll that an act is about. Raises BadInput."""
        if named is not None:
            return named
        raise invalid("poll", "name the poll")

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        self._mark_alive()
        if self._acts is None:  # the socket was refused, and is closing
            return None
        uncounted = True
        try:
            if isinstance(message, bytes):
                raise BadInput("malformed", "send text, not binary")
            uncounted = self._acts.perform(wire.decode_act(message))
        except LivewallError as error:
            self._replies.error(wire.ref_of(message), error)
        if uncounted:
            self._count_message()
        return self._wait_for_room() if self._is_full() else None

    def _count_message(self) -> None:
        """Count a message that was refused or that needs the store. Beyond the limit, the socket is closed with
        4008."""
        try:
            self._rate.take()
        except Busy as error:
            asyncio.get_running_loop().call_soon(self.refuse, error)

    def _act_finished(self) -> None:
        self._make_room()
        if self._acts is not None and not self._acts.under_way and self._retry_after_ms is not None:
            asyncio.get_running_loop().call_soon(self._close_for_drain)

    def _is_full(self) -> bool:
        """Return whether reading has to pause: too many acts are under way, or the client reads its replies too
        slowly."""
        if self._is_closing() or self._acts is None:
            return False
        return self._acts.is_full or self.stream.has_buffered_bytes

    async def _wait_for_room(self) -> None:
        while self._is_full():  # Checked here, too: there may be room again before this runs for the first time.
            self._room = asyncio.Event()
            await self._room.wait()
        self._room = None

    def _make_room(self) -> None:
        if self._room is not None and not self._is_full():
            self._room.set()


class PollSocket(LiveSocket):
    """GET /ws/polls/ID. An act that names no poll is about this one."""

    def poll_of(self, named: str | None) -> str:
        return named if named is not None else self.path_args[0].partition("/")[2]


class WallSocket(LiveSocket):
    """GET /ws/walls/CODE. The client follows the active item with `subscribe`, so losing one item closes nothing."""


class TaskSocket(LiveSocket):
    """GET /ws/tasks and /ws/tasks/ID. An act must name its poll."""

    def poll_of(self, named: str | None) -> str:
        raise invalid("poll", "this socket follows a task; name the poll")
