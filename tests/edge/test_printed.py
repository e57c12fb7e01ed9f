"""Results to print: the figures of every round that may be seen, and nothing of those that may not."""

from __future__ import annotations

import re

from clients import ADMIN, Client


async def text(client: Client, path: str, token: str | None = None, status: int = 200) -> str:
    answer = await client.ask("GET", path, token=token)
    assert answer.status == status, answer.body
    return re.sub(r"\s+", " ", answer.body.decode())


def cells(body: str) -> list[str]:
    return re.findall(r'<td class="n[^"]*"[^>]*>([^<]*)</td>', body)


async def test_a_poll_is_printed_with_its_figures_and_rules(client: Client) -> None:
    options = ["A <b>", "B", {"label": "Abstain", "abstain": True}]
    poll = (await client.poll(options=options, quorum=3, majority="1/2"))["id"]
    for choice in "1123":
        await client.vote(poll, choice)
    await client.host("POST", f"/api/polls/{poll}/close")
    body = await text(client, f"/polls/{poll}/print")
    assert cells(body) == [
        "67%", "2", "33%", "1", "–", "1",
        "4 ballots", "shares are out of 3; 1 abstained", "quorum of 3 reached",
        "majority (more than half: 2): A &lt;b&gt;",
    ]  # fmt: skip
    assert 'x1="50.0%"' in body and "url(#k2)" in body and 'id="k2"' in body
    assert "one ballot per device" in body and re.search(r"closed [-0-9: ]+ UTC", body) and "As of 20" in body


async def test_rounds_stand_side_by_side(client: Client) -> None:
    poll = (await client.poll())["id"]
    for round, choices in enumerate(("1", "122", "2", "1", "12"), 1):
        for choice in choices:
            await client.vote(poll, choice)
        await client.host("POST", f"/api/polls/{poll}/close")
        if round < 5:
            await client.host("POST", f"/api/polls/{poll}/reset", {"round": round})
            await client.host("POST", f"/api/polls/{poll}/open")
    body = await text(client, f"/polls/{poll}/print")
    assert cells(body)[:8] == ["33%", "1", "0%", "0", "100%", "1", "50%", "1"]
    assert "round 2: 3 ballots" in body and "round 1:" not in body and "1 earlier round is in the export" in body


async def test_a_hidden_result_is_not_printed(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    hidden = (await client.poll(wall=wall, results="on_publish", title="Hidden?"))["id"]
    seen = (await client.poll(wall=wall, title="Seen?"))["id"]
    await client.poll(wall=wall, title="Draft?", open=False)
    for poll in (hidden, seen):
        await client.vote(poll, "1")
    for query, token in (("", None), ("?as=audience", ADMIN)):
        assert "Seen" not in await text(client, f"/polls/{hidden}/print{query}", token, 403)
        body = await text(client, f"/w/{wall}/print{query}", token)
        assert "Seen?" in body and "Hidden?" not in body and "Draft?" not in body and len(cells(body)) == 5
    body = await text(client, f"/w/{wall}/print", ADMIN)
    assert "Seen?" in body and "Hidden?" in body and "Draft?" not in body and "Only hosts can see" in body
    assert (await client.ask("GET", "/polls/NOSUCHPOLL/print")).status == 404
    assert (await client.ask("GET", "/w/NOWALL/print")).status == 404


async def test_a_wall_without_results_says_so(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    assert "no results to see here yet" in await text(client, f"/w/{wall}/print?from=x")
