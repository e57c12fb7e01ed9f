"""What a host does with polls."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from clients import ADMIN, Client

import server


async def test_a_new_poll_is_a_draft_with_the_defaults(client: Client) -> None:
    answer = await client.ask("POST", "/api/polls", {"title": "T", "options": ["A", "B"]}, token=ADMIN)
    assert answer.status == 201
    made = answer.json
    assert len(made.pop("id")) == 16
    assert made == {
        "wall": None,
        "title": "T",
        "kind": "single",
        "phase": "draft",
        "round": 1,
        "results": "live",
        "options": [{"id": "1", "label": "A"}, {"id": "2", "label": "B"}],
        "published": False,
        "assurance": "open",
        "allow_change": True,
        "max_choices": 1,
        "closes_at": None,
    }


async def test_a_draft_is_not_there_for_anyone_else(client: Client) -> None:
    poll = await client.poll(open=False)
    answer = await client.ask("GET", f"/api/polls/{poll['id']}")
    assert (answer.status, answer.code) == (404, "no_such_poll")
    assert (await client.ask("GET", f"/api/polls/{poll['id']}?as=audience", token=ADMIN)).status == 404
    vote = await client.vote(poll["id"], "1")
    assert (vote.status, vote.code) == (409, "poll_not_open")


async def test_closing_a_draft_is_409(client: Client) -> None:
    poll = await client.poll(open=False)
    answer = await client.ask("POST", f"/api/polls/{poll['id']}/close", token=ADMIN)
    assert (answer.status, answer.code) == (409, "poll_not_open")


async def test_opening_twice_and_closing_twice_are_200(client: Client) -> None:
    poll = await client.poll()
    for act, phase in (("open", "open"), ("close", "closed"), ("close", "closed"), ("open", "open")):
        assert (await client.host("POST", f"/api/polls/{poll['id']}/{act}"))["phase"] == phase


async def test_a_poll_closes_by_itself_at_its_time(client: Client) -> None:
    poll = await client.poll(closes_in=1)
    assert poll["closes_at"] is not None
    socket = await client.socket(f"/ws/polls/{poll['id']}")
    seen = await socket.until(lambda m: m.get("key") == "poll" and m["data"]["phase"] == "closed")
    assert seen[-1]["data"]["closes_at"] == poll["closes_at"]
    vote = await client.vote(poll["id"], "1")
    assert (vote.status, vote.code) == (409, "closed")


async def test_a_ballot_that_comes_before_the_timer_finds_the_poll_closed_and_so_does_everybody(
    client: Client, running: server.Running
) -> None:
    polls = [(await client.poll(closes_in=600))["id"] for _ in range(2)]
    voter = await client.voter()
    first = await client.vote(polls[0], "1", voter)
    socket = await client.socket(f"/ws/polls/{polls[0]}")
    services = running.services
    services.booth._clock = services.polls._clock = lambda: services.clock() + timedelta(seconds=601)
    again = await client.vote(polls[0], "1", voter)
    assert (again.status, again.json) == (200, first.json), "whose answer was lost is answered as before"
    vote = await client.vote(polls[0], "2")
    assert (vote.status, vote.code) == (409, "closed")
    back = await client.ask("DELETE", f"/api/polls/{polls[1]}/ballot", token=voter)
    assert (back.status, back.code) == (409, "closed")
    for poll, count in zip(polls, (1, 0), strict=True):
        found = await client.host("GET", f"/api/polls/{poll}")
        assert (found["phase"], found["tally"]["ballots"]) == ("closed", count)
    await socket.until(lambda m: m.get("key") == "poll" and m["data"]["phase"] == "closed")


async def test_the_time_of_an_open_poll_counts_from_its_opening_however_often_it_is_set(client: Client) -> None:
    poll = await client.poll(closes_in=600)
    path = f"/api/polls/{poll['id']}"
    longer = await client.host("PUT", path, {"closes_in": 1200})
    opened = datetime.fromisoformat(poll["closes_at"]) - timedelta(seconds=600)
    assert datetime.fromisoformat(longer["closes_at"]) == opened + timedelta(seconds=1200)
    assert (await client.host("PUT", path, {"closes_in": 1200}))["closes_at"] == longer["closes_at"]
    assert (await client.host("PUT", path, {"closes_in": None}))["closes_at"] is None


async def test_head_is_answered_like_get_without_a_body(client: Client) -> None:
    poll = await client.poll()
    for path in ("/w", f"/api/polls/{poll['id']}", f"/updates/polls/{poll['id']}?wait=0"):
        answer = await client.ask("HEAD", path)
        assert (answer.status, answer.body) == (200, b"")
    assert (await client.ask("HEAD", "/api/voters")).status == 405


async def test_static_files_have_the_headers_of_everything_else(client: Client) -> None:
    found = await client.ask("GET", "/static/js/net/streams.js")
    missing = await client.ask("GET", "/static/nothing.js")
    assert found.status == 200 and (missing.status, missing.code) == (404, "not_found")
    for answer in (found, missing):
        assert "Server" not in answer.headers and answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_hidden_results_are_published_and_withdrawn(client: Client) -> None:
    poll = await client.poll(results="on_publish")
    await client.vote(poll["id"], "1")

    async def tally() -> object:
        return (await client.ask("GET", f"/api/polls/{poll['id']}")).json["tally"]

    assert await tally() is None
    await client.host("POST", f"/api/polls/{poll['id']}/publish")
    assert (await tally())["counts"] == {"1": 1, "2": 0}  # type: ignore[index]
    await client.host("POST", f"/api/polls/{poll['id']}/publish", {"published": False})
    assert await tally() is None
    await client.host("POST", f"/api/polls/{poll['id']}/publish")
    await client.host("POST", f"/api/polls/{poll['id']}/close")
    after = await client.host("POST", f"/api/polls/{poll['id']}/reset", {"round": 1})
    assert after["published"] is False


async def test_a_stale_if_match_is_a_conflict(client: Client) -> None:
    poll = await client.poll(open=False)
    path = f"/api/polls/{poll['id']}"
    etag = (await client.ask("GET", path, token=ADMIN)).headers["ETag"]
    first = await client.ask("PUT", path, {"title": "One"}, token=ADMIN, headers={"If-Match": etag})
    assert first.status == 200 and first.headers["ETag"] != etag
    stale = await client.ask("PUT", path, {"title": "Two"}, token=ADMIN, headers={"If-Match": etag})
    assert (stale.status, stale.code) == (409, "conflict")
    assert (await client.ask("PUT", path, {"title": "Two"}, token=ADMIN)).status == 200


async def test_options_stand_once_there_is_a_ballot(client: Client) -> None:
    poll = await client.poll()
    path = f"/api/polls/{poll['id']}"
    assert (await client.host("PUT", path, {"options": ["X", "Y", "Z"]}))["options"][2]["label"] == "Z"
    await client.vote(poll["id"], "3")
    refused = await client.ask("PUT", path, {"options": ["Q"]}, token=ADMIN)
    assert (refused.status, refused.code) == (409, "conflict")
    assert (await client.host("PUT", path, {"title": "New"}))["title"] == "New"


async def test_an_archived_poll_is_gone_and_its_readers_are_told(client: Client) -> None:
    poll = await client.poll()
    socket = await client.socket(f"/ws/polls/{poll['id']}")
    await socket.synced()
    await client.host("DELETE", f"/api/polls/{poll['id']}")
    assert await socket.closed() == 4504
    assert (await client.ask("GET", f"/api/polls/{poll['id']}")).code == "no_such_poll"
    assert (await client.host("GET", "/api/polls"))["items"] == []


async def test_the_list_of_polls_is_read_page_by_page(client: Client) -> None:
    made = [(await client.poll(title=f"P{n}"))["id"] for n in range(5)]
    found, before = [], ""
    while True:
        page = await client.host("GET", f"/api/polls?limit=2&before={before}")
        found += [p["id"] for p in page["items"]]
        if page["next"] is None:
            break
        before = page["next"]
    assert sorted(found) == sorted(made)


async def test_earlier_rounds_are_kept(client: Client) -> None:
    poll, voter = await client.poll(), await client.voter()
    await client.vote(poll["id"], "1", voter)
    await client.host("POST", f"/api/polls/{poll['id']}/close")
    await client.host("POST", f"/api/polls/{poll['id']}/reset", {"round": 1})
    await client.host("POST", f"/api/polls/{poll['id']}/open")
    await client.vote(poll["id"], "2", voter)
    results = await client.host("GET", f"/api/polls/{poll['id']}/results.json")
    assert [r["counts"] for r in results["rounds"]] == [{"1": 1, "2": 0}, {"1": 0, "2": 1}]


async def test_many_hosts_at_once_move_a_poll_once(client: Client) -> None:
    poll = await client.poll()
    await client.host("POST", f"/api/polls/{poll['id']}/close")
    await asyncio.gather(*(client.host("POST", f"/api/polls/{poll['id']}/reset", {"round": 1}) for _ in range(10)))
    assert (await client.host("GET", f"/api/polls/{poll['id']}"))["round"] == 2


async def test_an_open_poll_is_given_more_time(client: Client) -> None:
    poll = await client.poll(closes_in=600)
    path = f"/api/polls/{poll['id']}"
    longer = await client.host("POST", f"{path}/timer", {"add": 30})
    ends = datetime.fromisoformat(poll["closes_at"]) + timedelta(seconds=30)
    assert datetime.fromisoformat(longer["closes_at"]) == ends
    stale = await client.ask("POST", f"{path}/timer", {"add": 30}, token=ADMIN, headers={"If-Match": '"1"'})
    assert (stale.status, stale.code) == (409, "conflict")
    assert (await client.host("POST", f"{path}/timer", {"left": None}))["closes_at"] is None


async def test_a_poll_says_when_it_was_closed_until_it_is_open_again(client: Client) -> None:
    poll = await client.poll()
    path = f"/api/polls/{poll['id']}"
    closed = await client.host("POST", f"{path}/close")
    assert (await client.host("POST", f"{path}/close"))["closed_at"] == closed["closed_at"]
    assert "closed_at" not in await client.host("POST", f"{path}/open")


async def test_what_a_host_shows_is_revealed_a_second_later_by_the_servers_clock(client: Client) -> None:
    poll = await client.poll(results="on_publish")
    path = f"/api/polls/{poll['id']}"
    shown = await client.host("POST", f"{path}/publish")
    now = datetime.fromisoformat((await client.host("GET", path))["now"])
    assert datetime.fromisoformat(shown["reveal_at"]) <= now + timedelta(seconds=1)
    assert "reveal_at" not in await client.host("POST", f"{path}/publish", {"published": False})


async def test_rounds_are_laid_side_by_side_for_who_may_see_the_tally(client: Client) -> None:
    poll = await client.poll(results="on_publish")
    path = f"/api/polls/{poll['id']}"
    await client.vote(poll["id"], "1", await client.voter())
    await client.host("POST", f"{path}/close")
    await client.host("POST", f"{path}/reset", {"round": 1})
    await client.host("POST", f"{path}/open")
    await client.vote(poll["id"], "2", await client.voter())
    answer = await client.ask("GET", f"{path}/rounds")
    assert (answer.status, answer.code) == (403, "forbidden")
    first = {"round": 1, "counts": {"1": 1, "2": 0}, "ballots": 1}
    second = {"round": 2, "counts": {"1": 0, "2": 1}, "ballots": 1}
    assert (await client.host("GET", f"{path}/rounds"))["items"] == [first, second]
    await client.host("POST", f"{path}/publish")
    assert (await client.ask("GET", f"{path}/rounds")).json["items"] == [second]  # the first was never shown
    await client.host("PUT", path, {"compare": True})
    assert (await client.ask("GET", f"{path}/rounds")).json["items"] == [first, second]


async def test_abstaining_counts_as_a_ballot_and_excludes_other_choices(client: Client) -> None:
    options = ["A", "B", {"label": "Abstain", "abstain": True}]
    poll = await client.poll(options=options, kind="multi", max_choices=3, quorum=2, majority="1/2")
    assert poll["options"][2] == {"id": "3", "label": "Abstain", "abstain": True}
    voter = await client.voter()
    path = f"/api/polls/{poll['id']}/ballot"
    both = await client.ask("PUT", path, {"choices": ["1", "3"]}, token=voter)
    assert (both.status, both.code) == (422, "invalid")
    assert (await client.ask("PUT", path, {"choices": ["3"]}, token=voter)).status == 201


async def test_a_copy_keeps_the_rules_and_not_what_happened(client: Client) -> None:
    poll = await client.poll(quorum=5, majority="2/3", compare=True)
    await client.host("POST", f"/api/polls/{poll['id']}/close")
    copy = await client.ask("POST", f"/api/polls/{poll['id']}/duplicate", {}, token=ADMIN)
    assert (copy.json["quorum"], copy.json["majority"], copy.json["compare"]) == (5, "2/3", True)
    assert "closed_at" not in copy.json
