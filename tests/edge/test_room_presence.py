"""Who is in a room and who types there: volatile, batched, and never of a person who may not say anything."""

from __future__ import annotations

from typing import Any

from clients import Client
from test_rooms import room, say

import server


def names(event: Any) -> list[str]:
    return sorted(event["data"].get("names", []))


async def test_readers_are_told_who_is_there_by_the_names_they_chose(client: Client) -> None:
    await room(client)
    ann, bo = await client.voter(), await client.voter()
    first = await client.socket("/ws/rooms/ops", token=ann)
    [*_, event] = await first.until(lambda m: m.get("key") == "here" and m["data"]["people"] == 1)
    assert "pos" not in event and len(names(event)) == 1
    second = await client.socket("/ws/rooms/ops", token=bo)
    await client.socket("/ws/rooms/ops", token=bo)
    await client.socket("/ws/rooms/ops")
    await second.until(lambda m: m.get("key") == "here" and m["data"]["people"] == 2)
    await client.ask("PUT", "/api/rooms/ops/me", {"name": "Ann"}, token=ann)
    [*_, event] = await first.until(lambda m: m.get("key") == "here" and "Ann" in names(m))
    assert event["data"]["people"] == 2


async def test_who_types_is_told_until_the_message_is_there(client: Client) -> None:
    await room(client)
    ann = await client.voter()
    await client.ask("PUT", "/api/rooms/ops/me", {"name": "Ann"}, token=ann)
    writer, reader = await client.socket("/ws/rooms/ops", token=ann), await client.socket("/ws/rooms/ops")
    await writer.synced(), await reader.synced()
    assert (await writer.act("typing", room="ops"))["ok"] == {}
    [*_, event] = await reader.until(lambda m: m.get("key") == "typing")
    assert event["data"] == {"names": ["Ann"], "more": 0} and "pos" not in event
    await say(client, "done", ann)
    [*_, event] = await reader.until(lambda m: m.get("key") == "typing")
    assert event["data"] == {"names": [], "more": 0}


async def test_nobody_hears_who_types_and_may_not_say_anything(client: Client) -> None:
    await room(client)
    ann, bo = await client.voter(), await client.voter()
    person = (await say(client, "hello", ann))["from"]
    await client.host("PUT", f"/api/rooms/ops/people/{person}", {"muted": True})
    muted, free = await client.socket("/ws/rooms/ops", token=ann), await client.socket("/ws/rooms/ops", token=bo)
    await muted.synced(), await free.synced()
    await muted.act("typing", room="ops")
    [*_, event] = await free.until(lambda m: m.get("key") == "typing")
    assert event["data"] == {"names": [], "more": 0}
    await free.act("typing", room="ops")
    [*_, event] = await free.until(lambda m: m.get("key") == "typing" and m["data"]["names"])
    assert len(names(event)) == 1 and event["data"]["more"] == 0
    stranger = await client.socket("/ws/rooms/ops")
    await stranger.synced()
    assert (await stranger.act("typing", room="ops"))["error"]["code"] == "no_voter"
    assert (await free.act("typing", room="none"))["error"]["code"] == "not_found"
    await client.host("PUT", "/api/rooms/ops", {"write": "hosts"})
    assert (await free.act("typing", room="ops"))["error"]["code"] == "forbidden"


async def test_hosts_list_everybody_and_others_those_who_are_there(client: Client) -> None:
    await room(client)
    ann, bo = await client.voter(), await client.voter()
    gone = (await say(client, "hello", ann))["from"]
    await client.host("PUT", f"/api/rooms/ops/people/{gone}", {"muted": True})
    socket = await client.socket("/ws/rooms/ops", token=bo)
    await socket.synced()
    listed = (await client.ask("GET", "/api/rooms/ops/people", token=bo)).json
    assert [(each["here"], each["muted"], each["role"]) for each in listed["items"]] == [(True, False, "guest")]
    everybody = (await client.host("GET", "/api/rooms/ops/people"))["items"]
    assert {each["id"] for each in everybody} == {gone, listed["items"][0]["id"]}
    [absent] = [each for each in everybody if not each["here"]]
    assert absent["muted"] and absent["id"] == gone and absent["name"]
    pages = await client.host("GET", "/api/rooms/ops/people?limit=1")
    assert pages["items"] == everybody[:1] and pages["next"] == everybody[0]["id"]
    rest = await client.host("GET", f"/api/rooms/ops/people?limit=1&before={pages['next']}")
    assert rest["items"] == everybody[1:] and rest["next"] is None


async def test_a_name_is_held_while_its_holder_is_there(client: Client, running: server.Running) -> None:
    await room(client)
    ann, bo = await client.voter(), await client.voter()
    await client.ask("PUT", "/api/rooms/ops/me", {"name": "Ann"}, token=ann)
    socket = await client.socket("/ws/rooms/ops", token=ann)
    await socket.synced()
    await running.app.services.store.write(
        lambda tx: tx.execute("UPDATE people SET here_at = '2020-01-01T00:00:00.000Z'")
    )
    assert (await client.ask("PUT", "/api/rooms/ops/me", {"name": "Ann"}, token=bo)).code == "name_taken"
