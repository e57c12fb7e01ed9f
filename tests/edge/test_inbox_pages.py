"""The page of private messages as the server makes it, and its forms: whole without script, and for nobody else."""

from __future__ import annotations

import re
from typing import Any

from clients import ADMIN, Client
from test_room_pages import Browser, data, room, submitted

from handlers.view_models.inbox_talk import first_unread, short_time
from livewall.rooms.rows import Message, Withdrawn

TEXT = "the secret <b>text</b>"
SHOWN = "the secret &lt;b&gt;text&lt;/b&gt;"
ACT = "/desk/inbox"


def seen(page: str | bytes) -> str:
    """What a page shows, without the texts of its scripts."""
    text = page if isinstance(page, str) else page.decode()
    return re.sub(r"<script.*?</script>", "", text, flags=re.S)


class Person(Browser):
    """A browser of somebody who has said something in the room."""

    id: str

    async def write(self, to: Person, text: str, **fields: str) -> Any:
        return await self.submit(ACT, do="say", room="ops", person=to.id, text=text, **fields)

    async def conversation(self) -> str:
        """The id of the one with the newest activity."""
        found = re.search(r'href="/inbox\?c=(c[0-9a-f]+)"', await self.get("/inbox"))
        assert found is not None
        return found[1]


async def person(client: Client) -> Person:
    made = Person(client)
    made.id = data(await made.get("/rooms/ops"))["me"]["id"]
    await made.submit("/desk/rooms/ops", do="say", text="hello", id=made.id)
    return made


async def two(client: Client) -> tuple[Person, Person]:
    await room(client)
    return await person(client), await person(client)


async def test_two_write_to_one_another_without_script(client: Client) -> None:
    ann, bo = await two(client)
    page = await ann.get("/rooms/ops")
    assert f'href="/inbox?room=ops&amp;person={bo.id}"' in page, "the name of the other leads there"
    assert f"person={ann.id}" not in page, "nobody writes to themselves"
    empty = seen(await ann.get(f"/inbox?room=ops&person={bo.id}"))
    assert "Nothing has been written here yet." in empty and 'http-equiv="refresh"' not in empty
    given = re.search(r'name="id" value="([^"]+)"', empty)
    assert given is not None
    for _ in range(2):
        sent = await ann.write(bo, TEXT, id=given[1])
        assert sent.status == 303
    conversation = await ann.conversation()
    assert sent.headers["Location"] == f"/inbox?c={conversation}#newest"
    for where in ("/inbox", "/rooms", "/rooms/ops"):
        assert "one unread</span>" in await bo.get(where), where
    listed = await bo.get("/inbox")
    assert f'href="/inbox?c={conversation}"' in listed and SHOWN in listed and "Operations &lt;1&gt;" in listed
    page = await bo.get(f"/inbox?c={conversation}")
    assert f'<p class="text" dir="auto">{SHOWN}</p>' in page and page.count('<p class="unread">') == 1
    assert page.count('id="m') == 1, "sent twice, it is written once"
    assert 'http-equiv="refresh"' in page and f'href="/inbox?c={conversation}&amp;write=1#write"' in page
    assert "one unread</span>" in await bo.get("/inbox"), "to look changes nothing"
    assert 'http-equiv="refresh"' not in await bo.get(f"/inbox?c={conversation}&write=1")
    marked = await bo.submit(ACT, do="read", c=conversation)
    assert (marked.status, marked.headers["Location"]) == (303, f"/inbox?c={conversation}")
    assert "unread</span>" not in (await bo.get("/inbox")).replace('count" hidden', "")
    await ann.write(bo, "more")
    await bo.write(ann, "an answer")
    assert 'class="count"' not in await bo.get("/inbox"), "who writes has read what stands above"
    page = await ann.get("/inbox")
    assert "an answer" in page and 'class="count">one unread' in page
    assert (await ann.get(f"/inbox?room=ops&person={bo.id}")).count('id="m') == 3, "it is the same conversation"


