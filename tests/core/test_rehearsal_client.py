"""The HTTP and WebSocket client of a rehearsal, on channels whose other end is this test."""

from __future__ import annotations

import asyncio
import gzip
import random
from collections.abc import Callable, Coroutine
from typing import Any, cast

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto import ConnectionType, WSConnection, events

from livewall.rehearsal import http_client
from livewall.rehearsal.channel import Channel, ConnectionLost, ServerAddress
from livewall.rehearsal.http_client import HttpConnection, Incoming, Response, Socket, Stream
from livewall.rehearsal.network import GOOD, Link

SERVER = ServerAddress("h", "h:1", "http://h:1", 0, None, None)
HEAD = b"HTTP/1.1 200 OK\r\n"
PLAIN = HEAD + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
SIZES = st.lists(st.integers(1, 40), max_size=30)


class Wire:
    """The other end of one connection: what the client wrote, and what it reads."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False
        self.channel = Channel(Link(GOOD, random.Random(1)))
        self.channel.connection_made(cast(asyncio.Transport, self))

    def write(self, data: bytes) -> None:
        self.written += data

    def abort(self) -> None:
        self.closed = True

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.channel.data_received(piece)

    def hang_up(self) -> None:
        self.channel.connection_lost(None)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    found, at = [], 0
    for size in sizes:
        found.append(data[at : at + size])
        at += size
    return [piece for piece in [*found, data[at:]] if piece]


async def begun(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Start it, and return it when it waits for the other end."""
    task = asyncio.ensure_future(work)
    for _ in range(3):
        await asyncio.sleep(0)
    return task


# -- responses


@pytest.fixture
def wires(monkeypatch: pytest.MonkeyPatch) -> list[Wire]:
    """The connections that are made, in order."""
    made: list[Wire] = []

    async def connect(*_: Any, **__: Any) -> Channel:
        made.append(Wire())
        return made[-1].channel

    monkeypatch.setattr(Channel, "connect", connect)
    return made


async def answered(
    connection: HttpConnection, wires: list[Wire], answer: bytes, method: str = "GET", *, ends: bool = False
) -> Response:
    """Return the response to a request that the other end answers, and with `ends` hangs up."""
    request = await begun(connection.request(method, "/", {}))
    wires[-1].say(answer)
    if ends:
        wires[-1].hang_up()
    return cast(Response, await request)


def new_connection() -> HttpConnection:
    return HttpConnection(SERVER, Link(GOOD, random.Random(1)))


@pytest.mark.parametrize("answer", [PLAIN, CHUNKED])
@given(sizes=SIZES)
def test_a_response_is_read_however_it_is_cut(answer: bytes, sizes: list[int]) -> None:
    async def read() -> tuple[int, bytes]:
        wire, http = Wire(), h11.Connection(h11.CLIENT)
        incoming = Incoming(wire.channel)
        http_client.encode_request(http, "GET", "/", SERVER, {})
        wire.say(*cut(answer, sizes))
        head, body = await http_client.read_response(http, incoming)
        return head.status, body

    assert asyncio.run(read()) == (200, b"hello")


async def test_a_response_without_length_ends_with_its_connection(wires: list[Wire]) -> None:
    connection = new_connection()
    assert (await answered(connection, wires, HEAD + b"\r\nhello", ends=True)).body == b"hello"
    assert (await answered(connection, wires, PLAIN)).body == b"hello" and len(wires) == 2


@pytest.mark.parametrize("answer", [b"", HEAD, PLAIN[:-1], CHUNKED[:-2]])
async def test_a_response_that_breaks_off_is_a_lost_connection(wires: list[Wire], answer: bytes) -> None:
    with pytest.raises(ConnectionLost):
        await answered(new_connection(), wires, answer, ends=True)


@pytest.mark.parametrize(
    "answer", [b"\x16\x03\x01\r\n\r\n", HEAD + b"Content-Length: many\r\n\r\n", HEAD + b"A" * 70_000]
)
async def test_what_is_not_http_is_a_lost_connection(wires: list[Wire], answer: bytes) -> None:
    with pytest.raises(ConnectionLost):
        await answered(new_connection(), wires, answer)
    assert wires[0].closed


async def test_no_response_in_time_is_a_lost_connection(wires: list[Wire]) -> None:
    with pytest.raises(ConnectionLost, match="in time"):
        await new_connection().request("GET", "/", {}, patience=0.0)
    assert wires[0].closed


async def test_a_compressed_response_is_decompressed(wires: list[Wire]) -> None:
    packed = gzip.compress(b"hello")
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    assert (await answered(new_connection(), wires, head + packed)).body == b"hello"


