"""Receipts and copies of polls, against a real server."""

from __future__ import annotations

from typing import Any

from clients import ADMIN, Answer, Client


async def look(client: Client, poll: str, receipt: str, token: str | None = None) -> Answer:
    return await client.ask("GET", f"/api/polls/{poll}/receipts/{receipt}", token=token)


async def test_a_receipt_says_what_was_counted_however_it_was_typed(client: Client) -> None:
    poll = await client.poll(kind="multi", max_choices=2)
    voter = await client.voter()
    cast = await client.ask("PUT", f"/api/polls/{poll['id']}/ballot", {"choices": ["2", "1"]}, token=voter)
    receipt = cast.json["receipt"]
    grouped = "-".join(receipt[i : i + 4] for i in range(0, 16, 4)).lower()
    similar = receipt.replace("0", "o").replace("1", "l").replace("V", "u")
    for typed in (receipt, receipt.lower(), grouped, grouped.replace("-", "%20"), similar, similar.replace("l", "I")):
        answer = await look(client, poll["id"], typed)
        assert (answer.status, answer.json) == (200, {"receipt": receipt, "choices": ["1", "2"], "round": 1})


async def test_a_receipt_of_another_poll_or_of_a_ballot_taken_back_is_unknown(client: Client) -> None:
    poll, other, voter = await client.poll(), await client.poll(), await client.voter()
    receipt = (await client.vote(poll["id"], "1", voter)).json["receipt"]
    for asked in (await look(client, other["id"], receipt), await look(client, poll["id"], "0" * 16)):
        assert (asked.status, asked.code) == (404, "not_found")
    await client.ask("DELETE", f"/api/polls/{poll['id']}/ballot", token=voter)
    assert (await look(client, poll["id"], receipt)).status == 404
    assert (await look(client, "NOSUCHPOLL", receipt)).code == "no_such_poll"


async def test_before_the_result_is_seen_every_receipt_is_answered_alike(client: Client) -> None:
    poll = await client.poll(results="after_close")
    voter = await client.voter()
    receipt = (await client.vote(poll["id"], "1", voter)).json["receipt"]
    for token in (None, voter):
        known, unknown = await look(client, poll["id"], receipt, token), await look(client, poll["id"], "X", token)
        assert known.status == unknown.status == 403 and known.body == unknown.body
    assert (await look(client, poll["id"], receipt, ADMIN)).status == 200
    await client.host("POST", f"/api/polls/{poll['id']}/close")
    assert (await look(client, poll["id"], receipt)).json["choices"] == ["1"]


async def test_who_has_voted_may_check_where_the_result_is_for_those(client: Client) -> None:
    poll, voter = await client.poll(results="after_vote"), await client.voter()
    receipt = (await client.vote(poll["id"], "1")).json["receipt"]
    assert (await look(client, poll["id"], receipt, voter)).status == 403
    await client.vote(poll["id"], "2", voter)
    assert (await look(client, poll["id"], receipt, voter)).status == 200


async def test_receipts_of_earlier_rounds_can_be_checked(client: Client) -> None:
    poll = await client.poll()
    receipt = (await client.vote(poll["id"], "2")).json["receipt"]
    await client.host("POST", f"/api/polls/{poll['id']}/close")
    await client.host("POST", f"/api/polls/{poll['id']}/reset", {"round": 1})
    assert (await look(client, poll["id"], receipt)).status == 403
    await client.host("POST", f"/api/polls/{poll['id']}/open")
    assert (await look(client, poll["id"], receipt)).json == {"receipt": receipt, "choices": ["2"], "round": 1}


async def test_the_page_of_a_poll_checks_a_receipt_without_script(client: Client) -> None:
    poll = await client.poll(options=["Soup & bread", "Salad"], results="after_close")
    receipt = (await client.vote(poll["id"], "1")).json["receipt"]
    page = f"/polls/{poll['id']}?receipt="
    hidden = (await client.ask("GET", page + receipt.lower())).body.decode()
    assert "as soon as you can see the result" in hidden and "Counted in round" not in hidden
    await client.host("POST", f"/api/polls/{poll['id']}/close")
    assert "Counted in round 1: Soup &amp; bread" in (await client.ask("GET", page + receipt.lower())).body.decode()
    unknown = (await client.ask("GET", page + "%3Cb%3E")).body.decode()
    assert "No ballot of this poll has this receipt" in unknown and "<b>" not in unknown.partition("check")[2]


