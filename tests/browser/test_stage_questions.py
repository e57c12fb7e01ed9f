"""Questions, rooms and reactions in a hall: two screens, and a host who decides by keys."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

from browsing import Hall
from playwright.async_api import Page, Route, expect
from test_desk import check

ROWS = "#asking .queue > li"
SHOWN = ".asked .list li:not([hidden]) .text"


async def forum(hall: Hall, setting: str = "moderated", **fields: Any) -> str:
    code = await hall.wall()
    item = f"questions/{code}"
    await hall.ask("PUT", f"/api/walls/{code}", {"questions": setting, "items": [item], "active": item, **fields})
    return code


async def ask(hall: Hall, code: str, text: str, **fields: Any) -> str:
    token = str((await hall.ask("POST", "/api/voters"))["token"])
    await hall.ask("POST", f"/api/walls/{code}/questions", {"text": text, **fields}, token)
    return token


async def host_of(hall: Hall, code: str) -> Page:
    page = await hall.host()
    await page.goto(f"{hall.url}/w/{code}/host")
    return await hall.live(page)


async def screens(hall: Hall, code: str) -> list[Page]:
    found = [await hall.page(f"/w/{code}/screen", size=size) for size in ((1920, 1080), (1280, 720))]
    for page in found:
        await hall.live(page)
    return found


async def state(hall: Hall, code: str, number: int) -> str:
    items = (await hall.ask("GET", f"/api/walls/{code}/questions"))["items"]
    return str(next(each["state"] for each in items if each["n"] == number))


async def test_a_host_decides_by_keys_and_both_screens_follow(hall: Hall) -> None:
    code = await forum(hall)
    for text in ("first?", "second?", "third?"):
        await ask(hall, code, text, anonymous=True)
    page, walls = await host_of(hall, code), await screens(hall, code)
    for wall in walls:
        await expect(wall.locator(".asked .none")).to_be_visible()
    await page.locator(ROWS).first.focus()
    await page.keyboard.press("s")
    await page.keyboard.press("j")
    await page.keyboard.press("p")
    for wall in walls:
        await expect(wall.locator(SHOWN)).to_have_text(["first?"])
        await expect(wall.locator(".asked .pinned .text")).to_have_text("second?")
        await expect(wall.locator(".join .code")).to_be_visible()
    # Nothing has moved: the decided ones are where they were, and say so.
    await expect(page.locator(f"{ROWS} .text")).to_have_text(["first?", "second?", "third?"])
    await expect(page.locator(f"{ROWS} .outcome").nth(0)).to_have_text("It is shown.")
    # A question that is hidden leaves both screens at once, and comes back when that is undone.
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("h")
    for wall in walls:
        await expect(wall.locator(SHOWN)).to_have_count(0)
        assert "first?" not in await wall.content()
    await page.keyboard.press("u")
    for wall in walls:
        await expect(wall.locator(SHOWN)).to_have_text(["first?"])
    await expect(page.locator(f"{ROWS}[data-state=shown]")).to_have_count(1)
    assert await state(hall, code, 1) == "shown"


async def test_new_questions_come_to_the_end_while_a_host_decides(hall: Hall) -> None:
    code = await forum(hall)
    await ask(hall, code, "first?")
    await ask(hall, code, "second?")
    page = await host_of(hall, code)
    await page.locator(ROWS).nth(1).focus()
    top = await page.locator(ROWS).nth(1).bounding_box()
    voters = [await ask(hall, code, "third?")]
    await expect(page.locator(f"{ROWS} .text")).to_have_text(["first?", "second?", "third?"])
    await expect(page.locator("#queue .count button")).to_have_text("1 new, at the end")
    await hall.ask("PUT", f"/api/walls/{code}/questions/1", {"state": "shown"})
    await hall.ask("PUT", f"/api/walls/{code}/questions/1/vote", {}, voters[0])
    await expect(page.locator(f"{ROWS} .votes").first).to_have_text("2")
    after = await page.locator(ROWS).nth(1).bounding_box()
    assert top and after and (after["x"], after["y"]) == (top["x"], top["y"])
    await page.click("#queue .count button")
    await expect(page.locator(ROWS).nth(2)).to_be_focused()
    # The keys of the remote are not those of the queue, and the list has both.
    await page.keyboard.press("?")
    await expect(page.locator("dialog .keys")).to_have_count(2)


async def test_what_is_decided_leaves_after_ten_seconds(hall: Hall) -> None:
    code = await forum(hall)
    await ask(hall, code, "first?")
    await ask(hall, code, "second?")
    page = await host_of(hall, code)
    await page.locator(ROWS).first.focus()
    await page.keyboard.press("h")
    await expect(page.locator(ROWS).first).to_have_class("is-decided")
    await expect(page.locator(f"{ROWS} .text")).to_have_text(["second?"])
    await expect(page.locator(ROWS)).to_be_focused()
    await page.keyboard.press("u")  # too late
    assert await state(hall, code, 1) == "hidden"
    await page.click("#queue details summary")
    await page.click("#queue .past button")
    await expect(page.locator(f"{ROWS} .text")).to_have_text(["second?", "first?"])


async def test_a_decision_without_a_connection_is_made_when_it_is_back(hall: Hall) -> None:
    code = await forum(hall)
    await ask(hall, code, "first?")
    page = await host_of(hall, code)
    await page.locator(ROWS).first.focus()
    await hall.stop_server()
    await page.keyboard.press("s")
    await expect(page.locator(f"{ROWS} .outcome")).to_contain_text("Not done yet")
    await hall.start_server()
    await expect(page.locator(f"{ROWS} .outcome")).to_have_text("It is shown.")
    assert await state(hall, code, 1) == "shown"


async def test_settings_items_and_answers_are_changed_on_the_page(hall: Hall) -> None:
    code = await hall.wall()
    await hall.ask("POST", "/api/rooms", {"name": "ops", "title": "Talk"})
    page = await host_of(hall, code)
    await page.select_option("#asks", "open")
    await page.click("text=Add the questions to the items")
    await expect(page.locator(".agenda .title")).to_have_text(["Questions"])
    await page.click("#asking >> text=Add a room…")
    await page.click("dialog .rooms button")
    await expect(page.locator(".agenda .title")).to_have_text(["Questions", "Talk"])
    await page.check("#asking input[type=checkbox]")
    await page.click("#asking >> text=Add a room…")
    await page.fill("dialog input[name=title]", "Ärger & Freude")
    await page.click("dialog .primary")
    await expect(page.locator(".agenda .title")).to_have_text(["Questions", "Talk", "Ärger & Freude"])
    await page.locator(".agenda > li").nth(1).locator("summary").click()
    await page.locator(".agenda > li").nth(1).locator("text=Take off the wall").click()
    await expect(page.locator(".agenda .title")).to_have_text(["Questions", "Ärger & Freude"])
    held = await hall.ask("GET", f"/api/walls/{code}")
    assert (held["questions"], held["reactions"]) == ("open", True)
    await ask(hall, code, "first?")
    await page.locator(ROWS).first.focus()
    await page.keyboard.press("e")
    await page.fill("dialog textarea", "Because.")
    await page.click("dialog .primary")
    await expect(page.locator(f"{ROWS} .answer")).to_have_text("Because.")


async def test_the_order_of_a_screen_changes_calmly(hall: Hall) -> None:
    code = await forum(hall, "open")
    await ask(hall, code, "first?")
    await ask(hall, code, "second?")
    [wall, _] = await screens(hall, code)
    await expect(wall.locator(SHOWN)).to_have_text(["first?", "second?"])
    await wall.evaluate(
        """() => {
            window.orders = [];
            const look = () => {
                const rows = [...document.querySelectorAll(".asked .list .text")];
                const order = rows.map((each) => each.textContent).join();
                const last = window.orders[window.orders.length - 1];
                if (!last || last.order !== order) window.orders.push({ order, at: performance.now() });
            };
            look();
            const list = document.querySelector(".asked .list");
            new MutationObserver(look).observe(list, { childList: true, subtree: true });
        }"""
    )
    voters = [str((await hall.ask("POST", "/api/voters"))["token"]) for _ in range(6)]
    for place, voter in enumerate(voters):  # the two overtake each other again and again
        for number in (2, 1) if place % 2 else (1, 2):
            await hall.ask("PUT", f"/api/walls/{code}/questions/{number}/vote", {}, voter)
    await hall.ask("PUT", f"/api/walls/{code}/questions/2/vote", {}, await ask(hall, code, "third?"))
    await expect(wall.locator(SHOWN)).to_have_text(["second?", "first?", "third?"])
    orders = await wall.evaluate("window.orders")
    changes = [each["at"] for each in orders[1:]]
    assert all(later - earlier > 1_900 for earlier, later in pairwise(changes))


async def test_a_room_on_the_screen_shows_a_line_at_a_time(hall: Hall) -> None:
    await hall.ask("POST", "/api/rooms", {"name": "ops", "title": "Talk"})
    code = await forum(hall)
    await hall.ask("PUT", f"/api/walls/{code}", {"items": ["rooms/ops"], "active": "rooms/ops"})
    for text in ("one", "two"):
        await hall.ask("POST", "/api/rooms/ops/messages", {"text": text})
    [wall, _] = await screens(hall, code)
    lines = wall.locator(".ticker .list li:not([hidden]) .text")
    await expect(lines).to_have_text(["one", "two"])
    await expect(wall.locator(".ticker .host").first).to_have_text("admin")
    await hall.ask("DELETE", "/api/rooms/ops/messages/1")
    await expect(lines).to_have_text(["two"])
    for text in ("three", "four"):
        await hall.ask("POST", "/api/rooms/ops/messages", {"text": text})
    await expect(lines).to_have_text(["two", "three"])
    await expect(lines).to_have_text(["two", "three", "four"])
    await hall.ask("POST", "/api/rooms", {"name": "inside", "title": "Inside", "read": "signed_in"})
    await hall.ask("PUT", f"/api/walls/{code}", {"items": ["rooms/inside"], "active": "rooms/inside"})
    await expect(wall.locator(".lobby .what")).to_have_text("This room is for those who are signed in.")
    await hall.ask("PUT", f"/api/walls/{code}", {"items": [f"questions/{code}"], "active": f"questions/{code}"})
    await expect(wall.locator(".asked")).to_be_visible()


async def test_reactions_are_counted_at_the_edge_and_leave(hall: Hall) -> None:
    code = await forum(hall, reactions=True)
    [wall, _] = await screens(hall, code)
    calm = await hall.page(f"/w/{code}/screen", size=(1280, 720), reduced_motion="reduce")
    await hall.live(calm)
    voter = str((await hall.ask("POST", "/api/voters"))["token"])
    await asyncio.gather(
        *(hall.ask("POST", f"/api/walls/{code}/reactions", {"reaction": each}, voter) for each in ("👏", "🎉"))
    )
    await expect(wall.locator("#reactions .chip")).to_have_count(2)
    await expect(calm.locator("#reactions .sum")).to_have_text("2 reactions")
    await expect(calm.locator("#reactions .chips")).to_be_hidden()
    content, edge = await wall.locator("main").bounding_box(), await wall.locator("#reactions").bounding_box()
    assert content and edge and content["x"] + content["width"] <= edge["x"]
    await expect(wall.locator("#reactions .chip")).to_have_count(0)


async def test_the_pages_are_accessible(hall: Hall) -> None:
    code = await forum(hall)
    for text in ("first?", "second?", "third?"):
        await ask(hall, code, text)
    for number, decided in ((1, "shown"), (2, "pinned")):
        await hall.ask("PUT", f"/api/walls/{code}/questions/{number}", {"state": decided})
    found: list[str] = []
    page = await host_of(hall, code)
    await page.wait_for_selector(ROWS)
    for theme in ("light", "dark"):
        await page.goto(f"{hall.url}/w/{code}/host?theme={theme}")
        await hall.live(page)
        await page.wait_for_selector(ROWS)
        await check(page, page.url, found)
        wall = await hall.page(f"/w/{code}/screen?theme={theme}", size=(1280, 720))
        await hall.live(wall)
        await check(wall, wall.url, found)
    assert found == []


async def test_an_old_browser_shows_questions_and_rooms_as_they_change(hall: Hall) -> None:
    async def without_modules(route: Route) -> None:
        answer = await route.fetch()
        text = (await answer.text()).replace('type="module"', 'type="text/later"').replace(" nomodule", "")
        await route.fulfill(response=answer, body=text)

    await hall.ask("POST", "/api/rooms", {"name": "ops", "title": "Talk"})
    code = await forum(hall, "open")
    await ask(hall, code, "first?")
    page = await hall.page(size=(1280, 720))
    await page.route(f"**/w/{code}/screen*", without_modules)
    await page.goto(f"{hall.url}/w/{code}/screen")
    await expect(page.locator(SHOWN)).to_have_text(["first?"])
    await ask(hall, code, "second?")
    await expect(page.locator(SHOWN)).to_have_text(["first?", "second?"])
    await hall.ask("PUT", f"/api/walls/{code}/questions/1", {"state": "hidden"})
    await expect(page.locator(SHOWN)).to_have_text(["second?"])
    await hall.ask("PUT", f"/api/walls/{code}", {"items": ["rooms/ops"], "active": "rooms/ops"})
    await expect(page.locator(".ticker .none")).to_be_visible()
    await hall.ask("POST", "/api/rooms/ops/messages", {"text": "hello"})
    await expect(page.locator(".ticker .text")).to_have_text(["hello"])