async def test_older_messages_are_on_pages_of_their_own(client: Client) -> None:
    ann, bo = await two(client)
    for n in range(55):
        assert (await ann.write(bo, f"text {n}")).status == 303
    conversation = await bo.conversation()
    page = await bo.get(f"/inbox?c={conversation}")
    assert "text 54<" in page and "text 3<" not in page and f'href="/inbox?c={conversation}&amp;before=6"' in page
    page = await bo.get(f"/inbox?c={conversation}&before=6")
    assert "text 3<" in page and "text 7<" not in page and 'http-equiv="refresh"' not in page


async def test_who_is_blocked_is_told_only_that_it_was_not_delivered(client: Client) -> None:
    ann, bo = await two(client)
    await ann.write(bo, "hello")
    conversation = await bo.conversation()
    assert f'href="/desk/inbox?do=block&amp;c={conversation}"' in await bo.get(f"/inbox?c={conversation}")
    sure = await bo.get(f"{ACT}?do=block&c={conversation}")
    assert "learns from it only that you take no messages" in sure and 'value="block"' in sure
    assert "You have blocked" not in seen(await bo.get(f"/inbox?c={conversation}")), "it is asked first"
    assert (await bo.submit(ACT, do="block", c=conversation)).status == 303
    page = seen(await bo.get(f"/inbox?c={conversation}"))
    assert "You have blocked this person" in page and 'value="unblock"' in page and "&amp;write=1" not in page
    refused = await ann.write(bo, "are you there & well?", id="x1")
    page = seen(refused.body)
    assert refused.status == 403 and "was not delivered: this person takes no messages from you." in page
    assert "are you there &amp; well?</textarea>" in page and 'name="id" value="x1"' in page, "nothing is lost"
    assert "blocked" not in seen(await ann.get(f"/inbox?c={conversation}"))
    assert '"blocked":true' not in await ann.get(f"/inbox?c={conversation}")
    own = await bo.write(ann, "a word")
    assert own.status == 409 and "Unblock them before you write." in seen(own.body)
    assert (await bo.submit(ACT, do="unblock", c=conversation)).status == 303
    assert (await ann.write(bo, "are you there & well?", id="x1")).status == 303


async def test_nobody_else_sees_a_private_message_on_any_page(client: Client) -> None:
    ann, bo = await two(client)
    await ann.write(bo, TEXT)
    conversation = await ann.conversation()
    cy, nobody = await person(client), Browser(client)
    for other in ({"headers": cy.cookie}, {"token": ADMIN}, {"token": await client.token("host")}, {}):
        for path in (f"/inbox?c={conversation}", f"/desk/inbox?do=block&c={conversation}"):
            answer = await client.ask("GET", path, **other)
            assert answer.status == 404 or answer.headers["Location"] == "/inbox", (path, other)
            assert SHOWN.encode() not in answer.body
        for path in ("/inbox", f"/inbox?room=ops&person={bo.id}", "/rooms", "/rooms/ops", "/"):
            answer = await client.ask("GET", path, **other)
            assert answer.status == 200 and SHOWN.encode() not in answer.body, (path, other)
            assert conversation.encode() not in answer.body, (path, other)
    for do in ("block", "read", "say"):
        refused = await cy.submit(ACT, do=do, c=conversation, text="mine")
        assert refused.status == 404
    assert (await nobody.submit(ACT, do="read", c=conversation)).status in (401, 403)
    for path in ("/inbox?as=audience", f"/inbox?c={conversation}&as=audience"):
        shown = await client.ask("GET", path, headers=ann.cookie)
        assert SHOWN.encode() not in shown.body and b"one unread" not in shown.body
    assert SHOWN in await ann.get(f"/inbox?c={conversation}")


async def test_a_page_with_private_messages_is_not_compressed(client: Client) -> None:
    ann, bo = await two(client)
    await bo.write(ann, TEXT)
    gzip = {**ann.cookie, "Accept-Encoding": "gzip"}
    for path in ("/inbox", f"/inbox?c={await ann.conversation()}", "/rooms", "/rooms/ops"):
        answer = await client.ask("GET", path, headers=gzip, decompress_response=False)
        assert "Content-Encoding" not in answer.headers and b"one unread" in answer.body, path


