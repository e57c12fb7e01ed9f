"""Ballots over HTTP and WebSocket, against a real server."""

from __future__ import annotations

import asyncio
import csv
import io

from clients import ADMIN, Client

from livewall.voting.recount import recount


async def test_a_ballot_is_answered_with_its_receipt(client: Client) -> None:
    poll = await client.poll()
    answer = await client.vote(poll["id"], "2")
    assert answer.status == 201
    assert answer.json.keys() == {"receipt", "choices", "round"}
    assert (len(answer.json["receipt"]), answer.json["choices"], answer.json["round"]) == (16, ["2"], 1)


async def test_the_same_ballot_again_is_200_with_the_same_receipt(client: Client) -> None:
    poll, voter = await client.poll(), await client.voter()
    first = await client.vote(poll["id"], "2", voter)
    again = await client.vote(poll["id"], "2", voter, round=1)
    assert (again.status, again.json) == (200, first.json)


async def test_second_ballot_replaces_the_first(client: Client) -> None:
    poll, voter = await client.poll(), await client.voter()
    await client.vote(poll["id"], "2", voter)
    changed = await client.vote(poll["id"], "1", voter)
    assert changed.status == 200
    found = await client.ask("GET", f"/api/polls/{poll['id']}", token=voter)
    assert found.json["tally"] == {"round": 1, "counts": {"1": 1, "2": 0}, "ballots": 1}
    assert found.json["ballot"] == changed.json


async def test_without_change_allowed_another_choice_is_refused_and_the_same_is_not(client: Client) -> None:
    poll, voter = await client.poll(allow_change=False), await client.voter()
    await client.vote(poll["id"], "2", voter)
    assert (await client.vote(poll["id"], "2", voter)).status == 200
    refused = await client.vote(poll["id"], "1", voter)
    assert (refused.status, refused.code) == (409, "already_voted")
    retracted = await client.ask("DELETE", f"/api/polls/{poll['id']}/ballot", token=voter)
    assert (retracted.status, retracted.code) == (409, "already_voted")


async def test_the_same_ballot_after_the_close_is_answered_as_before_and_no_other(client: Client) -> None:
    poll, voter = await client.poll(), await client.voter()
    first = await client.vote(poll["id"], "2", voter, round=1)
    await client.host("POST", f"/api/polls/{poll['id']}/close")
    again = await client.vote(poll["id"], "2", voter, round=1)
    assert (again.status, again.json) == (200, first.json)
    other = await client.vote(poll["id"], "1", voter)
    assert (other.status, other.code) == (409, "closed")


async def test_a_ballot_can_be_retracted_and_retracting_none_is_fine(client: Client) -> None:
    poll, voter = await client.poll(), await client.voter()
    await client.vote(poll["id"], "2", voter)
    for _ in range(2):
        answer = await client.ask("DELETE", f"/api/polls/{poll['id']}/ballot", token=voter)
        assert (answer.status, answer.json) == (200, {"receipt": None, "choices": [], "round": 1})
    found = await client.ask("GET", f"/api/polls/{poll['id']}", token=voter)
    assert found.json["tally"]["ballots"] == 0 and found.json["ballot"] is None


async def test_a_multi_poll_counts_each_mark_and_each_ballot_once(client: Client) -> None:
    poll = await client.poll(kind="multi", options=["A", "B", "C"], max_choices=2)
    voter = await client.voter()
    answer = await client.ask("PUT", f"/api/polls/{poll['id']}/ballot", {"choices": ["3", "1"]}, token=voter)
    assert answer.json["choices"] == ["1", "3"]
    found = await client.ask("GET", f"/api/polls/{poll['id']}")
    assert found.json["tally"] == {"round": 1, "counts": {"1": 1, "2": 0, "3": 1}, "ballots": 1}
    refused = await client.ask("PUT", f"/api/polls/{poll['id']}/ballot", {"choices": ["1", "2", "3"]}, token=voter)
    assert (refused.status, refused.code, list(refused.json["error"]["fields"])) == (422, "invalid", ["choices"])


async def test_twenty_identical_ballots_at_once_make_one_row(client: Client, running: object) -> None:
    poll, voter = await client.poll(), await client.voter()
    answers = await asyncio.gather(*(client.vote(poll["id"], "2", voter) for _ in range(20)))
    assert sorted(a.status for a in answers) == [200] * 19 + [201]
    assert len({a.json["receipt"] for a in answers}) == 1
    found = await client.ask("GET", f"/api/polls/{poll['id']}")
    assert found.json["tally"]["ballots"] == 1


async def test_a_vote_over_a_websocket_is_answered_like_the_put(client: Client) -> None:
    poll, voter = await client.poll(), await client.voter()
    socket = await client.socket(f"/ws/polls/{poll['id']}", token=voter)
    await socket.synced()
    answer = await socket.act("vote", "7", choices=["2"])
    put = await client.vote(poll["id"], "2", voter)
    assert answer == {"ref": "7", "ok": put.json} and put.status == 200
    assert (await socket.act("retract", "8", round=1))["ok"] == {"receipt": None, "choices": [], "round": 1}


