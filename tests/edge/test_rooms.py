"""Rooms: what is said there reaches every transport, once and in one order."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from checker import Checker
from clients import ADMIN, Client

from server import Running


async def room(client: Client, name: str = "ops", **fields: Any) -> str:
    await client.host("POST", "/api/rooms", {"name": name, "title": "Operations", **fields})
    return name


async def say(client: Client, text: str, token: str, name: str = "ops", **fields: Any) -> Any:
    answer = await client.ask("POST", f"/api/rooms/{name}/messages", {"text": text, **fields}, token=token)
    assert answer.status in (200, 201), answer.body
    return answer.json


async def held(client: Client, name: str = "ops", token: str | None = None) -> Checker:
    """What a reader who comes now is sent."""
    checker = Checker(f"rooms/{name}")
    for message in (await client.updates(f"rooms/{name}", token=token)).json["events"]:
        checker.feed(message)
    return checker


async def test_a_host_makes_changes_and_deletes_a_room(client: Client) -> None:
    made = await client.ask("POST", "/api/rooms", {"name": "ops"}, token=ADMIN)
    assert made.status == 201
    assert made.json == {"name": "ops", "title": "ops", "write": "all", "slow": 0, "closed": False, "messages": 0}
    assert (await client.ask("POST", "/api/rooms", {"name": "ops"}, token=ADMIN)).code == "conflict"
    voter = await client.voter()
    assert (await client.ask("POST", "/api/rooms", {"name": "x"}, token=voter)).status == 401
    changed = await client.host("PUT", "/api/rooms/ops", {"title": "Operations", "slow": 5})
    assert (changed["title"], changed["slow"]) == ("Operations", 5)
    assert [each["name"] for each in (await client.ask("GET", "/api/rooms")).json["items"]] == ["ops"]
    await client.host("DELETE", "/api/rooms/ops")
    assert (await client.ask("GET", "/api/rooms/ops")).code == "not_found"
    assert (await client.updates("rooms/ops")).code == "no_such_stream"


async def test_what_is_said_is_numbered_and_reaches_who_listens(client: Client) -> None:
    await room(client)
    listener = await client.socket("/ws/rooms/ops")
    await listener.synced()
    voter = await client.voter()
    first = await say(client, "hello", voter, id="one")
    assert first["n"] == 1 and first["text"] == "hello" and first["role"] == "guest" and first["id"] == "one"
    [*_, event] = await listener.until(lambda m: m.get("key") == "message/1")
    assert event["data"] == first
    speaker = await client.socket("/ws/rooms/ops", token=voter)
    second = await speaker.act("say", room="ops", text="again", reply_to=1)
    assert second["ok"]["n"] == 2 and second["ok"]["reply_to"] == 1 and second["ok"]["from"] == first["from"]
    host = await client.ask("POST", "/api/rooms/ops/messages", {"text": "I host"}, token=await client.token("host"))
    assert (host.json["role"], host.json["name"]) == ("host", "a host")
    checker = await held(client)
    assert [message["text"] for message in checker.numbered.values()] == ["hello", "again", "I host"]


async def test_the_same_id_again_is_the_same_message_also_at_once(client: Client) -> None:
    await room(client)
    voter = await client.voter()
    body = {"text": "hello", "id": "one"}
    answers = await asyncio.gather(
        *(client.ask("POST", "/api/rooms/ops/messages", body, token=voter) for _ in range(5))
    )
    assert sorted(answer.status for answer in answers) == [200] * 4 + [201]
    assert {answer.json["n"] for answer in answers} == {1}
    other = await client.ask("POST", "/api/rooms/ops/messages", body, token=await client.voter())
    assert (other.status, other.json["n"]) == (201, 2), "an id is its person's own"


async def test_many_speak_at_once_and_the_numbers_have_no_hole(client: Client) -> None:
    await room(client)
    voters = [await client.voter() for _ in range(10)]
    said = await asyncio.gather(*(say(client, f"{n}", voters[n % 10]) for n in range(50)))
    assert sorted(message["n"] for message in said) == list(range(1, 51))
    checker = await held(client)
    assert [checker.numbered[message["n"]] for message in said] == said


async def test_an_edit_and_a_withdrawal_replace_the_text_everywhere(client: Client, running: Running) -> None:
    await room(client)
    voter = await client.voter()
    for text in ("a slipofthetongue", "fine", "another slipofthetongue"):
        await say(client, text, voter)
    listener = await client.socket("/ws/rooms/ops")
    await listener.synced()
    edited = await client.ask("PUT", "/api/rooms/ops/messages/1", {"text": "harmless"}, token=voter)
    assert edited.json["text"] == "harmless" and edited.json["edited_at"]
    gone = await client.ask("DELETE", "/api/rooms/ops/messages/3", token=voter)
    assert gone.json == {"n": 3, "withdrawn": "author", "at": gone.json["at"]}
    [*_, event] = await listener.until(lambda m: m.get("key") == "message/3")
    assert event["data"] == gone.json
    checker = await held(client)
    assert [message.get("text") for message in checker.numbered.values()] == ["harmless", "fine", None]
    items = (await client.ask("GET", "/api/rooms/ops/messages")).json["items"]
    assert items == list(checker.numbered.values())
    assert (await client.ask("GET", "/api/rooms/ops/messages?q=slipofthetongue")).json["items"] == []
    with sqlite3.connect(running.services.settings.data / "livewall.db") as database:
        dump = "\n".join(database.iterdump())
    assert "slipofthetongue" not in dump
    by_host = await client.ask("DELETE", "/api/rooms/ops/messages/2", token=await client.token("host"))
    assert by_host.json["withdrawn"] == "host"
    assert (await client.ask("DELETE", "/api/rooms/ops/messages/1", token=await client.voter())).code == "forbidden"


async def test_a_snapshot_has_the_newest_200_and_the_history_the_others(client: Client) -> None:
    await room(client)
    voter = await client.voter()
    for n in range(1, 231):
        await say(client, f"text {n}", voter)
    since = (await client.updates("rooms/ops")).json["pos"]
    checker = await held(client)
    assert list(checker.numbered) == list(range(31, 231)) and checker.earlier
    await client.ask("PUT", "/api/rooms/ops/messages/3", {"text": "changed"}, token=voter)
    checker = await held(client)
    assert list(checker.numbered) == list(range(31, 231)), "an old one that was changed is not among the newest"
    [event] = (await client.updates("rooms/ops", f"wait=0&since={since}")).json["events"]
    assert (event["key"], event["data"]["text"]) == ("message/3", "changed"), "but who holds it is told"
    page = (await client.ask("GET", "/api/rooms/ops/messages?before=31&limit=10")).json["items"]
    assert [message["n"] for message in page] == list(range(21, 31))
    page = (await client.ask("GET", "/api/rooms/ops/messages?after=0&limit=3")).json["items"]
    assert [message["text"] for message in page] == ["text 1", "text 2", "changed"]
    found = (await client.ask("GET", "/api/rooms/ops/messages?q=TEXT%2022")).json["items"]
    assert [message["n"] for message in found] == [22, *range(220, 230)]


async def test_a_search_finds_texts_of_every_script_in_whatever_case(client: Client, running: Running) -> None:
    await room(client)
    voter = await client.voter()
    for text in ("Äpfel", "APPLES", "СЛОВО", "王小明", "Straße", "edit me"):
        await say(client, text, voter)

    async def found(text: str) -> list[int]:
        return [
            item["n"] for item in (await client.ask("GET", f"/api/rooms/ops/messages?q={quote(text)}")).json["items"]
        ]

    searches = {"äPFEL": [1], "pp": [2], "слово": [3], "小": [4], "STRASSE": [5], "edit": [6], "%": [], "_": []}
    assert {text: await found(text) for text in searches} == searches
    await client.ask("PUT", "/api/rooms/ops/messages/6", {"text": "ÖDE"}, token=voter)
    assert await found("öde") == [6] and await found("edit") == []
    await client.ask("DELETE", "/api/rooms/ops/messages/1", token=voter)
    with sqlite3.connect(running.services.settings.data / "livewall.db") as database:
        assert "äpfel" not in "\n".join(database.iterdump())


async def test_searches_of_one_are_limited_on_both_ways(client: Client, running: Running) -> None:
    await room(client)
    running.services.limits.on = True
    answers = [await client.ask("GET", "/api/rooms/ops/messages?q=x") for _ in range(5)]
    answers += [await client.ask("GET", address) for address in ("/api/rooms/ops/messages?q=x", "/rooms/ops?q=x")]
    assert [answer.status for answer in answers] == [200] * 5 + [429] * 2 and answers[-1].headers["Retry-After"]
    assert (await client.ask("GET", "/api/rooms/ops/messages")).status == 200
    assert (await client.ask("GET", "/api/rooms/ops/messages?q=x", token=await client.voter())).status == 200


async def test_slow_mode_mute_and_the_end_of_a_room(client: Client) -> None:
    await room(client, slow=60)
    voter, host = await client.voter(), await client.token("host")
    first = await say(client, "hello", voter)
    refused = await client.ask("POST", "/api/rooms/ops/messages", {"text": "again"}, token=voter)
    assert (refused.status, refused.code) == (429, "slow") and 0 < int(refused.headers["Retry-After"]) <= 60
    for text in ("one", "two"):
        await say(client, text, host)
    await client.host("PUT", "/api/rooms/ops", {"slow": 0})
    await client.host("PUT", f"/api/rooms/ops/people/{first['from']}", {"muted": True})
    socket = await client.socket("/ws/rooms/ops", token=voter)
    assert (await socket.act("say", room="ops", text="x"))["error"]["code"] == "muted"
    assert (await client.ask("PUT", "/api/rooms/ops/messages/1", {"text": "x"}, token=voter)).code == "muted"
    await client.host("PUT", f"/api/rooms/ops/people/{first['from']}", {"muted": False})
    await say(client, "free again", voter)
    await client.host("PUT", "/api/rooms/ops", {"closed": True})
    assert (await client.ask("POST", "/api/rooms/ops/messages", {"text": "x"}, token=voter)).code == "closed"
    acts = [line["act"] for line in (await client.host("GET", "/api/audit"))["items"]]
    assert {"room.create", "room.edit", "room.mute", "room.unmute"} <= set(acts)


async def test_a_room_for_those_who_are_signed_in(client: Client) -> None:
    await room(client, read="signed_in")
    voter, reporter = await client.voter(), await client.token("reporter")
    await say(client, "inside", reporter)
    for path in ("/api/rooms/ops", "/api/rooms/ops/messages", "/updates/rooms/ops?wait=0"):
        assert (await client.ask("GET", path, token=voter)).code == "unauthenticated"
        assert (await client.ask("GET", path, token=reporter)).status == 200
    assert (await client.ask("GET", "/api/rooms", token=voter)).json["items"] == []
    await client.host("PUT", "/api/rooms/ops", {"read": "all"})
    listener = await client.socket("/ws/rooms/ops", token=voter)
    await listener.synced()
    await client.host("PUT", "/api/rooms/ops", {"read": "signed_in"})
    assert await listener.closed() == 4501


async def test_what_is_deleted_is_in_no_file_after_a_stop(client: Client, running: Running, new_data: Path) -> None:
    await room(client)
    voter = await client.voter()
    await say(client, "unmistakable-text", voter)
    await client.ask("DELETE", "/api/rooms/ops/messages/1", token=voter)
    await running.stop()
    for path in new_data.rglob("*"):
        assert not path.is_file() or b"unmistakable-text" not in path.read_bytes(), path


async def test_a_name_is_claimed_by_one_and_imitated_by_nobody(client: Client) -> None:
    await room(client)
    ann, bob = await client.voter(), await client.voter()

    async def claim(name: str, token: str) -> tuple[int, str]:
        answer = await client.ask("PUT", "/api/rooms/ops/me", {"name": name}, token=token)
        return answer.status, answer.json["name"] if answer.status == 200 else answer.code

    await say(client, "as a guest", ann)
    answers = await asyncio.gather(claim("Mark", ann), claim("rnark", bob))
    assert sorted(answers) in ([(200, "Mark"), (409, "name_taken")], [(200, "rnark"), (409, "name_taken")])
    assert await claim("Anna", ann) == (200, "Anna") and await claim("Anna", ann) == (200, "Anna")
    assert await claim("anna", bob) == (409, "name_taken")
    message = await say(client, "with a name", ann)
    assert (message["name"], message["role"]) == ("Anna", "")
    await client.token("host")
    for taken in ("a host", "A H0st", "admin", "𝐀dmin", "Livewall", "Hôst", "@admin", "Ä host", "GreenParrot"):
        assert await claim(taken, bob) == (409, "name_taken"), taken
    for fine in ("Иван", "Αλέξης", "王小明"):
        assert await claim(fine, bob) == (200, fine)
    friendly = (await held(client)).numbered[1]["name"]
    assert await claim(friendly, bob) == (409, "name_taken")
    assert await claim(friendly, ann) == (200, friendly), "it was given to this person"
    answer = await client.ask("PUT", "/api/rooms/ops/me", {"name": "Boss"}, token=ADMIN)
    assert answer.code == "no_voter"


async def test_a_room_with_the_name_of_a_deleted_one_holds_nothing_of_it(client: Client) -> None:
    await room(client)
    voter = await client.voter()
    await say(client, "the old secret", voter)
    listener = await client.socket("/ws/rooms/ops")
    await listener.synced()
    before = (await client.updates("rooms/ops")).json["pos"]
    await client.host("DELETE", "/api/rooms/ops")
    await room(client)
    for since in ("", f"&since={before}"):
        answer = await client.ask("GET", f"/updates/rooms/ops?wait=0{since}")
        assert answer.json["events"][0].get("reset") and b"secret" not in answer.body
    assert (await say(client, "new", voter))["n"] == 1
    assert [message["text"] for message in (await held(client)).numbered.values()] == ["new"]


async def test_a_withdrawal_reaches_who_holds_the_message_however_old_it_is(client: Client, running: Running) -> None:
    await room(client)
    voter = await client.voter()
    reader = await client.socket("/ws/rooms/ops")
    await reader.synced()
    await say(client, "hush one", voter)
    await client.ask("PUT", "/api/rooms/ops/messages/1", {"text": "hush again"}, token=voter)
    positions = {}
    for number in range(2, 1005):
        if number in (3, 6, 9):
            positions[number] = (await client.updates("rooms/ops")).json["pos"]
        await say(client, f"line {number}", voter)
    host = await client.token("host")
    await client.ask("DELETE", "/api/rooms/ops/messages/1", token=host)
    [*_, event] = await reader.until(lambda m: "withdrawn" in str(m.get("data")))
    assert event["key"] == "message/1"
    for since in positions.values():
        answer = await client.ask("GET", f"/updates/rooms/ops?wait=0&since={since}")
        assert answer.json["events"][0].get("reset") or b'"withdrawn":"host"' in answer.body
        assert b"hush" not in answer.body
    with sqlite3.connect(running.app.folder.database) as database:
        assert "hush" not in "\n".join(database.iterdump())


async def test_a_late_repetition_does_not_say_again_what_was_withdrawn(client: Client) -> None:
    await room(client)
    voter = await client.voter()
    await say(client, "hello", voter, id="one")
    await client.ask("DELETE", "/api/rooms/ops/messages/1", token=voter)
    answer = await client.ask("POST", "/api/rooms/ops/messages", {"text": "hello", "id": "one"}, token=voter)
    assert answer.status == 200 and answer.json["withdrawn"] == "author"
    other = await client.ask("POST", "/api/rooms/ops/messages", {"text": "hi", "id": "one"}, token=await client.voter())
    assert (other.status, other.json["n"]) == (201, 2)


async def test_of_a_room_that_they_may_not_read_people_learn_nothing(client: Client) -> None:
    await room(client, "a-open")
    await room(client, "board-secret", read="signed_in")
    host, voter = await client.token("host"), await client.voter()
    await say(client, "for the board", host, name="board-secret")
    await say(client, "gone", host, name="board-secret")
    await client.ask("DELETE", "/api/rooms/board-secret/messages/2", token=host)
    listed = await client.ask("GET", "/api/rooms?limit=1", token=voter)
    assert [each["name"] for each in listed.json["items"]] == ["a-open"] and listed.json["next"] is None
    for number in (1, 2, 9):
        path = f"/api/rooms/board-secret/messages/{number}"
        answers = [
            await client.ask("DELETE", path, token=voter),
            await client.ask("PUT", path, {"text": "x"}, token=voter),
        ]
        assert {(answer.status, answer.code) for answer in answers} == {(401, "unauthenticated")}


async def test_four_thousand_characters_of_any_script_are_taken(client: Client) -> None:
    await room(client)
    voter = await client.voter()
    for letter in ("x", "王", "🎉"):
        assert len((await say(client, letter * 4000, voter))["text"]) == 4000
        wide = await client.ask("POST", "/api/rooms/ops/messages", {"text": letter * 4001}, token=voter)
        assert wide.code == "invalid"


async def test_who_is_muted_takes_no_name(client: Client) -> None:
    await room(client)
    voter = await client.voter()
    person = (await say(client, "hello", voter))["from"]
    await client.host("PUT", f"/api/rooms/ops/people/{person}", {"muted": True})
    assert (await client.ask("PUT", "/api/rooms/ops/me", {"name": "I was muted"}, token=voter)).code == "muted"
