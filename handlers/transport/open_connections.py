"""The state that the connections of one server share: their number, writable sockets, and lingering sockets."""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING

from handlers.transport.lingering import Lingering

if TYPE_CHECKING:
    from handlers.transport.stream import LiveStream


class WritableWatcher:
    """Tells streams when their sockets are writable again. All share one epoll, because a writer in the event loop and
    one of Tornado's buffers would cost more than a kilobyte for each reader that never reads."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._full: dict[int, LiveStream] = {}
        self._watched = False

    def add(self, handle: int, stream: LiveStream) -> None:
        if not self._watched:
            asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._report_writable)
            self._watched = True
        self._full[handle] = stream
        self._epoll.register(handle, select.EPOLLOUT)

    def remove(self, handle: int) -> None:
        if self._full.pop(handle, None) is not None:
            self._epoll.unregister(handle)

    def _report_writable(self) -> None:
        for handle, _ in self._epoll.poll(0, 256):
            stream = self._full.get(handle)
            if stream is not None:  # otherwise another stream's callback has closed it
                self.remove(handle)
                stream.on_writable()


class OpenConnections:
    """The number of connections of one server, and what they share."""

    def __init__(self) -> None:
        self.writable_watcher = WritableWatcher()
        self.count = 0
        self.waiting: dict[LiveStream, None] = {}
        """The connections on which a request or a response is awaited, in the order in which they were opened. Live
        readers are not among them."""
        self.lingering = Lingering(self._ended)

    def _ended(self) -> None:
        self.count -= 1