async def test_a_copy_is_a_draft_of_the_same_question_last_on_its_wall(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    rules: dict[str, Any] = {"kind": "multi", "max_choices": 2, "results": "after_vote", "closes_in": 60}
    options = [{"id": "yes", "label": "Yes"}, {"id": "no", "label": "No"}]
    poll = await client.poll(wall=wall, options=options, allow_change=False, **rules)
    await client.vote(poll["id"], "yes")
    await client.poll(wall=wall, open=False)
    await client.host("POST", f"/api/polls/{poll['id']}/publish")
    answer = await client.ask("POST", f"/api/polls/{poll['id']}/duplicate", token=ADMIN)
    copy = answer.json
    assert answer.status == 201 and answer.headers["Location"] == f"/api/polls/{copy['id']}"
    changed = {"phase": "draft", "published": False, "closes_at": None, "id": copy["id"]}
    assert copy == poll | changed and copy["id"] != poll["id"]
    assert (await client.host("GET", f"/api/walls/{wall}"))["items"][-1] == f"polls/{copy['id']}"
    found = await client.host("GET", f"/api/polls/{copy['id']}")
    assert found["tally"] == {"round": 1, "counts": {"yes": 0, "no": 0}, "ballots": 0}
    assert (await client.host("POST", f"/api/polls/{copy['id']}/open"))["closes_at"] is not None


async def test_a_copy_of_a_poll_on_no_wall_is_on_none_and_only_hosts_make_one(client: Client) -> None:
    poll = await client.poll()
    path = f"/api/polls/{poll['id']}/duplicate"
    assert (await client.host("POST", path))["wall"] is None
    assert (await client.ask("POST", path)).status == 401
    assert (await client.ask("POST", path, token=await client.token("operator"))).status == 403
    assert (await client.ask("POST", "/api/polls/NOSUCHPOLL/duplicate", token=ADMIN)).code == "no_such_poll"
    assert (await client.ask("POST", path, {"title": "x"}, token=ADMIN)).code == "invalid"


async def next_round(client: Client, poll: str, round: int, **changed: Any) -> None:
    await client.host("POST", f"/api/polls/{poll}/close")
    await client.host("POST", f"/api/polls/{poll}/reset", {"round": round})
    if changed:
        await client.host("PUT", f"/api/polls/{poll}", changed)
    await client.host("POST", f"/api/polls/{poll}/open")


async def test_a_receipt_of_a_hidden_round_stays_hidden_when_a_later_one_is_shown(client: Client) -> None:
    poll, voter = (await client.poll(results="on_publish"))["id"], await client.voter()
    first = (await client.vote(poll, "2", voter)).json["receipt"]
    await next_round(client, poll, 1)
    second = (await client.vote(poll, "1", voter)).json["receipt"]
    await client.host("POST", f"/api/polls/{poll}/publish")
    for token in (None, voter):
        hidden = await look(client, poll, first, token)
        assert (hidden.status, hidden.code) == (403, "forbidden") and b"choices" not in hidden.body
        assert (await look(client, poll, second, token)).json["choices"] == ["1"]
    page = await client.ask("GET", f"/polls/{poll}?receipt={first}")
    assert b"as soon as you can see the result" in page.body
    assert (await look(client, poll, first, ADMIN)).json["choices"] == ["2"]
    await next_round(client, poll, 2, results="live")
    assert (await look(client, poll, first)).status == 403, "the rule of its own round, whatever the rule is now"
    assert (await look(client, poll, second)).json["round"] == 2
    await client.host("PUT", f"/api/polls/{poll}", {"compare": True})
    assert (await look(client, poll, first)).json["choices"] == ["2"], "its tally is drawn beside the present one"


async def test_a_receipt_of_a_shown_round_is_answered_while_a_later_one_is_hidden(client: Client) -> None:
    poll = (await client.poll())["id"]
    first = (await client.vote(poll, "2")).json["receipt"]
    await next_round(client, poll, 1, results="on_publish")
    second = (await client.vote(poll, "1")).json["receipt"]
    assert (await look(client, poll, first)).json == {"receipt": first, "choices": ["2"], "round": 1}
    known, unknown = await look(client, poll, second), await look(client, poll, "X")
    assert known.status == unknown.status == 403 and known.body == unknown.body


async def test_a_result_that_was_withdrawn_before_the_round_ended_stays_hidden(client: Client) -> None:
    poll = (await client.poll(results="on_publish"))["id"]
    receipt = (await client.vote(poll, "2")).json["receipt"]
    await client.host("POST", f"/api/polls/{poll}/publish")
    await client.host("POST", f"/api/polls/{poll}/publish", {"published": False})
    await next_round(client, poll, 1, results="live")
    assert (await look(client, poll, receipt)).status == 403
