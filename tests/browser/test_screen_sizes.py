"""Nothing on a projector is too small for the last row: 32 pixels of 1080 lines, whatever it shows."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import Hall
from playwright.async_api import Page

LEAST = 32 / 1080
SMALL = """(least) => {
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        const range = document.createRange();
        range.selectNodeContents(texts.currentNode);
        const box = range.getBoundingClientRect();
        const aside = element.closest(".spoken, .skip, script, noscript");
        const unseen = !texts.currentNode.data.trim() || !box.width || !box.height || aside;
        if (unseen || getComputedStyle(element).visibility === "hidden") continue;
        const size = parseFloat(getComputedStyle(element).fontSize);
        if (size < least - 0.01) found.push(`${size}: ${texts.currentNode.data.trim().slice(0, 30)}`);
    }
    return found;
}"""
OUTSIDE = """() => [...document.querySelectorAll(".row, .results li, .step, .pill, .code, .at, #turnout")]
    .map((each) => [each.getBoundingClientRect(), each.textContent.trim().slice(0, 30)])
    .filter(([box]) => box.height && (box.bottom > innerHeight + 1 || box.right > innerWidth + 1))
    .map(([, text]) => text)"""
QUESTIONS = {
    "short": "Which release?",
    "medium": ("Which of these releases " * 4).strip(),
    "endless": ("long words " * 27).strip(),
}
LABELS = {"short": "Option", "long": "An option with a rather long name, which needs more than one line at once"}


async def legible(page: Page, what: str) -> None:
    size = page.viewport_size
    assert size is not None
    await page.wait_for_function("() => document.fonts.status === 'loaded'")
    assert await page.evaluate(SMALL, LEAST * size["height"]) == [], what
    assert await page.evaluate(OUTSIDE) == [], what


async def step(hall: Hall, wall: str, item: str | None, pages: list[Page], selector: str, what: str) -> None:
    await hall.show(wall, item)
    for page in pages:
        await page.wait_for_selector(selector)
        await legible(page, what)


@pytest.mark.parametrize("options", [2, 3, 6, 8, 14, 20, 40])
async def test_a_poll_is_legible_from_the_last_row(hall: Hall, options: int) -> None:
    wall = await hall.wall()
    pages = [await hall.live(await hall.page(f"/w/{wall}/screen", size=size)) for size in ((1920, 1080), (1280, 720))]
    for length, title in QUESTIONS.items():
        for kind, label in LABELS.items():
            labels = [f"{label} {n}" for n in range(options)]
            poll = await hall.poll(wall=wall, title=title, options=labels, quorum=10, majority="1/2")
            await hall.vote(poll, "1", 2)
            await hall.show(wall, f"polls/{poll}")
            for page in pages:
                await page.wait_for_function("(n) => document.querySelectorAll('.row').length === n", arg=options)
                await page.wait_for_function("(t) => document.querySelector('.poll h1').textContent === t", arg=title)
                await page.wait_for_function("() => document.querySelector('.figures b').textContent === '100%'")
                await legible(page, f"{options} {length} {kind}")
            await hall.ask("POST", f"/api/polls/{poll}/close")


async def test_lobby_hidden_result_and_end_are_legible(hall: Hall) -> None:
    wall = await hall.wall()
    pages = [await hall.live(await hall.page(f"/w/{wall}/screen", size=size)) for size in ((1920, 1080), (1280, 720))]
    await step(hall, wall, None, pages, ".lobby", "lobby")
    hidden = await hall.poll(wall=wall, results="after_close", title="Hidden?", compare=True)
    await hall.vote(hidden, "2", 3)
    await step(hall, wall, f"polls/{hidden}", pages, ".poll[data-counted=false]", "hidden")
    await hall.ask("POST", f"/api/polls/{hidden}/close")
    for page in pages:
        await page.wait_for_selector(".row.first")
        await legible(page, "closed")
        await page.keyboard.press("?")
        await page.wait_for_selector(".keys")
        await legible(page, "keys")
        await page.keyboard.press("Escape")
    for polls in (1, 2, 4, 6, 9, 12):
        end = await hall.wall()
        for n in range(polls):
            poll = await hall.poll(wall=end, title=f"Question {n} of this evening, and what came of it")
            await hall.vote(poll, "2", 1)
            await hall.ask("POST", f"/api/polls/{poll}/close")
        for size in ((1920, 1080), (1280, 720)):
            page = await hall.live(await hall.page(f"/w/{end}/screen", size=size))
            await page.wait_for_selector(".end article")
            await legible(page, f"end {polls}")
            await page.close()


@pytest.mark.parametrize("steps", [3, 12, 40, 300])
@pytest.mark.parametrize("script", [True, False])
async def test_a_task_is_legible(hall: Hall, steps: int, script: bool) -> None:
    made: list[dict[str, Any]] = [
        {"name": f"compile-everything-{n}", "needs": [f"compile-everything-{n - 4}"] if n > 3 else []}
        for n in range(steps)
    ]
    task = (await hall.ask("POST", "/api/tasks", {"title": "Release 4.2", "steps": made}))["id"]
    running = {"state": "running", "progress": 0.4, "message": "2 of 5 files"}
    await hall.ask("PUT", f"/api/tasks/{task}/steps/{made[0]['name']}", running)
    await hall.ask("PUT", f"/api/tasks/{task}/steps/{made[1]['name']}", {"state": "failed", "message": "no space left"})
    wall = await hall.wall()
    await hall.ask("PUT", f"/api/walls/{wall}", {"items": [f"tasks/{task}"], "active": f"tasks/{task}"})
    for size in ((1920, 1080), (1280, 720)):
        page = await hall.page(size=size)
        if not script:
            await page.route("**/*.js*", lambda route: route.fulfill(body="", content_type="text/javascript"))
        await page.goto(f"{hall.url}/w/{wall}/screen")
        await page.wait_for_selector(".field .n" if script else ".steps .step")
        assert await page.evaluate(SMALL, LEAST * size[1]) == []
        assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight")


async def test_three_answers_begin_right_below_their_question(hall: Hall) -> None:
    poll = await hall.poll(options=["The new one", "The old one", "None"])
    await hall.vote(poll, "1", 2)
    page = await hall.projector(f"/polls/{poll}/screen")
    await page.wait_for_selector(".row")
    gap = """() => document.querySelector('.row').getBoundingClientRect().top
        - document.querySelector('h1').getBoundingClientRect().bottom"""
    assert 10 <= await page.evaluate(gap) <= 60
    low = "() => innerHeight - [...document.querySelectorAll('.row')].at(-1).getBoundingClientRect().bottom"
    assert await page.evaluate(low) <= 300


async def test_the_hall_sees_the_code_and_the_host_what_is_to_be_done(hall: Hall) -> None:
    wall = await hall.wall()
    for path in (f"/w/{wall}/screen", f"/w/{wall}/poster"):
        page = await hall.page(path)
        text = await page.inner_text("body")
        assert "public-url" not in text and f"{wall[:3]} {wall[3:]}" in text, path
    host = await hall.host()
    await host.goto(f"{hall.url}/w/{wall}/host")
    assert "--public-url" in await host.inner_text("#unreachable") and hall.url in await host.inner_text("#unreachable")
