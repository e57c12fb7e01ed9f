"""Somebody who asks for a stream or a page and has left before it is there."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from typing import Any

import pytest
from clients import Client
from tornado.iostream import IOStream

from handlers.base import BaseHandler
from handlers.pages.page import Page
from server import Running

WEBSOCKET = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n"


@pytest.mark.parametrize(("kind", "headers"), [("ws", WEBSOCKET), ("sse", "")], ids=["ws", "sse"])
async def test_who_left_during_the_handshake_is_nobody_and_nothing_is_logged(
    client: Client, running: Running, kind: str, headers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "Forum"}))["code"]
    identify, streams = BaseHandler.identify, asyncio.Queue[IOStream]()

    async def until_it_left(self: BaseHandler) -> None:
        await identify(self)
        stream = self.request.connection.stream  # type: ignore[union-attr]
        streams.put_nowait(stream)
        while not stream.closed():
            await asyncio.sleep(0)

    monkeypatch.setattr(BaseHandler, "identify", until_it_left)
    handle = socket.create_connection(("127.0.0.1", running.port))
    handle.sendall(f"GET /{kind}/walls/{wall} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
    stream = await streams.get()
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handle.close()
    while not stream.closed():
        await asyncio.sleep(0)
    monkeypatch.undo()
    await client.ask("GET", "/healthz")
    assert len(running.connections) == 0


@pytest.mark.parametrize("page", ["print", "replay"])
async def test_who_left_while_a_page_was_made_is_no_error_in_the_log(
    client: Client, running: Running, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = (await client.poll())["id"]
    render, finish = Page.render_string, Page.finish
    streams, finished = asyncio.Queue[IOStream](), asyncio.Event()
    loop = asyncio.get_running_loop()

    def until_it_left(self: Page, *args: Any, **values: Any) -> bytes:
        stream = self.request.connection.stream  # type: ignore[union-attr]
        loop.call_soon_threadsafe(streams.put_nowait, stream)
        while not stream.closed():
            time.sleep(0.001)
        return render(self, *args, **values)

    def and_tell(self: Page, *args: Any) -> Any:
        finished.set()
        return finish(self, *args)

    monkeypatch.setattr(Page, "render_string", until_it_left)
    monkeypatch.setattr(Page, "finish", and_tell)
    handle = socket.create_connection(("127.0.0.1", running.port))
    handle.sendall(f"GET /polls/{poll}/{page} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await streams.get()
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handle.close()
    await finished.wait()
    monkeypatch.undo()
    await client.ask("GET", "/healthz")
