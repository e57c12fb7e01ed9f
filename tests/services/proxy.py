"""What stands between a client and its server in offices and hotels: a proxy that refuses, buffers or cuts."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Proxy:
    """Forwards one request a connection to `port`. Its faults may be switched while it runs."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.refuse_upgrade = False
        self.buffer_sse = False
        self.cut_after: float | None = None
        self.lose_answers = 0  # to how many requests, from now on, the answer is lost
        self.requests: list[str] = []  # the first element of each path, in order
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """End every connection there is."""
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._forward(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(asyncio.CancelledError):
            await task

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            kind = head.split(b" ")[1].split(b"/")[1].decode()
            self.requests.append(kind)
            if self.refuse_upgrade and b"upgrade: websocket" in head.lower():
                writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            lose = self.lose_answers > 0
            self.lose_answers -= lose
            async with asyncio.timeout(self.cut_after):
                await self._exchange(head, reader, writer, hold=self.buffer_sse and kind == "sse", lose=lose)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass
        finally:
            writer.close()

    async def _exchange(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, hold: bool, lose: bool
    ) -> None:
        """`hold` passes the answer on when it is whole, as a proxy does that stores before it forwards."""
        upstream, to_upstream = await asyncio.open_connection("127.0.0.1", self.port)
        sending = asyncio.ensure_future(_copy(reader, to_upstream))
        try:
            to_upstream.write(head)
            held = b""
            while chunk := await upstream.read(65536):
                if lose:
                    return  # it was carried out, and nobody hears of it
                if hold:
                    held += chunk
                else:
                    writer.write(chunk)
                    await writer.drain()
            writer.write(held)
            await writer.drain()
        finally:
            sending.cancel()
            to_upstream.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
