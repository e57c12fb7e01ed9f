"""The tally over time, for those who may see the tally now and for nobody else."""

from __future__ import annotations

import asyncio
import threading

from clients import ADMIN, Answer, Client

import server


async def replay(client: Client, poll: str, query: str = "", token: str | None = None) -> Answer:
    return await client.ask("GET", f"/api/polls/{poll}/replay{query}", token=token)


async def test_the_tally_is_told_over_time(client: Client) -> None:
    poll = (await client.poll())["id"]
    for choice in "121":
        await client.vote(poll, choice)
    await client.host("POST", f"/api/polls/{poll}/close")
    found = (await replay(client, poll)).json
    assert found["round"] == 1 and [o["label"] for o in found["options"]] == ["A", "B"]
    items = found["items"]
    assert items[0]["counts"] == {"1": 0, "2": 0} and items[-1]["counts"] == {"1": 2, "2": 1}
    assert [i["ballots"] for i in items] == sorted(i["ballots"] for i in items) and items[-1]["ballots"] == 3
    assert [i["at"] for i in items] == sorted(i["at"] for i in items)


async def test_rounds_are_told_apart(client: Client) -> None:
    poll = (await client.poll())["id"]
    await client.vote(poll, "1")
    await client.host("POST", f"/api/polls/{poll}/close")
    await client.host("POST", f"/api/polls/{poll}/reset", {"round": 1})
    assert (await replay(client, poll, "?round=1")).status == 404  # a draft again
    assert (await replay(client, poll, "?round=1", ADMIN)).json["items"][-1]["ballots"] == 1
    await client.host("POST", f"/api/polls/{poll}/open")
    for _ in range(2):
        await client.vote(poll, "2")
    await client.host("POST", f"/api/polls/{poll}/close")
    assert (await replay(client, poll)).json["items"][-1]["counts"] == {"1": 0, "2": 2}
    assert (await replay(client, poll, "?round=1")).json["items"][-1]["counts"] == {"1": 1, "2": 0}
    assert (await replay(client, poll, "?round=3")).code == "not_found"
    for wrong in ("0", "x", "-1", "99999999"):
        assert (await replay(client, poll, f"?round={wrong}")).status == 422


async def test_a_hidden_tally_is_no_replay_either(client: Client) -> None:
    poll, voter = (await client.poll(results="on_publish"))["id"], await client.voter()
    await client.vote(poll, "1", voter)
    for query, token in (("", None), ("", voter), ("?as=audience", ADMIN)):
        answer = await replay(client, poll, query, token)
        assert (answer.status, answer.code) == (403, "forbidden")
    assert (await replay(client, poll, token=ADMIN)).status == 200
    await client.host("POST", f"/api/polls/{poll}/publish")
    assert (await replay(client, poll)).status == 200
    await client.host("POST", f"/api/polls/{poll}/publish", {"published": False})
    assert (await replay(client, poll)).status == 403


async def test_a_draft_has_no_replay_for_the_audience(client: Client) -> None:
    poll = (await client.poll(open=False))["id"]
    for id in (poll, "NOSUCHPOLL"):
        answer = await replay(client, id)
        assert (answer.status, answer.code) == (404, "no_such_poll")
    assert (await replay(client, poll, token=ADMIN)).json["items"][0]["ballots"] == 0


async def test_a_closed_round_is_read_once(client: Client, running: server.Running) -> None:
    poll = (await client.poll())["id"]
    await client.vote(poll, "1")
    await client.host("POST", f"/api/polls/{poll}/close")
    first = (await replay(client, poll)).json
    held = dict(running.services.replays._held)
    assert (await replay(client, poll)).json == first
    assert [id(each[2]) for each in running.services.replays._held.values()] == [id(each[2]) for each in held.values()]
    await client.host("POST", f"/api/polls/{poll}/open")
    await client.vote(poll, "2")
    await client.host("POST", f"/api/polls/{poll}/close")
    assert (await replay(client, poll)).json["items"][-1]["ballots"] == 2


async def test_an_earlier_round_is_not_read_again_while_the_next_one_moves(
    client: Client, running: server.Running
) -> None:
    poll = (await client.poll())["id"]
    await client.vote(poll, "1")
    for act, body in (("close", {}), ("reset", {"round": 1}), ("open", {})):
        await client.host("POST", f"/api/polls/{poll}/{act}", body)
    first = (await replay(client, poll, "?round=1")).json
    state, at, read = running.services.replays._held[poll, 1]
    running.services.replays._held[poll, 1] = (state, at - 60, read)  # a minute later
    await client.vote(poll, "2")
    await client.host("POST", f"/api/polls/{poll}/close")
    assert (await replay(client, poll, "?round=1")).json == first
    assert running.services.replays._held[poll, 1][2] is read


async def test_pictures_are_drawn_beside_the_loop_one_at_a_time(running: server.Running) -> None:
    drawing: list[int] = []
    most = 0

    def draw() -> int:
        nonlocal most
        drawing.append(1)
        most = max(most, len(drawing))
        drawing.pop()
        return threading.get_ident()

    threads = await asyncio.gather(*(running.services.replays.in_thread(draw) for _ in range(8)))
    assert most == 1 and threading.get_ident() not in threads
