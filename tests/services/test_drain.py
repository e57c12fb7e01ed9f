"""SIGTERM: everybody is sent away and told when to come back, what was acknowledged stays, and it is soon over."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from child_server import Server
from crowd import Crowd, Line, readers, stored
from tornado.httpclient import HTTPRequest
from tornado.ioloop import IOLoop
from tornado.websocket import WebSocketClientConnection, websocket_connect

from handlers.live.connections import Connections
from livewall.metrics import Metrics

pytest_plugins = ("server_fixtures",)

SOON = 4.0


@pytest.fixture
def stopping(child: Server) -> Iterator[Callable[[], None]]:
    """Ask the server to stop."""

    def ask() -> None:
        assert child.process is not None
        child.process.send_signal(signal.SIGTERM)

    yield ask


def slow(server: Server, ms: int) -> str:
    """A poll of a server that has been started again and gathers writes for so long: ballots are under way."""
    poll = server.poll()
    server.stop()
    server.options = (*server.options, "--gather", str(ms))
    server.start()
    return poll


async def open_socket(server: Server, poll: str, token: str = "") -> WebSocketClientConnection:
    """A socket that has the whole poll."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    made = await websocket_connect(HTTPRequest(f"ws://127.0.0.1:{server.port}/ws/polls/{poll}", headers=headers))
    while "synced" not in json.loads(await made.read_message() or "null"):
        pass
    return made


async def closed(made: WebSocketClientConnection) -> list[Any]:
    """What still came before the close."""
    seen = []
    while (text := await asyncio.wait_for(made.read_message(), 10)) is not None:
        seen.append(json.loads(text))
    made.close()
    return seen


