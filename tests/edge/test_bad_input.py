"""Bad input: each its error, no stack trace, and nobody else disturbed."""

from __future__ import annotations

import asyncio
import struct
from typing import Any
from urllib.parse import quote

import pytest
from clients import ADMIN, Client


@pytest.fixture
def poll(io_loop: Any, client: Client) -> dict[str, Any]:
    found: dict[str, Any] = io_loop.run_sync(client.poll)
    return found


async def test_ballots_that_cannot_be_taken(client: Client, poll: dict[str, Any]) -> None:
    voter = await client.voter()
    path = f"/api/polls/{poll['id']}/ballot"
    cases: list[tuple[str, Any, str | None, int, str]] = [
        ("/api/polls/NOPE/ballot", {"choices": ["1"]}, voter, 404, "no_such_poll"),
        (path, {"choices": ["9"]}, voter, 422, "invalid"),
        (path, {"choices": ["1", "2"]}, voter, 422, "invalid"),
        (path, {"choices": []}, voter, 422, "invalid"),
        (path, {"choices": "1"}, voter, 422, "invalid"),
        (path, {"choices": ["1"], "colour": 1}, voter, 422, "invalid"),
        (path, {"choices": ["1"], "round": 0}, voter, 422, "invalid"),
        (path, {"choices": ["1"], "round": 2}, voter, 409, "round_over"),
        (path, {"choices": ["1"]}, None, 401, "no_voter"),
        (path, {"choices": ["1"]}, "nonsense", 401, "bad_token"),
        (path, {"choices": ["1"]}, "v1.abc.def", 401, "bad_token"),
        (path, {"choices": ["1"]}, ADMIN, 401, "no_voter"),
    ]
    for where, body, token, status, code in cases:
        answer = await client.ask("PUT", where, body, token=token)
        assert (answer.status, answer.code) == (status, code), (where, body, answer.body)
    fields = (await client.ask("PUT", path, {"choices": ["9"]}, token=voter)).json["error"]["fields"]
    assert list(fields) == ["choices"]
    await client.host("POST", f"/api/polls/{poll['id']}/close")
    closed = await client.ask("PUT", path, {"choices": ["1"]}, token=voter)
    assert (closed.status, closed.code) == (409, "closed")


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b"\xff\xfe{}", 400, "malformed"),
        (b'{"choices":["1"]}{', 400, "malformed"),
        (b"[1]", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b"[" * 8_000, 422, "invalid"),
        (b'{"choices":["' + b"x" * 8_000 + b'"]}', 422, "invalid"),
        (b"[" * 100_000, 413, "too_large"),
        (b'{"choices":["' + b"x" * 100_000 + b'"]}', 413, "too_large"),
        (b'{"choices":["1"],"round":1e999}', None, None),
    ],
)
async def test_bodies_that_are_no_ballot(
    client: Client, poll: dict[str, Any], raw: bytes, status: int | None, code: str | None
) -> None:
    answer = await client.ask("PUT", f"/api/polls/{poll['id']}/ballot", raw=raw, token=await client.voter())
    assert answer.status in (400, 422) if status is None else (answer.status, answer.code) == (status, code)


async def test_a_2_mib_body_is_413_and_the_connection_lives(client: Client, poll: dict[str, Any]) -> None:
    answer = await client.ask(
        "PUT", f"/api/polls/{poll['id']}/ballot", raw=b" " * (2 << 20), token=await client.voter()
    )
    assert (answer.status, answer.code) == (413, "too_large")


