"""A stream that is written to directly and by Tornado: whoever waits for room is always told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop

from handlers.transport.stream import READ_AHEAD, LiveStream


class End:
    """One end as the hub uses it, and the bare socket at the other."""

    def __init__(self) -> None:
        ours, self.other = socket.socketpair()
        self.other.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.stream = LiveStream(ours)
        self.held = 0
        self.emptied = asyncio.Event()
        self.stream.on_buffered = self._held
        self.stream.on_empty = self.emptied.set

    def _held(self) -> None:
        self.held += 1

    def fill(self) -> None:
        with pytest.raises(BlockingIOError):
            while True:
                self.stream.socket.send(b"x" * 1000)

    def drain(self) -> bytes:
        got = b""
        try:
            while more := self.other.recv(100_000):
                got += more
        except BlockingIOError:
            pass
        return got

    async def told(self) -> None:
        while not self.emptied.is_set():
            self.drain()
            await asyncio.sleep(0.001)
        self.emptied.clear()


async def turns() -> None:
    """Let the loop look at its sockets some times."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def end(io_loop: IOLoop) -> Iterator[End]:
    made = End()
    yield made
    made.stream.close()
    made.other.close()


async def test_a_stream_sends_without_delay_whatever_tornado_asks_for_between_requests() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()):
        stream = LiveStream(listening.accept()[0])
        for value in (False, True, False):
            stream.set_nodelay(value)
            assert stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        stream.close()


async def test_what_lies_unread_does_not_end_the_listening_unless_it_is_much(end: End) -> None:
    loop, stream = IOLoop.current(), end.stream
    first = asyncio.ensure_future(stream.read_bytes(1))
    await asyncio.sleep(0)
    end.other.send(b"a" * 100)
    assert await first == b"a"
    assert stream._state is not None and stream._state & loop.READ
    while stream._state & loop.READ:
        end.other.send(b"b" * 500)
        await asyncio.sleep(0.001)
    size = stream.unread
    assert size > READ_AHEAD
    assert await stream.read_bytes(size) == b"a" * 99 + b"b" * (size - 99)


async def test_who_watches_is_told_when_there_is_room(end: End) -> None:
    end.fill()
    end.stream.watch()
    await turns()
    assert not end.emptied.is_set()
    await asyncio.wait_for(end.told(), 5)


async def test_who_watches_again_after_a_reply_went_out_is_told_again(end: End) -> None:
    """Tornado's own writing takes the place of the watch in the loop."""
    for _ in range(3):
        end.fill()
        end.stream.watch()
        end.stream.write(b"a reply")
        await asyncio.wait_for(end.told(), 5)


async def test_a_rest_that_leaves_at_once_is_told_too(end: End) -> None:
    """The reader read on between the direct send and the writing of what that left: nobody else would say so."""
    end.stream.keep(b"the rest")
    await asyncio.wait_for(end.emptied.wait(), 5)
    assert end.drain() == b"the rest"


async def test_a_rest_that_waits_is_told_once_it_left(end: End) -> None:
    end.fill()
    end.stream.keep(b"the rest")
    await turns()
    assert not end.emptied.is_set()
    await asyncio.wait_for(end.told(), 5)


async def test_a_rest_for_a_closed_stream_is_nobodys(end: End) -> None:
    end.stream.close()
    end.stream.keep(b"the rest")
    await asyncio.sleep(0)
    assert not end.emptied.is_set()


async def test_a_reply_that_takes_a_rest_with_it_does_not_deafen_the_stream(end: End) -> None:
    """Tornado then still listens for room; who watches takes its place in the loop, and gives it back."""

    def fill_again_and_watch() -> None:
        end.stream.on_empty = end.emptied.set
        end.fill()
        end.stream.watch()

    for _ in range(3):
        end.fill()
        end.stream.keep(b"the rest")
        end.drain()
        end.stream.on_empty = fill_again_and_watch
        end.stream.write(b"a reply")
        await asyncio.wait_for(end.told(), 5)
        end.fill()
        end.stream.keep(b"the rest")
        await asyncio.wait_for(end.told(), 5)


async def test_a_reply_that_waits_is_held_and_told_when_it_left(end: End) -> None:
    end.fill()
    end.stream.write(b"a reply")
    assert end.held == 1
    await asyncio.wait_for(end.told(), 5)


async def test_a_reply_that_leaves_at_once_holds_nothing(end: End) -> None:
    end.stream.write(b"a reply")
    assert (end.held, end.drain()) == (0, b"a reply")


async def test_a_closed_stream_tells_nobody(end: End) -> None:
    end.fill()
    end.stream.watch()
    end.stream.close()
    end.drain()
    await turns()
    assert not end.emptied.is_set()
