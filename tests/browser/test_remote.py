"""A wall steered from a laptop and a phone: keys, order, several hosts at once, and no pointer needed."""

from __future__ import annotations

import pytest
from browsing import ADMIN, Hall, becomes, reads
from playwright.async_api import Page, expect
from test_desk import check

from handlers.view_models.task_chart import shape


async def remote(hall: Hall, wall: str, size: tuple[int, int] = (1280, 900), **options: str) -> Page:
    page = await hall.page("/", size=size, **options)
    await page.fill("input[name=token]", ADMIN)
    await page.click("main button")
    await page.wait_for_selector("text=Signed in as admin")
    await page.goto(f"{hall.url}/w/{wall}/host")
    return await hall.live(page)


async def wall_of(hall: Hall, *titles: str) -> tuple[str, list[str]]:
    wall = await hall.wall()
    return wall, [await hall.poll(open=False, wall=wall, title=title) for title in titles]


async def order(page: Page) -> list[str]:
    return [(await each.text_content() or "") for each in await page.query_selector_all(".agenda .title")]


async def test_the_keys_of_a_presenters_remote_lead_through_the_wall(hall: Hall) -> None:
    wall, [first, _] = await wall_of(hall, "First", "Second")
    host = await remote(hall, wall)
    await reads(host, "#now .step", "Start with: First")
    await host.clock.install()
    await host.focus("#now .step")
    await host.keyboard.press("?")
    await host.wait_for_selector("dialog kbd")
    await host.keyboard.press("PageDown")  # in a dialog the keys belong to it
    await host.keyboard.press("Escape")
    await host.wait_for_selector("dialog", state="detached")
    assert await host.evaluate("document.activeElement.classList.contains('step')"), "the focus goes back"
    assert (await hall.ask("GET", f"/api/walls/{wall}"))["active"] is None
    await host.keyboard.press("PageDown")
    await reads(host, "#now h2", "First")
    await reads(host, "#now .step", "Open voting")
    await host.clock.fast_forward(750)  # a second press sooner than this is taken for a bounce of the key
    await host.keyboard.press("PageDown")
    await reads(host, "#now .phase", "open")
    await hall.vote(first, "1", 2)
    await reads(host, "#now .figures b", "100%")
    await host.keyboard.press("r")
    await reads(host, "#now .acts button:nth-child(2)", "Show result")
    assert (await hall.ask("GET", f"/api/polls/{first}"))["results"] == "on_publish"
    await host.keyboard.press("t")
    await host.wait_for_selector("#countdown:not([hidden])")
    await host.clock.fast_forward(750)
    await host.keyboard.press("Space")  # the focus is on the big button, which means the same
    await reads(host, "#now .phase", "closed")
    await host.clock.fast_forward(750)
    await host.keyboard.press("ArrowRight")
    await reads(host, "#now h2", "Second")
    await host.wait_for_selector("#now .step:not([aria-busy=true])")  # the event may come before the reply
    await host.keyboard.press("ArrowLeft")
    await reads(host, "#now h2", "First")


async def test_what_one_host_does_the_other_sees(hall: Hall) -> None:
    wall, [first, _] = await wall_of(hall, "First", "Second")
    one, other = await remote(hall, wall), await remote(hall, wall, (412, 860))
    await one.click(".agenda li:nth-child(1) .show")
    await reads(other, "#now h2", "First")
    await other.click("#now .step")
    await reads(one, "#now .phase", "open")
    await hall.ask("PUT", f"/api/polls/{first}", {"title": "First of all"})
    await reads(one, "#now h2", "First of all")


