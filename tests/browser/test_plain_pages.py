"""Pages without script, and with the script of old browsers: looked at as closely as those that live."""

from __future__ import annotations

import re

import pytest
from browsing import ADMIN, Hall, reads
from playwright.async_api import Page, Route

APART = """() => [...document.querySelectorAll(".choice")].map((choice) => {
    const box = (selector) => choice.querySelector(selector).getBoundingClientRect();
    const [mark, label, share] = [box("input"), box(".label"), box(".percent")];
    const aside = Math.abs(mark.top + mark.bottom - label.top - label.bottom) / 2;
    return [label.left - mark.right, share.left - label.right, aside];
})"""
WIDER = "() => document.documentElement.scrollWidth > innerWidth"
CUT = """() => [...document.querySelectorAll("td, th, button, h1, h2")].filter((each) => {
    const lines = new Set();
    const range = document.createRange();
    for (const node of each.childNodes) {
        if (node.nodeType !== 3 || !/^[a-z]{2,12}$/.test(node.data.trim())) continue;
        range.selectNodeContents(node);
        for (const line of range.getClientRects()) lines.add(Math.round(line.top));
    }
    return lines.size > 1;
}).map((each) => each.textContent)"""


async def without_modules(page: Page) -> Page:
    """As a browser that knows no modules: it takes the old script instead."""

    async def strip(route: Route) -> None:
        if route.request.resource_type != "document":
            await route.continue_()
            return
        answer = await route.fetch()
        body = re.sub(r'<script type="(?:module|importmap)".*?</script>', "", await answer.text(), flags=re.S)
        await route.fulfill(response=answer, body=body.replace("<script nomodule", "<script"))

    await page.route("**/*", strip)
    return page


async def nothing(route: Route) -> None:
    """No script is run, and the test can still look at the page by one of its own."""
    await route.fulfill(body="", content_type="text/javascript")


@pytest.mark.parametrize("width", [360, 412, 1280])
@pytest.mark.parametrize("script", [False, True])
@pytest.mark.parametrize("fields", [{}, {"kind": "multi", "max_choices": 2}])
async def test_mark_answer_and_share_stand_apart(
    hall: Hall, width: int, script: bool, fields: dict[str, object]
) -> None:
    options = ["4.2", "4.1.7", "Wait for another week, and test what we have much more than we did"]
    poll = await hall.poll(options=options, **fields)
    await hall.vote(poll, "2", 3)
    page = await hall.page(size=(width, 800), java_script_enabled=True)
    if script:
        await without_modules(page)
    else:
        await page.route("**/*.js*", nothing)
    await page.goto(f"{hall.url}/polls/{poll}")
    for to_answer, to_share, aside in await page.evaluate(APART):
        assert to_answer >= 8 and to_share >= 8 and aside <= 3
    assert not await page.evaluate(WIDER)


async def test_a_page_without_styles_has_blanks_between_answer_and_share(hall: Hall) -> None:
    poll = await hall.poll(options=["4.2", "4.1.7"])
    await hall.vote(poll, "2", 3)
    for path in (f"/polls/{poll}", f"/polls/{poll}/screen"):
        body = (await hall.http.fetch(hall.url + path)).body.decode()
        text = " ".join(re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", "", body, flags=re.S).split())
        assert "4.1.7 100%" in text and "4.2 0%" in text, text


@pytest.mark.parametrize("width", [360, 412])
async def test_that_voting_is_closed_leaves_room_for_the_name_of_the_wall(hall: Hall, width: int) -> None:
    wall = await hall.wall()
    poll = await hall.poll(wall=wall)
    await hall.ask("POST", f"/api/polls/{poll}/close")
    page = await hall.page(f"/polls/{poll}", size=(width, 800), java_script_enabled=False)
    for place in ("#where", "#countdown", "#corner"):
        box = await page.locator(place).bounding_box()
        assert box and box["width"] > 60 and box["x"] + box["width"] <= width - 18, place


@pytest.mark.parametrize("script", ["none", "old", "new"])
async def test_at_the_end_a_phone_is_led_to_the_results_and_a_new_poll_appears(hall: Hall, script: str) -> None:
    wall = await hall.wall()
    last = await hall.poll(wall=wall)
    await hall.show(wall, f"polls/{last}")
    page = await hall.page(java_script_enabled=script != "none")
    if script == "old":
        await without_modules(page)
        await page.clock.install()

    async def pass_time() -> None:
        """Let the old script ask again at once."""
        if script == "old":
            await page.clock.fast_forward(10_000)

    await page.goto(f"{hall.url}/w/{wall}?packs=off")
    await page.wait_for_selector("h1:text-is('Which release?')")
    await hall.ask("POST", f"/api/polls/{last}/close")
    await pass_time()
    if script != "none":  # without script the page of a poll that can be voted on does not renew itself
        await reads(page, "#receipt", "Voting is closed.")
        await page.wait_for_selector("#countdown:text-matches('^closed at')")
    await hall.show(wall, None)
    await pass_time()
    if script == "none":
        await page.reload()
    await reads(page, ".lobby .what", "All questions have been asked")
    assert await page.get_attribute(".lobby a", "href") == f"/w/{wall}/print"
    following = await hall.poll(wall=wall, title="And the next?")
    await hall.show(wall, f"polls/{following}")
    await pass_time()
    await page.wait_for_selector("h1:text-is('And the next?')")
    await page.goto(f"{hall.url}/w/{wall}/print")
    assert await page.locator("h2").all_inner_texts() == ["Which release?", "And the next?"]


@pytest.mark.parametrize("width", [360, 1280])
async def test_no_word_is_torn_and_nothing_reaches_over_the_edge_without_script(hall: Hall, width: int) -> None:
    wall = await hall.wall()
    await hall.poll(wall=wall, title="Which release?")
    steps = [{"name": "fetch"}, {"name": "install-everything-everywhere", "needs": ["fetch"]}]
    body = {"title": "Release", "steps": steps}
    task = (await hall.ask("POST", "/api/tasks", body))["id"]
    await hall.ask("PUT", f"/api/tasks/{task}/steps/fetch", {"state": "succeeded"})
    page = await hall.page(size=(width, 800), java_script_enabled=True)
    await page.goto(f"{hall.url}/")
    await page.fill("input[name=token]", ADMIN)
    await page.click("main button")
    await without_modules(page)
    for path in ("/", f"/tasks/{task}?step=fetch", "/tasks", f"/w/{wall}/host", "/audit"):
        await page.goto(hall.url + path)
        assert await page.evaluate(CUT) == [], path
        assert not await page.evaluate(WIDER), path


async def test_a_browser_without_modules_is_told_that_the_page_renews_itself(hall: Hall) -> None:
    page = await hall.page(size=(1280, 800))
    await page.goto(f"{hall.url}/")
    await page.fill("input[name=token]", ADMIN)
    await page.click("main button")
    await without_modules(page)
    await page.goto(f"{hall.url}/tasks")
    await page.wait_for_selector("#corner >> text=refreshes every few seconds")
    assert await page.locator("meta[http-equiv=refresh]").count() == 1
