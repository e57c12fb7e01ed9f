"""Readers as connections: heartbeats, pings, slow ones, those that leave."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
from typing import Any

import pytest
from checker import Checker
from clients import ADMIN, Client
from cycles import kept_by_cycles
from watchers import Watcher, sse_fields


@pytest.fixture
def settings(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Heartbeats forty times as fast."""
    monkeypatch.setattr("handlers.live.connections.WEBSOCKET_HEARTBEAT", 0.5)
    monkeypatch.setattr("handlers.live.connections.SSE_HEARTBEAT", 0.5)
    return settings


class Raw:
    """A WebSocket client that does nothing by itself: it answers no ping and reads only when told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int, path: str, *, receive_buffer: int | None = None) -> Raw:
        handle = socket.socket()
        if receive_buffer:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        handle.setblocking(False)
        await asyncio.get_running_loop().sock_connect(handle, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=handle, limit=1 << 12)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
            "",
            "",
        ]
        writer.write("\r\n".join(lines).encode())
        assert b" 101 " in await reader.readline()
        while (await reader.readline()).strip():
            pass
        return cls(reader, writer)

    async def frame(self) -> tuple[int, bytes]:
        head = await self.reader.readexactly(2)
        size = head[1]
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await self.reader.readexactly(8), "big")
        return head[0] & 15, await self.reader.readexactly(size)

    async def until_close(self) -> int | None:
        """The code of the close frame; None when the connection was cut."""
        try:
            while True:
                opcode, data = await self.frame()
                if opcode == 8:
                    return int.from_bytes(data[:2], "big")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            pass


async def test_a_websocket_hears_a_heartbeat_with_its_positions(client: Client, running: Any) -> None:
    poll = await client.poll()
    here = (await client.updates(f"polls/{poll['id']}")).json["pos"]
    raw = await Raw.open(running.port, f"/ws/polls/{poll['id']}")
    opcodes = []
    while True:
        opcode, data = await raw.frame()
        opcodes.append(opcode)
        if opcode == 1 and b"heartbeat" in data:
            break
    assert json.loads(data).keys() == {"heartbeat", "now"}
    assert json.loads(data)["heartbeat"] == {f"polls/{poll['id']}": here}
    assert 9 in opcodes
    await raw.close()


async def test_a_websocket_that_answers_no_ping_is_closed(client: Client, running: Any) -> None:
    poll = await client.poll()
    raw = await Raw.open(running.port, f"/ws/polls/{poll['id']}")
    assert await asyncio.wait_for(raw.until_close(), 10) == 4001
    await raw.close()


PONG = b"\x8a\x80\x01\x02\x03\x04"
WITH_PAYLOAD = b"\x8a\x82\x01\x02\x03\x04" + bytes([ord("h") ^ 1, ord("i") ^ 2])


def masked_text(text: str) -> bytes:
    data = text.encode()
    return bytes([0x81, 0x80 | len(data), 0, 0, 0, 0]) + data


@pytest.mark.parametrize(
    "pieces",
    [[PONG], [PONG[:1], PONG[1:]], [PONG[:3], PONG[3:]], [PONG + PONG], [WITH_PAYLOAD], [PONG, PONG]],
    ids=["alone", "in two, header cut", "in two", "two at once", "with payload", "one after the other"],
)
async def test_a_pong_counts_however_it_arrives_and_acts_around_it_are_heard(
    pieces: list[bytes], client: Client, running: Any
) -> None:
    poll = await client.poll()
    raw = await Raw.open(running.port, f"/ws/polls/{poll['id']}")
    pings = 0
    act = masked_text('{"do":"unsubscribe","ref":"1","stream":"x"}')
    while pings < 2:  # unanswered, the second would not come
        opcode, data = await asyncio.wait_for(raw.frame(), 10)
        if opcode == 9:
            pings += 1
            for piece in pieces:
                raw.writer.write(piece)
                await raw.writer.drain()
                await asyncio.sleep(0)
    raw.writer.write(PONG + act)
    while opcode != 1 or b'"ref"' not in data:
        opcode, data = await asyncio.wait_for(raw.frame(), 10)
    assert json.loads(data) == {"ref": "1", "ok": {"stream": "x"}}
    await raw.close()


async def test_an_sse_connection_hears_a_heartbeat_a_script_can_see(client: Client) -> None:
    poll = await client.poll()
    watcher = Watcher(client.url, "sse", f"polls/{poll['id']}")
    async with watcher._get(watcher._address("sse", ""), {}) as reader:
        async for fields in sse_fields(reader):
            if fields.get("event") == "heartbeat":
                break
    assert list(json.loads(fields["data"])["heartbeat"]) == [f"polls/{poll['id']}"] and "id" not in fields


async def test_slow_reader_is_left_behind_and_others_still_hear(
    client: Client, running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = running.services.hub.hub
    poll = await client.poll(options=[f"{n} " + "x" * 180 for n in range(40)])
    stream = f"polls/{poll['id']}"
    slow = await Raw.open(running.port, f"/ws/{stream}", receive_buffer=4096)
    other = Watcher(client.url, "websocket", stream)
    other.start()
    edits = 0
    while not hub.behind:  # a poll of 8 KiB goes out with each edit
        edits += 1
        await client.host("PUT", f"/api/{stream}", {"title": f"Edit {edits}"})
        assert edits < 500
    for _ in range(5):
        edits += 1
        await client.host("PUT", f"/api/{stream}", {"title": f"Edit {edits}"})
        await other.until(lambda c, edits=edits: c.state["poll"]["title"] == f"Edit {edits}")  # type: ignore[misc]
    checker = Checker(stream)
    checker.connect()
    while not (checker.synced and checker.state["poll"]["title"] == f"Edit {edits}"):
        opcode, data = await asyncio.wait_for(slow.frame(), 10)
        if opcode == 1 and b"heartbeat" not in data:
            checker.feed(json.loads(data))
        if opcode == 9:
            slow.writer.write(b"\x8a\x80\0\0\0\0")
    assert checker.events < edits, "what it missed came as one"
    assert hub.behind == 0
    await other.stop()
    await slow.close()


async def test_readers_that_leave_are_forgotten(client: Client, running: Any) -> None:
    poll = await client.poll()
    hub = running.services.hub.hub
    for _ in range(3):
        raws = await asyncio.gather(*(Raw.open(running.port, f"/ws/polls/{poll['id']}") for _ in range(50)))
        for raw in raws:
            await raw.frame()
        assert hub.readers == 50
        for raw in raws:
            raw.writer.transport.abort()
        while hub.readers or len(running.connections):
            await asyncio.sleep(0.01)
    assert hub.behind == 0
    metrics = (await client.ask("GET", "/metrics", token=ADMIN)).body.decode()
    assert 'livewall_readers{transport="websocket"} 0.0' in metrics


async def test_the_metrics_say_what_is_going_on(client: Client) -> None:
    poll = await client.poll()
    watching = await client.socket(f"/ws/polls/{poll['id']}")
    await watching.synced()
    await client.vote(poll["id"], "1")
    await watching.until(lambda m: m.get("key") == "tally")
    text = (await client.ask("GET", "/metrics", token=ADMIN)).body.decode()
    for line in (
        'livewall_readers{transport="websocket"} 1.0',
        'livewall_ballots_total{result="created"} 1.0',
        "livewall_readers_behind 0.0",
        "livewall_streams_open 1.0",
    ):
        assert line in text, line
    for name in ("commit_seconds", "commit_group_size", "change_to_last_send_seconds", "loop_lag_seconds"):
        assert f"livewall_{name}" in text


async def test_subscribing_again_moves_the_cursor(client: Client) -> None:
    poll = await client.poll()
    stream = f"polls/{poll['id']}"
    held = await client.socket(f"/ws/{stream}")
    here = (await held.synced())[-1]["pos"]
    await client.vote(poll["id"], "1")
    await held.until(lambda m: m.get("key") == "tally")
    assert "ok" in await held.act("subscribe", "1", stream=stream, since=here)
    again = await held.read()
    assert again["key"] == "tally" and again["prev"] == here
    assert "ok" in await held.act("subscribe", "2", stream=stream)
    assert (await held.synced())[0] == {"stream": stream, "reset": True}


async def test_what_was_unsubscribed_is_heard_no_more(client: Client) -> None:
    one, two = await client.poll(), await client.poll()
    held = await client.socket(f"/ws/polls/{one['id']},polls/{two['id']}")
    await held.synced(), await held.synced()
    await held.act("unsubscribe", "1", stream=f"polls/{one['id']}")
    await client.vote(one["id"], "1")
    await client.vote(two["id"], "1")
    assert (await held.until(lambda m: m.get("key") == "tally"))[0]["stream"] == f"polls/{two['id']}"


async def test_a_long_poll_that_is_given_up_leaves_nothing(client: Client, running: Any) -> None:
    poll = await client.poll()
    here = (await client.updates(f"polls/{poll['id']}")).json["pos"]
    _, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(f"GET /updates/polls/{poll['id']}?since={here}&wait=30 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    while not running.services.hub.hub.readers:
        await asyncio.sleep(0.01)
    writer.close()
    while running.services.hub.hub.readers:
        await asyncio.sleep(0.01)


async def test_a_socket_that_was_closed_is_freed_without_the_garbage_collector(client: Client, running: Any) -> None:
    poll = (await client.poll())["id"]

    async def come_and_go() -> None:
        socket = await client.socket(f"/ws/polls/{poll}", token=await client.voter())
        await socket.synced()
        assert "ok" in await socket.act("vote", choices=["1"])
        socket.connection.close()
        client.sockets.remove(socket)
        while len(running.connections):
            await asyncio.sleep(0)

    left = await kept_by_cycles(come_and_go, "PollSocket", "Acts", "Replies")
    assert len(left) <= 3, "reference cycles keep sockets that were closed"
