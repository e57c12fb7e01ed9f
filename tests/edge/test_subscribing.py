"""Subscribing and unsubscribing on a live WebSocket, hurried; and positions that do not fit the address."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from clients import Client


async def polls(client: Client, count: int) -> list[str]:
    return [f"polls/{(await client.poll())['id']}" for _ in range(count)]


async def test_what_was_asked_last_holds_however_long_the_first_takes(client: Client, running: Any) -> None:
    first, other = await polls(client, 2)
    socket = await client.socket(f"/ws/{first}")
    await socket.synced()
    attach = running.services.hub.attach

    async def slow(*args: Any) -> None:
        await asyncio.sleep(0.05)
        await attach(*args)

    running.services.hub.attach = slow
    await socket.send({"do": "subscribe", "ref": "1", "stream": other})
    await socket.send({"do": "unsubscribe", "ref": "2", "stream": other})
    seen = await socket.until(lambda m: m.get("ref") == "2")
    assert [m["ref"] for m in seen if "ref" in m] == ["1", "2"]
    await client.vote(other.partition("/")[2], "1")
    await client.vote(first.partition("/")[2], "1")
    seen = await socket.until(lambda m: m.get("key") == "tally" and m["data"]["ballots"] == 1)
    assert {m["stream"] for m in seen} == {first}


async def test_many_subscriptions_at_once_take_no_more_streams_than_allowed(client: Client, running: Any) -> None:
    streams = await polls(client, 24)
    running.services.hub.hub.streams.clear()
    socket = await client.socket(f"/ws/{streams[0]}")
    await socket.synced()
    for ref, stream in enumerate(streams[1:]):
        await socket.send({"do": "subscribe", "ref": str(ref), "stream": stream})
    answers: dict[str, Any] = {}
    while len(answers) < 23:
        message = await socket.read()
        if "ref" in message:
            answers[message["ref"]] = message
    refused = [a["error"]["code"] for a in answers.values() if "error" in a]
    assert refused == ["too_many_streams"] * 8


async def test_a_socket_closed_while_it_subscribes_leaves_nothing_behind(client: Client, running: Any) -> None:
    streams = await polls(client, 20)
    hub = running.services.hub.hub
    for _ in range(5):
        hub.streams.clear()
        socket = await client.socket(f"/ws/{streams[0]}")
        for ref, stream in enumerate(streams[1:]):
            await socket.send({"do": "subscribe", "ref": str(ref), "stream": stream})
        socket.connection.close()
        await socket.closed()
    while hub.readers or len(running.connections):
        await asyncio.sleep(0.01)
    assert not any(stream.cursors or stream.tags for stream in hub.streams.values())


async def test_the_subscriptions_of_a_socket_that_was_closed_are_given_up(client: Client, running: Any) -> None:
    first, other = await polls(client, 2)
    socket = await client.socket(f"/ws/{first}")
    await socket.synced()
    asked, given_up = asyncio.Queue[str](), asyncio.Event()

    async def never(reader: Any, name: str, since: str | None) -> None:
        asked.put_nowait(name)
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    running.services.hub.attach = never
    for ref, stream in enumerate((other, first)):
        await socket.send({"do": "subscribe", "ref": str(ref), "stream": stream})
    assert await asked.get() == other
    socket.connection.close()
    await given_up.wait()
    assert asked.empty(), "the next subscription is not begun"


async def test_a_thousand_streams_that_do_not_exist_leave_nothing_in_memory(client: Client, running: Any) -> None:
    [stream] = await polls(client, 1)
    socket = await client.socket(f"/ws/{stream}")
    await socket.synced()

    async def ask() -> None:
        for n in range(1000):
            await socket.send({"do": "subscribe", "ref": str(n), "stream": f"polls/{n}"})

    asking = asyncio.ensure_future(ask())
    await socket.until(lambda m: m.get("ref") == "999")
    await asking
    assert list(running.services.hub.hub.streams) == [stream]


@pytest.mark.parametrize("since", ["{1}", "{1},{0},{0}", ",{0},{1}", "{0},{1},"])
async def test_positions_that_are_not_as_many_as_the_streams_are_taken_for_none(client: Client, since: str) -> None:
    one, two = await polls(client, 2)
    for stream in (one, two, two):
        await client.vote(stream.partition("/")[2], "1")
    await client.updates(f"{one},{two}")
    places = [(await client.updates(s)).json["pos"] for s in (one, two)]
    found = (await client.updates(f"{one},{two}", f"wait=0&since={since.format(*places)}")).json["events"]
    assert [e["stream"] for e in found if e.get("reset")] == [one, two]


async def test_a_position_that_is_no_text_gets_a_snapshot_on_every_transport(client: Client) -> None:
    [stream] = await polls(client, 1)
    assert (await client.updates(stream, "wait=0&since=%ff")).json["events"][0]["reset"]
    socket = await client.socket(f"/ws/{stream}?since=%ff")
    assert (await socket.read())["reset"]
