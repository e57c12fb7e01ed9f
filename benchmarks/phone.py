"""One phone as the server sees it: the requests that Chromium makes when somebody joins, with the headers it sends.

Each method is one step of joining. The steps are those that the page's script takes; `visits` counts the requests of
a real browser.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json
import os
import re
import struct
from typing import Any
from urllib.parse import urlsplit

BROWSER = (
    'sec-ch-ua: "Chromium";v="131", "Not_A Brand";v="24"\r\nsec-ch-ua-mobile: ?1\r\nsec-ch-ua-platform: "Android"\r\n'
    "User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
    "Mobile Safari/537.36\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
)
NAVIGATION = (
    "Upgrade-Insecure-Requests: 1\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,"
    "image/webp,image/apng,*/*;q=0.8\r\nSec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\n"
    "Sec-Fetch-Dest: document\r\n"
)
PART = "Accept: */*\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: script\r\n"
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
)
NOT_LOADED = re.compile(r"(?s)<noscript>.*?</noscript>|<script nomodule.*?</script>")
LOADED = re.compile(r'(?:src|href)="(/(?:static|packs)/[^"]+)"')
DATA = re.compile(r'(?s)<script type="application/json" id="page">(.*?)</script>')


class Connection:
    """A connection of HTTP/1.1 that one request after the other goes over."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def get(self, port: int, path: str, headers: str, status: int = 200) -> tuple[str, bytes]:
        """The header and the body of an answer. Raises RuntimeError for another status."""
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n".encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        size = re.search(r"(?im)^content-length: (\d+)", head)
        body = await self.reader.readexactly(int(size[1])) if size else b""
        if int(head.split(" ", 2)[1]) != status:
            raise RuntimeError(f"GET {path}: {head} {body[:300]!r}")
        return head, gzip.decompress(body) if re.search(r"(?im)^content-encoding: gzip", head) else body

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


class Phone:
    """Somebody who comes by an address of the audience."""

    def __init__(self, port: int, path: str) -> None:
        self.port = port
        self.path = path
        self.cookie = ""
        self.parts: list[str] = []
        self.page: dict[str, Any] = {}
        self._http: Connection | None = None
        self._live: Connection | None = None

    async def read_page(self) -> None:
        self._http = await Connection.open(self.port)
        head, body = await self._http.get(self.port, self.path, BROWSER + NAVIGATION)
        given = re.findall(r"(?im)^set-cookie: ([^;]+)", head)
        self.cookie = f"Cookie: {'; '.join(given)}\r\n"
        text = body.decode()
        self.parts = list(dict.fromkeys(LOADED.findall(NOT_LOADED.sub("", text))))
        found = DATA.search(text)
        assert found is not None
        self.page = json.loads(found[1])

    async def read_parts(self) -> None:
        """The files of the page, one after the other."""
        for part in self.parts:
            await self._ask(part)

    async def _ask(self, path: str) -> bytes:
        assert self._http is not None
        referer = f"Referer: http://127.0.0.1:{self.port}{urlsplit(self.path).path}\r\n"
        return (await self._http.get(self.port, path, BROWSER + PART + referer + self.cookie))[1]

    async def follow(self) -> None:
        """Open the socket and read until the item that is shown is whole."""
        self._live = await Connection.open(self.port)
        key = base64.b64encode(os.urandom(16)).decode()
        headers = f"Sec-WebSocket-Key: {key}\r\nOrigin: http://127.0.0.1:{self.port}\r\n"
        wall, item = self.page["wallStream"], self.page["active"]
        await self._live.get(self.port, f"/ws/{wall}", UPGRADE + headers + BROWSER + self.cookie, 101)
        await self._heard(lambda message: message.get("stream") == wall and "synced" in message)
        self._say({"do": "subscribe", "ref": "s1", "stream": item})
        await self._heard(lambda message: message.get("stream") == item and "synced" in message)

    async def vote(self) -> None:
        act = {"poll": self.page["poll"]["id"], "choices": ["1"], "round": self.page["poll"]["round"]}
        self._say({"do": "vote", "ref": "a1", **act})
        answer = await self._heard(lambda message: message.get("ref") == "a1")
        if "ok" not in answer:
            raise RuntimeError(f"the ballot was refused: {answer}")

    async def leave(self) -> None:
        for connection in (self._http, self._live):
            if connection is not None:
                await connection.close()

    def _say(self, message: dict[str, Any]) -> None:
        assert self._live is not None
        text = json.dumps(message, separators=(",", ":")).encode()
        size = bytes([0x80 | len(text)]) if len(text) < 126 else struct.pack("!BH", 0xFE, len(text))
        mask = bytes(4)  # changes nothing of the payload, and the server unmasks it all the same
        self._live.writer.write(b"\x81" + size + mask + text)

    async def _heard(self, wanted: Any) -> dict[str, Any]:
        """The first message for which `wanted` holds; those before it are dropped."""
        assert self._live is not None
        reader = self._live.reader
        while True:
            first, size = await reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
            payload = await reader.readexactly(size)
            if first == 0x88:
                raise RuntimeError(f"the socket was closed: {payload!r}")
            if first == 0x81 and wanted(message := json.loads(payload)):
                found: dict[str, Any] = message
                return found
