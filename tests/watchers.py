"""Readers on each of the four transports, over raw connections, judged by the Checker; they come back by position."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

from checker import Checker
from tornado.httpclient import HTTPError, HTTPRequest
from tornado.websocket import websocket_connect

TRANSPORTS = ["websocket", "sse", "long", "plain"]


class Watcher:
    """Follows one stream on one transport until it is stopped; comes back after every loss."""

    def __init__(
        self,
        url: str,
        transport: str,
        stream: str,
        *,
        token: str | None = None,
        query: str = "",
        on_change: Callable[[str | None, Any, Any], None] | None = None,
    ) -> None:
        self.url = url
        self.transport = transport
        self.stream = stream
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.query = query
        self.checker = Checker(stream, on_change)
        self.claim: str | None = None
        """A position that is claimed once, held or not."""
        self.connections = 0
        self.status = 0
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self.pause = 0.01
        """Between two plain polls."""
        self.retries: list[int] = []
        """After how many ms the server asked to come back, each time it said so."""
        self._size = -1
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def until(self, wanted: Callable[[Checker], bool], seconds: float = 20) -> None:
        """Wait for what the reader holds to be what is wanted."""

        async def wait() -> None:
            assert self._task is not None
            while not wanted(self.checker):
                self._changed.clear()
                changed = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait([changed, self._task], return_when=asyncio.FIRST_COMPLETED)
                if self._task.done():
                    changed.cancel()
                    self._task.result()
                    raise AssertionError(f"{self.transport} ended with {self.status} {self.close_code}")

        try:
            await asyncio.wait_for(wait(), seconds)
        except TimeoutError:
            raise AssertionError(f"{self.transport}: {self.checker.state} at {self.checker.pos}") from None

    def _feed(self, message: Any) -> None:
        if "heartbeat" not in message:
            self.checker.feed(message)
            self._changed.set()

    async def _run(self) -> None:
        once = getattr(self, f"_{self.transport}")
        while True:
            since, self.claim = self.claim or self.checker.pos or "", None
            self.connections += 1
            try:
                async for message in once(since):
                    self._feed(message)
            except (OSError, HTTPError):
                await asyncio.sleep(0.02)
            if self.close_code is not None and self.close_code >= 4500:
                return
            if 400 <= self.status < 500 and self.status != 429:
                return

    def _held(self, since: str | None) -> str | None:
        """What is claimed, if it is what is held."""
        return since if since and since == self.checker.pos else None

    def _address(self, kind: str, since: str, more: str = "") -> str:
        return f"{self.url}/{kind}/{self.stream}?since={quote(since)}{more}{self.query}"

    async def _websocket(self, since: str) -> AsyncIterator[Any]:
        request = HTTPRequest(self._address("ws", since).replace("http", "ws", 1), headers=self.headers)
        socket = await websocket_connect(request)
        self.checker.connect(self._held(since))
        try:
            while True:
                text = await socket.read_message()
                if text is None:
                    self.close_code, self.close_reason = socket.close_code, socket.close_reason
                    if self.close_code == 4000:
                        self.retries.append(int(self.close_reason or ""))
                    return
                yield json.loads(text)
        finally:
            socket.close()

    async def _sse(self, since: str) -> AsyncIterator[Any]:
        async with self._get(self._address("sse", ""), {"Last-Event-ID": since} if since else {}) as reader:
            if self.status >= 500:
                raise ConnectionResetError
            if self.status != 200:
                return
            self.checker.connect(self._held(since))
            async for fields in sse_fields(reader):
                if "retry" in fields:
                    self.retries.append(int(fields["retry"]))
                if fields.get("event", "message") == "message" and "data" in fields:
                    yield json.loads(fields["data"])

    @contextlib.asynccontextmanager
    async def _get(self, address: str, more: dict[str, str]) -> AsyncIterator[asyncio.StreamReader]:
        """A GET on a connection of its own, read up to its body; the status is noted."""
        host, _, port = self.url.partition("//")[2].partition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 22)
        try:
            head = [f"GET {address.partition(self.url)[2]} HTTP/1.1", f"Host: {host}:{port}", "Connection: close"]
            head += [f"{name}: {value}" for name, value in {**self.headers, **more}.items()]
            writer.write("\r\n".join([*head, "", ""]).encode())
            status = (await reader.readline()).decode()
            if not status:
                raise ConnectionResetError
            self.status = int(status.split()[1])
            self._size = 0
            while line := (await reader.readline()).decode().strip():
                name, _, value = line.partition(":")
                if name.lower() == "content-length":
                    self._size = int(value)
            yield reader
        finally:
            writer.close()

    async def _long(self, since: str) -> AsyncIterator[Any]:
        async for message in self._poll(since, f"&since={quote(since)}&wait=5"):
            yield message

    async def _plain(self, since: str) -> AsyncIterator[Any]:
        async for message in self._poll(None, "&wait=0", etag=f'"{since}"'):
            yield message
        await asyncio.sleep(self.pause)

    async def _poll(self, since: str | None, query: str, etag: str = "") -> AsyncIterator[Any]:
        address = f"{self.url}/updates/{self.stream}?{query}{self.query}"
        async with self._get(address, {"If-None-Match": etag} if etag else {}) as reader:
            body = await reader.read()
        if self.status >= 500 or len(body) != self._size:
            raise ConnectionResetError
        if self.status == 200:
            self.checker.connect(self._held(since))
            for message in json.loads(body)["events"]:
                yield message


async def sse_fields(reader: asyncio.StreamReader) -> AsyncIterator[dict[str, str]]:
    """The fields of each event (WHATWG HTML §9.2.6)."""
    fields: dict[str, str] = {}
    while line := (await reader.readline()).decode():
        text = line.rstrip("\r\n")
        if text:
            name, _, value = text.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields:
            yield fields
            fields = {}
