"""Clients that say more than is good: everything is answered, nobody is forgotten, and memory stays where it was."""

from __future__ import annotations

import asyncio
import struct
import time
from typing import Any

import pytest
from clients import Client

BAD = b"{"
UNKNOWN = b'{"do":"subscribe","ref":"1","stream":"polls/NOPE"}'
PING = 0x9


def frame(payload: bytes, opcode: int = 0x1) -> bytes:
    """A client's frame; its mask is zero."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + struct.pack("!H", size)
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


async def opened(port: int, poll: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16)
    writer.write(
        f"GET /ws/polls/{poll} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n".encode()
    )
    await reader.readuntil(b'"synced":true')
    return reader, writer


async def until(true: Any) -> None:
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to be")


@pytest.mark.parametrize("message", [BAD, UNKNOWN])
async def test_every_one_of_many_bad_acts_is_answered(client: Client, running: Any, message: bytes) -> None:
    poll, count = (await client.poll())["id"], 2000

    async def flood() -> None:
        reader, writer = await opened(running.port, poll)
        writer.write(frame(message) * count)
        seen = b""
        while seen.count(b'"error"') < count:
            part = await asyncio.wait_for(reader.read(1 << 14), 10)
            assert part, "closed"
            seen += part
            await asyncio.sleep(0.001)
        writer.close()

    await asyncio.gather(*(flood() for _ in range(4)))
    await until(lambda: not len(running.connections))


@pytest.mark.parametrize(("message", "opcode"), [(BAD, 0x1), (b"x" * 120, PING)])
async def test_one_who_reads_no_answers_is_not_listened_to_and_is_let_go_with_the_connection(
    client: Client, running: Any, message: bytes, opcode: int
) -> None:
    poll = (await client.poll())["id"]
    _, writer = await opened(running.port, poll)
    [socket] = list(running.connections._all)
    writer.transport.pause_reading()
    for _ in range(200):
        writer.write(frame(message, opcode) * 1000)
        await asyncio.sleep(0)
    stream = socket.stream
    await until(lambda: stream.has_buffered_bytes)
    for _ in range(500):
        await asyncio.sleep(0)
        assert len(stream._write_buffer) + len(stream._buffered) < 1 << 17
    writer.transport.abort()
    await until(lambda: not len(running.connections))


PONG = 0xA
EMPTY = b"\x80" + bytes(4)
TOO_MANY = b"\x88\x26" + struct.pack("!H", 4008)


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"", frame(b"", PING)),
        (b"", frame(b"x" * 125, PING)),
        (b"", frame(b"", PONG)),
        (b"\x01" + EMPTY, b"\x00" + EMPTY),
        (b"", b"\x01" + EMPTY + b"\x80" + EMPTY),
        (b"", frame(BAD)),
        (b"", frame(b"", 0x2)),
    ],
    ids=["pings", "long pings", "pongs", "empty parts", "messages in two parts", "no acts", "binary"],
)
async def test_a_flood_of_small_frames_is_ended_with_a_code(
    client: Client, running: Any, monkeypatch: pytest.MonkeyPatch, first: bytes, piece: bytes
) -> None:
    poll, now = (await client.poll())["id"], time.monotonic()
    running.services.limits.on = True
    monkeypatch.setattr(running.services, "monotonic", lambda: now)
    reader, writer = await opened(running.port, poll)
    writer.write(first + piece * 5000)
    assert TOO_MANY in await asyncio.wait_for(reader.read(-1), 10)
    writer.close()


async def test_a_message_in_many_parts_with_pings_between_is_taken(client: Client, running: Any) -> None:
    poll = (await client.poll())["id"]
    running.services.limits.on = True
    reader, writer = await opened(running.port, poll)
    writer.write(frame(b"", PING) * 20)
    said = f'{{"do":"unsubscribe","ref":"7","stream":"polls/{poll}"}}'.encode()
    for at, byte in enumerate(said):
        head = (0x01 if at == 0 else 0x00) | (0x80 if at == len(said) - 1 else 0)
        writer.write(bytes([head, 0x81]) + bytes(4) + bytes([byte]))
    assert b'"ref":"7"' in await asyncio.wait_for(reader.readuntil(b'"ok"'), 10)
    writer.close()
