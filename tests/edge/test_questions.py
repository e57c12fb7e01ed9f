"""Questions from the audience: asked, voted up, moderated, and seen by everybody in the view that is theirs."""

from __future__ import annotations

import asyncio
from typing import Any

from checker import Checker
from clients import Client

from server import Running


async def wall(client: Client, setting: str = "open", **fields: Any) -> str:
    code: str = (await client.host("POST", "/api/walls", {"title": "Forum"}))["code"]
    await client.host("PUT", f"/api/walls/{code}", {"questions": setting, **fields})
    return code


async def ask(client: Client, code: str, text: str, token: str, **fields: Any) -> Any:
    answer = await client.ask("POST", f"/api/walls/{code}/questions", {"text": text, **fields}, token=token)
    assert answer.status in (200, 201), answer.body
    return answer.json


async def seen(client: Client, code: str, token: str | None = None) -> dict[str, Any]:
    """The newest event of each key, as a reader who comes now gets them."""
    checker = Checker(f"questions/{code}")
    for message in (await client.updates(f"questions/{code}", token=token)).json["events"]:
        checker.feed(message)
    return dict(checker.state)


async def test_a_question_is_asked_voted_up_and_answered(client: Client) -> None:
    code = await wall(client)
    listener = await client.socket(f"/ws/questions/{code}")
    await listener.synced()
    ann, bo = await client.voter(), await client.voter()
    asked = await ask(client, code, "Why?", ann, id="one")
    assert (asked["n"], asked["votes"], asked["state"], asked["text"]) == (1, 1, "shown", "Why?")
    assert asked["from"] and asked["name"] and "answer" not in asked
    [*_, event] = await listener.until(lambda m: m.get("key") == "question/1")
    assert event["data"] == asked
    vote = f"/api/walls/{code}/questions/1/vote"
    assert (await client.ask("PUT", vote, token=bo)).json == {"n": 1, "voted": True}
    await listener.until(lambda m: m.get("key") == "question/1" and m["data"]["votes"] == 2)
    assert (await client.ask("DELETE", vote, token=bo)).json == {"n": 1, "voted": False}
    await listener.until(lambda m: m.get("key") == "question/1" and m["data"]["votes"] == 1)
    answered = await client.host("PUT", f"/api/walls/{code}/questions/1", {"state": "answered", "answer": "So."})
    assert (answered["state"], answered["answer"], answered["votes"]) == ("answered", "So.", 1)
    assert (await client.ask("PUT", vote, token=bo)).code == "closed"
    assert (await seen(client, code))["questions"] == {"wall": code, "open": True, "moderated": False, "count": 1}


async def test_a_moderated_question_is_seen_by_hosts_alone_until_one_shows_it(client: Client) -> None:
    code = await wall(client, "moderated")
    host, voter = await client.token("host"), await client.voter()
    listener = await client.socket(f"/ws/questions/{code}")
    await listener.synced()
    assert (await ask(client, code, "the secret question", voter))["state"] == "pending"
    assert "question/1" in await seen(client, code, host)
    assert list(await seen(client, code)) == ["questions"]
    listed = await client.ask("GET", f"/api/walls/{code}/questions", token=voter)
    assert listed.json == {"items": [], "voted": []}
    assert (await client.ask("PUT", f"/api/walls/{code}/questions/1/vote", token=voter)).code == "not_found"
    await client.host("PUT", f"/api/walls/{code}/questions/1", {"state": "shown"})
    messages = await listener.until(lambda m: m.get("key") == "question/1")
    assert messages[-1]["data"]["text"] == "the secret question"
    await client.host("PUT", f"/api/walls/{code}/questions/1", {"state": "hidden"})
    [*_, gone] = await listener.until(lambda m: m.get("key") == "question/1")
    assert gone["data"] is None
    assert (await seen(client, code))["questions"]["count"] == 0
    assert (await seen(client, code, host))["questions"]["count"] == 1
    audited = (await client.host("GET", "/api/audit"))["items"]
    assert [line["act"] for line in audited][:2] == ["question.hidden", "question.shown"]
    assert "secret" not in str(audited)


