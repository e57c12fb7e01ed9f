"""A wall's host page without script: whole, and its forms do what the API does."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from clients import ADMIN, Answer, Client

from handlers.etags import versions_in
from handlers.pages.poll_form import changed_poll, new_poll
from handlers.view_models.task_chart import shape
from livewall.errors import BadInput
from livewall.voting.poll import Option

OWN = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}


async def wall_of(client: Client, *titles: str) -> tuple[str, list[str]]:
    wall = str((await client.host("POST", "/api/walls", {"title": "Forum"}))["code"])
    return wall, [(await client.poll(open=False, wall=wall, title=title))["id"] for title in titles]


async def page(client: Client, wall: str, query: str = "") -> str:
    answer = await client.ask("GET", f"/w/{wall}/host{query}", token=ADMIN)
    assert answer.status == 200, answer.body
    return answer.body.decode()


async def send(client: Client, path: str, **fields: Any) -> Answer:
    return await client.ask("POST", path, raw=urlencode(fields).encode(), token=ADMIN, headers=OWN)


def version(text: str, poll: str) -> str:
    """The version in the first form of a poll."""
    found = re.search(rf'action="/desk/polls/{poll}">.*?name="version" value="(\d+)"', text, re.S)
    assert found
    return found[1]


async def test_the_page_shows_the_items_in_their_order_and_the_active_one(client: Client) -> None:
    wall, [first, second] = await wall_of(client, "First <b>", "Second")
    await client.host("PUT", f"/api/walls/{wall}", {"active": f"polls/{second}"})
    await client.host("POST", f"/api/polls/{second}/open")
    await client.vote(second, "1")
    text = await page(client, wall)
    assert text.index(f'id="poll-{first}"') < text.index(f'id="poll-{second}"') and "First &lt;b&gt;" in text
    assert "1 ballot" in text and "Close voting" in text
    data = json.loads(re.findall(r'<script type="application/json" id="page">(.*?)</script>', text)[0])
    assert data["wall"]["active"] == f"polls/{second}"
    held = data["items"][f"polls/{second}"]
    etag = (await client.ask("GET", f"/api/polls/{second}", token=ADMIN)).headers["ETag"]
    assert held["tally"]["ballots"] == 1 and versions_in(etag) == {held["version"]}


async def test_only_hosts_see_it(client: Client) -> None:
    wall, [poll] = await wall_of(client, "Secret")
    assert (await client.ask("GET", f"/w/{wall}/host")).status == 401
    refused = await client.ask("GET", f"/w/{wall}/host", token=await client.token("operator"))
    assert refused.status == 403 and b"Secret" not in refused.body
    assert (await client.ask("GET", "/w/ZZZZZZ/host", token=ADMIN)).status == 404
    for path, fields in ((f"/desk/polls/{poll}", {"do": "open"}), (f"/desk/walls/{wall}", {"do": "show"})):
        body = urlencode(fields).encode()
        answer = await client.ask("POST", path, raw=body, token=await client.token("operator"), headers=OWN)
        assert answer.status == 403
    assert (await client.host("GET", f"/api/polls/{poll}"))["phase"] == "draft"


async def test_an_empty_wall_and_a_task_have_their_page(client: Client) -> None:
    wall, _ = await wall_of(client)
    assert "There is nothing on this wall yet" in await page(client, wall)
    await client.host("POST", "/api/tasks", {"title": "Release 7", "steps": [{"name": "a"}], "id": "t1"})
    await client.host("PUT", f"/api/walls/{wall}", {"items": ["tasks/t1"], "active": "tasks/t1"})
    text = await page(client, wall)
    assert "Release 7" in text and text.count('<span class="badge" data-state="pending">') == 2
    await client.host("PUT", "/api/tasks/t1/steps/a", {"state": "failed"})
    text = await page(client, wall)
    assert text.count(f'<path class="mark" d="{shape("failed")}">') == text.count('data-state="failed"') == 2


async def test_a_form_made_for_an_older_version_is_refused_and_says_so(client: Client) -> None:
    wall, [poll] = await wall_of(client, "First")
    seen = version(await page(client, wall), poll)
    await client.host("PUT", f"/api/polls/{poll}", {"title": "Theirs"})
    answer = await send(client, f"/desk/polls/{poll}", only=wall, do="open", version=seen)
    text = answer.body.decode()
    assert answer.status == 409 and "Somebody else changed this" in text and "Theirs" in text
    assert (await client.host("GET", f"/api/polls/{poll}"))["phase"] == "draft"
    again = await send(client, f"/desk/polls/{poll}", only=wall, do="open", version=version(text, poll))
    assert (again.status, again.headers["Location"]) == (303, f"/w/{wall}/host?done=open&at=poll-{poll}#poll-{poll}")


async def test_an_edit_that_came_second_keeps_what_was_typed_beside_what_there_is(client: Client) -> None:
    wall, [poll] = await wall_of(client, "First")
    seen = version(await page(client, wall), poll)
    await client.host("PUT", f"/api/polls/{poll}", {"title": "Theirs"})
    fields = {"only": wall, "do": "edit", "poll": poll, "title": "Mine", "options": "A\nB", "results": "live"}
    answer = await send(client, f"/desk/polls/{poll}", **fields, version=seen)
    text = html.unescape(answer.body.decode())
    assert answer.status == 409 and 'value="Mine"' in text and "It is now called: Theirs" in text
    assert (await send(client, f"/desk/polls/{poll}", **fields, version=version(text, poll))).status == 303
    assert (await client.host("GET", f"/api/polls/{poll}"))["title"] == "Mine"


async def test_items_move_up_and_down_and_not_beyond_the_ends(client: Client) -> None:
    wall, polls = await wall_of(client, "1", "2", "3")
    first, second, third = (f"polls/{poll}" for poll in polls)

    async def moved(do: str, item: str) -> list[str]:
        assert (await send(client, f"/desk/walls/{wall}", only=wall, do=do, item=item)).status == 303
        items: list[str] = (await client.host("GET", f"/api/walls/{wall}"))["items"]
        return items

    assert await moved("down", first) == [second, first, third]
    assert await moved("up", third) == [second, third, first]
    assert await moved("up", second) == [second, third, first]
    assert (await send(client, f"/desk/walls/{wall}", only=wall, do="up", item="polls/NONE")).status == 422
    stale = await send(client, f"/desk/walls/{wall}", only=wall, do="up", item=first, version="1")
    assert stale.status == 409


async def test_a_poll_is_timed_hidden_shown_duplicated_and_put_away(client: Client) -> None:
    wall, [poll] = await wall_of(client, "First")
    path, api = f"/desk/polls/{poll}", f"/api/polls/{poll}"
    for do in ("open", "left:60", "add:30"):
        assert (await send(client, path, only=wall, do=do)).status == 303
    assert (await client.host("GET", api))["closes_at"] is not None
    await send(client, path, only=wall, do="left:none")
    assert (await client.host("GET", api))["closes_at"] is None
    assert (await send(client, path, only=wall, do="add:x")).status == 422
    await send(client, path, only=wall, do="hide")
    assert (await client.ask("GET", api)).json["tally"] is None
    await send(client, path, only=wall, do="publish")
    assert (await client.ask("GET", api)).json["tally"] is not None
    await send(client, path, only=wall, do="hide")
    assert (await client.ask("GET", api)).json["tally"] is None
    await send(client, path, only=wall, do="duplicate")
    await send(client, path, only=wall, do="archive")
    [copy] = (await client.host("GET", f"/api/walls/{wall}"))["items"]
    assert (await client.host("GET", f"/api/{copy}"))["phase"] == "draft"


async def test_a_poll_is_made_with_an_abstention_a_quorum_and_a_majority(client: Client) -> None:
    wall, _ = await wall_of(client)
    fields = {"title": "Budget", "options": "Yes\nNo\n", "abstain": "Abstain", "quorum": "20", "majority": "2/3"}
    await send(client, "/desk/polls", only=wall, wall=wall, results="on_publish", compare="yes", **fields)
    [item] = (await client.host("GET", f"/api/walls/{wall}"))["items"]
    poll = await client.host("GET", f"/api/{item}")
    assert poll["options"][2] == {"id": "3", "label": "Abstain", "abstain": True}
    assert (poll["quorum"], poll["majority"], poll["compare"], poll["results"]) == (20, "2/3", True, "on_publish")
    text = await page(client, wall, f"?edit={poll['id']}")
    assert 'value="Abstain"' in text and 'value="20"' in text
    assert 'value="Abstain"' not in await page(client, wall)  # one form at a time: a wall may have hundreds of polls


def test_the_choices_of_a_poll_with_ballots_stand() -> None:
    assert "options" not in changed_poll({"title": "T", "results": "live"}, [{"id": "1", "label": "A"}])


def test_as_many_options_as_before_keep_their_ids() -> None:
    held = [Option("a", "A"), Option("n", "None", abstain=True), Option("b", "B")]
    made = changed_poll({"title": "T", "options": "A2\nB", "abstain": "Nobody"}, held)["options"]
    assert [(each["id"], each["label"]) for each in made] == [("a", "A2"), ("b", "B"), ("n", "Nobody")]
    assert changed_poll({"title": "T", "options": "A"}, held)["options"] == ["A"]


def test_a_number_that_is_none_is_named() -> None:
    with pytest.raises(BadInput) as refused:
        new_poll({"title": "T", "options": "A\nB", "quorum": "many"})
    assert refused.value.fields == {"quorum": "a whole number"}


async def test_a_host_reads_the_quorum_and_the_majority_while_the_result_is_hidden(client: Client) -> None:
    wall, _ = await wall_of(client)
    rules = {"quorum": 3, "majority": "2/3", "results": "on_publish"}
    poll = (await client.poll(wall=wall, options=["Yes", "No", {"label": "Neither", "abstain": True}], **rules))["id"]
    await client.host("PUT", f"/api/walls/{wall}", {"active": f"polls/{poll}"})
    for choice in "13":
        await client.vote(poll, choice)
    text = await page(client, wall)
    assert "quorum of 3: 2 so far" in text and "result hidden" in text and "100%" in text