async def test_informational_responses_come_before_the_response(wires: list[Wire]) -> None:
    response = await answered(new_connection(), wires, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + PLAIN)
    assert response.status == 200 and response.body == b"hello" and "Link" not in response.headers


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", HEAD + b"Content-Length: 5\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n"),
    ],
)
async def test_some_responses_have_no_body(wires: list[Wire], method: str, answer: bytes) -> None:
    connection = new_connection()
    assert (await answered(connection, wires, answer, method)).body == b""
    assert (await answered(connection, wires, PLAIN)).body == b"hello" and len(wires) == 1


async def test_every_header_of_a_name_is_kept(wires: list[Wire]) -> None:
    response = await answered(
        new_connection(), wires, HEAD + b"Set-Cookie: a=1\r\nset-cookie: b=2\r\n" + PLAIN[len(HEAD) :]
    )
    assert response.headers.get_list("Set-Cookie") == ["a=1", "b=2"]


async def test_a_connection_is_used_again(wires: list[Wire]) -> None:
    connection = new_connection()
    for _ in range(3):
        assert (await answered(connection, wires, CHUNKED)).body == b"hello"
    assert len(wires) == 1 and wires[0].written.count(b"GET / HTTP/1.1\r\nHost: h:1\r\n") == 3


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Connection: close\r\n" + PLAIN[len(HEAD) :],
        PLAIN.replace(b"1.1", b"1.0"),
        PLAIN + b"HTTP/1.1 200 OK\r\n",
    ],
    ids=["it says so", "HTTP/1.0", "bytes that nobody asked for"],
)
async def test_a_connection_is_not_used_again(wires: list[Wire], answer: bytes) -> None:
    connection = new_connection()
    await answered(connection, wires, answer)
    assert wires[0].closed
    assert (await answered(connection, wires, PLAIN)).body == b"hello" and len(wires) == 2


async def test_a_connection_that_ended_is_opened_again(wires: list[Wire]) -> None:
    connection = new_connection()
    await answered(connection, wires, PLAIN)
    wires[0].hang_up()
    assert (await answered(connection, wires, PLAIN)).body == b"hello" and len(wires) == 2


async def test_a_body_has_its_length_and_none_has_zero(wires: list[Wire]) -> None:
    for method, body, expected in (
        ("PUT", b"{}", b"Content-Length: 2\r\n\r\n{}"),
        ("DELETE", b"", b"Content-Length: 0\r\n\r\n"),
        ("GET", b"", b"Accept: */*\r\n\r\n"),
    ):
        request = await begun(new_connection().request(method, "/", {"Accept": "*/*"}, body))
        assert wires[-1].written.endswith(expected)
        request.cancel()
        await asyncio.wait([request])


# -- server-sent events

EVENTS = HEAD + b"Content-Type: text/event-stream\r\n"


async def opened_stream(answer: bytes) -> tuple[Wire, Stream, http_client.Head]:
    wire = Wire()
    stream = Stream(wire.channel)
    opening = await begun(stream.open("/sse", {"Accept": "text/event-stream"}, SERVER))
    wire.say(answer)
    return wire, stream, await opening


async def test_a_stream_begins_with_what_came_with_its_head() -> None:
    wire, stream, head = await opened_stream(EVENTS + b"\r\ndata: 1\n")
    wire.say(b"\ndata: 2\n\n")
    found: list[bytes] = []
    stream.start(found.append)
    wire.say(b"data: 3\n\n")
    assert head.status == 200 and b"".join(found) == b"data: 1\n\ndata: 2\n\ndata: 3\n\n"
    assert not stream.closed.done()
    wire.hang_up()
    assert stream.closed.done()


async def test_a_stream_may_come_in_chunks_and_end() -> None:
    wire, stream, _ = await opened_stream(EVENTS + b"Transfer-Encoding: chunked\r\n\r\n9\r\ndata")
    found: list[bytes] = []
    stream.start(found.append)
    wire.say(b": 1\n\n\r\n")
    assert b"".join(found) == b"data: 1\n\n" and not stream.closed.done()
    wire.say(b"0\r\n\r\n")
    assert stream.closed.done() and wire.closed


async def test_a_stream_that_ended_before_it_was_read_is_read_to_its_end() -> None:
    wire, stream, _ = await opened_stream(EVENTS + b"\r\n")
    wire.say(b"data: 1\n\n")
    wire.hang_up()
    found: list[bytes] = []
    stream.start(found.append)
    assert found == [b"data: 1\n\n"] and stream.closed.done()


