"""Every page there is, for everybody: nothing serious found by axe, nothing too wide, nothing too small to be hit; in
both themes and both languages, on a phone, on a projector, and enlarged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from addresses import Address, addresses
from browsing import ADMIN, Hall
from playwright.async_api import Page
from test_desk import check

from livewall.settings import Settings

PIPELINE = """
title = "Say it"
[params.words]
default = "hello"
pattern = "[a-z ]+"
[[steps]]
name = "say"
run = ["echo", "{params.words}"]
"""
LONG = "Should the members of this association, " + "having heard the report of the board, " * 6 + "agree to it?"
LABELS = [
    "Yes",
    "No",
    "春季大会的所有建议都应当由全体成员投票决定",
    "نعم، ولكن بعد مناقشة التقرير",
    "An answer of the kind that goes on and on",
    *(f"Option {number}" for number in range(6, 21)),
]
TOO_SMALL = """() => [...document.querySelectorAll("a[href],button,input,select,summary,textarea")].filter((each) => {
    const box = (each.closest("label") || each).getBoundingClientRect();
    const style = getComputedStyle(each);
    const shown = box.width > 1 && box.height > 1 && style.visibility !== "hidden" && each.checkVisibility();
    const inText = style.display === "inline" && each.parentElement.textContent.trim() !== each.textContent.trim();
    return shown && !inText && !each.closest("td") && (box.width < 43.5 || box.height < 43.5);
}).map((each) => `${each.outerHTML.slice(0, 120)} ${Math.round(each.getBoundingClientRect().height)} px`)"""
"""What a thumb would miss; links within a text or a table are read before they are hit."""
WIDER = "document.documentElement.scrollWidth - innerWidth"


@pytest.fixture
def settings(tmp_path: Path, new_data: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "talk.toml").write_text(PIPELINE)
    return Settings(port=0, data=new_data, admin_token=ADMIN, rate_limits=False, pipelines=folder)


@dataclass
class Stage:
    """One of everything that has a page."""

    wall: str
    stands_for: Mapping[str, str]
    others: list[str]
    """Further addresses: the same pages where they look otherwise."""


async def stage(hall: Hall) -> Stage:
    wall, empty = await hall.wall(), await hall.wall("Empty")
    options = ["Yes", "No", {"label": "Neither", "abstain": True}]
    poll = await hall.poll(wall=wall, compare=True, majority="2/3", quorum=5, options=options)
    await hall.vote(poll, "1", 2)
    await hall.ask("POST", f"/api/polls/{poll}/close")
    await hall.ask("POST", f"/api/polls/{poll}/reset", {"round": 1})
    await hall.ask("PUT", f"/api/polls/{poll}", {"closes_in": 900})
    await hall.ask("POST", f"/api/polls/{poll}/open")
    for choice in "1123":
        await hall.vote(poll, choice)
    full = await hall.poll(wall=wall, title=LONG, options=LABELS)
    await hall.vote(full, "4", 2)
    await hall.ask("POST", f"/api/polls/{full}/close")
    hidden = await hall.poll(wall=wall, results="after_close", kind="multi", max_choices=2)
    coded = await hall.poll(wall=wall, assurance="code", allow_change=False)
    await hall.poll(wall=wall, open=False, title="Later")
    await hall.ask("POST", f"/api/walls/{wall}/codes", {"count": 3})
    await hall.show(wall, f"polls/{poll}")
    steps = [{"name": "a"}, {"name": "b", "needs": ["a"]}]
    task = (await hall.ask("POST", "/api/tasks", {"title": "Release", "steps": steps}))["id"]
    await hall.ask("PUT", f"/api/tasks/{task}/steps/a", {"state": "running", "progress": 0.3})
    await hall.ask("POST", "/api/rooms", {"name": "ops", "title": "Operations"})
    voter = (await hall.ask("POST", "/api/voters"))["token"]
    for text in ("hello", "see https://example.org", LONG):
        await hall.ask("POST", "/api/rooms/ops/messages", {"text": text}, voter)
    await hall.ask("POST", "/api/rooms/ops/messages", {"text": "an answer", "reply_to": 1})
    login = (await hall.ask("POST", "/api/logins", {"role": "host"}))["link"].rpartition("/")[2]
    stands_for = {
        "polls": poll,
        "walls": wall,
        "w": wall,
        "tasks": task,
        "steps": "a",
        "hosts": "web1",
        "logs": "a",
        "receipts": "X",
        "codes": "1",
        "login": login,
        "tokens": "1",
        "pipelines": "talk",
        "screens": "abcdefgh",
        "rooms": "ops",
        "messages": "1",
        "people": "abcdefghijkl",
        "questions": "1",
        "inbox": "cabcdefgh",
    }
    others = [f"/w/{empty}", f"/w/{empty}/screen", f"/w/{empty}/host", "/w?code=ABCDEF"]
    others += [f"/polls/{each}{page}" for each in (full, hidden, coded) for page in ("", "/screen")]
    return Stage(wall, stands_for, others)


async def pages(hall: Hall, size: tuple[int, int], **options: str) -> tuple[Page, Page]:
    """Somebody, and the admin."""
    anyone, admin = [await hall.page(size=size, reduced_motion="reduce", **options) for _ in range(2)]
    await admin.goto(hall.url + "/")
    await admin.fill("input[name=token]", ADMIN)
    await admin.click("main button")
    await admin.wait_for_selector("form[action='/logout']")
    return anyone, admin


@pytest.mark.parametrize(
    ("theme", "width", "lang"), [("dark", 360, "en"), ("light", 360, "zh"), ("dark", 1920, "zh"), ("light", 1920, "en")]
)
async def test_every_page_can_be_read_and_used_by_everybody(hall: Hall, theme: str, width: int, lang: str) -> None:
    set_up = await stage(hall)
    anyone, admin = await pages(hall, (width, 900), color_scheme=theme, locale=lang)
    found: list[str] = []
    walked = [each for each in addresses(set_up.stands_for) if each.page and "GET" in each.methods]
    walked += [Address(path, frozenset({"GET"}), True, path.endswith("/screen")) for path in set_up.others]
    for address in walked:
        path = f"{address.path}?theme={theme}" if address.framed else address.path
        page = anyone
        answer = await page.goto(hall.url + path)
        if answer is not None and answer.status in (401, 403):
            page = admin
            answer = await page.goto(hall.url + path)
        assert answer is not None and answer.status in (200, 404), (path, answer and answer.status)
        if await page.query_selector("#corner"):
            await hall.live(page)
        await check(page, path, found, only=["color-contrast"] if width == 1920 else [])
        thumbs = not address.framed and not path.startswith(("/tasks", "/pipelines"))
        await measure(page, path, found, small=width == 360 and thumbs)
    assert not found, "\n".join(found)


async def measure(page: Page, name: str, found: list[str], *, small: bool) -> None:
    """What is wider than its window, also enlarged to 200 % on a laptop, and what is too small."""
    size = page.viewport_size
    assert size is not None
    for width in (size["width"], 640):
        await page.set_viewport_size({"width": width, "height": size["height"]})
        wide = await page.evaluate(WIDER)
        if wide > 0:
            found.append(f"{name} is {wide} px too wide at {width}")
    await page.set_viewport_size(size)
    if small:
        found += [f"{name}: too small: {each}" for each in await page.evaluate(TOO_SMALL)]
