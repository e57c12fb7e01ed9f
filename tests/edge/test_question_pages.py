"""The tabs of a wall's page as the server makes them, and the forms to ask and to vote up: whole without script."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from clients import ADMIN, Client
from test_room_pages import Browser, data, submitted
from test_shared_pages import Rendered, rendered  # noqa: F401

FORM = re.compile(r'name="_form" value="([^"]*)"')
TEXTS = re.compile(r'<li class="question".*?<p class="text"[^>]*>(.*?)</p>', re.S)
FORM_TYPE = "application/x-www-form-urlencoded"
ORIGIN = {"Content-Type": FORM_TYPE, "Sec-Fetch-Site": "same-origin"}


async def wall(client: Client, **fields: Any) -> str:
    code = str((await client.host("POST", "/api/walls", {"title": "Forum <1>"}))["code"])
    await client.host("PUT", f"/api/walls/{code}", {"questions": "open", **fields})
    return code


async def ask(client: Client, code: str, text: str, **fields: Any) -> int:
    path, token = f"/api/walls/{code}/questions", await client.voter()
    return int((await client.ask("POST", path, {"text": text, **fields}, token=token)).json["n"])


def tabs(page: str) -> list[str]:
    """The tabs of a page; the one that is shown has a star."""
    found = re.findall(r'<a id="tab-(\w+)" href="\?tab=\w+"( aria-current="page")?>', page)
    return [name + ("*" if shown else "") for name, shown in found]


async def test_a_wall_has_the_tabs_of_what_it_has(client: Client) -> None:
    browser = Browser(client)
    code = await wall(client, questions="off")
    path = f"/w/{code}"
    plain = await browser.get(path)
    assert tabs(plain) == [] and 'class="column"' in plain and "tabs" not in data(plain)
    assert tabs(await browser.get(f"{path}?tab=questions")) == []
    await client.host("PUT", f"/api/walls/{code}", {"questions": "open"})
    assert tabs(await browser.get(path)) == ["vote*", "questions"]
    await client.host("POST", "/api/rooms", {"name": "inner", "title": "Inner", "read": "signed_in"})
    await client.host("POST", "/api/rooms", {"name": "ops", "title": "Ops <1>"})
    await client.host("PUT", f"/api/walls/{code}", {"items": ["rooms/inner", "rooms/ops"]})
    talk = await browser.get(f"{path}?tab=talk")
    assert tabs(talk) == ["vote", "questions", "talk*"]
    assert 'href="/rooms/ops">Go to “Ops &lt;1&gt;”' in talk and "rooms/inner" not in talk
    host = (await client.ask("GET", f"{path}?tab=talk", token=ADMIN)).body.decode()
    assert 'href="/rooms/inner">' in host
    # A room that only some may read is no tab for the others, even if it is on the screen.
    await client.host("PUT", f"/api/walls/{code}", {"items": ["rooms/inner"], "active": "rooms/inner"})
    assert tabs(await browser.get(path)) == ["vote*", "questions"]


async def test_a_page_shows_the_tab_of_what_is_active_unless_another_is_chosen(client: Client) -> None:
    browser = Browser(client)
    code = await wall(client)
    await client.host("PUT", f"/api/walls/{code}", {"items": [f"questions/{code}"], "active": f"questions/{code}"})
    page = await browser.get(f"/w/{code}")
    assert tabs(page) == ["vote", "questions*"] and data(page)["active"] is None
    assert data(page)["tabs"] == {"shown": "questions", "chosen": False, "names": ["vote", "questions"]}
    vote = await browser.get(f"/w/{code}?tab=vote")
    assert tabs(vote) == ["vote*", "questions"] and "The next vote appears here" in vote
    assert data(vote)["tabs"]["chosen"] is True
    # Browsers without modules move the figures of a vote, and show the rest as a browser without scripts does.
    assert "/static/legacy.js" in vote and "/static/old.js" in page and "/static/legacy.js" not in page
    await client.host("POST", "/api/rooms", {"name": "ops", "title": "Hall talk"})
    await client.host("PUT", f"/api/walls/{code}", {"items": [f"questions/{code}", "rooms/ops"]})
    desk = (await client.ask("GET", "/", token=ADMIN)).body.decode()
    assert "Hall talk" in desk and "Questions" in desk
    for other in (f"/w/{code}/screen", f"/w/{code}/host"):
        assert (await client.ask("GET", other, token=ADMIN)).status == 200


async def test_somebody_without_scripts_asks_votes_and_takes_the_vote_back(client: Client) -> None:
    code = await wall(client)
    await ask(client, code, "first <b>", anonymous=True)
    browser = Browser(client)
    page = await browser.get(f"/w/{code}?tab=questions")
    assert TEXTS.findall(page) == ["first &lt;b&gt;"] and "without a name" in page
    assert '<meta http-equiv="refresh" content="10">' in page and "data-idle" in page
    form = await browser.get(f"/w/{code}?tab=questions&ask=1")
    assert "http-equiv" not in form and "data-idle" not in form
    (id,) = re.findall(r'name="id" value="([^"]+)"', form)
    token = FORM.findall(form)[0]
    path, fields = f"/w/{code}/questions", {"_form": token, "do": "ask", "id": id, "text": "see https://example.org/a"}
    for _ in range(2):  # sent twice, asked once
        sent = await browser.submit(path, **fields)
        assert (sent.status, sent.headers["Location"]) == (303, f"/w/{code}?tab=questions&done=asked#q2")
    page = await browser.get(f"/w/{code}?tab=questions&done=asked")
    assert "Your question is on the list." in page and page.count('class="question"') == 2
    assert '<a href="https://example.org/a" rel="noopener nofollow ugc"' in page
    assert re.findall(r'value="(up|down)" aria-pressed="(\w+)"', page) == [("up", "false"), ("down", "true")]
    voted = await browser.submit(path, _form=token, do="up", n="1")
    assert (voted.status, voted.headers["Location"]) == (303, f"/w/{code}?tab=questions#q1")
    assert (await client.ask("GET", f"/api/walls/{code}/questions")).json["items"][0]["votes"] == 2
    assert (await browser.submit(path, _form=token, do="down", n="1")).status == 303
    assert (await client.ask("GET", f"/api/walls/{code}/questions")).json["items"][0]["votes"] == 1
    refused = await browser.submit(path, _form=token, do="up", n="99")
    assert refused.status == 404 or b"not on the list any more" in refused.body
    forged = await client.ask(
        "POST", path, raw=b"_form=x&do=up&n=1", headers={**browser.cookie, "Content-Type": FORM_TYPE}
    )
    assert forged.status == 403
    assert (await client.ask("GET", path)).headers.get("Location") == f"/w/{code}?tab=questions"


async def test_a_refused_question_is_shown_again_with_the_reason(client: Client) -> None:
    code = await wall(client)
    browser = Browser(client)
    token = FORM.findall(await browser.get(f"/w/{code}?tab=questions&ask=1"))[0]
    path = f"/w/{code}/questions"
    for text, status in (("", 422), ("x" * 1001, 422)):
        answer = await browser.submit(path, _form=token, do="ask", id="one", text=text, anonymous="1")
        page = answer.body.decode()
        assert answer.status == status and '<b class="bad">' in page and text in page
        assert 'name="id" value="one"' in page and 'value="1" checked' in page and "http-equiv" not in page
    await client.host("PUT", f"/api/walls/{code}", {"questions": "closed"})
    closed = await browser.submit(path, _form=token, do="ask", id="two", text="late")
    assert closed.status == 409 and b"No more questions and votes are taken here" in closed.body
    shut = await browser.get(f"/w/{code}?tab=questions")
    assert "No more questions are taken." in shut and "ask=1" not in shut
    stranger = await client.ask("POST", path, raw=b"do=ask&text=x", headers=ORIGIN)
    assert stranger.status == 403 and "stores no cookies" in stranger.body.decode()
    await client.host("PUT", f"/api/walls/{code}", {"questions": "off"})
    assert (await browser.submit(path, _form=token, do="ask", text="x")).status == 404


async def test_a_moderated_question_is_on_no_page_until_a_host_shows_it(client: Client) -> None:
    code = await wall(client, questions="moderated")
    browser = Browser(client)
    token = FORM.findall(await browser.get(f"/w/{code}?tab=questions&ask=1"))[0]
    sent = await browser.submit(f"/w/{code}/questions", _form=token, do="ask", id="one", text="secret words")
    assert sent.headers["Location"] == f"/w/{code}?tab=questions&done=waiting"
    page = await browser.get(sent.headers["Location"])
    assert "A host looks at it first." in page and "secret words" not in page
    host = (await client.ask("GET", f"/w/{code}?tab=questions", token=ADMIN)).body.decode()
    assert "secret words" not in host
    await client.host("PUT", f"/api/walls/{code}/questions/1", {"state": "answered", "answer": "So <i>."})
    page = await browser.get(f"/w/{code}?tab=questions")
    assert TEXTS.findall(page) == ["secret words"] and "One answered question" in page and "So &lt;i&gt;." in page
    assert (await submitted(client, f"/w/{code}/questions", do="nothing")).status in (400, 422)


async def test_a_shared_page_with_questions_is_rendered_again_after_every_change_of_them(
    client: Client,
    rendered: Rendered,  # noqa: F811
) -> None:
    code = await wall(client)
    await client.host("PUT", f"/api/walls/{code}", {"items": [f"questions/{code}"], "active": f"questions/{code}"})
    quiet = await wall(client)
    for path in (f"/w/{code}", f"/w/{quiet}"):
        for _ in range(3):
            await client.ask("GET", path)
    assert rendered.count == 2
    number = await ask(client, code, "hide me")
    assert TEXTS.findall((await client.ask("GET", f"/w/{code}")).body.decode()) == ["hide me"]
    await client.host("PUT", f"/api/walls/{code}/questions/{number}", {"state": "hidden"})
    assert TEXTS.findall((await client.ask("GET", f"/w/{code}")).body.decode()) == []
    assert rendered.count == 4
    # The page of the other wall, which shows no questions, is still the one of the beginning.
    await client.ask("GET", f"/w/{quiet}")
    assert rendered.count == 4


async def test_a_voter_with_votes_of_their_own_gets_a_page_that_shows_them(client: Client) -> None:
    code = await wall(client)
    await client.host("PUT", f"/api/walls/{code}", {"items": [f"questions/{code}"], "active": f"questions/{code}"})
    number = await ask(client, code, "Why?")
    browser = Browser(client)
    page = await browser.get(f"/w/{code}")
    assert 'aria-pressed="false"' in page
    token = FORM.findall(page)[0]
    await browser.submit(f"/w/{code}/questions", _form=token, do="up", n=str(number))
    assert 'aria-pressed="false"' in (await client.ask("GET", f"/w/{code}")).body.decode()
    assert 'aria-pressed="true"' in await browser.get(f"/w/{code}")


@pytest.mark.parametrize("tab", ["questions", "talk", "vote", "x", "<q>", "é"])
async def test_any_tab_may_be_asked_for(client: Client, tab: str) -> None:
    code = await wall(client)
    answer = await client.ask("GET", f"/w/{code}?tab={quote(tab)}")
    assert answer.status == 200 and b"<q>" not in answer.body