async def test_a_vote_names_its_poll_on_a_socket_of_another_stream(client: Client) -> None:
    wall = await client.host("POST", "/api/walls", {"title": "W"})
    poll, voter = await client.poll(wall=wall["code"]), await client.voter()
    socket = await client.socket(f"/ws/walls/{wall['code']}", token=voter)
    await socket.synced()
    assert (await socket.act("vote", "1", choices=["2"]))["error"]["code"] == "invalid"
    assert (await socket.act("vote", "2", choices=["2"], poll=poll["id"], round=1))["ok"]["choices"] == ["2"]


async def test_acts_beyond_32_wait_and_all_are_answered(client: Client) -> None:
    poll, voter = await client.poll(), await client.voter()
    socket = await client.socket(f"/ws/polls/{poll['id']}", token=voter)
    await socket.synced()
    for n in range(200):
        await socket.send({"do": "vote", "ref": str(n), "choices": [str(1 + n % 2)]})
    answered: list[str] = []
    while len(answered) < 200:
        message = await socket.read()
        if "ref" in message:
            assert "ok" in message, message
            answered.append(message["ref"])
    assert answered == [str(n) for n in range(200)]


async def test_a_vote_for_round_1_that_arrives_in_round_2_is_refused(client: Client) -> None:
    poll, voter = await client.poll(), await client.voter()
    await client.host("POST", f"/api/polls/{poll['id']}/close")
    await client.host("POST", f"/api/polls/{poll['id']}/reset", {"round": 1})
    await client.host("POST", f"/api/polls/{poll['id']}/open")
    late = await client.vote(poll["id"], "2", voter, round=1)
    assert (late.status, late.code) == (409, "round_over")
    assert (await client.vote(poll["id"], "2", voter, round=2)).json["round"] == 2


async def test_a_reset_retried_after_its_answer_was_lost_resets_once(client: Client) -> None:
    poll = await client.poll()
    await client.host("POST", f"/api/polls/{poll['id']}/close")
    for _ in range(3):
        assert (await client.host("POST", f"/api/polls/{poll['id']}/reset", {"round": 1}))["round"] == 2


async def test_closing_while_200_ballots_are_in_flight_counts_what_was_acknowledged(client: Client) -> None:
    poll = await client.poll()
    voters = await asyncio.gather(*(client.voter() for _ in range(200)))
    votes = [asyncio.ensure_future(client.vote(poll["id"], "1", voter)) for voter in voters]
    await votes[20]
    await client.host("POST", f"/api/polls/{poll['id']}/close")
    answers = await asyncio.gather(*votes)
    counted = sum(a.status == 201 for a in answers)
    assert {a.code for a in answers if a.status != 201} <= {"closed"}
    updates = await client.updates(f"polls/{poll['id']}")
    events = {e["key"]: e for e in updates.json["events"] if "key" in e}
    assert events["tally"]["data"]["ballots"] == counted >= 20
    assert int(events["tally"]["pos"].rpartition(".")[2]) > int(events["poll"]["pos"].rpartition(".")[2])


async def test_500_voters_behind_one_address_are_not_refused(client: Client) -> None:
    poll = await client.poll()
    voters = await asyncio.gather(*(client.voter() for _ in range(500)))
    answers = await asyncio.gather(*(client.vote(poll["id"], "2", voter) for voter in voters))
    assert {a.status for a in answers} == {201}


async def test_the_export_has_receipts_and_neither_voter_nor_time(client: Client, running: object) -> None:
    poll = await client.poll()
    receipts = sorted([(await client.vote(poll["id"], c)).json["receipt"] for c in "1221"])
    answer = await client.ask("GET", f"/api/polls/{poll['id']}/ballots.csv", token=ADMIN)
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [r["receipt"] for r in rows] == receipts
    assert rows[0].keys() == {"receipt", "round", "choices"}
    results = (await client.ask("GET", f"/api/polls/{poll['id']}/results.json", token=ADMIN)).json
    assert results["rounds"] == [{"round": 1, "counts": {"1": 2, "2": 2}, "ballots": 4}]


async def test_the_recount_agrees_with_the_counts(client: Client, running: object) -> None:
    poll = await client.poll(kind="multi", options=["A", "B", "C"], max_choices=2)
    voters = await asyncio.gather(*(client.voter() for _ in range(30)))
    for place, voter in enumerate(voters):
        marks = [str(1 + place % 3), str(1 + (place + 1) % 3)]
        await client.ask("PUT", f"/api/polls/{poll['id']}/ballot", {"choices": marks}, token=voter)
        if place % 4 == 0:
            await client.ask("PUT", f"/api/polls/{poll['id']}/ballot", {"choices": marks[:1]}, token=voter)
        if place % 7 == 0:
            await client.ask("DELETE", f"/api/polls/{poll['id']}/ballot", token=voter)
    database = running.app.folder.database  # type: ignore[attr-defined]
    [found] = await asyncio.to_thread(recount, database, poll["id"])
    assert found.agrees and found.counted.ballots == 25
