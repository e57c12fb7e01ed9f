"""A target of webhooks that answers as a test wants it to, and keeps what arrived."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple


class Arrived(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def state(self) -> str:
        return str(self.json["event"]["state"])


class HookTarget:
    """Listens on a free port. `answers` are raw responses, first to last, then `usual`; None: no answer."""

    OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def __init__(self) -> None:
        self.arrived: list[Arrived] = []
        self.answers: list[bytes | None] = []
        self.usual: bytes | None = self.OK
        self._changed = asyncio.Event()
        self._released = asyncio.Event()

    async def start(self, host: str = "127.0.0.1", **more: Any) -> None:
        self._server = await asyncio.start_server(self._serve, host, 0, **more)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._released.set()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.arrived.append(Arrived(head[0].split()[1], headers, body))
            self._changed.set()
            answer = self.answers.pop(0) if self.answers else self.usual
            if answer is None:
                await self._released.wait()
            else:
                writer.write(answer)
                await writer.drain()
        writer.close()

    async def until(self, wanted: Callable[[list[Arrived]], bool]) -> None:
        """Wait for what arrived to be what is wanted."""
        async with asyncio.timeout(20):
            while not wanted(self.arrived):
                self._changed.clear()
                await self._changed.wait()


def answer(status: int, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Words", *headers, "Content-Length: 0", "", ""]).encode()