async def open_sse(server: Server, poll: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET /sse/polls/{poll} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
    while b'"synced":true' not in await asyncio.wait_for(reader.readuntil(b"\n\n"), 10):
        pass
    return reader, writer


async def exit_status(server: Server, seconds: float = 10) -> int:
    assert server.process is not None
    return await asyncio.to_thread(server.process.wait, seconds)


async def test_everybody_is_sent_away_and_told_when_to_come_back(child: Server, stopping: Callable[[], None]) -> None:
    poll = child.poll()
    sockets = [await open_socket(child, poll) for _ in range(8)]
    streams = [await open_sse(child, poll) for _ in range(8)]
    here = child.ask("GET", f"/updates/polls/{poll}?wait=0", token="")[1]["pos"]
    lines = [Line(child.url) for _ in range(4)]
    polls = [asyncio.ensure_future(line.ask("GET", f"/updates/polls/{poll}?since={here}&wait=30")) for line in lines]
    waiting = 'livewall_readers{transport="long-poll"} 4.0'
    async with asyncio.timeout(10):
        while waiting not in await metrics(child):
            await asyncio.sleep(0.01)
    start = time.monotonic()
    stopping()
    answers = await asyncio.gather(*polls)
    assert answers == [(200, {"events": [], "pos": here})] * 4
    for made in sockets:
        assert await closed(made) == []
        assert made.close_code == 4000
    after = [int(made.close_reason or "") for made in sockets]
    assert all(str(ms) == made.close_reason for ms, made in zip(after, sockets, strict=True))
    retries = []
    for reader, writer in streams:
        rest = await asyncio.wait_for(reader.read(), 10)
        assert rest.startswith(b"retry: ") and rest.endswith(b"\n\n"), rest
        retries.append(int(rest.split()[1]))
        writer.close()
    # Spread over some seconds, no two at the same time.
    assert len({*after, *retries}) == 16 and max(after + retries) - min(after + retries) > 2000
    assert all(0 < ms <= 10_000 for ms in after + retries)
    assert await exit_status(child) == 0
    assert time.monotonic() - start < SOON
    for line in lines:
        line.close()


async def metrics(server: Server) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = f"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {server.admin}\r\n\r\n"
    writer.write(head.encode())
    text = (await reader.read()).decode()
    writer.close()
    return text


async def until_waiting(line: Line, writes: int) -> None:
    async with asyncio.timeout(10):
        while (await line.ask("GET", "/readyz"))[1]["writes_waiting"] != writes:
            await asyncio.sleep(0)


async def test_ballots_that_are_under_way_are_committed_and_answered(
    child: Server, stopping: Callable[[], None]
) -> None:
    poll = slow(child, 1000)
    watching = await open_socket(child, poll)
    voting = await open_socket(child, poll, child.voter())
    lines, probe = [Line(child.url) for _ in range(5)], Line(child.url)
    assert (await probe.ask("GET", "/readyz"))[0] == 200
    tokens = [child.voter() for _ in lines]
    # The vote is in the writer's hands, and the other ballots wait behind it.
    await voting.write_message(json.dumps({"do": "vote", "ref": "v", "choices": ["1"]}))
    await voting.write_message(json.dumps({"do": "unsubscribe", "ref": "u", "stream": "polls/none"}))
    while json.loads(await voting.read_message() or "null").get("ref") != "u":
        pass
    await until_waiting(probe, 0)
    path, body = f"/api/polls/{poll}/ballot", {"choices": ["2"]}
    ballots = [
        asyncio.ensure_future(line.ask("PUT", path, body, token=token))
        for line, token in zip(lines, tokens, strict=True)
    ]
    await until_waiting(probe, len(ballots))
    stopping()
    await closed(watching)
    assert watching.close_code == 4000
    # It still answers those who are connected, and says that it is leaving; nobody new gets in.
    status, found = await probe.ask("GET", "/readyz")
    assert (status, found["error"]["code"]) == (503, "draining")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", child.port)
    assert not any(each.done() for each in ballots), "acknowledged before the commit"
    answers = await asyncio.gather(*ballots)
    assert [status for status, _ in answers] == [201] * 5
    told = [message for message in await closed(voting) if message.get("ref") == "v"]
    assert [message["ok"]["choices"] for message in told] == [["1"]]
    assert voting.close_code == 4000
    assert await exit_status(child) == 0
    for line in [*lines, probe]:
        line.close()
    assert child.recounted(poll)["counts"] == {"1": 1, "2": 5}
    await asyncio.to_thread(child.start)
    for token, (_, given) in zip(tokens, answers, strict=True):
        assert child.ask("GET", f"/api/polls/{poll}", token=token)[1]["ballot"] == given


async def test_restarts_in_the_midst_of_an_election_are_noticed_by_nobody(
    child: Server, stopping: Callable[[], None], chance: random.Random
) -> None:
    poll = child.poll()
    crowd = Crowd(child.url, poll, chance, [n % 3 // 2 for n in range(360)])
    async with readers(child.url, f"polls/{poll}") as watchers:
        casting = asyncio.ensure_future(crowd.cast())
        for goal in (60, 180):
            await crowd.until(lambda goal=goal: crowd.acknowledged >= goal and bool(crowd.under_way))  # type: ignore[misc]
            stopping()
            assert await exit_status(child) == 0
            assert crowd.receipts() <= set(stored(child.data, poll))
            await asyncio.to_thread(child.start)
        await casting
        for watcher in watchers:
            await watcher.until(lambda c: c.state["tally"]["counts"] == {"1": 240, "2": 120})
        assert [w.checker.resets for w in watchers[:3]] == [1, 1, 1]
        await crowd.check_receipts()
    assert child.recounted(poll)["ballots"] == 360 and set(stored(child.data, poll)) == crowd.receipts()


async def test_whoever_comes_while_the_others_are_sent_away_is_sent_away_too(io_loop: IOLoop) -> None:
    class Late:
        transport, credential = "sse", ""
        after: int | None = None

        def drain(self, after_ms: int) -> None:
            self.after = after_ms

    connections, late = Connections(Metrics()), Late()
    await connections.drain()
    connections.add(late)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert late.after


async def test_a_second_signal_leaves_at_once(child: Server, stopping: Callable[[], None]) -> None:
    child.expected += ["stopping at once"]
    poll = slow(child, 2000)
    watching, voting = await open_socket(child, poll), await open_socket(child, poll, child.voter())
    await voting.write_message(json.dumps({"do": "vote", "ref": "v", "choices": ["1"]}))
    await voting.write_message(json.dumps({"do": "unsubscribe", "ref": "u", "stream": "polls/none"}))
    while json.loads(await voting.read_message() or "null").get("ref") != "u":
        pass
    stopping()
    await closed(watching)
    start = time.monotonic()
    stopping()
    assert await exit_status(child) == 1
    assert time.monotonic() - start < 1.9, "it waited for the writer"
    assert not [message for message in await closed(voting) if message.get("ref") == "v"]


@pytest.mark.parametrize("fill", [False, True], ids=["with room", "full"])
async def test_two_hundred_readers_that_never_read_hold_nothing_up(
    child: Server, stopping: Callable[[], None], fill: bool
) -> None:
    poll = child.poll()
    held = []
    try:
        for number in range(200):
            made = socket.create_connection(("127.0.0.1", child.port))
            held.append(made)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            kind = "sse" if number % 2 else "ws"
            lines = [f"GET /{kind}/polls/{poll} HTTP/1.1", f"Host: 127.0.0.1:{child.port}"]
            if kind == "ws":
                lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
                lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
            made.sendall("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(20):
            while 'transport="sse"} 100.0' not in (text := await metrics(child)) or 'et"} 100.0' not in text:
                await asyncio.sleep(0.02)
            for n in range(400):
                if not fill or "livewall_readers_behind 200.0" in await metrics(child):
                    break
                child.host("PUT", f"/api/polls/{poll}", {"title": f"{n:04}" * 125})
            else:
                raise AssertionError("they are not behind")
        start = time.monotonic()
        stopping()
        assert await exit_status(child) == 0
        assert time.monotonic() - start < SOON
    finally:
        for made in held:
            made.close()
