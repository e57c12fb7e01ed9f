"""The pages of rooms as the server makes them, and their forms: whole without script."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import urlencode

from clients import ADMIN, Answer, Client

from handlers.view_models.room_talk import lines_of
from livewall.rooms.rows import Message, Withdrawn

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


class Browser:
    """A browser without scripts: it keeps its cookie and sends forms."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.cookie: dict[str, str] = {}

    async def get(self, path: str) -> str:
        answer = await self.client.ask("GET", path, headers=self.cookie)
        assert answer.status == 200, (answer.status, answer.body)
        if "Set-Cookie" in answer.headers:
            self.cookie = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
        return answer.body.decode()

    async def submit(self, path: str, **fields: str) -> Answer:
        raw = urlencode(fields).encode()
        return await self.client.ask("POST", path, raw=raw, headers={**FORM, **self.cookie})


async def room(client: Client, name: str = "ops", **fields: Any) -> None:
    await client.host("POST", "/api/rooms", {"name": name, "title": "Operations <1>", **fields})


async def submitted(client: Client, path: str, token: str | None = ADMIN, **fields: str) -> Answer:
    return await client.ask("POST", path, token=token, raw=urlencode(fields).encode(), headers=FORM)


async def texts(client: Client) -> list[str]:
    items = (await client.ask("GET", "/api/rooms/ops/messages", token=ADMIN)).json["items"]
    return [each.get("text", each.get("withdrawn")) for each in items]


