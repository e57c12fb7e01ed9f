"""A page whose network or machine was away for minutes: the last picture stays, dimmed and with its age, and it is
right again by itself."""

from __future__ import annotations

import contextlib
import re
from typing import Literal

from browsing import ADMIN, Hall, becomes, reads
from playwright.async_api import Page, TimeoutError, expect
from test_remote import order


async def test_a_screen_whose_network_is_gone_for_a_minute_keeps_its_picture_and_mends_itself(hall: Hall) -> None:
    box, wall = await hall.box(), await hall.wall()
    poll = await hall.poll(wall=wall)
    next_one = await hall.poll(wall=wall, results="on_publish", title="And then?")
    await hall.show(wall, f"polls/{poll}")
    await hall.vote(poll, "1", 3)
    screen = await hall.page(size=(1920, 1080))
    await screen.clock.install()
    await screen.goto(f"{box.url}/w/{wall}/screen")
    await hall.live(screen)
    await reads(screen, ".figures b >> nth=0", "100%")
    opacity = "getComputedStyle(document.querySelector('main')).opacity"
    with box.silent():
        await hall.vote(poll, "2", 1)
        await hall.show(wall, f"polls/{next_one}")
        await hall.vote(next_one, "3", 2)
        await hall.ask("POST", f"/api/polls/{next_one}/publish")
        await screen.clock.fast_forward(60_000)
        await screen.wait_for_selector("#corner[data-state=lost]")
        assert (await screen.inner_text("#corner")).startswith("no connection for 1:0")
        assert float(await screen.evaluate(opacity)) < 1
        assert await screen.inner_text(".figures b >> nth=0") == "100%"
    await screen.clock.fast_forward(20_000)
    await screen.wait_for_selector("#corner[data-state=live]")
    await reads(screen, "h1", "And then?")
    await reads(screen, ".figures b >> nth=2", "100%")
    await becomes(lambda: screen.evaluate(opacity), "1")


async def test_a_hosts_laptop_that_slept_ten_minutes_overwrites_nothing_and_is_right_without_being_touched(
    hall: Hall,
) -> None:
    box, wall = await hall.box(), await hall.wall()
    first, second = [await hall.poll(open=False, wall=wall, title=title) for title in ("First", "Second")]
    await hall.show(wall, f"polls/{first}")
    host = await hall.page(size=(1280, 900))
    await host.clock.install()
    await host.goto(box.url)
    await host.fill("input[name=token]", ADMIN)
    await host.click("main button")
    await host.wait_for_selector("text=Signed in as admin")
    await host.goto(f"{box.url}/w/{wall}/host")
    await hall.live(host)
    await reads(host, "#now .step", "Open voting")
    with box.silent():
        await hall.ask("POST", f"/api/polls/{first}/open")
        await hall.vote(first, "1", 2)
        await hall.ask("POST", f"/api/polls/{first}/close")
        await hall.ask("PUT", f"/api/polls/{first}", {"title": "First of all"})
        await hall.show(wall, f"polls/{second}")
        await host.clock.fast_forward(600_000)
        await host.keyboard.press("PageDown")  # what the sleeping page says it would do: open the first
    for _ in range(20):
        await host.clock.fast_forward(1_000)
    await host.wait_for_selector("#corner[data-state=live]")
    if conflict := await host.query_selector("dialog.conflict"):
        assert "First of all" in await conflict.inner_text()
        await host.click("dialog.conflict button:text-is('Keep it as it is now')")
    await reads(host, "#now h2", "Second")
    await becomes(lambda: order(host), ["First of all", "Second"])
    now = await hall.ask("GET", f"/api/polls/{first}")
    assert (now["phase"], now["tally"]["ballots"], now["title"]) == ("closed", 2, "First of all")
    assert (await hall.ask("GET", f"/api/polls/{second}"))["phase"] == "draft"


