"""Private messages: two persons of a room write to one another, and nobody else learns of it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from clients import ADMIN, Answer, Client
from test_rooms import room, say
from watchers import TRANSPORTS, Watcher

from livewall.clock import iso, moment
from livewall.rooms import erasure, inbox, inbox_rows, inbox_rules
from livewall.rooms.erasure import MessageErasure
from server import Running


@dataclass
class Somebody:
    """A person in a room, who has said something there."""

    client: Client
    token: str
    id: str

    async def write(self, to: Somebody, text: str, name: str = "ops", **fields: Any) -> Answer:
        path = f"/api/rooms/{name}/people/{to.id}/messages"
        return await self.client.ask("POST", path, {"text": text, **fields}, token=self.token)

    async def list(self, query: str = "") -> Any:
        return (await self.client.ask("GET", f"/api/inbox{query}", token=self.token)).json

    async def conversation(self) -> Any:
        """The one with the newest activity."""
        return (await self.list())["items"][0]

    async def edit(self, conversation: str, **fields: Any) -> Answer:
        return await self.client.ask("PUT", f"/api/inbox/{conversation}", fields, token=self.token)

    async def messages(self, conversation: str, query: str = "") -> Answer:
        return await self.client.ask("GET", f"/api/inbox/{conversation}/messages{query}", token=self.token)

    async def held(self) -> dict[str, Any]:
        """What the stream holds for one who comes now."""
        events = (await self.client.updates("inbox/me", token=self.token)).json["events"]
        return {event["key"]: event["data"] for event in events if "key" in event}


async def somebody(client: Client, token: str | None = None, name: str = "ops") -> Somebody:
    held = token or await client.voter()
    return Somebody(client, held, (await say(client, "hello", held, name))["from"])


async def two(client: Client) -> tuple[Somebody, Somebody]:
    await room(client)
    return await somebody(client), await somebody(client)


async def test_a_private_message_reaches_the_other_and_is_answered_with_the_same_call(client: Client) -> None:
    ann, bo = await two(client)
    told = await client.socket("/ws/inbox/me", token=bo.token)
    assert [m.get("stream") for m in await told.synced()] == ["inbox/me"] * 2, "it is there before the first message"
    sent = await ann.write(bo, "psst", id="one")
    assert sent.status == 201 and {**sent.json, "at": ""} == {
        "n": 1, "id": "one", "from": ann.id, "name": sent.json["name"], "role": "guest", "text": "psst", "at": "",
    }  # fmt: skip
    *_, message, conversation = await told.until(lambda m: m.get("key", "").startswith("conversation/"))
    id = conversation["data"]["id"]
    assert (message["key"], message["data"]) == (f"message/{id}/1", sent.json)
    assert conversation["data"] == {
        "id": id, "room": "ops", "unread": 1, "blocked": False, "messages": 1,
        "with": {"id": ann.id, "name": sent.json["name"], "role": "guest", "muted": False, "here": False},
    }  # fmt: skip
    answered = await bo.write(ann, "what is it?")
    assert answered.json["n"] == 2
    theirs, own = await ann.conversation(), await bo.conversation()
    assert theirs["id"] == own["id"] == id and theirs["with"]["id"] == bo.id
    assert (theirs["unread"], own["unread"], own["messages"]) == (1, 1, 2)
    assert (await ann.messages(id)).json == (await bo.messages(id)).json == {"items": [sent.json, answered.json]}
    assert (await bo.messages(id, "?before=2&limit=1")).json["items"] == [sent.json]
    held = await bo.held()
    assert list(held) == [f"message/{id}/1", f"message/{id}/2", f"conversation/{id}"]


async def test_the_same_id_again_is_the_same_message_also_at_once(client: Client) -> None:
    ann, bo = await two(client)
    answers = await asyncio.gather(*(ann.write(bo, "psst", id="one") for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [200] * 4 + [201]
    assert {answer.json["n"] for answer in answers} == {1}
    assert (await bo.write(ann, "hm", id="one")).status == 201, "an id is its person's own"
    many = await asyncio.gather(*((ann, bo)[n % 2].write((bo, ann)[n % 2], f"{n}") for n in range(20)))
    assert sorted(answer.json["n"] for answer in many) == list(range(3, 23))


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_each_transport_carries_the_own_stream_and_nobody_elses(client: Client, transport: str) -> None:
    ann, bo = await two(client)
    cleo = await somebody(client, await client.token("host"))
    watchers = {who.id: Watcher(client.url, transport, "inbox/me", token=who.token) for who in (ann, bo, cleo)}
    for watcher in watchers.values():
        watcher.start()
        await watcher.until(lambda c: c.synced)
    for n in range(1, 4):
        await ann.write(bo, f"{n}")
    id = (await ann.conversation())["id"]
    for who in (ann, bo):
        await watchers[who.id].until(lambda c: f"message/{id}/3" in c.state and f"conversation/{id}" in c.state)
    assert watchers[ann.id].checker.state[f"conversation/{id}"]["unread"] == 0
    await bo.edit(id, read=2)
    await watchers[bo.id].until(lambda c: c.state[f"conversation/{id}"]["unread"] == 1)
    await cleo.write(ann, "from the host")
    await watchers[cleo.id].until(lambda c: len(c.state) == 2)
    assert id not in str(watchers[cleo.id].checker.state)
    for watcher in watchers.values():
        await watcher.stop()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_reader_who_is_nobody_is_refused_and_the_stored_name_is_no_stream(
    client: Client, running: Running, transport: str
) -> None:
    ann, bo = await two(client)
    await ann.write(bo, "psst")
    with sqlite3.connect(running.services.settings.data / "livewall.db") as database:
        inboxes = [inbox for (inbox,) in database.execute("SELECT inbox FROM sides")]
    assert len(set(inboxes)) == 2
    asked = [("inbox/me", None, 401, 4501)]
    asked += [(name, token, 404, 4504) for name in (*inboxes, "inbox/you", "inbox") for token in (ann.token, ADMIN)]
    for stream, token, status, code in asked:
        watcher = Watcher(client.url, transport, stream, token=token)
        watcher.start()
        with pytest.raises(AssertionError, match="ended"):
            await watcher.until(lambda c: c.synced)
        assert (watcher.close_code or watcher.status) in (status, code), stream
        await watcher.stop()
    assert (await client.updates("inbox/me", "wait=0&as=audience", token=ADMIN)).code == "no_voter"


async def test_the_stream_has_one_name_on_the_wire(client: Client, running: Running) -> None:
    ann, bo = await two(client)
    await ann.write(bo, "psst")
    socket = await client.socket("/ws/rooms/ops", token=bo.token)
    await socket.synced()
    assert (await socket.act("subscribe", stream="inbox/me"))["ok"] == {"stream": "inbox/me"}
    said = await socket.synced()
    assert {m["stream"] for m in said} == {"inbox/me"} and said[-1]["pos"]
    assert (await socket.act("unsubscribe", stream="inbox/me"))["ok"] == {"stream": "inbox/me"}
    await ann.write(bo, "again")
    assert "ok" in await socket.act("subscribe", stream="inbox/me", since=said[-1]["pos"])
    [event] = [m for m in await socket.until(lambda m: m.get("key", "").startswith("conv")) if "reset" in m] or [None]
    assert event is None, "it resumes"
    polled = await client.updates("inbox/me", token=bo.token)
    same = await client.updates("inbox/me", token=bo.token, headers={"If-None-Match": polled.headers["ETag"]})
    assert same.status == 304
    other = await client.updates("inbox/me", f"wait=0&since={polled.json['pos']}", token=ann.token)
    assert "psst" in str(other.json) or other.json["events"] == []


async def test_of_a_conversation_of_others_there_is_nothing(client: Client) -> None:
    ann, bo = await two(client)
    await ann.write(bo, "psst")
    id = (await ann.conversation())["id"]
    for token in (await client.voter(), ADMIN, await client.token("host")):
        cleo = Somebody(client, token, "")
        for answer in (await cleo.messages(id), await cleo.edit(id, read=1), await cleo.edit(id, blocked=True)):
            assert (answer.status, answer.code) == (404, "not_found")
        assert answer.json == (await cleo.edit(f"{id[:-1]}x", read=1)).json | {"error": answer.json["error"]}
        assert (await cleo.list()) == {"items": [], "next": None}
        assert await cleo.held() == {}
    for method, path in (("GET", "/api/inbox"), ("GET", f"/api/inbox/{id}/messages"), ("PUT", f"/api/inbox/{id}")):
        assert (await client.ask(method, path, {} if method == "PUT" else None)).code == "no_voter"
    assert (await client.ask("GET", "/api/inbox?as=audience", token=ADMIN)).code == "no_voter"


async def test_what_was_read_stays_read(client: Client) -> None:
    ann, bo = await two(client)
    for n in range(5):
        await ann.write(bo, f"{n}")
    id = (await bo.conversation())["id"]
    for read, unread in ((3, 2), (2, 2), (0, 2), (99, 0), (1, 0)):
        assert (await bo.edit(id, read=read)).json["unread"] == unread
    await ann.write(bo, "new")
    await bo.write(ann, "mine")
    assert (await bo.conversation())["unread"] == 1, "what it wrote itself does not count"
    assert (await bo.edit(id, read=-1)).code == "invalid"


async def test_who_is_blocked_learns_nothing_else(client: Client) -> None:
    ann, bo = await two(client)
    await ann.write(bo, "psst", id="one")
    id = (await bo.conversation())["id"]
    before = await ann.held(), (await client.updates("inbox/me", token=ann.token)).json["pos"]
    assert (await bo.edit(id, blocked=True)).json["blocked"] is True
    refused = await ann.write(bo, "are you there?")
    assert (refused.status, refused.json) == (
        403, {"error": {"code": "blocked", "message": "this person takes no messages from you"}},
    )  # fmt: skip
    await bo.edit(id, read=1)
    assert (await ann.held(), (await client.updates("inbox/me", token=ann.token)).json["pos"]) == before
    assert (await ann.conversation())["blocked"] is False
    assert (await ann.write(bo, "psst", id="one")).status == 200, "what was written before is answered as before"
    assert (await bo.write(ann, "no")).code == "conflict", "one does not write to whom one blocks"
    assert (await bo.edit(id, blocked=False)).json["blocked"] is False
    assert (await ann.write(bo, "are you there?")).json["n"] == 2


async def test_to_whom_nobody_can_write(client: Client) -> None:
    ann, bo = await two(client)
    unknown = Somebody(client, "", "a" * 12)
    assert (await ann.write(unknown, "?")).code == "not_found"
    assert (await ann.write(Somebody(client, "", "x"), "?")).code == "not_found"
    assert (await ann.write(ann, "me")).code == "conflict"
    assert (await ann.write(bo, "?", name="none")).code == "not_found"
    assert (await ann.write(bo, " \u200b ")).code == "invalid"
    assert (await ann.write(bo, "x" * 4001)).code == "invalid"
    path = f"/api/rooms/ops/people/{bo.id}/messages"
    assert (await client.ask("POST", path, {"text": "?"})).code == "no_voter"
    await client.host("POST", "/api/rooms", {"name": "staff", "read": "signed_in"})
    host = await somebody(client, await client.token("host"), "staff")
    assert (await ann.write(host, "?", name="staff")).code == "unauthenticated"


async def test_somebody_who_only_listens_in_the_room_is_found_while_they_are_there(client: Client) -> None:
    ann, _ = await two(client)
    listener = await client.voter()
    socket = await client.socket("/ws/rooms/ops", token=listener)
    await socket.synced()
    people = (await client.ask("GET", "/api/rooms/ops/people", token=ann.token)).json["items"]
    [id] = [each["id"] for each in people if each["id"] != ann.id]
    silent = Somebody(client, listener, id)
    assert (await ann.write(silent, "you are quiet")).status == 201
    assert (await silent.conversation())["unread"] == 1
    socket.close()
    assert (await ann.write(silent, "are you still there?")).status == 201
    assert (await silent.write(ann, "yes")).json["n"] == 3


async def test_who_is_muted_in_the_room_writes_to_its_hosts_only(client: Client) -> None:
    ann, bo = await two(client)
    host = await somebody(client, await client.token("host"))
    await client.host("PUT", f"/api/rooms/ops/people/{ann.id}", {"muted": True})
    assert (await ann.write(bo, "psst")).code == "muted"
    assert (await ann.write(host, "why?")).status == 201
    assert (await bo.write(ann, "poor you")).status == 201
    assert (await ann.conversation())["with"]["muted"] is False


async def test_a_conversation_goes_on_when_the_room_is_closed_and_ends_with_it(
    client: Client, running: Running
) -> None:
    ann, bo = await two(client)
    cleo = await somebody(client)
    await ann.write(bo, "thesecrettext")
    id = (await ann.conversation())["id"]
    watchers = [Watcher(client.url, transport, "inbox/me", token=bo.token) for transport in TRANSPORTS]
    for watcher in watchers:
        watcher.start()
        await watcher.until(lambda c: f"conversation/{id}" in c.state)
    since = (await client.updates("inbox/me", token=bo.token)).json["pos"]
    await client.host("PUT", "/api/rooms/ops", {"closed": True})
    assert (await bo.write(ann, "thesecrettext too")).status == 201
    assert (await cleo.write(ann, "may I?")).code == "closed"
    await client.host("DELETE", "/api/rooms/ops")
    for watcher in watchers:
        await watcher.until(lambda c: not any(key.startswith(("conversation/", "message/")) for key in c.state))
        await watcher.stop()
    assert [who for who in (ann, bo) if (await who.list())["items"] or await who.held()] == []
    assert (await ann.messages(id)).code == "not_found"
    resumed = (await client.updates("inbox/me", f"wait=0&since={since}", token=bo.token)).json["events"]
    assert {event["key"]: event["data"] for event in resumed} == {f"message/{id}": None, f"conversation/{id}": None}
    with sqlite3.connect(running.services.settings.data / "livewall.db") as database:
        dump = "\n".join(database.iterdump())
    assert "thesecrettext" not in dump


async def test_a_new_name_is_told_to_those_with_a_conversation(client: Client) -> None:
    ann, bo = await two(client)
    await ann.write(bo, "psst")
    await client.ask("PUT", "/api/rooms/ops/me", {"name": "Ann"}, token=ann.token)
    other = (await bo.conversation())["with"]
    assert (other["name"], other["role"]) == ("Ann", "")
    assert [d["with"] for key, d in (await bo.held()).items() if key.startswith("conversation/")] == [other]
    assert (await ann.write(bo, "it is me")).json["name"] == "Ann"
    host = await somebody(client, await client.token("host"))
    await ann.write(host, "hello")
    assert (await ann.conversation())["with"] | {"id": ""} == {
        "id": "", "name": "a host", "role": "host", "muted": False, "here": False,
    }  # fmt: skip


async def test_the_list_is_paged_by_activity(client: Client) -> None:
    ann, bo = await two(client)
    others = [await somebody(client) for _ in range(5)]
    for other in [bo, *others]:
        await ann.write(other, "psst")
    await bo.write(ann, "I am the newest now")
    order = [bo.id, *(other.id for other in reversed(others))]
    found: list[str] = []
    query = "?limit=2"
    while True:
        page = await ann.list(query)
        found += [each["with"]["id"] for each in page["items"]]
        if page["next"] is None:
            break
        query = f"?limit=2&before={page['next']}"
    assert found == order
    assert (await client.ask("GET", "/api/inbox?before=x", token=ann.token)).code == "invalid"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(inbox, "MAX_SENT", 3)
    monkeypatch.setattr(inbox, "MAX_RECEIVED", 4)
    yield


async def test_a_person_writes_so_many_messages_a_day_to_people_who_do_not_answer(
    client: Client, running: Running, few: None
) -> None:
    ann, bo = await two(client)
    others = [await somebody(client) for _ in range(3)]
    for other in others:
        assert (await ann.write(other, "psst")).status == 201
    refused = await ann.write(bo, "psst")
    assert (refused.status, refused.code) == (429, "rate")
    assert 86_000 < int(refused.headers["Retry-After"]) <= 86_400
    assert (await others[0].write(ann, "yes?")).status == 201
    assert (await ann.write(bo, "psst")).status == 201, "those who answered do not count"
    for n in range(5):
        assert (await ann.write(others[0], f"{n}")).status == 201
    assert (await ann.write(others[1], "and you?")).code == "rate"
    yesterday = iso(moment(refused.json.get("at", iso(running.services.clock()))) - inbox_rules.DAY)

    def age(tx: Any) -> None:
        tx.execute("UPDATE private_messages SET said_at = :at", {"at": yesterday})

    await running.services.store.write(age)
    assert (await ann.write(others[1], "and you?")).status == 201


async def test_nobody_gets_more_than_so_many_a_day_from_strangers(client: Client, few: None) -> None:
    ann, bo = await two(client)
    others = [await somebody(client) for _ in range(4)]
    for other in others:
        assert (await other.write(ann, "psst")).status == 201
    assert (await bo.write(ann, "psst")).code == "rate"
    assert (await ann.write(bo, "psst")).status == 201


async def test_a_stream_holds_the_newest_conversations_and_messages(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_rows, "MAX_CONVERSATIONS", 3)
    ann, bo = await two(client)
    others = [await somebody(client) for _ in range(4)]
    for other in [bo, *others]:
        await other.write(ann, "psst")
    held = await ann.held()
    assert len([key for key in held if key.startswith("conversation/")]) == 3
    assert len((await ann.list())["items"]) == 5
    await ann.write(bo, "go on")
    for n in range(209):
        await bo.write(ann, f"{n}")
    [latest] = [each for each in (await ann.list())["items"] if each["with"]["id"] == bo.id]
    events = (await client.updates("inbox/me", token=ann.token)).json["events"]
    assert events[0] == {"stream": "inbox/me", "reset": True, "earlier": True}
    keys = [m["key"].rpartition("/") for m in events if "key" in m]
    numbers = [int(number) for group, _, number in keys if group == f"message/{latest['id']}"]
    assert numbers == list(range(12, 212))


async def test_the_ids_of_one_person_in_two_rooms_are_not_joined_in_the_database(
    client: Client, running: Running
) -> None:
    await room(client)
    await room(client, "lobby")
    ann = await somebody(client)
    assert (await somebody(client, ann.token, "lobby")).id != ann.id
    with sqlite3.connect(running.services.settings.data / "livewall.db") as database:
        seals = [seal for (seal,) in database.execute("SELECT inbox FROM people")]
        assert len(seals) == 2 and len(set(seals)) == 2
        assert ann.token.split(".")[1] not in "\n".join(database.iterdump())


async def test_private_messages_are_erased_with_those_of_a_person_in_a_room(
    client: Client, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "BATCH", 2)
    ann, bo = await two(client)
    for n in range(5):
        await ann.write(bo, f"thesecrettext {n}", id=f"{n}")
    await bo.write(ann, "kept")
    id = (await bo.conversation())["id"]
    watcher = Watcher(client.url, "websocket", "inbox/me", token=bo.token)
    watcher.start()
    await watcher.until(lambda c: c.synced)
    answer = await client.host("DELETE", f"/api/rooms/ops/people/{ann.id}/messages")
    assert answer == {"messages": 1}, "nothing is said of private messages"
    await watcher.until(lambda c: "withdrawn" in c.state[f"message/{id}/5"])
    await watcher.until(lambda c: c.state[f"conversation/{id}"]["unread"] == 0)
    assert "thesecrettext" not in str(watcher.checker.state)
    await watcher.stop()
    items = (await ann.messages(id)).json["items"]
    assert [item.get("withdrawn") for item in items] == ["host"] * 5 + [None] and set(items[0]) == {
        "n",
        "withdrawn",
        "at",
    }
    assert {key: value for key, value in (await bo.held()).items() if key.startswith("message/")} == {
        f"message/{id}/{item['n']}": item for item in items
    }
    with sqlite3.connect(running.services.settings.data / "livewall.db") as database:
        assert "thesecrettext" not in "\n".join(database.iterdump())
    assert f"{id}" not in str(await client.host("GET", "/api/audit"))
    assert (await ann.write(bo, "new", id="0")).json["n"] == 7


async def test_private_messages_are_erased_when_their_time_is_over(client: Client, running: Running) -> None:
    ann, bo = await two(client)
    await ann.write(bo, "old")

    def age(tx: Any) -> None:
        tx.execute("UPDATE private_messages SET said_at = '2026-01-01T00:00:00.000Z'")

    await running.services.store.write(age)
    await bo.write(ann, "new")
    await MessageErasure(running.services.store, running.services.clock, days=7).purge()
    items = (await ann.messages((await ann.conversation())["id"])).json["items"]
    assert [item.get("text") for item in items] == [None, "new"]
