"""Somebody who keeps every byte the server sends to those who may not see a tally, and looks for its figures there."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterable, Mapping


class Tap:
    """Forwards connections to `port` and keeps what comes back."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sent = bytearray()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> Tap:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.listens = int(self._server.sockets[0].getsockname()[1])
        self.url = f"http://127.0.0.1:{self.listens}"
        return self

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._forward(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_upstream = await asyncio.open_connection("127.0.0.1", self.port)
        asking = asyncio.ensure_future(self._copy(reader, to_upstream, None))
        try:
            await self._copy(upstream, writer, self.sent)
        finally:
            asking.cancel()
            to_upstream.close()
            writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray | None) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(1 << 16):
                if kept is not None:
                    kept += chunk
                writer.write(chunk)
                await writer.drain()


class Line:
    """A connection through the tap that is kept from request to request."""

    def __init__(self, tap: Tap) -> None:
        self.tap = tap
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """Status and body."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.tap.listens)
        reader, writer = self._streams
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.tap.url[7:]}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        status, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
        told = dict(line.lower().split(": ", 1) for line in rest)
        answer = b""
        if told.get("transfer-encoding") == "chunked" and method != "HEAD":
            while size := int(await reader.readline(), 16):
                answer += (await reader.readexactly(size + 2))[:-2]
            await reader.readline()
        elif method != "HEAD":
            answer = await reader.readexactly(int(told.get("content-length", "0")))
        if told.get("connection") == "close":
            self.close()
        return int(status.split()[1]), answer

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def figures(counts: Mapping[str, int], ballots: int) -> list[str]:
    """Each way in which a page, a picture or a message may write these counts and their shares: what stands in front
    of one is looked at by `seen`, since a pattern that begins with it is slow."""
    said = set()
    for count in filter(None, counts.values()):
        assert count > 999 and count != ballots, "a figure that could come by chance"
        said.add(rf"{count // 1000}(?:[,.' ]|&nbsp;|\xc2\xa0|\xe2\x80\xaf)?{count % 1000:03}(?![\w-])")
        share = 100 * count / ballots
        said |= {rf"{int(share)}(?:\.\d+)?%", rf"{share:.0f}(?:\.\d+)?%"}
        said.add(rf"0\.{int(share * 10_000):06}")
    return sorted(said)


def seen(sent: bytes | bytearray, wanted: Iterable[str]) -> list[str]:
    """Where the figures stand in what was sent, with what is around them."""
    found = []
    for each in wanted:
        for match in re.finditer(each.encode(), sent):
            before = sent[max(0, match.start() - 16) : match.start()]
            if not re.search(rb"[\w.~%-]$|(?i:content-length: )$", before):
                found.append(f"{match[0]!r} in …{bytes(sent[max(0, match.start() - 160) : match.end() + 60])!r}…")
    return found