async def test_a_body_in_chunks_is_counted_too(client: Client, running: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(b"POST /api/voters HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(40):
        writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
    writer.write(b"0\r\n\r\n")
    assert b" 413 " in await reader.readline()
    writer.close()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 10_000}, "title"),
        ({"title": 7}, "title"),
        ({"title": "   "}, "title"),
        ({"title": "a\u0000b"}, "title"),
        ({"options": []}, "options"),
        ({"options": ["x"] * 41}, "options"),
        ({"options": ["", "b"]}, "options[0]"),
        ({"options": [{"label": "a", "id": "no spaces"}]}, "options[0].id"),
        ({"options": [{"label": "x" * 10_000}]}, "options[0].label"),
        ({"kind": "quadratic"}, "kind"),
        ({"closes_in": -1}, "closes_in"),
        ({"results": "never"}, "results"),
        ({"assurance": "blood"}, "assurance"),
        ({"colour": "red"}, "colour"),
        ({"max_choices": 2}, "max_choices"),
    ],
)
async def test_polls_that_cannot_be_made(client: Client, fields: dict[str, Any], field: str) -> None:
    answer = await client.ask("POST", "/api/polls", {"title": "T", "options": ["A", "B"], **fields}, token=ADMIN)
    assert (answer.status, answer.code) == (422, "invalid"), answer.body
    assert list(answer.json["error"]["fields"]) == [field]


async def test_strange_text_comes_back_as_it_went_in(client: Client) -> None:
    strange = '<script>alert("x")</script> & مرحبا \u202e 🗳️ "q" \\ \u2028 end'
    poll = await client.poll(title=strange, options=[strange, "b"])
    assert poll["title"] == strange
    [event] = [e for e in (await client.updates(f"polls/{poll['id']}")).json["events"] if e.get("key") == "poll"]
    assert event["data"]["options"][0]["label"] == strange


async def test_a_message_of_100_kib_closes_the_socket_with_1009_and_only_that(
    client: Client, poll: dict[str, Any]
) -> None:
    other = await client.socket(f"/ws/polls/{poll['id']}", token=await client.voter())
    await other.synced()
    socket = await client.socket(f"/ws/polls/{poll['id']}")
    await socket.synced()
    await socket.send("x" * (100 << 10))
    assert await socket.closed() == 1009
    assert "ok" in await other.act("vote", choices=["1"])


async def test_invalid_utf8_closes_the_socket_with_4505(client: Client, poll: dict[str, Any]) -> None:
    socket = await client.socket(f"/ws/polls/{poll['id']}")
    await socket.synced()
    protocol: Any = socket.connection.protocol
    await protocol._write_frame(True, 0x1, b"\xff\xfe\xfd")
    assert await socket.closed() == 4505


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "malformed"),
        ("[1,2]", "invalid"),
        ('{"do":"explode","ref":"1"}', "invalid"),
        ('{"do":"vote","ref":"1"}', "invalid"),
        ('{"do":"vote","ref":1,"choices":["1"]}', "invalid"),
        ('{"do":"vote","ref":"1","choices":["1"]}', "no_voter"),
        ('{"do":"subscribe","ref":"1","stream":"polls/NOPE"}', "no_such_stream"),
        ('{"do":"subscribe","ref":"1","stream":"nothing"}', "no_such_stream"),
        ('{"do":"subscribe","ref":"1","stream":"a\\"b"}', "no_such_stream"),
        ('{"do":"subscribe","ref":"1","stream":"tasks"}', "unauthenticated"),
    ],
)
async def test_acts_that_cannot_be_taken_are_answered_and_the_socket_lives(
    client: Client, poll: dict[str, Any], message: str, code: str
) -> None:
    socket = await client.socket(f"/ws/polls/{poll['id']}")
    await socket.synced()
    await socket.connection.write_message(message)
    answer = await socket.read()
    assert answer["error"]["code"] == code and "ref" in answer
    assert "ok" in await socket.act("unsubscribe", "9", stream=f"polls/{poll['id']}")


async def test_a_binary_message_is_answered(client: Client, poll: dict[str, Any]) -> None:
    socket = await client.socket(f"/ws/polls/{poll['id']}")
    await socket.synced()
    await socket.connection.write_message(struct.pack("!I", 7), binary=True)
    assert (await socket.read())["error"]["code"] == "malformed"


