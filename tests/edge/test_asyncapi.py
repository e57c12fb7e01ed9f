"""The description of streams is well formed, and says what the transports send and take."""

from __future__ import annotations

import json
from typing import Any

from clients import ADMIN, Client
from described import faults
from test_openapi import refs, resolved

from handlers.api import asyncapi

DOCUMENT = json.loads(asyncapi.description()[0])
SCHEMAS = DOCUMENT["components"]["schemas"]
EVENTS = {event.name for event in asyncapi.EVENTS}


def described(message: Any) -> str:
    """Return the one kind of message that this is; fails where it is none, or more than one."""
    kinds = set(DOCUMENT["channels"]["websocket"]["messages"])
    fits = [name for name in kinds if not list(faults(message, SCHEMAS[name], DOCUMENT))]
    streamed = [name for name in fits if name not in EVENTS or of_its_stream(name, message)]
    assert len(streamed) == 1, f"{message} is {streamed or 'none'}: {fits}"
    return streamed[0]


def of_its_stream(name: str, message: Any) -> bool:
    """Whether an event has the stream and the key of its kind: those in capitals stand for any."""
    event = next(each for each in asyncapi.EVENTS if each.name == name)
    pairs = ((event.stream, message["stream"]), (event.key, message["key"]))
    return all(
        len(told.split("/")) == len(seen.split("/"))
        and all(a.isupper() or a == b for a, b in zip(told.split("/"), seen.split("/"), strict=True))
        for told, seen in pairs
    )


def test_every_reference_is_there() -> None:
    for ref in refs(DOCUMENT):
        assert resolved(ref, DOCUMENT)
    assert DOCUMENT["asyncapi"] == "3.0.0"
    for each in DOCUMENT["components"]["messages"].values():
        assert each["summary"]


async def test_what_a_socket_says_and_takes_is_described(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    poll = (await client.poll(wall=wall))["id"]
    await client.host("POST", "/api/tasks", {"title": "T", "steps": [{"name": "a"}], "id": "t1"})
    await client.ask("POST", "/api/tasks/t1/logs/a?offset=0", raw=b"one\n", token=ADMIN)
    socket = await client.socket(f"/ws/polls/{poll},walls/{wall}", token=await client.voter())
    seen: list[Any] = [message for _ in range(2) for message in await socket.synced()]
    acts: list[dict[str, Any]] = [
        {"do": "vote", "ref": "1", "poll": poll, "round": 1, "choices": ["1"]},
        {"do": "retract", "ref": "2", "poll": poll, "round": 1},
        {"do": "subscribe", "ref": "3", "stream": f"walls/{wall}", "since": "k.1"},
        {"do": "unsubscribe", "ref": "4", "stream": f"polls/{poll}"},
        {"do": "vote", "ref": "5", "poll": poll, "choices": ["none"]},
    ]
    for act in acts:
        assert described(act) == act["do"].capitalize()
        await socket.send(act)
        seen += await socket.until(lambda message, ref=act["ref"]: message.get("ref") == ref)  # type: ignore[misc]
    await socket.send({"do": "sing"})
    seen += await socket.until(lambda message: "ref" in message)
    staff = await client.socket(f"/ws/polls/{poll},tasks/t1,tasks,tasks/t1/logs/a", token=ADMIN)
    seen += [message for _ in range(4) for message in await staff.synced()]
    await client.host("DELETE", f"/api/polls/{poll}")
    seen += await staff.until(lambda message: message.get("error"))
    kinds = {described(message) for message in seen}
    assert kinds >= {
        "PollEvent", "TallyEvent", "WallEvent", "TaskEvent", "StepEvent", "ListedTaskEvent", "LogEndEvent", "Reset",
        "Synced", "StreamEnded", "BallotDone", "FollowedDone", "Refused",
    }  # fmt: skip


async def test_what_a_poll_of_updates_answers_is_described(client: Client) -> None:
    poll = (await client.poll(results="after_close"))["id"]
    for query in ("wait=0", "since=k.1&wait=0"):
        found = (await client.updates(f"polls/{poll}", query)).json
        assert list(faults(found, SCHEMAS["Updates"], DOCUMENT)) == []
        assert {described(event) for event in found["events"]} == {"Reset", "PollEvent", "TurnoutEvent", "Synced"}


async def test_it_is_served_to_anyone_and_not_sent_twice(client: Client) -> None:
    answer = await client.ask("GET", "/api/asyncapi.json")
    assert answer.json == DOCUMENT
    again = await client.ask("GET", "/api/asyncapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
