"""Messages are erased on demand and when their time is over, and what is left of a room can be exported."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from datetime import timedelta
from typing import Any

from clients import Client
from test_rooms import held, room, say

import server
from livewall.clock import utc_now
from livewall.rooms.erasure import MessageErasure


def bytes_of(running: server.Running) -> bytes:
    """What the database holds, in its rows and events."""
    with sqlite3.connect(running.app.folder.database) as database:
        return "\n".join(database.iterdump()).encode()


async def test_all_messages_of_a_person_are_erased_and_no_other(client: Client, running: server.Running) -> None:
    await room(client)
    ann, bo = await client.voter(), await client.voter()
    person = (await say(client, "hush one", ann))["from"]
    await client.ask("PUT", "/api/rooms/ops/me", {"name": "Annabel"}, token=ann)
    await say(client, "hush two", ann)
    kept = await say(client, "mine", bo)
    path = f"/api/rooms/ops/people/{person}/messages"
    assert (await client.ask("DELETE", path, token=bo)).status == 401
    assert await client.host("DELETE", path) == {"messages": 2}
    assert await client.host("DELETE", path) == {"messages": 0}
    host = await client.token("host")
    assert (await client.ask("DELETE", path.replace(person, "x"), token=host)).code == "not_found"
    messages = (await held(client)).numbered
    assert [message.get("withdrawn") for message in messages.values()] == ["host", "host", None]
    assert messages[3] == kept
    found = bytes_of(running)
    assert b"hush" not in found and b"Annabel" not in found
    lines = (await client.host("GET", "/api/audit"))["items"]
    assert [(line["act"], line["detail"]) for line in lines if line["act"] == "room.erase"] == [
        ("room.erase", {"messages": 2, "person": person})
    ]
    assert (await client.ask("PUT", "/api/rooms/ops/me", {"name": "Annabel"}, token=bo)).status == 200


async def test_messages_are_erased_when_their_time_is_over_and_not_before(
    client: Client, running: server.Running
) -> None:
    await room(client)
    await room(client, "other")
    voter = await client.voter()
    for number in range(3):
        await say(client, f"hush {number}", voter)
    await say(client, "hush elsewhere", voter, name="other")

    async def purge(days: float) -> None:
        await MessageErasure(running.services.store, lambda: utc_now() + timedelta(days=days), days=30).purge()

    await purge(29.9)
    assert bytes_of(running).count(b"hush") > 0
    await purge(30.1)
    assert bytes_of(running).count(b"hush") == 0
    await MessageErasure(running.services.store, lambda: utc_now() + timedelta(days=999), days=None).purge()
    lines = [line for line in (await client.host("GET", "/api/audit"))["items"] if line["act"] == "room.erase"]
    assert sorted(line["detail"]["messages"] for line in lines) == [1, 3]


async def export(client: Client, kind: str) -> str:
    answer = await client.ask("GET", f"/api/rooms/ops/export?format={kind}", token=await client.token("host"))
    assert answer.status == 200
    return answer.body.decode()


async def test_a_room_is_exported_as_text_csv_and_lines(client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("livewall.rooms.rooms.EXPORTED_AT_ONCE", 2)
    await room(client)
    voter = await client.voter()
    first = await say(client, "=SUM(1)\nline two", voter)
    for number in range(4):
        await say(client, f"number {number}, “quoted”", voter, reply_to=1)
    await client.host("DELETE", "/api/rooms/ops/messages/3")
    lines = [json.loads(line) for line in (await export(client, "jsonl")).splitlines()]
    assert [line["n"] for line in lines] == [1, 2, 3, 4, 5] and lines[0] == first and lines[2]["withdrawn"] == "host"
    table = list(csv.DictReader(io.StringIO(await export(client, "csv"))))
    assert table[0]["text"] == "'=SUM(1)\nline two", "no program for tables takes it for a formula"
    assert [(row["n"], row["reply_to"], row["withdrawn"]) for row in table[1:3]] == [("2", "1", ""), ("3", "", "host")]
    text = await export(client, "txt")
    assert f"{first['name']} [guest]: =SUM(1)\n    line two\n" in text and "(withdrawn)" in text
    host = await client.token("host")
    assert (await client.ask("GET", "/api/rooms/ops/export?format=doc", token=host)).code == "invalid"
    assert (await client.ask("GET", "/api/rooms/ops/export", token=voter)).status in (401, 403)
    assert (await client.ask("GET", "/api/rooms/none/export", token=host)).code == "not_found"
