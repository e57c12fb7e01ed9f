"""Results as pictures over HTTP: for whoever may see the tally, in the reader's language, safe to open."""

from __future__ import annotations

import threading
from xml.etree import ElementTree

import pytest
from clients import ADMIN, Answer, Client

from livewall.charts import drawing

BOTH = ("results.svg", "race.svg")


async def draw(client: Client, poll: str, rest: str, token: str | None = None) -> Answer:
    return await client.ask("GET", f"/api/polls/{poll}/{rest}", token=token)


def words(answer: Answer) -> str:
    assert answer.status == 200, answer.body
    return " | ".join(e.text or "" for e in ElementTree.fromstring(answer.body).iter() if e.tag.endswith("text"))


@pytest.mark.parametrize("name", BOTH)
async def test_a_picture_is_an_svg_that_may_do_nothing(client: Client, name: str) -> None:
    poll = (await client.poll(title="A <script>alert(1)</script> & more"))["id"]
    await client.vote(poll, "1")
    answer = await draw(client, poll, name)
    assert "A <script>alert(1)</script> & more" in words(answer)
    assert answer.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("inline; ")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Accept-Language" in answer.headers["Vary"]
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("name", BOTH)
async def test_a_hidden_tally_is_on_no_picture(client: Client, name: str) -> None:
    poll = (await client.poll(results="on_publish"))["id"]
    await client.vote(poll, "1")
    for query, token in (("", None), ("?as=audience", ADMIN)):
        answer = await draw(client, poll, name + query, token)
        assert (answer.status, answer.code) == (403, "forbidden")
    assert (await draw(client, poll, name, ADMIN)).status == 200
    assert (await draw(client, "NOSUCHPOLL", name)).code == "no_such_poll"


@pytest.mark.parametrize("name", BOTH)
async def test_theme_and_round_are_checked(client: Client, name: str) -> None:
    poll = (await client.poll())["id"]
    assert b"#0d1015" in (await draw(client, poll, f"{name}?theme=dark")).body
    assert (await draw(client, poll, f"{name}?theme=pink")).status == 422
    assert (await draw(client, poll, f"{name}?round=2")).code == "not_found"


async def test_the_picture_says_base_quorum_majority_and_rules(client: Client) -> None:
    options = ["A", "B", {"label": "Abstain", "abstain": True}]
    poll = (await client.poll(options=options, quorum=5, majority="1/2"))["id"]
    for choice in "1113":
        await client.vote(poll, choice)
    said = words(await draw(client, poll, "results.svg"))
    assert "quorum of 5: 4 so far" in said and "shares are out of 3; 1 abstained" in said and "more than half" in said
    assert "no majority" not in said  # voting goes on
    await client.vote(poll, "2")
    await client.host("POST", f"/api/polls/{poll}/close")
    said = words(await draw(client, poll, "results.svg"))
    assert (
        "quorum of 5 reached" in said and "majority (more than half: 3): A" in said and "one ballot per device" in said
    )
    assert "75%" in said and " UTC" in said
    assert "已达法定票数 5" in words(await draw(client, poll, "results.svg?lang=zh"))


async def test_the_round_before_is_drawn_where_the_host_asked_for_it(client: Client) -> None:
    poll = (await client.poll(results="on_publish"))["id"]
    await client.vote(poll, "1")
    await client.host("POST", f"/api/polls/{poll}/close")
    await client.host("POST", f"/api/polls/{poll}/reset", {"round": 1})
    await client.host("POST", f"/api/polls/{poll}/open")
    for _ in range(3):
        await client.vote(poll, "2")
    await client.host("POST", f"/api/polls/{poll}/publish")
    assert "dashed" not in words(await draw(client, poll, "results.svg"))
    for name in (*BOTH, "replay"):
        assert (await draw(client, poll, f"{name}?round=1")).code == "forbidden"  # it was never shown
    await client.host("PUT", f"/api/polls/{poll}", {"compare": True})
    assert "dashed: round 1, 1 ballot" in words(await draw(client, poll, "results.svg"))
    assert "round 1" in words(await draw(client, poll, "race.svg?round=1"))


async def test_pictures_are_not_drawn_on_the_loop(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    poll = (await client.poll(options=[f"{number:03}" + "投" * 197 for number in range(40)]))["id"]
    threads: set[int] = set()
    measured = drawing.text_width

    def noted(text: str, size: float) -> float:
        threads.add(threading.get_ident())
        return measured(text, size)

    monkeypatch.setattr(drawing, "text_width", noted)
    for name in ("results", "race"):
        assert (await client.ask("GET", f"/api/polls/{poll}/{name}.svg")).status == 200
    assert threads and threading.get_ident() not in threads
