"""Somebody who asks for a stream and has left before it is known who that was."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from conftest import Client
from tornado.iostream import IOStream

from handlers.base import BaseHandler
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