async def test_seventeen_streams_are_too_many(client: Client) -> None:
    ids = [f"polls/{(await client.poll())['id']}" for _ in range(17)]
    for path in ("/updates/", "/sse/"):
        answer = await client.ask("GET", f"{path}{','.join(ids)}?wait=0")
        assert (answer.status, answer.code) == (422, "too_many_streams")
    socket = await client.socket(f"/ws/{','.join(ids)}")
    assert await socket.closed() == 4505
    socket = await client.socket(f"/ws/{','.join(ids[:16])}")
    for _ in range(16):
        await socket.synced()
    assert (await socket.act("subscribe", stream=ids[16]))["error"]["code"] == "too_many_streams"


async def test_several_streams_share_a_connection_on_every_transport(client: Client) -> None:
    ids = [f"polls/{(await client.poll())['id']}" for _ in range(3)]
    streams = ",".join(ids)
    answer = (await client.updates(streams)).json
    assert len(answer["pos"].split(",")) == 3
    assert [e["stream"] for e in answer["events"] if "synced" in e] == ids
    await client.vote(ids[1].partition("/")[2], "1")
    more = (await client.updates(streams, f"since={answer['pos']}&wait=5")).json
    assert {e["stream"] for e in more["events"]} == {ids[1]}
    assert more["pos"].split(",")[0] == answer["pos"].split(",")[0]


async def test_a_long_poll_with_nothing_new_answers_after_its_wait(client: Client, poll: dict[str, Any]) -> None:
    here = (await client.updates(f"polls/{poll['id']}")).json["pos"]
    answer = await client.updates(f"polls/{poll['id']}", f"since={here}&wait=0.2")
    assert answer.json == {"events": [], "pos": here}
    assert "ETag" not in answer.headers


async def test_a_plain_poll_with_its_etag_is_304_without_a_body(client: Client, poll: dict[str, Any]) -> None:
    first = await client.updates(f"polls/{poll['id']}")
    again = await client.updates(f"polls/{poll['id']}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert first.headers["ETag"] == f'"{first.json["pos"]}"'
    assert first.headers["Cache-Control"] == "private, no-cache" and first.headers["Vary"] == "Authorization, Cookie"


async def test_a_wait_that_is_no_number_is_refused(client: Client, poll: dict[str, Any]) -> None:
    for wait in ("soon", "-1", "nan", "inf"):
        answer = await client.updates(f"polls/{poll['id']}", f"wait={wait}")
        assert (answer.status, answer.code) == (422, "invalid")


async def test_a_method_that_is_not_taken_says_which_are(client: Client) -> None:
    answer = await client.ask("PATCH", "/api/polls/x/ballot")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "DELETE, PUT"


async def test_a_websocket_address_without_upgrade_is_an_error(client: Client, poll: dict[str, Any]) -> None:
    assert (await client.ask("GET", f"/ws/polls/{poll['id']}")).status == 400


async def test_a_flood_of_what_cannot_be_taken_closes_its_socket_with_4008(client: Client, running: Any) -> None:
    poll = await client.poll()
    running.services.limits.on = True
    socket = await client.socket(f"/ws/polls/{poll['id']}")
    await socket.synced()
    for _ in range(1000):
        if socket.connection.protocol.is_closing():  # type: ignore[union-attr]
            break
        await socket.connection.write_message("{")
    assert await socket.closed() == 4008


async def test_a_rate_is_limited_per_voter_with_retry_after(io_loop: Any, client: Client, running: Any) -> None:
    poll, voter = await client.poll(), await client.voter()
    running.services.limits.on = True
    answers = await asyncio.gather(*(client.vote(poll["id"], "1", voter) for _ in range(60)))
    limited = [a for a in answers if a.status == 429]
    assert len(limited) >= 20 and limited[0].code == "rate" and int(limited[0].headers["Retry-After"]) >= 1
    assert (await client.vote(poll["id"], "1")).status == 201


@pytest.mark.parametrize("limit", ["0", "501", "000001999", "1" * 5000, "٣", "-1", "x"])
async def test_a_limit_that_is_none_is_refused(limit: str, client: Client) -> None:
    answer = await client.ask("GET", f"/api/polls?limit={quote(limit)}", token=ADMIN)
    assert (answer.status, answer.code) == (422, "invalid")
