"""Connections that say exactly what a test wants, and nothing else."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

HANDSHAKE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
)


class Raw:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int) -> Raw:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))

    def say(self, data: str | bytes) -> None:
        self.writer.write(data.encode() if isinstance(data, str) else data)

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """Status, headers (names in small letters) and the JSON of one answer."""
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        if headers.get("transfer-encoding") == "chunked":
            size = int((await self.reader.readline()).strip(), 16)
            body = await self.reader.readexactly(size)
            await self.reader.readuntil(b"0\r\n\r\n")
        else:
            body = await asyncio.wait_for(self.reader.readexactly(int(headers.get("content-length", "0"))), 10)
        is_json = headers.get("content-type", "").startswith("application/json")
        return int(first.split()[1]), headers, json.loads(body) if is_json else body

    async def rest(self) -> bytes:
        """All that comes until the end; a reset raises ConnectionResetError."""
        return await asyncio.wait_for(self.reader.read(), 20)

    async def socket(self, path: str) -> None:
        """Become a WebSocket that has its first snapshot."""
        self.say(f"GET {path} HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}")
        await asyncio.wait_for(self.reader.readuntil(b'"synced":true'), 10)

    def close(self) -> None:
        self.writer.transport.abort()


def frame(
    payload: bytes, opcode: int = 0x1, *, final: bool = True, masked: bool = True, size: int | None = None
) -> bytes:
    """A client's frame; its mask is zero. `size` is what it announces."""
    size, mask = len(payload) if size is None else size, 0x80 if masked else 0
    if size < 126:
        length = bytes([mask | size])
    elif size < 1 << 16:
        length = bytes([mask | 126]) + struct.pack("!H", size)
    else:
        length = bytes([mask | 127]) + struct.pack("!Q", size)
    return bytes([(0x80 if final else 0) | opcode]) + length + (bytes(4) if masked else b"") + payload


def close_code(data: bytes) -> int | None:
    """The code of the close frame at the end of what a server sent."""
    at = data.rfind(b"\x88")
    return None if at < 0 or len(data) < at + 4 else int.from_bytes(data[at + 2 : at + 4], "big")
