"""Who takes too long for a request is sent away, and whoever reads or waits for an answer is not. The clock is ours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from clients import ADMIN, Client
from rawclient import Raw

from handlers.base import BaseHandler
from livewall.request_deadlines import Phase


class Clock:
    """The time of the server's door, which passes when a test says so."""

    def __init__(self, running: Any) -> None:
        self.http = running.http
        self.now = 1000.0
        self.http.clock = lambda: self.now
        self.raws: list[Raw] = []

    def __call__(self, seconds: float) -> None:
        """Let time pass, and look at the connections every second as the server does."""
        for _ in range(int(seconds)):
            self.now += 1
            self.http.sweep()

    async def raw(self) -> Raw:
        count = self.http.connections.count
        raw = await Raw.open(self.http_port)
        self.raws.append(raw)
        await self.until(lambda: self.http.connections.count > count)
        return raw

    async def until(self, true: Any) -> None:
        async with asyncio.timeout(10):
            while not true():
                await asyncio.sleep(0.002)

    async def phase(self, wanted: Phase) -> None:
        """Wait until the one connection there is stands so."""
        await self.until(lambda: [each.patience.phase for each in self.http.connections.waiting] == [wanted])

    async def came(self, size: int) -> None:
        """Wait until the one connection there is has brought so many bytes."""
        await self.until(lambda: [each.bytes_read for each in self.http.connections.waiting] == [size])

    http_port = 0


@pytest.fixture
def wait(running: Any) -> Iterator[Clock]:
    made = Clock(running)
    made.http_port = running.port
    yield made
    for raw in made.raws:
        raw.close()


async def test_a_connection_that_says_nothing_ends_after_15_seconds(wait: Clock) -> None:
    raw = await wait.raw()
    wait(14)
    assert wait.http.connections.count == 1
    wait(1)
    assert await raw.rest() == b""


@pytest.mark.parametrize("said", ["GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n", "\r\n"])
async def test_half_a_header_ends_after_15_seconds_with_408(wait: Clock, said: str) -> None:
    raw = await wait.raw()
    raw.say(said)
    await wait.came(len(said))
    wait(14)
    assert wait.http.connections.count == 1
    wait(1)
    status, headers, found = await raw.answer()
    assert (status, found["error"]["code"], headers["connection"]) == (408, "malformed", "close")


async def test_a_header_that_drips_ends_all_the_same(wait: Clock) -> None:
    raw = await wait.raw()
    for second, letter in enumerate("GET /healthz HT"):
        raw.say(letter)
        await wait.came(second + 1)
        wait(1)
    assert (await raw.answer())[0] == 408


async def test_a_body_that_drips_ends_after_its_first_seconds_with_408(client: Client, wait: Clock) -> None:
    head = "POST /api/voters HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"
    raw = await wait.raw()
    raw.say(head)
    await wait.phase(Phase.BODY)
    for second in range(5):
        raw.say(" ")
        await wait.came(len(head) + second + 1)
        wait(1)
        assert wait.http.connections.count == 1
    wait(1)
    assert (await raw.answer())[0] == 408


async def test_a_body_of_a_kilobyte_a_second_is_read_to_its_end(client: Client, wait: Clock) -> None:
    code = (await client.host("POST", "/api/walls", {"title": "T"}))["code"]
    deck = ("# T\n\n## Which?\n- A\n- B\n" + "<!-- " + "x" * 30_000 + " -->\n").encode()
    client.http.close()
    await wait.until(lambda: not wait.http.connections.count)
    head = (
        f"POST /api/walls/{code}/deck HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN}\r\n"
        f"Content-Length: {len(deck)}\r\n\r\n"
    )
    raw = await wait.raw()
    raw.say(head)
    await wait.phase(Phase.BODY)
    for at in range(0, len(deck), 1000):
        part = deck[at : at + 1000]
        raw.say(part)
        if at + 1000 < len(deck):
            await wait.came(len(head) + at + len(part))
            wait(1)
    assert (await raw.answer())[0] == 201


async def test_a_connection_that_has_made_requests_may_idle_for_minutes(wait: Clock) -> None:
    raw = await wait.raw()
    for _ in range(2):
        raw.say("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await raw.answer())[0] == 200
        await wait.phase(Phase.IDLE)
        wait(250)
    raw.say("GET /heal")
    await wait.until(lambda: [each.unread for each in wait.http.connections.waiting] == [9])
    wait(15)
    assert wait.http.connections.count == 1
    wait(1)
    assert (await raw.answer())[0] == 408


async def test_an_idle_connection_ends_after_five_minutes(wait: Clock) -> None:
    raw = await wait.raw()
    raw.say("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    await raw.answer()
    await wait.phase(Phase.IDLE)
    wait(300)
    assert await raw.rest() == b""


async def test_readers_and_long_polls_are_left_alone(client: Client, wait: Clock) -> None:
    poll = (await client.poll())["id"]
    socket, sse, long = await wait.raw(), await wait.raw(), await wait.raw()
    await socket.socket(f"/ws/polls/{poll}")
    sse.say(f"GET /sse/polls/{poll} HTTP/1.1\r\nHost: x\r\n\r\n")
    await sse.reader.readuntil(b'"synced":true')
    here = (await client.updates(f"polls/{poll}")).json["pos"]
    long.say(f"GET /updates/polls/{poll}?since={here}&wait=30 HTTP/1.1\r\nHost: x\r\n\r\n")
    await wait.until(lambda: Phase.WORK in [each.patience.phase for each in wait.http.connections.waiting])
    wait(1000)
    await client.vote(poll, "1")
    assert b'"ballots":1' in await socket.reader.readuntil(b'"ballots":1')
    assert b'"ballots":1' in await sse.reader.readuntil(b'"ballots":1')
    status, _, found = await long.answer()
    assert status == 200 and found["events"]


async def test_an_answer_that_nobody_takes_is_given_up(wait: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    from handlers.api.ops import HealthHandler

    monkeypatch.setattr(HealthHandler, "get", lambda self: self.finish(b"x" * 8_000_000))
    raw = await wait.raw()
    raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
    raw.say("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    await wait.until(lambda: any(serving.unsent for serving in wait.http._serving.values()))
    wait(59)
    assert wait.http.connections.count == 1
    wait(5)
    assert wait.http.connections.count == 0


async def test_unfinished_headers_are_limited_in_all(wait: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.transport.server.MAX_UNFINISHED_HEADERS", 25_000)
    senders = [await wait.raw() for _ in range(3)]
    for raw in senders:
        raw.say("GET / HTTP/1.1\r\nX: " + "y" * 9_980)
    await wait.until(lambda: all(each.unread >= 9_990 for each in wait.http.connections.waiting))
    wait(1)
    assert (await senders[2].answer())[0] == 408
    assert len(wait.http.connections.waiting) == 2


async def test_a_database_that_takes_its_time_is_no_fault_of_the_body(
    client: Client, running: Any, wait: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    identify, asked, found = BaseHandler.identify, asyncio.Event(), asyncio.Event()

    async def slowly(self: BaseHandler) -> None:
        await identify(self)
        asked.set()
        await found.wait()

    monkeypatch.setattr(BaseHandler, "identify", slowly)
    raw = await wait.raw()
    raw.say("POST /api/voters HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")
    await asked.wait()
    wait(30)
    found.set()
    raw.say("}")
    assert (await raw.answer())[0] == 201
