"""Whoever may not act is refused before the body is read, and nothing of a body stays once its sender has left."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from clients import ADMIN, Client
from cycles import kept_by_cycles
from rawclient import Raw

from handlers.api.openapi import CALLS
from handlers.request_bodies import LARGE_BODY, MAX_BODY, SMALL_BODY
from livewall.pending_bodies import Bodies

HEAD = "{} {} HTTP/1.1\r\nHost: x\r\n{}Content-Length: {}\r\n\r\n"


def path_of(call: Any) -> str:
    return re.sub(r"\{\w+\}", "nothing", call.path)


async def until(true: Any) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


async def said_to(port: int, head: str, body: bytes = b"") -> tuple[int, Any]:
    """Status and JSON of what is answered to a request whose body does not come whole."""
    raw = await Raw.open(port)
    raw.say(head)
    raw.say(body)
    status, headers, found = await raw.answer()
    assert headers["connection"] == "close"
    assert await raw.rest() == b""
    raw.close()
    return status, found


CHANGES = [call for call in CALLS if call.method != "GET"]


@pytest.mark.parametrize("call", [c for c in CHANGES if c.who], ids=lambda c: f"{c.method} {c.path}")
async def test_a_stranger_is_refused_before_the_body(running: Any, call: Any) -> None:
    status, found = await said_to(running.port, HEAD.format(call.method, path_of(call), "", 900_000), b"x" * 1000)
    assert status == 401
    assert found["error"]["code"] in ("unauthenticated", "no_voter")


async def test_a_wrong_address_method_token_or_origin_is_refused_before_the_body(client: Client, running: Any) -> None:
    voter = f"Cookie: livewall_voter_{running.services.secrets.folder_id}={await client.voter()}\r\n"
    for method, path, more, status in [
        ("POST", "/api/nowhere", "", 404),
        ("POST", "/nowhere/at/all", "", 404),
        ("PATCH", "/api/polls", "", 405),
        ("POST", "/sse/tasks", "", 405),
        ("PUT", "/polls/ABC", "", 405),
        ("POST", "/api/polls", "Authorization: Bearer wrong\r\n", 401),
        ("PUT", "/api/polls/ABC/ballot", voter + "Origin: http://evil.example\r\n", 403),
        ("POST", "/login/abc", "Origin: http://evil.example\r\n", 403),
        ("POST", "/", "Origin: http://evil.example\r\n", 403),
    ]:
        found, _ = await said_to(running.port, HEAD.format(method, path, more, 6000))
        assert found == status, (method, path, found)


@pytest.mark.parametrize(
    ("method", "path", "most"),
    [
        ("POST", "/api/voters", SMALL_BODY),
        ("PUT", "/api/polls/ABC/ballot", SMALL_BODY),
        ("PUT", "/api/walls/ABC/screens/one", SMALL_BODY),
        ("POST", "/polls/ABC/ballot", SMALL_BODY),
        ("POST", "/login/abc", SMALL_BODY),
        ("POST", "/", SMALL_BODY),
        ("GET", "/w", SMALL_BODY),
        ("GET", "/healthz", SMALL_BODY),
        ("GET", "/static/css/base.css", SMALL_BODY),
        ("POST", "/api/polls", LARGE_BODY),
        ("POST", "/api/walls/ABC/deck", MAX_BODY),
        ("POST", "/api/tasks/1/logs/a", MAX_BODY),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
async def test_each_address_has_its_limit(
    client: Client, running: Any, method: str, path: str, most: int, chunked: bool
) -> None:
    token = await client.voter() if most == SMALL_BODY else ADMIN
    more = f"Authorization: Bearer {token}\r\nSec-Fetch-Site: same-origin\r\n"
    raw = await Raw.open(running.port)
    if chunked:
        raw.say(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{more}Transfer-Encoding: chunked\r\n\r\n")
        raw.say(f"{most + 1:x}\r\n" + "x" * (most + 1) + "\r\n0\r\n\r\n")
    else:
        raw.say(HEAD.format(method, path, more, most + 1))
    status, _, found = await raw.answer()
    assert status == 413
    if isinstance(found, dict):
        assert found["error"]["code"] == "too_large"
    raw.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/voters"), ("GET", "/healthz"), ("POST", "/polls/ABC/ballot"), ("GET", "/packs/base.css")],
)
async def test_a_body_in_thousands_of_chunks_is_refused(running: Any, method: str, path: str) -> None:
    raw = await Raw.open(running.port)
    raw.say(f"{method} {path} HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\nTransfer-Encoding: chunked\r\n\r\n")
    raw.say("1\r\n \r\n" * 8000 + "0\r\n\r\n")
    status, _, found = await raw.answer()
    assert (status, found["error"]["code"]) == (400, "malformed")
    assert "chunks" in found["error"]["message"]
    raw.close()


async def test_a_body_in_some_hundred_small_chunks_is_taken_and_the_next_may_have_as_many(running: Any) -> None:
    raw = await Raw.open(running.port)
    for _ in range(3):
        raw.say("POST /api/voters HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        raw.say("1\r\n{\r\n" + "1\r\n \r\n" * 400 + "1\r\n}\r\n0\r\n\r\n")
        assert (await raw.answer())[0] == 201
    raw.close()


async def test_a_log_may_come_in_a_chunk_for_each_line(client: Client, running: Any) -> None:
    task = await client.host("POST", "/api/tasks", {"title": "T", "steps": [{"name": "a"}]})
    raw, lines = await Raw.open(running.port), 5000
    raw.say(f"POST /api/tasks/{task['id']}/logs/a?offset=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN}\r\n")
    raw.say("Transfer-Encoding: chunked\r\n\r\n" + "7\r\na line\n\r\n" * lines + "0\r\n\r\n")
    status, _, found = await raw.answer()
    assert (status, found["lines"]) == (200, lines)
    raw.close()


async def test_a_body_that_came_along_with_a_refused_request_does_not_cost_the_connection(running: Any) -> None:
    raw = await Raw.open(running.port)
    for _ in range(3):
        raw.say(HEAD.format("POST", "/api/polls", "", 2) + "{}")
        status, headers, _ = await raw.answer()
        assert (status, headers.get("connection")) == (401, None)
    raw.say(HEAD.format("POST", "/api/voters", "", 2) + "{}")
    assert (await raw.answer())[0] == 201
    raw.close()


async def test_who_waits_to_be_asked_for_the_body_is_not_asked_when_refused(client: Client, running: Any) -> None:
    raw = await Raw.open(running.port)
    raw.say(HEAD.format("POST", "/api/polls", "Expect: 100-continue\r\n", 500))
    assert (await raw.answer())[0] == 401
    raw.close()
    raw = await Raw.open(running.port)
    raw.say(HEAD.format("POST", "/api/voters", "Expect: 100-continue\r\n", 2))
    assert (await raw.answer())[0] == 100
    raw.say("{}")
    assert (await raw.answer())[0] == 201
    raw.close()


class TestTheWhole:
    @pytest.fixture
    def bodies(self, running: Any) -> Bodies:
        running.services.bodies = Bodies(most=3000, most_of_one=2000)
        found: Bodies = running.services.bodies
        return found

    async def test_of_unfinished_bodies_is_limited_for_an_address(self, running: Any, bodies: Bodies) -> None:
        senders = [await Raw.open(running.port) for _ in range(3)]
        for raw in senders[:2]:
            raw.say(HEAD.format("POST", "/api/voters", "", 1200) + "x" * 900)
        await until(lambda: bodies.held == 1800)
        senders[2].say(HEAD.format("POST", "/api/voters", "", 1200) + "x" * 900)
        status, headers, found = await senders[2].answer()
        assert (status, found["error"]["code"]) == (429, "rate") and headers["retry-after"]
        for raw in senders:
            raw.close()
        await until(lambda: not bodies.held)

    async def test_of_unfinished_bodies_is_limited_for_all(self, running: Any, bodies: Bodies) -> None:
        bodies.take("others", 2000)
        raw = await Raw.open(running.port)
        raw.say(HEAD.format("POST", "/api/voters", "", 1200) + "x" * 1100)
        assert (await raw.answer())[0] == 503
        raw.close()
        assert bodies.held == 2000

    async def test_is_given_back_with_the_answer(self, client: Client, bodies: Bodies) -> None:
        assert (await client.ask("POST", "/api/voters", raw=b'{"a":1}')).status == 422
        assert (await client.ask("POST", "/api/voters", raw=b"{}")).status == 201
        assert not bodies.held

    async def test_counts_unfinished_messages_of_websockets(self, client: Client, running: Any, bodies: Bodies) -> None:
        from rawclient import close_code, frame

        poll = (await client.poll())["id"]
        first, second = await Raw.open(running.port), await Raw.open(running.port)
        for raw in (first, second):
            await raw.socket(f"/ws/polls/{poll}")
        first.say(frame(b"x" * 1500, final=False))
        await until(lambda: bodies.held == 1500)
        second.say(frame(b"x" * 1500, final=False))
        assert close_code(await second.rest()) == 4008
        first.close()
        await until(lambda: not bodies.held)
        second.close()


@pytest.mark.parametrize("path", ["/api/polls", "/nowhere", "/w/X/deck"])
async def test_a_body_with_two_lengths_is_refused_and_is_no_request(running: Any, path: str) -> None:
    inner = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
    status, found = await said_to(running.port, head, chunked)
    assert status == 400 and found["error"]["code"] == "malformed"


async def test_nothing_stays_of_one_who_leaves_in_the_middle_of_a_body(client: Client, running: Any) -> None:
    async def abort() -> None:
        raw = await Raw.open(running.port)
        raw.say(HEAD.format("POST", "/api/voters", "", 5000) + "x" * 4000)
        await until(lambda: running.services.bodies.held == 4000)
        raw.close()
        await until(lambda: not running.services.bodies.held and not running.http.connections.count)

    left = await kept_by_cycles(abort, "VotersHandler", "Exchange")
    assert not left, "reference cycles keep what an aborted request was"
