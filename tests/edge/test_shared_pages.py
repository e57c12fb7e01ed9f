"""The page of the audience that is rendered once: whoever is known here, or sees more, has one of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest
from clients import ADMIN, Answer, Client
from twins import host_cookie

import server
from handlers.pages import page_cache
from handlers.pages.audience import AudiencePage

FORM = re.compile(r'name="_form" value="([^"]*)"')
FIGURE = re.compile(r'data-option="(\d)".*?<b class="percent"[^>]*>([^<]*)</b>')


class Rendered:
    """The pages of the audience that were rendered."""

    def __init__(self) -> None:
        self.count = 0


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rendered]:
    made = Rendered()
    render = AudiencePage.render_string

    def counted(self: AudiencePage, template: str, **values: object) -> bytes:
        made.count += template == "poll.html"
        return render(self, template, **values)

    monkeypatch.setattr(AudiencePage, "render_string", counted)
    yield made


async def get(client: Client, path: str, **headers: str) -> str:
    answer = await client.ask("GET", path, headers=headers)
    assert answer.status == 200
    return answer.body.decode()


async def hall(client: Client, **fields: object) -> tuple[str, str]:
    """A wall that shows an open poll."""
    wall = str((await client.host("POST", "/api/walls", {"title": "Forum"}))["code"])
    poll = str((await client.poll(wall=wall, **fields))["id"])
    await client.host("PUT", f"/api/walls/{wall}", {"active": f"polls/{poll}"})
    return wall, poll


def cookie_of(answer: Answer) -> str:
    return "; ".join(f"{name}={each.value}" for name, each in SimpleCookie(answer.headers["Set-Cookie"]).items())


def figures(text: str) -> dict[str, str]:
    return dict(FIGURE.findall(text))


async def test_a_hall_that_joins_has_its_page_rendered_once(client: Client, rendered: Rendered) -> None:
    wall, poll = await hall(client)
    for path in (f"/w/{wall}", f"/polls/{poll}"):
        before = rendered.count
        answers = [await client.ask("GET", path) for _ in range(5)]
        assert rendered.count == before + 1
        assert len({cookie_of(answer) for answer in answers}) == 5
        texts = [answer.body.decode() for answer in answers]
        assert len({FORM.findall(text)[0] for text in texts}) == 5
        assert len({FORM.sub("", text) for text in texts}) == 1


async def test_the_form_of_a_shared_page_takes_its_readers_ballot_and_nobody_elses(client: Client) -> None:
    wall, poll = await hall(client)
    pages = [await client.ask("GET", f"/w/{wall}") for _ in range(2)]
    tokens = [FORM.findall(page.body.decode())[0] for page in pages]
    for token, status in ((tokens[1], 403), (tokens[0], 303)):
        answer = await client.ask(
            "POST",
            f"/polls/{poll}/ballot",
            raw=f"choices=1&round=1&next=/w/{wall}&_form={token}".encode(),
            headers={"Cookie": cookie_of(pages[0]), "Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status == status


async def test_each_language_and_each_theme_has_its_page(client: Client, rendered: Rendered) -> None:
    wall, _ = await hall(client)
    for _ in range(2):
        assert 'lang="en-US"' in await get(client, f"/w/{wall}")
        assert 'lang="zh-CN"' in await get(client, f"/w/{wall}?lang=zh")
        assert 'lang="zh-CN"' in await get(client, f"/w/{wall}", **{"Accept-Language": "zh-TW"})
        assert 'data-theme="light"' in await get(client, f"/w/{wall}?theme=light")
        assert 'data-theme="contrast"' in await get(client, f"/w/{wall}?theme=contrast")
        assert 'type="importmap"' in await get(client, f"/w/{wall}?packs=off")
    assert rendered.count == 5  # the Chinese page is the same by either way


async def test_a_change_is_on_the_next_page(client: Client) -> None:
    wall, poll = await hall(client)
    assert "Which?" in await get(client, f"/w/{wall}")
    await client.host("PUT", f"/api/polls/{poll}", {"title": "Which of them?"})
    assert "Which of them?" in await get(client, f"/w/{wall}")
    await client.host("PUT", f"/api/walls/{wall}", {"title": "Spring Forum"})
    assert "Spring Forum" in await get(client, f"/w/{wall}")
    assert "Spring Forum" in await get(client, f"/polls/{poll}")
    await client.host("POST", f"/api/polls/{poll}/close")
    assert 'data-phase="closed"' in await get(client, f"/w/{wall}")
    await client.host("PUT", f"/api/walls/{wall}", {"active": None})
    assert "All questions have been asked" in await get(client, f"/w/{wall}")
    await client.poll(wall=wall, open=False)
    assert "Nothing to vote on yet" in await get(client, f"/w/{wall}")
    await client.host("DELETE", f"/api/polls/{poll}")
    assert (await client.ask("GET", f"/polls/{poll}")).status == 404
    await client.host("DELETE", f"/api/walls/{wall}")
    assert (await client.ask("GET", f"/w/{wall}")).status == 404


@pytest.mark.parametrize("results", ["after_vote", "after_close", "on_publish"])
async def test_a_result_that_is_hidden_again_is_on_no_page(client: Client, results: str) -> None:
    wall, poll = await hall(client, results=results)
    hidden, shown = {"1": "", "2": ""}, {"1": "100%", "2": "0%"}
    await client.vote(poll, "1")
    paths = (f"/w/{wall}", f"/polls/{poll}")
    for _ in range(2):
        for act, expected in ((None, hidden), (True, shown), (False, hidden)):
            if act is not None:
                await client.host("POST", f"/api/polls/{poll}/publish", {"published": act})
            for path in paths:
                for _ in range(2):
                    assert figures(await get(client, path)) == expected


async def test_a_host_sees_more_and_leaves_nothing_of_it(client: Client) -> None:
    wall, poll = await hall(client, results="on_publish")
    await client.vote(poll, "1")
    ways: list[dict[str, Any]] = [{"token": ADMIN}, {"headers": await host_cookie(client)}]
    for path in (f"/w/{wall}", f"/polls/{poll}"):
        for way in ways:
            for _ in range(2):
                seen = (await client.ask("GET", path, **way)).body.decode()
                assert figures(seen)["1"] == "100%" and '"host":true' in seen
                other = await get(client, path)
                assert figures(other)["1"] == "" and '"host":false' in other


async def test_a_voters_own_ballot_is_on_the_own_page_alone(client: Client) -> None:
    wall, poll = await hall(client, results="after_vote")
    first = await client.ask("GET", f"/w/{wall}")
    own = {"Cookie": cookie_of(first), "Sec-Fetch-Site": "same-origin"}
    receipt = (await client.ask("PUT", f"/api/polls/{poll}/ballot", {"choices": ["1"]}, headers=own)).json["receipt"]
    for _ in range(2):
        seen = await get(client, f"/w/{wall}", **own)
        assert receipt in seen and figures(seen)["1"] == "100%"
        assert receipt not in (other := await get(client, f"/w/{wall}")) and figures(other)["1"] == ""


async def test_a_voter_who_comes_back_is_sent_the_page_of_all_until_there_is_a_ballot(
    client: Client, rendered: Rendered
) -> None:
    wall, poll = await hall(client)
    own = {"Cookie": cookie_of(await client.ask("GET", f"/w/{wall}")), "Sec-Fetch-Site": "same-origin"}
    assert rendered.count == 1
    again = await client.ask("GET", f"/w/{wall}", headers=own)
    assert rendered.count == 1 and "Set-Cookie" not in again.headers
    token = FORM.findall(again.body.decode())[0]
    form = {**own, "Content-Type": "application/x-www-form-urlencoded"}
    cast = await client.ask(
        "POST", f"/polls/{poll}/ballot", raw=f"choices=1&round=1&next=/w/{wall}&_form={token}".encode(), headers=form
    )
    assert cast.status == 303
    assert 'id="receipt" data-phase="safe"' in await get(client, f"/w/{wall}", **own)
    assert rendered.count == 2
    assert 'id="receipt" data-phase="safe"' not in await get(client, f"/w/{wall}")


async def test_no_page_of_a_known_voter_becomes_the_page_of_all(client: Client) -> None:
    wall, poll = await hall(client, results="after_vote")
    own = {"Cookie": cookie_of(await client.ask("GET", f"/w/{wall}")), "Sec-Fetch-Site": "same-origin"}
    await client.ask("PUT", f"/api/polls/{poll}/ballot", {"choices": ["1"]}, headers=own)
    await client.host("PUT", f"/api/polls/{poll}", {"title": "Which of them?"})  # nothing is kept now
    assert figures(await get(client, f"/w/{wall}", **own))["1"] == "100%"
    assert figures(await get(client, f"/w/{wall}"))["1"] == ""


async def test_a_voter_with_a_code_has_a_page_of_their_own(client: Client) -> None:
    wall, poll = await hall(client, assurance="code")
    code = (await client.host("POST", f"/api/walls/{wall}/codes", {"count": 1}))["codes"][0]
    own = {"Cookie": cookie_of(await client.ask("GET", f"/w/{wall}")), "Sec-Fetch-Site": "same-origin"}
    assert '"needs_code":true' in await get(client, f"/w/{wall}", **own)
    cast = await client.ask("PUT", f"/api/polls/{poll}/ballot", {"choices": ["1"], "code": code}, headers=own)
    assert cast.status == 201
    await client.host("POST", f"/api/polls/{poll}/close")
    await client.host("POST", f"/api/polls/{poll}/reset", {"round": 1})
    await client.host("POST", f"/api/polls/{poll}/open")
    for _ in range(2):
        assert '"needs_code":true' in await get(client, f"/w/{wall}")
        assert '"needs_code":false' in await get(client, f"/w/{wall}", **own)


async def test_arguments_that_choose_what_is_shown_have_a_page_of_their_own(client: Client) -> None:
    wall, poll = await hall(client)
    for path in (f"/w/{wall}", f"/polls/{poll}"):
        await get(client, path)
        assert 'value="WXYZ"' not in await get(client, path)
        assert '"code":"WXYZ"' in await get(client, f"{path}?code=WXYZ")
        assert '"code":""' in await get(client, path)
    assert 'name="receipt" value="WXYZ"' in await get(client, f"/polls/{poll}?receipt=WXYZ")
    assert 'name="receipt" value=""' in await get(client, f"/polls/{poll}")


async def test_figures_that_were_published_are_on_the_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_cache, "FIGURES_AGE", 0.0)
    wall, poll = await hall(client)
    socket = await client.socket(f"/ws/polls/{poll}")
    assert figures(await get(client, f"/w/{wall}")) == {"1": "0%", "2": "0%"}
    for choice, expected in (("1", {"1": "100%", "2": "0%"}), ("2", {"1": "50%", "2": "50%"})):
        await client.vote(poll, choice)
        ballots = 1 if choice == "1" else 2
        await socket.until(lambda m, n=ballots: m.get("key") == "tally" and m["data"]["ballots"] == n)
        assert figures(await get(client, f"/w/{wall}")) == expected


async def test_a_wall_that_shows_a_task_is_rendered_for_each(client: Client, running: server.Running) -> None:
    wall = str((await client.host("POST", "/api/walls", {"title": "Forum"}))["code"])
    task = (await client.host("POST", "/api/tasks", {"title": "Release", "steps": [{"name": "build"}]}))["id"]
    await client.host("PUT", f"/api/walls/{wall}", {"items": [f"tasks/{task}"], "active": f"tasks/{task}"})
    assert 'data-state="pending"' in await get(client, f"/w/{wall}")
    await client.host("PUT", f"/api/tasks/{task}/steps/build", {"state": "running"})
    assert 'data-state="running"' in await get(client, f"/w/{wall}")
    assert len(running.services.pages) == 0
