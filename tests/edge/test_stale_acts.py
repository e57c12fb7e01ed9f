"""An act made for what somebody has changed since, and an archived poll put back."""

from __future__ import annotations

from typing import Any

import pytest
from clients import ADMIN, Answer, Client

ACTS: list[tuple[str, str, Any, str]] = [
    ("POST", "/open", {}, "draft"),
    ("POST", "/close", {}, "open"),
    ("POST", "/publish", {"published": True}, "closed"),
    ("POST", "/reset", {"round": 1}, "closed"),
    ("PUT", "", {"title": "Mine"}, "draft"),
    ("DELETE", "", {}, "draft"),
]


async def in_phase(client: Client, phase: str) -> str:
    id = str((await client.poll(open=phase != "draft", results="on_publish"))["id"])
    if phase == "closed":
        await client.host("POST", f"/api/polls/{id}/close")
    return f"/api/polls/{id}"


async def acting(client: Client, method: str, path: str, body: Any, etag: str) -> Answer:
    return await client.ask(method, path, body, token=ADMIN, headers={"If-Match": etag})


@pytest.mark.parametrize(("method", "act", "body", "phase"), ACTS)
async def test_an_act_for_what_was_changed_since_is_a_conflict_and_changes_nothing(
    client: Client, method: str, act: str, body: Any, phase: str
) -> None:
    path = await in_phase(client, phase)
    etag = (await client.ask("GET", path, token=ADMIN)).headers["ETag"]
    await client.host("PUT", path, {"title": "Theirs"})
    before = await client.ask("GET", path, token=ADMIN)
    stale = await acting(client, method, path + act, body, etag)
    assert (stale.status, stale.code) == (409, "conflict")
    after = await client.ask("GET", path, token=ADMIN)
    assert after.json | {"now": ""} == before.json | {"now": ""} and after.headers["ETag"] == before.headers["ETag"]
    assert (await acting(client, method, path + act, body, after.headers["ETag"])).status == 200


async def test_a_ballot_makes_no_act_stale(client: Client) -> None:
    path = await in_phase(client, "open")
    etag = (await client.ask("GET", path, token=ADMIN)).headers["ETag"]
    await client.vote(path.rpartition("/")[2], "1")
    closed = await acting(client, "POST", f"{path}/close", {}, etag)
    assert closed.status == 200 and closed.headers["ETag"] != etag


async def test_an_archived_poll_is_put_back_as_it_was(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    polls = [(await client.poll(wall=wall, closes_in=600))["id"] for _ in range(2)]
    await client.vote(polls[0], "2")
    path = f"/api/polls/{polls[0]}"
    before = await client.host("GET", path)
    await client.host("DELETE", path)
    assert (await client.ask("GET", path)).status == 404
    answer = await client.ask("POST", f"{path}/restore", token=ADMIN)
    assert answer.status == 200 and answer.json["phase"] == "open"
    assert await client.host("GET", path) | {"now": ""} == before | {"now": ""}
    items = (await client.host("GET", f"/api/walls/{wall}"))["items"]
    assert items == [f"polls/{polls[1]}", f"polls/{polls[0]}"]
    again = await client.ask("POST", f"{path}/restore", token=ADMIN)
    assert again.status == 200 and again.headers["ETag"] == answer.headers["ETag"]
    assert (await client.vote(polls[0], "1")).status == 201


async def test_readers_come_back_to_a_poll_that_was_put_back(client: Client) -> None:
    poll = (await client.poll())["id"]
    await client.host("DELETE", f"/api/polls/{poll}")
    await client.host("POST", f"/api/polls/{poll}/restore")
    socket = await client.socket(f"/ws/polls/{poll}")
    held = [message["key"] for message in await socket.synced() if "key" in message]
    assert sorted(held) == ["poll", "tally"]
    assert (await client.host("GET", "/api/audit?limit=1"))["items"][0]["act"] == "poll.restore"


async def test_a_poll_whose_wall_is_gone_is_put_back_on_none(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    poll = (await client.poll(wall=wall))["id"]
    await client.host("DELETE", f"/api/polls/{poll}")
    await client.host("DELETE", f"/api/walls/{wall}")
    assert (await client.host("POST", f"/api/polls/{poll}/restore"))["wall"] is None


async def test_a_poll_whose_time_ran_out_meanwhile_is_closed_when_it_is_put_back(client: Client) -> None:
    poll = (await client.poll(closes_in=1))["id"]
    await client.host("DELETE", f"/api/polls/{poll}")
    await client.host("POST", f"/api/polls/{poll}/restore")
    socket = await client.socket(f"/ws/polls/{poll}")
    await socket.until(lambda m: m.get("key") == "poll" and m["data"]["phase"] == "closed")


async def test_a_closed_poll_that_is_put_back_has_the_replay_it_had(client: Client) -> None:
    poll = (await client.poll())["id"]
    await client.vote(poll, "1")
    await client.host("POST", f"/api/polls/{poll}/close")
    before = (await client.ask("GET", f"/api/polls/{poll}/replay")).json["items"]
    await client.host("DELETE", f"/api/polls/{poll}")
    await client.host("POST", f"/api/polls/{poll}/restore")
    assert (await client.ask("GET", f"/api/polls/{poll}/replay")).json["items"] == before
    assert (await client.ask("GET", f"/api/polls/{poll}")).json["tally"]["ballots"] == 1
