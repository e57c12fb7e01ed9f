"""What a projector without scripts shows of questions and rooms, and what a copied wall keeps of them."""

from __future__ import annotations

import re
from typing import Any

from clients import Client

MARKUP = '<img src=x onerror="alert(1)">'


async def wall(client: Client, active: str = "questions/{}", **fields: Any) -> str:
    code: str = (await client.host("POST", "/api/walls", {"title": "Forum"}))["code"]
    item = active.format(code)
    await client.host("PUT", f"/api/walls/{code}", {"questions": "open", "items": [item], "active": item, **fields})
    return code


async def ask(client: Client, code: str, text: str, **fields: Any) -> None:
    token = await client.voter()
    answer = await client.ask("POST", f"/api/walls/{code}/questions", {"text": text, **fields}, token=token)
    assert answer.status == 201


async def screen(client: Client, code: str, query: str = "") -> str:
    answer = await client.ask("GET", f"/w/{code}/screen{query}")
    assert answer.status == 200
    return answer.body.decode().partition("<main")[2].partition("</main>")[0]


async def test_questions_are_shown_in_their_order_with_the_one_being_answered_above(client: Client) -> None:
    code = await wall(client)
    for text in ("first", MARKUP, "third", "the hidden one"):
        await ask(client, code, text, anonymous=True)
    voter = await client.voter()
    await client.ask("PUT", f"/api/walls/{code}/questions/2/vote", token=voter)
    for number, state in ((3, "pinned"), (4, "hidden")):
        await client.host("PUT", f"/api/walls/{code}/questions/{number}", {"state": state})
    page = await screen(client, code)
    assert re.findall(r'class="text" dir="auto">(.*?)</p>', page) == [
        "third",
        "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;",
        "first",
    ]
    assert "Being answered" in page and "the hidden one" not in page
    assert 'class="name"' not in page  # nobody's name stands at an anonymous question


async def test_more_questions_than_fit_are_counted(client: Client) -> None:
    code = await wall(client)
    for number in range(20):
        await ask(client, code, f"question {number} " + "word " * 60)
    page = await screen(client, code)
    shown = page.count('<b class="votes">')
    assert 2 <= shown <= 6 and f"and {20 - shown} more" in page
    assert "还没有人提问" in await screen(client, await wall(client), "?lang=zh")


async def test_questions_that_are_off_and_unknown_items_are_said_calmly(client: Client) -> None:
    code = await wall(client)
    await client.host("PUT", f"/api/walls/{code}", {"questions": "off"})
    assert "No questions are taken here now." in await screen(client, code)


async def test_a_room_is_shown_without_what_was_withdrawn(client: Client) -> None:
    await client.host("POST", "/api/rooms", {"name": "ops", "title": "Talk"})
    code = await wall(client, "rooms/ops")
    for text in ("one", "the withdrawn one", MARKUP):
        await client.host("POST", "/api/rooms/ops/messages", {"text": text})
    await client.host("DELETE", "/api/rooms/ops/messages/2")
    page = await screen(client, code)
    assert re.findall(r'class="text" dir="auto">(.*?)</p>', page) == [
        "one",
        "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;",
    ]
    assert '<span class="host">' in page and "withdrawn" not in page


async def test_a_room_for_those_who_are_signed_in_is_refused_on_the_projector(client: Client) -> None:
    await client.host("POST", "/api/rooms", {"name": "inside", "title": "Inside", "read": "signed_in"})
    await client.host("POST", "/api/rooms/inside/messages", {"text": "between us"})
    code = await wall(client, "rooms/inside")
    answer = await client.ask("GET", f"/w/{code}/screen", token=await client.token("host"))
    page = answer.body.decode()
    assert answer.status == 200 and "This room is for those who are signed in." in page
    assert "between us" not in page and "Inside" not in page


async def test_a_room_that_was_deleted_leaves_the_screen(client: Client) -> None:
    await client.host("POST", "/api/rooms", {"name": "gone", "title": "Gone"})
    code = await wall(client, "rooms/gone")
    await client.host("DELETE", "/api/rooms/gone")
    assert "This room is no longer there." in await screen(client, code)


async def test_prints_results_and_decks_of_a_wall_leave_questions_and_rooms_out(client: Client) -> None:
    await client.host("POST", "/api/rooms", {"name": "ops", "title": "Talk"})
    code = await wall(client)
    poll = (await client.poll(wall=code))["id"]
    items = [f"questions/{code}", f"polls/{poll}", "rooms/ops"]
    await client.host("PUT", f"/api/walls/{code}", {"items": items, "active": None})
    await client.host("POST", f"/api/polls/{poll}/close")
    assert (await client.ask("GET", f"/w/{code}/print")).status == 200
    results = (await client.ask("GET", f"/api/walls/{code}/results")).json
    assert results["over"] is True and len(results["items"]) == 1
    assert "rooms" not in (await client.ask("GET", f"/w/{code}/deck", token=await client.token("host"))).body.decode()
    assert 'class="end"' in (await client.ask("GET", f"/w/{code}/screen")).body.decode()


async def test_a_copied_wall_takes_questions_as_the_first_and_has_none_of_them(client: Client) -> None:
    code = await wall(client, questions="moderated", reactions=True)
    await ask(client, code, "of the first wall")
    copy = await client.host("POST", f"/api/walls/{code}/duplicate")
    assert (copy["questions"], copy["reactions"], copy["items"]) == ("moderated", True, [])
    listed = (await client.ask("GET", f"/api/walls/{copy['code']}/questions", token=await client.token("host"))).json
    assert listed["items"] == []
    checked = (await client.updates(f"questions/{copy['code']}")).json["events"]
    assert any(event.get("data", {}).get("moderated") for event in checked if event.get("key") == "questions")
