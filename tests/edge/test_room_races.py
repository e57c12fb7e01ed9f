"""What several do in a room at the same moment: one of them is first, by whatever way it came."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest
from clients import Client
from test_rooms import held, room, say

from server import Running


async def by_every_way(client: Client, token: str, texts: list[str]) -> list[str]:
    """Say each text at once, over two sockets and by HTTP in turn; return the codes of the answers, "" for a yes."""
    sockets = [await client.socket("/ws/rooms/ops", token=token) for _ in range(2)]

    async def one(number: int, text: str) -> str:
        if number % 3 == 2:
            answer = await client.ask("POST", "/api/rooms/ops/messages", {"text": text}, token=token)
            return "" if answer.status == 201 else answer.code
        reply = await sockets[number % 3].act("say", room="ops", text=text)
        return str(reply.get("error", {}).get("code", ""))

    return list(await asyncio.gather(*(one(number, text) for number, text in enumerate(texts))))


async def test_slow_mode_is_one_timer_for_every_way_of_saying_something(client: Client) -> None:
    await room(client, slow=3600)
    codes = await by_every_way(client, await client.voter(), [f"text {number}" for number in range(12)])
    assert sorted(codes) == ["", *["slow"] * 11]
    assert len((await held(client)).numbered) == 1


async def test_who_is_muted_says_nothing_by_any_way(client: Client) -> None:
    await room(client)
    voter = await client.voter()
    person = (await say(client, "hello", voter))["from"]
    await client.host("PUT", f"/api/rooms/ops/people/{person}", {"muted": True})
    assert set(await by_every_way(client, voter, ["a", "b", "c"])) == {"muted"}
    edited = await client.ask("PUT", "/api/rooms/ops/messages/1", {"text": "through an edit"}, token=voter)
    assert edited.code == "muted"
    assert [message["text"] for message in (await held(client)).numbered.values()] == ["hello"]


async def test_a_name_that_two_claim_at_once_is_one_s(client: Client) -> None:
    await room(client)
    voters = [await client.voter() for _ in range(6)]
    names = ["Mark", "MARK", "rnark", "m\u0430rk", "Mark\u200b", " mark "]
    claims = [
        client.ask("PUT", "/api/rooms/ops/me", {"name": name}, token=voter)
        for name, voter in zip(names, voters, strict=True)
    ]
    answers = await asyncio.gather(*claims)
    assert sorted(answer.status for answer in answers) == [200, *[409] * 5]


async def test_an_edit_that_races_a_withdrawal_leaves_nothing_of_the_text(client: Client, running: Running) -> None:
    await room(client)
    voter = await client.voter()
    reader = await client.socket("/ws/rooms/ops")
    await reader.synced()
    for number in range(1, 21):
        await say(client, f"hush {number}", voter)
        path = f"/api/rooms/ops/messages/{number}"
        both = [
            client.ask("PUT", path, {"text": f"hush again {number}"}, token=voter),
            client.ask("DELETE", path, token=voter),
        ]
        answers: list[Any] = list(await asyncio.gather(*(both if number % 2 else both[::-1])))
        assert {answer.status for answer in answers} <= {200, 409}
    assert all("text" not in message for message in (await held(client)).numbered.values())
    with sqlite3.connect(running.app.folder.database) as database:
        assert "hush" not in "\n".join(database.iterdump())


async def test_a_flood_by_one_is_limited_and_harms_nobody_else(client: Client, limited: None) -> None:
    await room(client)
    loud, quiet = await client.voter(), await client.voter()
    codes = await by_every_way(client, loud, [f"flood {number}" for number in range(60)])
    assert codes.count("") <= 6 and set(codes) == {"", "rate"}
    assert (await say(client, "may I?", quiet))["text"] == "may I?"


@pytest.fixture
def limited(running: Running) -> None:
    running.services.limits.on = True


async def test_edits_and_a_room_as_a_whole_are_limited(client: Client, limited: None) -> None:
    await room(client)
    voters = [await client.voter() for _ in range(60)]
    said = await asyncio.gather(
        *(client.ask("POST", "/api/rooms/ops/messages", {"text": "long " * 700}, token=voter) for voter in voters)
    )
    codes = ["" if answer.status == 201 else answer.code for answer in said]
    assert set(codes) == {"", "rate"} and codes.count("") >= 50 and "Retry-After" in said[-1].headers
    edits = [
        client.ask("PUT", "/api/rooms/ops/messages/1", {"text": f"edit {number}"}, token=voters[codes.index("")])
        for number in range(20)
    ]
    assert sorted({answer.status for answer in await asyncio.gather(*edits)})[-1] == 429
