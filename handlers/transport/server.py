"""The TCP server: accepts connections, limits their number, and closes those that send nothing."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable, Iterable
from typing import Any

from tornado.httpserver import HTTPServer, _HTTPRequestContext
from tornado.iostream import IOStream

from handlers.transport.error_responses import MAX_HEADER, request_timeout
from handlers.transport.http1 import ServerConnection
from handlers.transport.open_connections import OpenConnections
from handlers.transport.stream import LiveStream
from livewall.request_deadlines import Patience, Phase, Terms

log = logging.getLogger("livewall.http")

READ_CHUNK = 8 * 1024
"""The size in bytes of the buffer for each read. Most input is a pong, an act or a request of some hundred bytes."""
MAX_BUFFER = 2 << 20
MAX_ACCEPTS = 64
"""The number of connections that are accepted in one turn of the event loop."""
PAUSE = 0.25
"""The time in seconds for which no connection is accepted if there is no room."""
WARNING_INTERVAL = 60.0
"""The time in seconds between two warnings that there is no room."""
SILENT, IDLE = 2.0, 10.0
"""The time in seconds after which a connection without a request, or between two requests, gives way to a new one."""
MAX_UNFINISHED_HEADERS = 32 << 20
"""The number of bytes of unfinished headers of all connections together. Beyond it, the newest are closed."""
NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class LiveServer(HTTPServer):
    """An HTTPServer whose connections are LiveStreams, at most `max_connections` at once."""

    def initialize(  # type: ignore[override]
        self, application: Any, *, max_connections: int, clock: Callable[[], float], terms: Terms | None = None
    ) -> None:
        super().initialize(
            application,
            chunk_size=READ_CHUNK,
            max_buffer_size=MAX_BUFFER,
            max_header_size=MAX_HEADER,
            max_body_size=MAX_BUFFER,
        )
        self.max_connections = max_connections
        self.terms = terms or Terms()
        self.connections = OpenConnections()
        self.clock = clock
        self._listening: list[socket.socket] = []
        self._paused: asyncio.TimerHandle | None = None
        self._next_warning = float("-inf")
        self._serving: dict[LiveStream, ServerConnection] = {}

    def now(self) -> float:
        return self.clock()

    # -- who comes in

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        self._listening += sockets
        self._resume_accepting()

    def _resume_accepting(self) -> None:
        self._paused = None
        for each in self._listening:
            asyncio.get_running_loop().add_reader(each, self._accept, each)

    def _pause(self, why: str = "") -> None:
        """Accept no connections for a moment. Those that wait stay in the queue of the operating system."""
        loop = asyncio.get_running_loop()
        for each in self._listening:
            loop.remove_reader(each)
        self._paused = loop.call_later(PAUSE, self._resume_accepting)
        now = self.now()
        if now >= self._next_warning:
            self._next_warning = now + WARNING_INTERVAL
            if why:
                log.warning("cannot accept connections, new ones wait: %s", why)
                return
            log.warning(
                "no room for another connection: %d are open; new ones wait. Raise the limit of open files "
                "(ulimit -n, or LimitNOFILE= under systemd) if they are your audience",
                self.connections.count,
            )

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(MAX_ACCEPTS):
            # Not accepted and closed again: a client that waits in the queue of the system gets its turn later.
            if self.connections.count >= self.max_connections and not self._make_room():
                self._pause()
                return
            try:
                connection, address = listening.accept()
            except BlockingIOError:
                return
            # The client has disconnected while it waited (accept(2)).
            except ConnectionAbortedError:
                continue
            except OSError as error:
                if error.errno in NO_ROOM:
                    self._make_room()
                    self._pause()
                else:  # If it were raised, it would be raised again at once, in a loop.
                    self._pause(os.strerror(error.errno or 0))
                return
            self.serve_connection(connection, address)

    def serve_connection(self, connection: socket.socket, address: Any) -> None:
        """Serve a connection that has been accepted."""
        stream = LiveStream(
            connection,
            connections=self.connections,
            max_buffer_size=self.max_buffer_size,
            read_chunk_size=self.read_chunk_size,
        )
        self.handle_stream(stream, address)

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        assert isinstance(stream, LiveStream)
        stream.patience = Patience(self.now())
        self.connections.waiting[stream] = None
        context = _HTTPRequestContext(stream, address, self.protocol, self.trusted_downstream)
        serving = self._serving[stream] = ServerConnection(stream, self.conn_params, context, self.now, self.terms)
        self._connections.add(serving)
        serving.start_serving(self)

    def on_close(self, server_conn: object) -> None:
        assert isinstance(server_conn, ServerConnection)
        self._serving.pop(server_conn.stream, None)
        super().on_close(server_conn)

    # -- who has to leave

    def sweep(self) -> None:
        """Close the connections that take too long. This is called about once a second."""
        now, terms, headers = self.now(), self.terms, 0
        for stream in list(self.connections.waiting):
            patience, serving = stream.patience, self._serving.get(stream)
            if patience is None or serving is None:
                continue
            unread = stream.unread
            is_late = patience.is_over(
                now,
                came=stream.bytes_read,
                begun=unread > 0,
                sent=stream.bytes_sent,
                unsent=serving.unsent,
                terms=terms,
            )
            if patience.phase is Phase.HEADER:
                headers += unread
            if not is_late and (patience.phase is not Phase.HEADER or headers <= MAX_UNFINISHED_HEADERS):
                continue
            if patience.phase is Phase.BODY or (patience.phase is Phase.HEADER and unread):
                stream.refuse(request_timeout(terms, patience.phase is Phase.BODY))
            else:
                stream.close()

    def _make_room(self) -> bool:
        """Close some connections on which no request is under way: first those that never finished one, then those that
        have been idle the longest. Clients that vote or watch are not touched."""
        now = self.now()
        silent: list[tuple[float, LiveStream]] = []
        idle: list[tuple[float, LiveStream]] = []
        for stream in self.connections.waiting:
            patience = stream.patience
            if patience is not None and patience.phase is Phase.HEADER:
                silent.append((patience.waited(now), stream))
            elif patience is not None and patience.phase is Phase.IDLE and not stream.unread:
                idle.append((patience.waited(now), stream))
        min_wait, candidates = (SILENT, silent) if silent else (IDLE, idle)
        candidates = [each for each in candidates if each[0] >= min_wait]
        candidates.sort(key=lambda each: -each[0])
        # Several at once: this search goes through all connections, and must not run for each new one.
        for _, stream in candidates[: max(1, self.max_connections // 20)]:
            stream.close()
        return bool(candidates)

    # -- the end

    def stop(self) -> None:
        super().stop()
        loop = asyncio.get_running_loop()
        if self._paused is not None:
            self._paused.cancel()
        for each in self._listening:
            loop.remove_reader(each)
            each.close()
        self._listening.clear()

    async def close_all_connections(self) -> None:
        await super().close_all_connections()
        self.connections.lingering.close()