async def test_an_edit_that_came_second_shows_what_changed_and_can_be_made_again(hall: Hall) -> None:
    wall, [poll] = await wall_of(hall, "First")
    host = await remote(hall, wall)
    await host.click(".agenda summary")
    await host.click(".agenda button:text-is('Edit…')")
    await host.fill("dialog [name=title]", "Mine")
    await hall.ask("PUT", f"/api/polls/{poll}", {"title": "Theirs"})
    await host.click("dialog button:text-is('Save')")
    await reads(host, "dialog.conflict li", "Title: now “Theirs”; yours is “Mine”.")
    assert (await hall.ask("GET", f"/api/polls/{poll}"))["title"] == "Theirs"
    await host.click("dialog.conflict button:text-is('Apply mine anyway')")
    await reads(host, ".agenda .title", "Mine")  # the event may come before the answer, which closes the dialog
    await host.wait_for_selector("dialog", state="detached")


async def test_a_laptop_that_slept_overwrites_nothing_and_then_shows_what_there_is(hall: Hall) -> None:
    wall, [first, second] = await wall_of(hall, "First", "Second")
    host = await remote(hall, wall)
    # What a closed lid does to a page: no stream tells it anything, and then somebody presses a key at once.
    await host.route("**/{sse,updates}/**", lambda route: route.fulfill(status=503))
    await host.route_web_socket("**/ws/**", lambda socket: socket.close())
    await host.reload()
    await hall.ask("PUT", f"/api/walls/{wall}", {"items": [f"polls/{second}", f"polls/{first}"], "title": "Renamed"})
    await host.keyboard.press("PageDown")
    await host.wait_for_selector("dialog.conflict")
    assert "Items: now “Second”, “First”" in await host.inner_text("dialog.conflict")
    assert (await hall.ask("GET", f"/api/walls/{wall}"))["active"] is None
    await host.click("dialog.conflict button:text-is('Keep it as it is now')")
    await host.unroute_all()
    await host.reload()
    await hall.live(host)
    assert await order(host) == ["Second", "First"] and await host.inner_text("#wall") == "Renamed"


async def test_items_are_reordered_by_keyboard_and_by_drag_and_the_focus_stays(hall: Hall) -> None:
    wall, _ = await wall_of(hall, "First", "Second", "Third")
    host = await remote(hall, wall)
    await host.focus(".agenda li:nth-child(1) .show")
    await host.keyboard.press("Alt+ArrowDown")
    await becomes(lambda: order(host), ["Second", "First", "Third"])
    assert await host.evaluate("document.activeElement.closest('li').querySelector('.title').textContent") == "First"
    await reads(host, "#announcer", "First is now item 2 of 3.")
    await host.keyboard.press("Alt+ArrowDown")
    await becomes(lambda: order(host), ["Second", "Third", "First"])
    await host.click(".notice button")
    await becomes(lambda: order(host), ["Second", "First", "Third"])
    top, bottom = [await each.bounding_box() for each in (await host.query_selector_all(".handle"))[::2]]
    assert top and bottom
    await host.mouse.move(top["x"] + 20, top["y"] + 20)
    await host.mouse.down()
    await host.mouse.move(bottom["x"] + 20, bottom["y"] + 10)
    await host.mouse.move(bottom["x"] + 20, bottom["y"] + 40)
    await host.mouse.up()
    await becomes(lambda: order(host), ["First", "Third", "Second"])


async def test_an_archived_poll_comes_back_to_its_place(hall: Hall) -> None:
    wall, _ = await wall_of(hall, "First", "Second", "Third")
    host = await remote(hall, wall)
    await host.click(".agenda li:nth-child(2) summary")
    await host.click(".agenda li:nth-child(2) button:text-is('Archive…')")
    await host.click("dialog button:text-is('Archive')")
    await becomes(lambda: order(host), ["First", "Third"])
    await host.click(".notice button:text-is('Undo')")
    await becomes(lambda: order(host), ["First", "Second", "Third"])