async def test_the_same_id_again_is_the_same_question_and_a_vote_counts_once(client: Client) -> None:
    code = await wall(client)
    ann, bo = await client.voter(), await client.voter()
    body = {"text": "Why?", "id": "one"}
    path = f"/api/walls/{code}/questions"
    answers = await asyncio.gather(*(client.ask("POST", path, body, token=ann) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [200] * 4 + [201]
    sockets = [await client.socket(f"/ws/questions/{code}", token=bo) for _ in range(4)]
    for number in range(25):
        replies = await asyncio.gather(*(each.act("upvote", wall=code, n=1) for each in sockets))
        assert all(reply["ok"] == {"n": 1, "voted": True} for reply in replies), number
    await asyncio.gather(*(client.ask("PUT", f"{path}/1/vote", token=ann) for _ in range(4)))
    listed = (await client.ask("GET", path, token=bo)).json
    assert [item["votes"] for item in listed["items"]] == [2] and listed["voted"] == [1]
    assert (await client.ask("GET", path)).json["voted"] == []


async def test_an_anonymous_question_tells_nobody_who_asked(client: Client) -> None:
    code = await wall(client)
    voter = await client.voter()
    named = await ask(client, code, "Mine", voter)
    socket = await client.socket(f"/ws/questions/{code}", token=voter)
    reply = await socket.act("ask", wall=code, text="Whose?", anonymous=True, id="two")
    assert (reply["ok"]["from"], reply["ok"]["name"], reply["ok"]["n"]) == ("", "", 2)
    for token in (None, await client.token("host")):
        answer = await client.ask("GET", f"/api/walls/{code}/questions", token=token)
        assert answer.body.count(named["from"].encode()) == 1
    assert (await client.ask("GET", f"/api/walls/{code}/questions", token=voter)).json["voted"] == [1, 2]


async def test_questions_stand_pinned_first_then_by_votes_then_by_age(client: Client) -> None:
    code = await wall(client)
    voters = [await client.voter() for _ in range(3)]
    for number, voter in enumerate([*voters, voters[0]]):
        await ask(client, code, f"Question {number + 1}", voter)
    path = f"/api/walls/{code}/questions"
    await client.ask("PUT", f"{path}/3/vote", token=voters[0])
    await client.host("PUT", f"{path}/4", {"state": "pinned"})
    await client.host("PUT", f"{path}/1", {"state": "answered"})
    listed = (await client.ask("GET", path)).json["items"]
    assert [item["n"] for item in listed] == [4, 3, 2, 1]


async def test_questions_are_off_until_a_host_opens_them_and_can_be_closed(client: Client) -> None:
    code: str = (await client.host("POST", "/api/walls", {"title": "Forum"}))["code"]
    voter, path = await client.voter(), f"/api/walls/{code}/questions"
    assert (await client.ask("POST", path, {"text": "Why?"}, token=voter)).code == "not_found"
    assert (await client.updates(f"questions/{code}")).code == "no_such_stream"
    assert (await client.ask("GET", path)).code == "not_found"
    assert "questions" not in await client.host("GET", f"/api/walls/{code}")
    changed = await client.host("PUT", f"/api/walls/{code}", {"questions": "open"})
    assert changed["questions"] == "open"
    await ask(client, code, "Why?", voter)
    await client.host("PUT", f"/api/walls/{code}", {"questions": "closed"})
    assert (await client.ask("POST", path, {"text": "Too late?"}, token=voter)).code == "closed"
    assert (await client.ask("PUT", f"{path}/1/vote", token=voter)).code == "closed"
    assert (await seen(client, code))["questions"]["open"] is False
    assert (await client.host("POST", path, {"text": "From the stage"}))["n"] == 2
    await client.host("PUT", f"/api/walls/{code}", {"questions": "off"})
    assert (await client.updates(f"questions/{code}")).code == "no_such_stream"
    await client.host("PUT", f"/api/walls/{code}", {"questions": "moderated"})
    assert (await seen(client, code))["question/1"]["text"] == "Why?"
    await client.host("DELETE", f"/api/walls/{code}")
    assert (await client.updates(f"questions/{code}")).code == "no_such_stream"


async def test_who_may_not_is_told_why(client: Client) -> None:
    code = await wall(client)
    path, voter = f"/api/walls/{code}/questions", await client.voter()
    assert (await client.ask("POST", path, {"text": "Why?"})).code == "no_voter"
    await ask(client, code, "Why?", voter)
    assert (await client.ask("PUT", f"{path}/1/vote")).code == "no_voter"
    assert (await client.ask("PUT", f"{path}/1", {"state": "hidden"}, token=voter)).status == 401
    assert (await client.ask("POST", path, {"text": "\u202e \u200b"}, token=voter)).code == "invalid"
    assert (await client.ask("POST", path, {"text": "x" * 1001}, token=voter)).code == "invalid"
    assert (await client.ask("PUT", f"{path}/7/vote", token=voter)).code == "not_found"
    host = await client.token("host")
    assert (await client.ask("PUT", f"{path}/1", {}, token=host)).code == "invalid"
    bad = await client.ask("PUT", f"{path}/1", {"answer": "\u200b"}, token=host)
    assert bad.json["error"]["fields"] == {"answer": "must not be empty: nothing of it can be seen"}


async def test_questions_and_rooms_are_items_of_a_wall(client: Client) -> None:
    code = await wall(client)
    await client.host("POST", "/api/rooms", {"name": "ops"})
    await client.host("POST", "/api/rooms", {"name": "staff", "read": "signed_in"})
    items = [f"questions/{code}", "rooms/ops", "rooms/staff"]
    await client.host("PUT", f"/api/walls/{code}", {"items": items, "active": items[0]})
    assert (await client.host("GET", f"/api/walls/{code}"))["items"] == items
    everyone = (await client.ask("GET", f"/api/walls/{code}")).json
    assert (everyone["items"], everyone["active"]) == (items[:2], items[0])
    for item in ("rooms/none", "questions/K7M2QD", "chat/x"):
        answer = await client.ask("PUT", f"/api/walls/{code}", {"items": [item]}, token=await client.token("host"))
        assert answer.code == "invalid", item


async def test_reactions_are_counted_and_sent_together(client: Client) -> None:
    code = await wall(client, reactions=True)
    path = f"/api/walls/{code}/reactions"
    listener = await client.socket(f"/ws/walls/{code}")
    await listener.synced()
    voters = [await client.voter() for _ in range(3)]
    await asyncio.gather(*(client.ask("POST", path, {"reaction": "👏"}, token=voter) for voter in voters))
    socket = await client.socket(f"/ws/walls/{code}", token=voters[0])
    assert (await socket.act("react", wall=code, reaction="🎉"))["ok"] == {}
    total: dict[str, int] = {}
    while total != {"👏": 3, "🎉": 1}:
        [*_, event] = await listener.until(lambda m: m.get("key") == "reactions")
        assert "pos" not in event
        for reaction, number in event["data"].items():
            total[reaction] = total.get(reaction, 0) + number
    assert (await client.ask("POST", path, {"reaction": "<b>"}, token=voters[0])).code == "invalid"
    await client.host("PUT", f"/api/walls/{code}", {"reactions": False})
    assert (await client.ask("POST", path, {"reaction": "👏"}, token=voters[1])).code == "closed"
    assert (await client.ask("POST", path, {"reaction": "👏"})).code == "no_voter"


async def test_a_wall_that_is_flooded_with_questions_takes_those_of_hosts(client: Client, running: Running) -> None:
    code, host = await wall(client), await client.token("host")
    voters = [await client.voter() for _ in range(8)]
    running.services.limits.on = True
    path = f"/api/walls/{code.lower()}/questions"
    answers = [await client.ask("POST", path, {"text": f"Why {n}?"}, token=voters[n // 15]) for n in range(120)]
    assert {answer.status for answer in answers} == {201, 429}
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.code == "rate" and refused.headers["Retry-After"] == "1"
    await ask(client, code, "From a host", host)
