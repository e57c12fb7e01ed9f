"""Questions, reactions and rooms on a wall's host page without scripts: its forms do what the API does."""

from __future__ import annotations

import json
import re
from typing import Any

from clients import ADMIN, Client
from test_host_page import page, send


async def wall_of(client: Client, **fields: Any) -> str:
    code = str((await client.host("POST", "/api/walls", {"title": "Forum"}))["code"])
    if fields:
        await client.host("PUT", f"/api/walls/{code}", fields)
    return code


async def ask(client: Client, code: str, text: str) -> None:
    token = await client.voter()
    assert (await client.ask("POST", f"/api/walls/{code}/questions", {"text": text}, token=token)).status == 201


async def wall(client: Client, code: str) -> dict[str, Any]:
    return dict((await client.ask("GET", f"/api/walls/{code}", token=ADMIN)).json)


async def test_the_settings_are_saved_for_the_version_that_was_seen(client: Client) -> None:
    code = await wall_of(client)
    text = await page(client, code)
    assert 'id="queue"' not in text
    form = {"only": code, "version": 1, "do": "set", "questions": "moderated", "reactions": "yes"}
    answer = await send(client, f"/desk/walls/{code}/asking", **form)
    assert (answer.status, answer.headers["Location"]) == (303, f"/w/{code}/host?done=asks&at=asking#asking")
    held = await wall(client, code)
    assert (held["questions"], held["reactions"]) == ("moderated", True)
    again = await send(client, f"/desk/walls/{code}/asking", **{**form, "questions": "open"})
    assert again.status == 409 and (await wall(client, code))["questions"] == "moderated"
    text = await page(client, code)
    assert '<option value="moderated" selected>' in text and 'id="queue"' in text


async def test_questions_and_rooms_become_items_with_a_title(client: Client) -> None:
    code = await wall_of(client, questions="open")
    await client.host("POST", "/api/rooms", {"name": "ops", "title": "Talk & more"})
    await client.host("POST", "/api/rooms/ops/messages", {"text": "hello"})
    path = f"/desk/walls/{code}/asking"
    for item in (f"questions/{code}", "rooms/ops"):
        assert (await send(client, path, only=code, do="add", item=item)).status == 303
    assert (await send(client, path, only=code, do="make", title="A new room")).status == 303
    assert (await wall(client, code))["items"] == [f"questions/{code}", "rooms/ops", "rooms/a-new-room"]
    text = await page(client, code)
    assert ">Questions</span>" in text and ">Talk &amp; more</span>" in text and "1 message<" in text
    assert 'href="/rooms/ops"' in text
    data = json.loads(re.findall(r'<script type="application/json" id="page">(.*?)</script>', text)[0])
    assert data["items"]["rooms/ops"]["count"] == 1
    assert (await send(client, path, only=code, do="remove", item="rooms/ops")).status == 303
    assert (await wall(client, code))["items"] == [f"questions/{code}", "rooms/a-new-room"]
    for wrong in ({"do": "add", "item": "rooms/none"}, {"do": "add", "item": "x/y"}, {"do": "nothing"}):
        assert (await send(client, path, only=code, **wrong)).status in (400, 422)


async def test_items_that_are_gone_do_not_break_the_page(client: Client) -> None:
    await client.host("POST", "/api/rooms", {"name": "gone", "title": "Gone"})
    code = await wall_of(client, questions="open")
    await client.host(
        "PUT", f"/api/walls/{code}", {"items": [f"questions/{code}", "rooms/gone"], "active": "rooms/gone"}
    )
    await client.host("DELETE", "/api/rooms/gone")
    await client.host("PUT", f"/api/walls/{code}", {"questions": "off"})
    text = await page(client, code)
    assert "Questions</span>" in text and 'value="rooms/gone"' in text


async def test_a_host_decides_about_questions(client: Client) -> None:
    code = await wall_of(client, questions="moderated")
    for text in ("<b>first</b>", "second", "third"):
        await ask(client, code, text)
    path = f"/desk/walls/{code}/questions"
    for number, do in ((1, "shown"), (2, "pinned"), (3, "hidden")):
        answer = await send(client, path, only=code, n=number, do=do)
        assert (answer.status, answer.headers["Location"]) == (303, f"/w/{code}/host?done=decided&at=asking#asking")
    assert (await send(client, path, only=code, n=2, do="answer", answer="So.")).status == 303
    questions = (await client.ask("GET", f"/api/walls/{code}/questions", token=ADMIN)).json["items"]
    assert [(q["n"], q["state"]) for q in questions] == [(2, "pinned"), (1, "shown"), (3, "hidden")]
    assert questions[0]["answer"] == "So."
    text = await page(client, code)
    assert "&lt;b&gt;first&lt;/b&gt;" in text and "0 questions wait" in text and "1 answered or hidden" in text
    assert (await send(client, path, only=code, n=99, do="shown")).status == 404
    assert (await send(client, path, only=code, n=1, do="nonsense")).status == 422


async def test_only_hosts_decide(client: Client) -> None:
    code = await wall_of(client, questions="open")
    await ask(client, code, "first")
    for path, fields in ((f"/desk/walls/{code}/questions", "n=1&do=hidden"), (f"/desk/walls/{code}/asking", "do=set")):
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        answer = await client.ask("POST", path, raw=fields.encode(), headers=headers)
        assert answer.status in (401, 403)
    questions = (await client.ask("GET", f"/api/walls/{code}/questions")).json["items"]
    assert [q["state"] for q in questions] == ["shown"]


async def test_the_desk_names_questions_and_rooms(client: Client) -> None:
    await client.host("POST", "/api/rooms", {"name": "ops", "title": "Talk of the hall"})
    code = await wall_of(client, questions="open")
    await client.host("PUT", f"/api/walls/{code}", {"items": [f"questions/{code}", "rooms/ops"]})
    desk = (await client.ask("GET", "/", token=ADMIN)).body.decode()
    assert "Talk of the hall" in desk and ">Questions<" in desk