async def test_a_phone_is_signed_in_by_the_code_on_the_laptop(hall: Hall) -> None:
    wall, _ = await wall_of(hall, "First")
    host = await remote(hall, wall)
    await host.click("#onphone button")
    await host.wait_for_selector("dialog .qr svg")
    link = await host.get_attribute("dialog .address", "href")
    phone = await hall.page(size=(360, 780))
    await phone.goto(str(link))
    await phone.click("main button")
    await hall.live(phone)
    assert phone.url == f"{hall.url}/w/{wall}/host"
    await host.keyboard.press("Escape")
    await host.wait_for_selector(".qr", state="detached")


async def test_a_poll_is_made_on_the_page_and_what_is_refused_stands_beside_it(hall: Hall) -> None:
    wall, _ = await wall_of(hall)
    host = await remote(hall, wall)
    await host.click("#items button:text-is('New poll')")
    await host.fill("dialog [name=title]", "Tea or coffee?")
    await host.fill("dialog [name=options]", "Tea\nCoffee")
    await host.fill("dialog [name=quorum]", "many")
    await host.click("dialog button:text-is('Create poll')")
    await expect(host.locator("dialog [role=alert]:not([hidden])")).to_contain_text("Quorum")
    await host.fill("dialog [name=quorum]", "20")
    await host.click("dialog button:text-is('Create poll')")
    await becomes(lambda: order(host), ["Tea or coffee?"])
    [item] = (await hall.ask("GET", f"/api/walls/{wall}"))["items"]
    assert (await hall.ask("GET", f"/api/{item}"))["quorum"] == 20


@pytest.mark.parametrize(("width", "theme"), [(360, "light"), (1280, "dark")])
async def test_axe_finds_nothing_serious_on_the_host_page(hall: Hall, width: int, theme: str) -> None:
    wall, [first, *_] = await wall_of(hall, "First", "Second " * 40, "第三")
    await hall.ask("POST", f"/api/polls/{first}/open")
    await hall.vote(first, "1", 2)
    await hall.show(wall, f"polls/{first}")
    host = await remote(hall, wall, (width, 900), color_scheme=theme, reduced_motion="reduce")
    found: list[str] = []
    await host.click(".agenda summary")
    await check(host, "host", found)
    for button in ("#items button:text-is('New poll')", "#items button:text-is('Keys')", "#onphone button"):
        await host.click(button)
        await host.wait_for_selector("dialog")
        await check(host, button, found)
        await host.keyboard.press("Escape")
        await host.wait_for_selector("dialog", state="detached")
    wide = await host.evaluate("document.documentElement.scrollWidth - innerWidth")
    small = await host.evaluate(
        """[...document.querySelectorAll("main button, main summary, main a")]
        .map((each) => [each.textContent, each.getBoundingClientRect()])
        .filter(([, box]) => box.height && (box.height < 43.5 || box.width < 24)).map(([text]) => text)"""
    )
    assert (found, wide <= 0, small) == ([], True, [])


async def test_a_task_has_the_shape_of_its_state(hall: Hall) -> None:
    wall, [poll] = await wall_of(hall, "First")
    task = (await hall.ask("POST", "/api/tasks", {"title": "Release", "steps": [{"name": "fetch"}]}))["id"]
    items = [f"polls/{poll}", f"tasks/{task}"]
    await hall.ask("PUT", f"/api/walls/{wall}", {"items": items, "active": items[1]})
    host = await remote(hall, wall)
    await host.wait_for_selector("#now .badge[data-state=pending]:visible")
    await hall.ask("PUT", f"/api/tasks/{task}/steps/fetch", {"state": "failed"})
    for place in ("#now", ".agenda li:nth-child(2)"):
        await host.wait_for_selector(f"{place} .badge[data-state=failed]:visible")
        assert await host.get_attribute(f"{place} .badge .mark", "d") == shape("failed")
        await expect(host.locator(f"{place} .phase")).to_be_hidden()
    await hall.show(wall, items[0])
    await host.wait_for_selector("#now .phase:visible")
    await expect(host.locator("#now .badge")).to_be_hidden()
