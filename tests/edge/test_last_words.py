"""Every refusal reaches its peer, however much that still sends: a reset would overtake it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from clients import Client
from rawclient import Raw, close_code, frame

from handlers.transport import lingering

MANY = 32


async def words(port: int, data: bytes) -> str:
    """The first line of what comes back on a connection that sends on without reading."""
    raw = await Raw.open(port)
    try:
        raw.say(data)
        return (await raw.rest()).split(b"\r\n")[0].decode()
    except ConnectionError:
        return "reset"
    finally:
        raw.close()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"POST /api/voters HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000, 413),
        (b"POST /api/voters HTTP/1.1\r\nHost: x\r\nContent-Length: 8388608\r\n\r\n" + b"x" * 8_388_608, 413),
        (b"POST /api/polls HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" + b"x" * 900_000, 401),
        (b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" + b"x" * 900_000, 404),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 64_000 + b"\r\n\r\n" + b"z" * 300_000, 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 101 + b"\r\n" + b"z" * 300_000, 431),
        (b"POST /api/voters HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n" + b"x" * 300_000, 400),
        (b"POST /api/voters HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"x" * 300_000, 400),
        (b"\x16\x03\x01" + b"\r\n\r\n" + b"x" * 300_000, 400),
    ],
)
async def test_an_answer_of_http_arrives(running: Any, data: bytes, status: int) -> None:
    many = MANY if len(data) < 4_000_000 else 8
    found = Counter(await asyncio.gather(*(words(running.port, data) for _ in range(many))))
    assert [(line.split()[:2], count) for line, count in found.items()] == [(["HTTP/1.1", str(status)], many)]


@pytest.mark.parametrize("status", [400, 431])
async def test_what_is_no_request_is_answered_in_the_one_shape(running: Any, status: int) -> None:
    raw = await Raw.open(running.port)
    raw.say("GET / HTTP/1.1\r\n\r\n" if status == 400 else "GET / HTTP/1.1\r\nX: " + "y" * 20_000 + "\r\n\r\n")
    found, headers, body = await raw.answer()
    assert found == status and set(body["error"]) == {"code", "message"}
    assert headers["connection"] == "close" and "server" not in headers
    assert headers["content-security-policy"] and headers["x-content-type-options"] == "nosniff"
    raw.close()


TOO_LONG, BROKEN = 1009, 4505


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(b"x" * 100_000), TOO_LONG),
        (frame(b"x" * 2_000_000), TOO_LONG),
        (frame(b"", size=1 << 40) + b"x" * 500_000, TOO_LONG),
        (frame(b"x" * 60_000, final=False) + frame(b"x" * 60_000, 0x0), TOO_LONG),
        (frame(b"\xff\xfe") + b"x" * 500_000, BROKEN),
        (frame(b'{"do":"x"}', masked=False) + b"x" * 500_000, BROKEN),
        (frame(b"", 0x9, masked=False), BROKEN),
        (frame(b"x", 0x3), BROKEN),
        (frame(b"x", 0xB), BROKEN),
        (frame(b"x", 0x9, final=False), BROKEN),
        (frame(b"x" * 126, 0x9), BROKEN),
        (frame(b"x", 0x0), BROKEN),
        (frame(b"x", final=False) + frame(b"x"), BROKEN),
        (b"\xc1" + frame(b"x")[1:], BROKEN),
        (frame(b"\x03", 0x8), BROKEN),
        (frame(b"\x03\xe8\xff", 0x8), BROKEN),
    ],
)
async def test_the_code_of_a_refused_message_arrives(client: Client, running: Any, data: bytes, code: int) -> None:
    poll = (await client.poll())["id"]

    async def one() -> Any:
        raw = await Raw.open(running.port)
        await raw.socket(f"/ws/polls/{poll}")
        raw.say(data)
        try:
            return close_code(await raw.rest())
        except ConnectionError:
            return "reset"
        finally:
            raw.close()

    many = MANY if len(data) > 50_000 else 4
    assert Counter(await asyncio.gather(*(one() for _ in range(many)))) == {code: many}


async def test_a_message_in_parts_with_a_ping_between_is_one_message(client: Client, running: Any) -> None:
    poll = (await client.poll())["id"]
    raw = await Raw.open(running.port)
    await raw.socket(f"/ws/polls/{poll}")
    raw.say(frame(b'{"do":"unsubscribe","ref":"7",', final=False) + frame(b"hello", 0x9))
    assert b"hello" in await raw.reader.readuntil(b"hello")
    raw.say(frame(b"", 0x0, final=False) + frame(f'"stream":"polls/{poll}"}}'.encode(), 0x0))
    assert b'"ref":"7"' in await raw.reader.readuntil(b'"ok"')
    raw.close()


async def test_nothing_is_acted_upon_after_the_close_frame(client: Client, running: Any) -> None:
    poll = (await client.poll())["id"]
    socket = await client.socket(f"/ws/polls/{poll}", token=await client.voter())
    await socket.synced()
    protocol: Any = socket.connection.protocol
    await protocol._write_frame(True, 0x1, b"\xff")
    await socket.send({"do": "vote", "ref": "1", "choices": ["1"]})
    assert await socket.closed() == 4505
    assert (await client.host("GET", f"/api/polls/{poll}"))["tally"]["ballots"] == 0


async def test_a_socket_that_lingers_is_closed_at_the_end(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "LINGER_SECONDS", 0.05)
    monkeypatch.setattr(lingering, "LINGER_BYTES", 100_000)
    raw = await Raw.open(running.port)
    raw.say(b"POST /api/voters HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 200_000)
    assert (await raw.answer())[0] == 413
    left = running.http.connections
    async with asyncio.timeout(10):
        while left.count or len(left.lingering):
            await asyncio.sleep(0.01)
    raw.close()


async def test_only_so_many_linger(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "MAX_SOCKETS", 2)
    made = []
    for _ in range(4):
        raw = await Raw.open(running.port)
        raw.say("GET / HTTP/1.1\r\n\r\n")
        assert (await raw.answer())[0] == 400
        made.append(raw)
    assert len(running.http.connections.lingering) <= 2
    for raw in made:
        raw.close()