async def later(page: Page, selector: str, state: Literal["visible", "hidden"] = "visible") -> None:
    """Let the time of a page pass, whose clock is installed, until `selector` is visible or hidden."""
    for _ in range(120):
        with contextlib.suppress(TimeoutError):
            await page.wait_for_selector(selector, state=state, timeout=50)
            return
        await page.clock.fast_forward(1_000)
    raise AssertionError(f"{selector} is not {state} after two minutes of the page")


LOOKS = """(selector) => {
    const button = document.querySelector(selector);
    const { borderStyle, cursor, backgroundColor } = getComputedStyle(button);
    return [button.getAttribute("aria-disabled"), borderStyle, cursor, backgroundColor];
}"""
GONE = ["true", "dashed", "not-allowed", "rgba(0, 0, 0, 0)"]


async def test_controls_of_a_host_are_out_of_reach_while_the_server_is_gone(hall: Hall) -> None:
    wall = await hall.wall()
    poll = await hall.poll(wall=wall)
    await hall.vote(poll, "1", 2)
    await hall.show(wall, f"polls/{poll}")
    host = await hall.host()
    await host.clock.install()
    await host.goto(f"{hall.url}/w/{wall}/host")
    await hall.live(host)
    await later(host, "#health:not([hidden])")
    before = await host.evaluate(LOOKS, "#now .step")
    await hall.stop_server()
    await later(host, "#now .away:not([hidden])")
    said = await host.inner_text("#now .away")
    assert re.fullmatch(r"As of \d+:\d\d ago: the server cannot be reached\. Nothing can be done .*", said), said
    assert await host.is_visible("#items .away")
    for selector in ("#now .step", "#now .acts button:not([hidden])", ".agenda button", "#now .times button"):
        assert await host.evaluate(LOOKS, selector) == GONE, selector
    await host.click("#now .step", force=True)
    await host.keyboard.press("PageDown")
    await host.wait_for_selector(".notice.bad")
    assert "The server cannot be reached; nothing was done." in await host.inner_text(".notice.bad")
    await later(host, "#health .old:not([hidden])")
    assert (await host.inner_text("#health .old")).startswith("As of 0:")
    await hall.start_server()
    await host.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as somebody who looks at it again
    await host.wait_for_selector("#now .away", state="hidden")
    assert await host.evaluate(LOOKS, "#now .step") == before
    assert (await hall.ask("GET", f"/api/polls/{poll}"))["phase"] == "open"


async def test_desk_task_list_and_phone_say_how_old_they_are(hall: Hall) -> None:
    poll = await hall.poll()
    task = (await hall.ask("POST", "/api/tasks", {"title": "Release", "steps": [{"name": "build"}]}))["id"]
    await hall.ask("PUT", f"/api/tasks/{task}/steps/build", {"state": "running"})
    desk = await hall.host()
    await desk.context.clock.install()
    await desk.reload()
    pages = {"desk": desk}
    for name, path in (("task", f"/tasks/{task}"), ("tasks", "/tasks")):
        pages[name] = await desk.context.new_page()
        await pages[name].goto(hall.url + path)
        await hall.live(pages[name])
    pages["phone"] = await hall.page()
    await pages["phone"].clock.install()
    await pages["phone"].goto(f"{hall.url}/polls/{poll}")
    await hall.live(pages["phone"])
    await desk.wait_for_selector(".makes")
    await hall.stop_server()
    for page in pages.values():
        await later(page, ".away:not([hidden])")
        assert (await page.locator(".away:not([hidden])").first.inner_text()).startswith("As of ")
    assert await desk.evaluate(LOOKS, "form[action='/desk/polls'] button") == GONE
    assert await pages["task"].evaluate(LOOKS, "#cancel") == GONE
    await pages["task"].click("#cancel", force=True)
    await expect(pages["task"].locator("dialog[open]")).to_have_count(0)
    await pages["phone"].click(".choice >> nth=0")  # a ballot is kept, and sent when the server is back
    await hall.start_server()
    for page in pages.values():
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await pages["phone"].wait_for_selector("#receipt[data-phase=safe]")
    for page in pages.values():
        await later(page, ".away:not([hidden])", "hidden")
