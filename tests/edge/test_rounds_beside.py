"""On the poll's page the round before stands beside this one, where the host asked for it and the reader may see it."""

from __future__ import annotations

import re

from clients import Client


async def text(client: Client, path: str) -> str:
    return re.sub(r"\s+", " ", (await client.ask("GET", path)).body.decode())


async def two_rounds(client: Client, **fields: object) -> str:
    poll = str((await client.poll(**fields))["id"])
    await client.vote(poll, "1")
    await client.host("POST", f"/api/polls/{poll}/close")
    await client.host("POST", f"/api/polls/{poll}/reset", {"round": 1})
    await client.host("POST", f"/api/polls/{poll}/open")
    for choice in "122":
        await client.vote(poll, choice)
    await client.host("POST", f"/api/polls/{poll}/close")
    return poll


async def test_the_round_before_stands_beside_this_one(client: Client) -> None:
    poll = await two_rounds(client, compare=True, quorum=9, majority="1/2")
    body = await text(client, f"/polls/{poll}")
    assert re.findall(r'<small class="before"[^>]*>([^<]*)<', body) == ["was 100%", "was 0%"]
    assert '<span class="ghost" aria-hidden="true"><svg class="bar" width="100.0%">' in body
    assert '<th scope="col">Share, round 1</th>' in body and "<td>1</td><td>100%</td>" in body
    said = re.search(r'<p class="note facts" dir="auto">([^<]*)</p>', body)
    assert said and said[1] == (
        "quorum of 9 not reached: 6 short · no majority (more than half) without the quorum · "
        "previous: round 1, 1 ballot"
    )


async def test_a_round_stands_alone_unless_the_host_asked(client: Client) -> None:
    poll = await two_rounds(client)
    body = await text(client, f"/polls/{poll}")
    assert "was 100%" not in body and "Share, round 1" not in body


async def test_a_hidden_result_has_no_round_before_either(client: Client) -> None:
    poll = await two_rounds(client, compare=True, results="on_publish")
    body = await text(client, f"/polls/{poll}")
    assert "was 100%" not in body and "round 1" not in body