def data(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="page">(.*?)</script>', page)
    assert found is not None
    return json.loads(found[1])


async def test_the_list_has_the_rooms_that_the_reader_may_read(client: Client) -> None:
    empty = (await client.ask("GET", "/rooms")).body.decode()
    assert "There are no rooms yet." in empty and "/desk/rooms" not in empty
    assert "Create the first one here." in (await client.ask("GET", "/rooms", token=ADMIN)).body.decode()
    await room(client)
    await room(client, "inner", read="signed_in")
    await client.host("PUT", "/api/rooms/ops", {"closed": True})
    await client.host("POST", "/api/rooms/ops/messages", {"text": "hello"})
    anyone = (await client.ask("GET", "/rooms")).body.decode()
    assert "Operations &lt;1&gt;" in anyone and "one message" in anyone and "closed" in anyone
    assert 'href="/rooms/ops"' in anyone and "inner" not in anyone
    host = (await client.ask("GET", "/rooms", token=await client.token("host"))).body.decode()
    assert 'href="/rooms/inner"' in host and 'action="/desk/rooms"' in host
    refused = await client.ask("GET", "/rooms/inner")
    assert refused.status == 401 and b"<html" in refused.body
    assert (await client.ask("GET", "/rooms/none")).status == 404
    for path in ("/", "/rooms"):
        assert b'href="/rooms' in (await client.ask("GET", path)).body, path


async def test_a_host_creates_a_room_by_a_form(client: Client) -> None:
    made = await submitted(client, "/desk/rooms", title="Opérations du jour", write="hosts", read="all", slow="5")
    assert (made.status, made.headers["Location"]) == (303, "/rooms/operations-du-jour?done=create")
    assert (await client.ask("GET", "/api/rooms/operations-du-jour")).json["slow"] == 5
    again = await submitted(client, "/desk/rooms", title="Opérations du jour")
    assert again.status == 409 and b'value="Op\xc3\xa9rations du jour"' in again.body
    assert "name in its address already" in again.body.decode()
    wrong = await submitted(client, "/desk/rooms", title="x", name="a b", slow="never")
    assert wrong.status == 422 and b'role="alert"' in wrong.body
    chinese = await submitted(client, "/desk/rooms", title="运维")
    assert re.fullmatch(r"/rooms/room-[0-9a-f]{6}\?done=create", chinese.headers["Location"])
    assert (await submitted(client, "/desk/rooms", await client.voter(), title="x")).status == 401
    assert (await submitted(client, "/desk/rooms", await client.token("reporter"), title="x")).status == 403


async def test_somebody_writes_without_script_and_says_it_once(client: Client) -> None:
    await room(client)
    ann, bob = Browser(client), Browser(client)
    page = await ann.get("/rooms/ops")
    assert 'http-equiv="refresh"' in page and 'action="/desk/rooms/ops"' in page
    writing = await ann.get("/rooms/ops?write=1")
    assert 'http-equiv="refresh"' not in writing, "nothing is taken from somebody who writes"
    given = re.search(r'name="id" value="([^"]+)"', writing)
    assert given is not None
    for _ in range(2):
        sent = await ann.submit("/desk/rooms/ops", do="say", text="<b>hi</b> https://x.org/a", id=given[1])
        assert (sent.status, sent.headers["Location"]) == (303, "/rooms/ops#newest")
    assert await texts(client) == ["<b>hi</b> https://x.org/a"]
    page = await bob.get("/rooms/ops")
    assert '&lt;b&gt;hi&lt;/b&gt; <a href="https://x.org/a" rel="noopener nofollow ugc"' in page
    await bob.submit("/desk/rooms/ops", do="say", text="an answer", reply_to="1", id="b1")
    page = await ann.get("/rooms/ops")
    assert 'class="quote" dir="auto" href="#m1"' in page and 'message first own" id="m1"' in page
    named = await ann.submit("/desk/rooms/ops", do="name", name="Ann")
    assert named.status == 303 and "You are Ann" in await ann.get("/rooms/ops")
    taken = await bob.submit("/desk/rooms/ops", do="name", name="ANN")
    assert taken.status == 409 and "Somebody here has this name" in taken.body.decode()
    empty = await bob.submit("/desk/rooms/ops", do="say", text="  ", id="b2")
    assert empty.status == 422 and len(await texts(client)) == 2


async def test_who_may_not_write_is_told_and_keeps_what_was_typed(client: Client) -> None:
    await room(client, slow=60)
    ann = Browser(client)
    await ann.get("/rooms/ops")
    await ann.submit("/desk/rooms/ops", do="say", text="one", id="1")
    slow = await ann.submit("/desk/rooms/ops", do="say", text="two & more", id="2")
    assert slow.status == 429 and "seconds." in slow.body.decode() and "two &amp; more</textarea>" in slow.body.decode()
    assert 'name="id" value="2"' in slow.body.decode(), "sent again, it is the same message"
    me = data(await ann.get("/rooms/ops"))["me"]
    await client.host("PUT", f"/api/rooms/ops/people/{me['id']}", {"muted": True})
    muted = await ann.submit("/desk/rooms/ops", do="say", text="two", id="2")
    assert muted.status == 403 and "muted you" in muted.body.decode()
    host = (await client.ask("GET", "/rooms/ops", token=ADMIN)).body.decode()
    assert me["id"] in host and html.escape(me["name"]) in host and data(host)["muted"] == {me["id"]: me["name"]}
    assert "muted" not in data(await ann.get("/rooms/ops"))["room"] and data(await ann.get("/rooms/ops"))["muted"] == {}
    await client.host("PUT", "/api/rooms/ops", {"closed": True, "slow": 0})
    page = await ann.get("/rooms/ops?write=1")
    assert "This room is closed." in page
    cookieless = Browser(client)
    refused = await cookieless.submit("/desk/rooms/ops", do="say", text="x", id="1")
    assert refused.status == 403 and "stores no cookies" in refused.body.decode()
    foreign = await client.ask(
        "POST", "/desk/rooms/ops", raw=b"do=say&text=x", headers={**ann.cookie, **FORM, "Sec-Fetch-Site": "cross-site"}
    )
    assert foreign.status == 403 and len(await texts(client)) == 1


async def test_a_message_is_withdrawn_by_its_author_and_by_a_host(client: Client) -> None:
    await room(client)
    ann, bob = Browser(client), Browser(client)
    await ann.get("/rooms/ops")
    for n in range(3):
        await ann.submit("/desk/rooms/ops", do="say", text=f"text {n}", id=str(n))
    assert "do=withdraw" in await ann.get("/rooms/ops") and "do=withdraw" not in await bob.get("/rooms/ops")
    assert "text 0" in await ann.get("/desk/rooms/ops?do=withdraw&n=1"), "it asks first"
    assert (await bob.submit("/desk/rooms/ops", do="withdraw", n="1")).status == 403
    assert (await ann.submit("/desk/rooms/ops", do="withdraw", n="1")).status == 303
    assert (await submitted(client, "/desk/rooms/ops", do="withdraw", n="2")).status == 303
    assert await texts(client) == ["author", "host", "text 2"]
    page = await bob.get("/rooms/ops")
    assert "This message was withdrawn." in page and "A host withdrew this message." in page and "text 1" not in page
    gone = await client.ask("GET", "/desk/rooms/ops?do=withdraw&n=1", headers=ann.cookie)
    assert gone.headers["Location"] == "/rooms/ops"


async def test_a_host_moderates_by_forms_and_nobody_else_does(client: Client) -> None:
    await room(client)
    ann = Browser(client)
    me = data(await ann.get("/rooms/ops"))["me"]
    await ann.submit("/desk/rooms/ops", do="say", text="hello", id="1")
    acts = [{"do": "mute", "person": me["id"]}, {"do": "close"}, {"do": "slow", "slow": "7"}, {"do": "delete"}]
    for act in acts:
        assert (await ann.submit("/desk/rooms/ops", **act)).status == 401, act
        assert (await submitted(client, "/desk/rooms/ops", await client.token("reporter"), **act)).status == 403, act
    for act in acts[:3]:
        assert (await submitted(client, "/desk/rooms/ops", **act)).status == 303, act
    now = (await client.ask("GET", "/api/rooms/ops")).json
    assert (now["closed"], now["slow"]) == (True, 7)
    page = (await client.ask("GET", "/rooms/ops", token=ADMIN)).body.decode()
    assert 'value="unmute"' in page and 'value="open"' in page
    for act in ({"do": "unmute", "person": me["id"]}, {"do": "open"}):
        await submitted(client, "/desk/rooms/ops", **act)
    assert data((await client.ask("GET", "/rooms/ops", token=ADMIN)).body.decode())["muted"] == {}
    assert b"cannot be undone" in (await client.ask("GET", "/desk/rooms/ops?do=delete", token=ADMIN)).body
    assert (await client.ask("GET", "/desk/rooms/ops?do=delete", headers=ann.cookie)).status == 401
    assert (await submitted(client, "/desk/rooms/ops", do="delete")).headers["Location"] == "/rooms"
    assert (await client.ask("GET", "/rooms/ops")).status == 404


async def test_older_messages_and_found_ones_have_pages(client: Client) -> None:
    await room(client)
    voter = await client.voter()
    for n in range(1, 61):
        await client.ask("POST", "/api/rooms/ops/messages", {"text": f"text {n}."}, token=voter)
    page = (await client.ask("GET", "/rooms/ops")).body.decode()
    assert "text 60." in page and "text 11." in page and "text 10." not in page and 'href="?before=11"' in page
    older = (await client.ask("GET", "/rooms/ops?before=11")).body.decode()
    assert "text 1." in older and "text 10." in older and "text 11." not in older and "before=" not in older
    assert 'http-equiv="refresh"' not in older
    found = (await client.ask("GET", "/rooms/ops?q=TEXT%2042")).body.decode()
    assert "one message found" in found and "text 42." in found and "text 41." not in found
    assert (await client.ask("GET", "/rooms/ops?before=x")).status == 422


async def test_the_id_of_the_reader_is_in_the_page_and_in_no_event(client: Client) -> None:
    await room(client)
    ann, bob = Browser(client), Browser(client)
    mine, other = [data(await each.get("/rooms/ops"))["me"]["id"] for each in (ann, bob)]
    assert mine != other and mine == data(await ann.get("/rooms/ops"))["me"]["id"]
    await ann.submit("/desk/rooms/ops", do="say", text="hello", id="1")
    assert mine.encode() not in (await client.updates("rooms/ops")).body.replace(b'"from":"' + mine.encode(), b"")
    seen = data((await client.ask("GET", "/rooms/ops?as=audience", token=ADMIN)).body.decode())
    assert seen["me"] is None and seen["host"] is False


async def test_what_the_system_says_has_its_badge_and_a_link(client: Client) -> None:
    await room(client)
    steps = [{"name": "build"}]
    task = (await client.host("POST", "/api/tasks", {"title": "Release", "steps": steps, "room": "ops"}))["id"]
    await client.host("PUT", f"/api/tasks/{task}/steps/build", {"state": "running"})
    page = (await client.ask("GET", "/rooms/ops")).body.decode()
    assert '<span class="role" data-role="system">system</span>' in page and f'/tasks/{task}" rel="noopener' in page
    moderated = (await client.ask("GET", "/rooms/ops", token=ADMIN)).body.decode()
    assert "do=withdraw" in moderated and 'value="mute"' not in moderated


async def test_a_withdrawn_message_does_not_begin_a_day() -> None:
    days = ["2026-11-28", "2026-11-30", "2026-11-28", "2026-11-29"]
    said = [Message(n, "i", "p", "Ann", "", "text", f"{day}T12:00:00.000Z") for n, day in enumerate(days, 1)]
    lines = lines_of([said[0], Withdrawn(2, "host", said[1].at), said[2], said[3]], None)
    assert [line.day for line in lines] == ["2026-11-28", "", "", "2026-11-29"]
    assert [line.first for line in lines] == [True, True, True, True]


async def test_what_strangers_write_is_not_compressed_with_what_only_the_reader_may_know(client: Client) -> None:
    await room(client)
    gzip = {"Accept-Encoding": "gzip"}
    for path, coding in (("/", "gzip"), ("/rooms", None), ("/rooms/ops", None)):
        answer = await client.ask("GET", path, headers=gzip, decompress_response=False)
        assert (answer.status, answer.headers.get("Content-Encoding")) == (200, coding), path
