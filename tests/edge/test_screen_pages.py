"""What the projector's page says before any script runs, and to browsers that have none."""

from __future__ import annotations

import re
from typing import Any

from clients import ADMIN, Client

from handlers.pages.qr import qr_svg

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
    assert '<p class="note">majority: two thirds (3) · shares are out of 4; 1 abstained</p>' in page
    assert page.count('<line class="over" x1="66.7%"') == 2
    await client.host("POST", f"/api/polls/{poll['id']}/close")
    page = await screen(client, f"/polls/{poll['id']}")
    assert "quorum of 6 not reached: 1 short" in page and "no majority (two thirds) without the quorum" in page


async def test_the_round_before_stands_beside_this_one(client: Client) -> None:
    poll = (await client.poll(compare=True))["id"]
    await cast(client, poll, _1=3, _2=1)
    await ask_again(client, poll)
    await cast(client, poll, _2=1)
    page = await screen(client, f"/polls/{poll}")
    assert figures(page) == ["0% 0 was 75%", "100% 1 was 25%"]
    assert "previous: round 1, 4 ballots" in page


async def test_a_hidden_tally_is_in_no_figure_and_not_beside_them(client: Client) -> None:
    poll = (await client.poll(results="after_close", compare=True, quorum=3, options=OPTIONS, majority="1/2"))["id"]
    await cast(client, poll, _1=2)
    await ask_again(client, poll)
    await cast(client, poll, _2=1, _3=1)
    page = await screen(client, f"/polls/{poll}")
    assert figures(page) == ["", "", ""] and "was 100%" not in page
    assert '<p class="note">The result is shown when voting closes.</p>' in page
    assert "quorum of 3: 2 so far" in page and "<b>2</b> <span>ballots</span>" in page


async def asked(client: Client, wall: str, **fields: Any) -> str:
    """A poll of the wall that was asked and is closed."""
    poll = str((await client.poll(wall=wall, **fields))["id"])
    await cast(client, poll, _1=2, _2=1)
    await client.host("POST", f"/api/polls/{poll}/close")
    return poll


async def test_at_the_end_the_screen_shows_all_results_that_may_be_seen(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "Forum"}))["code"]
    await asked(client, wall, title="First?")
    await asked(client, wall, title="Second?", results="after_close")
    await asked(client, wall, title="Secret?", results="on_publish")
    page = await screen(client, f"/w/{wall}")
    assert re.findall(r'<h2 dir="auto">(.*?)</h2>', page) == ["First?", "Second?"]
    assert "67%" in page and "1 result is not published" in page and "Secret?" not in page
    assert 'data-scene="end"' in page


async def test_while_something_is_shown_or_still_to_come_there_is_no_end(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "Forum"}))["code"]
    results = f"/api/walls/{wall}/results"
    assert (await client.ask("GET", results)).json == {"over": False, "items": [], "hidden": 0}
    first = await asked(client, wall)
    assert (await client.ask("GET", results)).json["over"] is True
    await client.host("PUT", f"/api/walls/{wall}", {"active": f"polls/{first}"})
    assert (await client.ask("GET", results)).json["over"] is False
    await client.host("PUT", f"/api/walls/{wall}", {"active": None})
    await client.poll(wall=wall, open=False)
    found = (await client.ask("GET", results)).json
    assert found["over"] is False and [item["poll"]["id"] for item in found["items"]] == [first]
    assert 'data-scene="lobby"' in await screen(client, f"/w/{wall}")


async def test_the_results_of_a_wall_are_those_the_asker_may_see(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "Forum"}))["code"]
    poll = await asked(client, wall, results="on_publish")
    hidden = {"over": True, "items": [], "hidden": 1}
    for query, token in (("", None), ("", await client.voter()), ("?as=audience", ADMIN)):
        assert (await client.ask("GET", f"/api/walls/{wall}/results{query}", token=token)).json == hidden
    seen = await client.host("GET", f"/api/walls/{wall}/results")
    assert seen["items"][0]["tally"]["ballots"] == 3 and seen["hidden"] == 0
    await client.host("POST", f"/api/polls/{poll}/publish")
    assert (await client.ask("GET", f"/api/walls/{wall}/results")).json["items"][0]["tally"]["ballots"] == 3
    assert (await client.ask("GET", "/api/walls/ZZZZZZ/results")).status == 404


async def test_a_screen_for_a_slide_says_so_to_its_style_sheet_and_may_be_framed(client: Client) -> None:
    poll = (await client.poll())["id"]
    answer = await client.ask("GET", f"/polls/{poll}/screen?embed=1&theme=light")
    assert b'data-embed="true"' in answer.body
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
    assert "data-embed" not in await screen(client, f"/polls/{poll}")


async def test_an_end_page_draws_as_many_results_as_there_is_room_for(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    for number in range(14):
        poll = (await client.poll(wall=wall, title=f"Question {number}?"))["id"]
        await client.host("POST", f"/api/polls/{poll}/close")
    page = await screen(client, f"/w/{wall}")
    assert page.count("<article>") == 9 and 'class="end" data-columns="3"' in page
    assert '<p class="note">5 more results</p>' in page


def test_a_qr_code_is_drawn_once() -> None:
    assert qr_svg("https://wall.example/w/K7M2QD") is qr_svg("https://wall.example/w/K7M2QD")
    assert qr_svg("https://wall.example/w/K7M2QD") != qr_svg("https://wall.example/w/K7M2QE")