async def test_a_refused_stream_says_when_to_come_back() -> None:
    _, _, head = await opened_stream(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\n")
    assert head.status == 429 and head.headers["retry-after"] == "7"


# -- WebSockets


class Peer:
    """A WebSocket whose server is wsproto, on a wire."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.socket = Socket(self.wire.channel)
        self.server = WSConnection(ConnectionType.SERVER)
        self.messages: list[str] = []

    @classmethod
    async def opened(cls, *more: events.Event) -> Peer:
        """Accept the handshake, with events that are sent together with the acceptance."""
        peer = cls()
        opening = await begun(peer.socket.open("/ws/walls/A", {"Cookie": "a=1"}, SERVER))
        (request,) = peer.heard()
        assert isinstance(request, events.Request) and request.target == "/ws/walls/A" and not request.extensions
        peer.wire.say(b"".join(peer.server.send(event) for event in (events.AcceptConnection(), *more)))
        assert (await opening).status == 101
        peer.socket.start(peer.messages.append)
        return peer

    def heard(self) -> list[events.Event]:
        self.server.receive_data(self.wire.written)
        self.wire.written = b""
        return list(self.server.events())

    def send(self, *sent: events.Event, change: Callable[[bytes], bytes] = bytes) -> None:
        self.wire.say(change(b"".join(self.server.send(event) for event in sent)))


def text(data: str, *, last: bool = True) -> events.TextMessage:
    return events.TextMessage(data=data, message_finished=last)


@given(st.lists(st.sampled_from([0, 1, 125, 126, 300, 70_000]), min_size=1, max_size=4), SIZES)
def test_messages_are_read_however_they_are_cut(lengths: list[int], sizes: list[int]) -> None:
    async def read() -> list[int]:
        peer = await Peer.opened()
        data = b"".join(peer.server.send(text("x" * length)) for length in lengths)
        peer.wire.say(*cut(data, sizes))
        return [len(message) for message in peer.messages]

    assert asyncio.run(read()) == lengths


async def test_a_message_that_comes_with_the_acceptance_is_delivered() -> None:
    peer = await Peer.opened(text("{}"))
    assert peer.messages == ["{}"]


async def test_a_message_in_parts_is_put_together_around_a_ping_which_is_answered() -> None:
    peer = await Peer.opened()
    peer.send(text("a€", last=False), events.Ping(b"now"), text("b", last=False))
    assert peer.messages == [] and peer.heard() == [events.Pong(b"now")]
    peer.send(text("c"))
    assert peer.messages == ["a€bc"]


async def test_a_message_is_sent_as_json() -> None:
    peer = await Peer.opened()
    peer.socket.send({"do": "vote", "choices": ["ä"]})
    assert peer.heard() == [text('{"do":"vote","choices":["ä"]}')]


async def test_a_close_says_its_code_and_reason() -> None:
    peer = await Peer.opened()
    peer.send(text("{}"), events.CloseConnection(4503, "the wall is gone"))
    assert peer.messages == ["{}"]
    assert peer.socket.closed.done() and (peer.socket.code, peer.socket.reason) == (4503, "the wall is gone")
    with pytest.raises(ConnectionLost):
        peer.socket.send({})


async def test_a_connection_lost_within_a_frame_has_no_code() -> None:
    peer = await Peer.opened()
    peer.send(text("{}"), change=lambda data: data[:-1])
    peer.wire.hang_up()
    assert peer.socket.closed.done() and peer.socket.code is None and peer.messages == []
    with pytest.raises(ConnectionLost):
        peer.socket.send({})


@pytest.mark.parametrize(
    "frame", [b"\x81\x81aaaab", b"\xc1\x01a", b"\x80\x01a", b"\x81\x7f" + b"\xff" * 8, b"\x81\x01\xff"]
)
async def test_what_no_server_sends_ends_the_connection(frame: bytes) -> None:
    peer = await Peer.opened()
    peer.wire.say(frame)
    assert peer.wire.closed and peer.socket.closed.done() and peer.messages == []
    assert peer.socket.code is None or peer.socket.code < 4000


async def test_a_message_beyond_all_measure_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "MAX_MESSAGE", 10)
    peer = await Peer.opened()
    peer.send(text("x" * 6, last=False))
    assert not peer.wire.closed
    peer.send(text("x" * 6, last=False))
    assert peer.wire.closed and peer.messages == []


async def opening(answer: bytes, *, ends: bool = False) -> http_client.Head:
    peer = Peer()
    task = await begun(peer.socket.open("/ws/walls/A", {}, SERVER))
    peer.wire.say(answer)
    if ends:
        peer.wire.hang_up()
    return cast(http_client.Head, await task)


async def test_a_refused_websocket_says_its_status_and_when_to_come_back() -> None:
    head = await opening(
        b"HTTP/1.1 503 No\r\nRetry-After: 5\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbusy"
    )
    assert head.status == 503 and head.headers["Retry-After"] == "5"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: web", b"HTTP/1.1 429"])
async def test_a_handshake_that_breaks_off_is_a_lost_connection(answer: bytes) -> None:
    with pytest.raises(ConnectionLost):
        await opening(answer, ends=True)


async def test_a_handshake_that_another_key_was_accepted_in_is_a_lost_connection() -> None:
    accept = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    with pytest.raises(ConnectionLost):
        await opening(b"HTTP/1.1 101 Switching Protocols\r\n" + accept)
