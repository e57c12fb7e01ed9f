"""What the projector's page says before any script runs, and to browsers that have none."""

from __future__ import annotations

import re
from typing import Any

from conftest import Client

OPTIONS = ["Yes", "No", {"label": "Abstain", "abstain": True}]


async def screen(client: Client, path: str, query: str = "") -> str:
    answer = await client.ask("GET", f"{path}/screen{query}")
    assert answer.status == 200
    return answer.body.decode()


def figures(page: str) -> list[str]:
    """Figures of each row, as they are read."""
    found = re.findall(r'<span class="figures">(.*?)</span>', page)
    return [" ".join(re.sub("<[^>]+>", " ", each).split()) for each in found]


async def cast(client: Client, poll: str, **votes: int) -> None:
    for choice, times in votes.items():
        for _ in range(times):
            assert (await client.vote(poll, choice[1:])).status == 201


async def ask_again(client: Client, poll: str) -> None:
    for act, body in (("close", {}), ("reset", {"round": 1}), ("open", {})):
        await client.host("POST", f"/api/polls/{poll}/{act}", body)


async def test_quorum_majority_and_abstention_are_said(client: Client) -> None:
    poll: dict[str, Any] = await client.poll(options=OPTIONS, quorum=6, majority="2/3")
    await cast(client, poll["id"], _1=3, _2=1, _3=1)
    page = await screen(client, f"/polls/{poll['id']}")
    assert figures(page) == ["75% 3", "25% 1", "1"]
    assert '<p id="quorum">quorum of 6: 5 so far</p>' in page
    assert '<p class="note">majority: two thirds (3) · shares are of 4: 1 abstained</p>' in page
    assert page.count('<line class="over" x1="66.7%"') == 2
    await client.host("POST", f"/api/polls/{poll['id']}/close")
    page = await screen(client, f"/polls/{poll['id']}")
    assert "quorum of 6 missed by 1" in page and "no majority (two thirds: 3)" in page


async def test_the_round_before_stands_beside_this_one(client: Client) -> None:
    poll = (await client.poll(compare=True))["id"]
    await cast(client, poll, _1=3, _2=1)
    await ask_again(client, poll)
    await cast(client, poll, _2=1)
    page = await screen(client, f"/polls/{poll}")
    assert figures(page) == ["0% 0 before 75%", "100% 1 before 25%"]
    assert "thin: round 1, 4 ballots" in page


async def test_a_hidden_tally_is_in_no_figure_and_not_beside_them(client: Client) -> None:
    poll = (await client.poll(results="after_close", compare=True, quorum=3, options=OPTIONS, majority="1/2"))["id"]
    await cast(client, poll, _1=2)
    await ask_again(client, poll)
    await cast(client, poll, _2=1, _3=1)
    page = await screen(client, f"/polls/{poll}")
    assert figures(page) == ["", "", ""] and "before 100%" not in page
    assert '<p class="note">The result is shown when voting closes.</p>' in page
    assert "quorum of 3: 2 so far" in page and '<b>2</b> <span>ballots</span>' in page