async def test_who_is_not_known_gets_an_empty_page_and_no_cookie(client: Client) -> None:
    await room(client)
    answer = await client.ask("GET", "/inbox")
    page = answer.body.decode()
    assert answer.status == 200 and "Private messages begin in a room: open a name there." in page
    assert "Set-Cookie" not in answer.headers and 'id="page"' not in page
    assert (await client.ask("GET", "/inbox?room=ops&person=abcdefghijkl")).status == 200
    host = (await client.ask("GET", "/inbox", token=ADMIN)).body.decode()
    assert "Private messages begin in a room" in seen(host) and data(host) == {
        "lang": "en-US",
        "listed": [],
        "open": None,
    }


async def test_one_writes_to_somebody_of_a_room_that_one_may_read(client: Client) -> None:
    ann, bo = await two(client)
    for path, status in [
        (f"/inbox?room=ops&person={ann.id}", 404),
        ("/inbox?room=ops&person=abcdefghijkl", 404),
        ("/inbox?room=ops&person=%22%3E", 404),
        (f"/inbox?room=none&person={bo.id}", 404),
        ("/inbox?c=c0123456789abcdef", 404),
        ("/inbox?more=x", 422),
        ("/inbox?room=ops", 200),
    ]:
        assert (await client.ask("GET", path, headers=ann.cookie)).status == status, path
    await client.host("PUT", "/api/rooms/ops", {"read": "signed_in"})
    assert (await client.ask("GET", f"/inbox?room=ops&person={bo.id}", headers=ann.cookie)).status == 401
    nothing = await ann.submit(ACT, do="say", text="x")
    assert nothing.status in (400, 422)


async def test_refusals_are_worded_for_private_messages(client: Client) -> None:
    ann, bo = await two(client)
    await client.host("PUT", f"/api/rooms/ops/people/{ann.id}", {"muted": True})
    muted = await ann.write(bo, "psst")
    assert muted.status == 403 and "you can write privately only to its hosts." in seen(muted.body)
    await client.host("PUT", f"/api/rooms/ops/people/{ann.id}", {"muted": False})
    await client.host("PUT", "/api/rooms/ops", {"closed": True})
    closed = await ann.write(bo, "psst")
    assert closed.status == 409 and "nobody begins a conversation there" in seen(closed.body)
    empty = await ann.write(bo, "  ")
    assert empty.status == 422 and b"<textarea" in empty.body
    unknown = await ann.submit(ACT, do="dance", room="ops", person=bo.id)
    assert unknown.status in (400, 422)


async def test_somebody_signed_in_has_a_name_that_leads_to_them_and_the_system_has_none(client: Client) -> None:
    ann, _ = await two(client)
    host = (await client.host("POST", "/api/rooms/ops/messages", {"text": "welcome"}))["from"]
    task = {"title": "T", "steps": [{"name": "a"}], "room": "ops"}
    id = (await client.host("POST", "/api/tasks", task))["id"]
    await client.host("PUT", f"/api/tasks/{id}/steps/a", {"state": "running"})
    page = await ann.get("/rooms/ops")
    assert f"&amp;person={host}" in page and page.count("/inbox?room=ops") == 2
    assert (await ann.submit(ACT, do="say", room="ops", person=host, text="a question")).status == 303
    reply = await submitted(client, ACT, do="say", room="ops", person=ann.id, text="an answer")
    assert reply.status == 303
    assert 'data-role="admin"' in await ann.get("/inbox")
    audience = (await client.ask("GET", "/rooms/ops?as=audience", token=ADMIN)).body.decode()
    assert "/inbox?room=" not in audience


def test_the_first_unread_message_is_counted_from_the_end() -> None:
    def said(n: int, by: str) -> Message:
        return Message(n, str(n), by, "A", "guest", "x", "2026-11-30T10:00:00Z")

    messages = [said(1, "b"), said(2, "b"), said(3, "a"), Withdrawn(4, "host", "2026-11-30T10:00:00Z"), said(5, "b")]
    assert [first_unread(messages, "a", n) for n in range(5)] == [None, 5, 2, 1, None]
    assert short_time("2026-11-30T10:05:00Z", "2026-11-30T23:00:00Z") == "10:05 UTC"
    assert short_time("2026-11-29T10:05:00Z", "2026-11-30T23:00:00Z") == "2026-11-29"
