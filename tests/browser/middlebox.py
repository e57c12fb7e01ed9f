"""What may stand between a browser and its server: a proxy that refuses upgrades, holds back, cuts, or is away.

It forwards one request a connection. Its faults may be switched while it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator

NO_PAGES = ("/static/", "/packs/", "/api/", "/updates/", "/ws/", "/sse/")
MODULES = re.compile(rb'<script type="(?:module|importmap)".*?</script>', re.S)


class Middlebox:
    def __init__(self, port: int) -> None:
        self.server_port = port
        self.refuse_upgrade = False
        self.hold_events = False
        """Server-sent events are held back until their answer ends, which it never does."""
        self.cut_after: float | None = None
        """Every answer is cut after so many seconds."""
        self.away = False
        """Nobody is there."""
        self.passing = asyncio.Event()
        """Cleared, nothing passes and nothing ends, as where a network is gone: see `silent`."""
        self.passing.set()
        self.without_modules = False
        """Pages arrive as a browser without modules would read them."""
        self.requests: list[str] = []
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> Middlebox:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def stop(self) -> None:
        self._server.close()
        await self.cut()

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Meanwhile nothing passes, and nobody is told: connections stay, and new ones are not answered."""
        self.passing.clear()
        try:
            yield
        finally:
            self.passing.set()

    async def cut(self) -> None:
        """End every connection there is."""
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: asyncio.StreamWriter | None = None
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await self.passing.wait()
            path = head.split(b" ", 2)[1].decode()
            self.requests.append(path)
            upgrade = b"upgrade: websocket" in head.lower()
            if self.away or (upgrade and self.refuse_upgrade):
                return
            answer, upstream = await asyncio.open_connection("127.0.0.1", self.server_port)
            if not upgrade:
                head = re.sub(rb"(?i)\r\n(connection|accept-encoding):[^\r]*", b"", head)
                head = head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            upstream.write(head)
            async with asyncio.timeout(self.cut_after):
                await self._exchange(path, reader, writer, answer, upstream)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass
        finally:
            for each in (writer, upstream):
                if each is not None:
                    each.transport.abort() if self.cut_after else each.close()

    async def _exchange(
        self,
        path: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answer: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        sending = asyncio.get_running_loop().create_task(self._copy(reader, upstream))
        try:
            if self.hold_events and path.startswith("/sse/"):
                while await answer.read(65536):
                    pass
            elif self.without_modules and not path.startswith(NO_PAGES):
                page = await answer.read()
                while chunk := await answer.read():
                    page += chunk
                page = MODULES.sub(b"", page).replace(b"<script nomodule", b"<script")
                writer.write(re.sub(rb"(?i)\r\ncontent-length:[^\r]*", b"", page, count=1))
                await writer.drain()
            else:
                await self._copy(answer, writer)
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await sending

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65536):
            await self.passing.wait()
            target.write(chunk)
            await target.drain()
