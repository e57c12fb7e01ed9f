"""The host's desk, the sign-in, and everybody's right to use a page: keyboard, screen reader, any size, any theme."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from axe_playwright_python.async_playwright import Axe
from browsing import ADMIN, Hall, reads
from playwright.async_api import Page, expect


async def test_a_host_makes_opens_closes_and_resets_a_poll(hall: Hall) -> None:
    host = await hall.host()
    await host.fill("form[action='/desk/walls'] input[name=title]", "Autumn Forum")
    await host.click("text=Create wall")
    await host.fill("form[action='/desk/polls'] input[name=title]", "Tea or coffee?")
    await host.fill("textarea[name=options]", "Tea\nCoffee\n")
    await host.select_option("select[name=wall]", label="Autumn Forum")
    await host.click("text=Create poll")
    await reads(host, ".phase", "draft")
    await host.click("button:text-is('Open')")
    await reads(host, ".phase", "open")
    # The desk stays where the form stood, and says what is still to do.
    assert host.url.split("#")[1].startswith("poll-")
    await reads(host, "[role=status]", "Voting is open, but the poll is not on the screen of its wall.")
    await host.click("button:text-is('Show on the screen')")
    await reads(host, ".inner .active", "on the screen")
    poll = (await hall.ask("GET", "/api/polls"))["items"][0]["id"]
    await hall.live(await hall.page(f"/polls/{poll}"))
    await hall.vote(poll, "1", 2)
    await reads(host, ".ballots", "2 ballots")
    await host.click("button:text-is('Close')")
    await reads(host, ".phase", "closed")
    # What would be lost is asked for once more.
    await host.click("summary:has-text('Reset')")
    await host.click("button:text-is('Reset to round 2')")
    await reads(host, ".phase", "draft")
    await host.click(".items:not(.walls) summary:has-text('Archive')")
    await host.click(".items:not(.walls) button:text-is('Archive')")
    await reads(host, "[role=status]", "Archived.")
    assert (await hall.ask("GET", "/api/polls"))["items"] == []


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (360, 740), (412, 860)])
@pytest.mark.parametrize("script", [True, False])
async def test_what_can_be_made_stands_first_on_the_desk(hall: Hall, width: int, height: int, script: bool) -> None:
    wall = await hall.wall()
    await hall.poll(wall=wall)
    body = {"title": "A release with a name that is rather long for one line of a phone", "steps": [{"name": "build"}]}
    task = (await hall.ask("POST", "/api/tasks", body))["id"]
    await hall.ask("PUT", f"/api/tasks/{task}/steps/build", {"state": "running"})
    page = await hall.page("/", size=(width, height))
    await page.fill("input[name=token]", ADMIN)
    if not script:
        await page.route("**/*.js*", lambda route: route.fulfill(body="", content_type="text/javascript"))
    await page.click("main button")
    await page.wait_for_selector("text=Signed in as admin")
    for button in ("Create wall", "Create poll"):
        box = await page.locator(f"button:text-is('{button}')").bounding_box()
        assert box and box["y"] + box["height"] <= height, (button, box)
    heads = [head for head in await page.locator("main h2").all_inner_texts()]
    assert heads == ["New wall", "New poll", "Walls", "Polls", "Tasks"]
    row = page.locator(".runs li")
    box = await row.bounding_box()
    assert box and box["height"] <= 50
    assert await row.locator(".shape").is_visible() and (await row.locator(".took").inner_text()).startswith("0:0")
    assert (await row.locator("time").inner_text()).endswith("UTC")
    assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")


async def test_what_was_refused_stands_beside_what_was_typed(hall: Hall) -> None:
    host = await hall.host()
    await host.fill("form[action='/desk/polls'] input[name=title]", "Tea or coffee?")
    await host.fill("textarea[name=options]", "x" * 300)
    await host.click("text=Create poll")
    await expect(host.locator("[role=alert]")).to_contain_text("Option 1: must have at most 200 characters.")
    assert await host.input_value("form[action='/desk/polls'] input[name=title]") == "Tea or coffee?"


async def test_a_link_signs_in_once_and_signing_out_ends_it(hall: Hall) -> None:
    link = (await hall.ask("POST", "/api/logins", {"role": "host"}))["link"]
    page = await hall.page("/w")
    await page.goto(link)
    assert "Sign in as host?" in await page.inner_text("h1")
    await page.click("main button")
    await page.wait_for_selector("text=Signed in as host")
    again = await hall.page("/w")
    await again.goto(link)
    assert "not valid" in await again.inner_text("main")
    await page.click("text=Sign out")
    await page.wait_for_selector("input[name=token]")


async def test_a_wrong_token_is_said_to_be_wrong(hall: Hall) -> None:
    page = await hall.page("/")
    await page.fill("input[name=token]", "wrong")
    await page.click("main button")
    await expect(page.locator("#wrong")).to_contain_text("not known")


async def test_a_stranger_has_no_desk(hall: Hall) -> None:
    wall = await hall.wall()
    page = await hall.page(f"/w/{wall}/host")
    assert "not signed in" in await page.inner_text("h1")
    await page.click("main a:text-is('Sign in')")
    await page.wait_for_selector("input[name=token]")


async def test_a_task_that_is_not_shown_to_everyone_says_so_to_people(hall: Hall) -> None:
    id = (await hall.ask("POST", "/api/tasks", {"title": "Release", "steps": [{"name": "zip"}]}))["id"]
    page = await hall.page(f"/tasks/{id}")
    said = await page.inner_text("h1")
    others = "Everyone else can see a task only while it is on the screen of a wall."
    assert said == f"Operators and hosts can see tasks. {others}"
    assert await page.get_attribute("main a", "href") == "/"
    # Operators find it on the desk, also when it has ended.
    await hall.ask("PUT", f"/api/tasks/{id}/steps/zip", {"state": "succeeded"})
    host = await hall.host()
    assert await host.get_attribute("a:text-is('Release')", "href") == f"/tasks/{id}"


async def test_a_host_is_told_that_others_do_not_see_the_result(hall: Hall) -> None:
    poll = await hall.poll(results="on_publish")
    await hall.vote(poll, "1", 2)
    host = await hall.host()
    for selector in (f"a[href$='{poll}/ballots.csv']", f"a[href$='{poll}/results.json']"):
        assert await host.query_selector(selector)
    await hall.live(await hall.page(f"/polls/{poll}"))
    await host.goto(f"{hall.url}/polls/{poll}")
    await hall.live(host)
    await reads(host, ".note", "Only hosts can see this result for now.")
    await hall.ask("POST", f"/api/polls/{poll}/publish", {"published": True})
    await reads(host, ".note", "")


async def test_voting_and_the_desk_work_by_keyboard_alone(hall: Hall) -> None:
    poll = await hall.poll()
    phone = await hall.phone(f"/polls/{poll}")
    await tab_to(phone, "button.choice:has-text('The old one')")
    await phone.keyboard.press("Space")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    assert await phone.get_attribute(".choice >> nth=1", "aria-pressed") == "true"
    assert await phone.evaluate("document.activeElement.classList.contains('on')"), "the focus stays where it was"
    await tab_to(phone, "#receipt button")
    await phone.keyboard.press("Enter")
    await phone.wait_for_selector("#receipt[data-phase=retracted]")

    host = await hall.page("/", size=(1280, 900))
    await tab_to(host, "input[name=token]")
    await host.keyboard.type(ADMIN)
    await host.keyboard.press("Enter")
    await host.wait_for_selector("text=Signed in as admin")
    await tab_to(host, "button:text-is('Close')")
    await host.keyboard.press("Enter")
    await reads(host, ".phase", "closed")
    await tab_to(host, "summary:has-text('Reset')")
    await host.keyboard.press("Enter")
    await tab_to(host, "button:text-is('Reset to round 2')")
    await host.keyboard.press("Enter")
    await reads(host, ".phase", "draft")


async def tab_to(page: Page, selector: str) -> None:
    """Tab until the element has the focus, and can be seen to have it."""
    wanted = await page.wait_for_selector(selector)
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("wanted => document.activeElement === wanted", wanted):
            assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    raise AssertionError(f"{selector} cannot be reached with the Tab key")


async def check(page: Page, name: str, found: list[str], *, only: Sequence[str] = ()) -> None:
    """What axe has to say of a page, or some of its rules."""
    rules = {"runOnly": list(only)} if only else {}
    results = await Axe().run(page, options={"resultTypes": ["violations"], **rules})
    for violation in results.response["violations"]:
        if violation["impact"] in ("serious", "critical"):
            nodes = json.dumps([node["html"][:160] for node in violation["nodes"][:3]])
            found.append(f"{name}: {violation['id']}: {violation['help']}: {nodes}")


async def test_words_say_what_applies(hall: Hall) -> None:
    wall = await hall.wall()
    poll = await hall.poll(wall=wall, title="Which?")
    await hall.show(wall, f"polls/{poll}")
    host = await hall.host()
    await host.goto(f"{hall.url}/w/{wall}/host")
    await hall.live(host)
    await reads(host, "#now .times .quiet", "Ends in…")
    assert await host.get_attribute("#now .times", "aria-label") == "Ends in…"
    await host.click("#now .times button:text-is('60 s')")
    await reads(host, "#now .times .quiet", "Time left")
    await reads(host, ".agenda .on .row button:last-of-type", "Take off the screen")
    await host.goto(f"{hall.url}/w/{wall}/codes")
    assert "There are no codes yet." in await host.inner_text("main")
    assert await host.locator("button[value=replace]").count() == 0
    await hall.ask("POST", "/api/tasks", {"title": "Release", "steps": [{"name": "build"}]})
    await host.goto(f"{hall.url}/tasks")
    await hall.live(host)
    assert await host.locator(".group:not([hidden])").count() == 1
    assert not await host.is_visible("text=Older tasks")


async def test_the_list_of_acts_shows_all_of_each_row_on_a_narrow_phone(hall: Hall) -> None:
    await hall.poll()
    host = await hall.host()
    await host.set_viewport_size({"width": 360, "height": 740})
    await host.goto(f"{hall.url}/audit")
    await reads(host, ".acts-done tbody tr td:nth-child(3)", "signed in")
    assert await host.eval_on_selector(".acts-done", "list => list.scrollWidth - list.clientWidth") <= 0
    found: list[str] = []
    await check(host, "audit", found)
    assert not found
