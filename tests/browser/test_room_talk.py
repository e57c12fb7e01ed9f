"""People who talk in a room, each in a browser of their own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from browsing import ADMIN, Hall, becomes, reads
from playwright.async_api import Page, expect
from test_desk import check

MARKUP = '<img src=x onerror="alert(1)"> & <b>bold</b>'
SHOWN = "#lines .message:not(.unsent)"
ON_PAGE = "document.querySelectorAll('#lines > *').length"


async def room(hall: Hall, name: str = "ops", **fields: Any) -> str:
    await hall.ask("POST", "/api/rooms", {"name": name, "title": "Operations", **fields})
    return f"/rooms/{name}"


async def voter(hall: Hall) -> str:
    return str((await hall.ask("POST", "/api/voters"))["token"])


async def said(hall: Hall, text: str, token: str = ADMIN, **fields: Any) -> Any:
    return await hall.ask("POST", "/api/rooms/ops/messages", {"text": text, **fields}, token)


async def write(page: Page, text: str) -> None:
    await page.fill("#text", text)
    await page.press("#text", "Enter")


async def is_accessible(page: Page) -> None:
    found: list[str] = []
    await check(page, page.url, found)
    assert found == []


async def test_two_people_talk_answer_and_take_names(hall: Hall) -> None:
    path = await room(hall)
    ann, bob = await hall.phone(path), await hall.phone(path)
    await expect(ann.locator("#nothing")).to_be_visible()
    await ann.click("#naming summary")
    await ann.fill("#naming input[name=name]", "Ann")
    await ann.press("#naming input[name=name]", "Enter")
    await expect(ann.locator("#naming summary")).to_contain_text("Ann")
    await ann.fill("#text", "first line")
    await ann.press("#text", "Shift+Enter")
    await ann.type("#text", MARKUP)
    await ann.press("#text", "Enter")
    await expect(bob.locator(f"{SHOWN} .text")).to_have_text([f"first line\n{MARKUP}"])
    await expect(bob.locator(".by .name")).to_have_text(["Ann"])
    await expect(bob.locator("#lines img, #lines b:not(.name)")).to_have_count(0)
    await expect(ann.locator(".message.own .you")).to_have_text(["you"])
    # The same name, or one that looks like it, is taken.
    await bob.click("#naming summary")
    await bob.fill("#naming input[name=name]", "ANN")
    await bob.click("#naming button")
    await expect(bob.locator("#namestatus")).to_have_text(
        "Somebody here has this name, or one that looks like it. Choose another."
    )
    await bob.click("#m1 .dots")
    await bob.click("dialog button:text-is('Reply')")
    await write(bob, "an answer, see https://example.org/a.")
    await expect(ann.locator("#m2 .quote")).to_contain_text("Ann first line <img")
    await expect(ann.locator("#m2 .guest")).to_have_text("guest")
    link = ann.locator("#m2 .text a")
    assert await link.get_attribute("href") == "https://example.org/a"
    assert await link.get_attribute("rel") == "noopener nofollow ugc"
    await ann.click("#m2 .quote")
    await expect(ann.locator("#m1")).to_be_focused()
    for page in (ann, bob):
        await is_accessible(page)


async def test_what_is_not_sent_is_sent_again_and_said_once(hall: Hall) -> None:
    path = await room(hall)
    ann = await hall.phone(path)
    await write(ann, "before")
    await expect(ann.locator(SHOWN)).to_have_count(1)
    await hall.stop_server()
    await ann.wait_for_selector("#corner[data-state=lost]")
    await write(ann, "while nobody listened")
    await expect(ann.locator(".unsent .state")).to_contain_text("not sent")
    await ann.click(".unsent button:text-is('Try again')")
    await expect(ann.locator("#saying")).to_contain_text("The server cannot be reached.")
    await hall.start_server()
    await expect(ann.locator(f"{SHOWN} .text")).to_have_text(["before", "while nobody listened"])
    await expect(ann.locator(".unsent")).to_have_count(0)
    items = (await hall.ask("GET", "/api/rooms/ops/messages"))["items"]
    assert [each["text"] for each in items] == ["before", "while nobody listened"]


async def test_an_answer_that_is_lost_says_nothing_twice(hall: Hall) -> None:
    path = await room(hall)
    ann = await hall.page()
    await ann.add_init_script("window.WebSocket = undefined")
    lost: list[str] = []

    async def swallow(route: Any) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        await route.fetch()  # the server has said it, and its answer does not arrive
        lost.append(str(route.request.post_data_json["id"]))
        await (route.abort("connectionrefused") if len(lost) < 3 else route.continue_())

    await ann.route("**/api/rooms/ops/messages", swallow)
    await ann.goto(hall.url + path)
    await hall.live(ann)
    await write(ann, "once")
    await expect(ann.locator(f"{SHOWN} .text")).to_have_text(["once"])
    await expect(ann.locator(".unsent")).to_have_count(0)
    assert len(set(lost)) == 1 and len((await hall.ask("GET", "/api/rooms/ops/messages"))["items"]) == 1


async def test_a_draft_is_kept_and_the_last_message_is_changed_with_a_key(hall: Hall) -> None:
    path = await room(hall)
    ann, bob = await hall.phone(path), await hall.phone(path)
    await ann.fill("#text", "half a thou")
    await ann.reload()
    await hall.live(ann)
    assert await ann.input_value("#text") == "half a thou"
    await write(ann, "half a thought")
    await expect(bob.locator(SHOWN)).to_have_count(1)
    await ann.focus("#text")
    await ann.press("#text", "ArrowUp")
    assert await ann.input_value("#text") == "half a thought"
    await ann.press("#text", "Escape")
    assert await ann.input_value("#text") == ""
    await ann.press("#text", "ArrowUp")
    await write(ann, "a whole thought")
    await expect(bob.locator("#m1 .text")).to_have_text("a whole thought")
    await expect(bob.locator("#m1 .edited")).to_have_text("edited")
    await expect(ann.locator("#about")).to_be_hidden()
    # A quote shows what the message says now, and nothing of one that was withdrawn.
    await bob.click("#m1 .dots")
    await bob.click("dialog button:text-is('Reply')")
    await write(bob, "well said")
    await expect(ann.locator("#m2 .quote")).to_contain_text("a whole thought")
    await ann.click("#m1 .dots")
    await ann.click("dialog button:text-is('Withdraw')")
    await ann.click("dialog button.danger")
    for page in (ann, bob):
        await expect(page.locator("#m1 .text")).to_have_text("This message was withdrawn.")
        await expect(page.locator("#m2 .quote")).to_have_text("This message was withdrawn.")
        assert "whole thought" not in await page.locator("#talk").inner_text()


async def test_two_thousand_messages_scroll_with_few_elements(hall: Hall) -> None:
    path = await room(hall)
    token = await voter(hall)
    for begin in range(1, 2001, 50):
        await asyncio.gather(*(said(hall, f"text {n}", token) for n in range(begin, begin + 50)))
    ann = await hall.phone(path)
    await expect(ann.locator("#m2000")).to_be_in_viewport()
    most = 0
    for _ in range(400):
        await ann.evaluate("document.querySelector('#talk').scrollTop = 300")
        await ann.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 15)))")
        most = max(most, await ann.evaluate(ON_PAGE))
        if await ann.locator("#m1").count():
            break
    await expect(ann.locator("#m1")).to_have_count(1)
    assert most < 180
    numbers = await ann.evaluate("[...document.querySelectorAll('#lines .message')].map((each) => +each.id.slice(1))")
    assert numbers == list(range(1, len(numbers) + 1))
    # What is read stays where it is while others speak, and a button counts them.
    await ann.evaluate("document.querySelector('#m20').scrollIntoView()")
    before = await ann.locator("#m20").bounding_box()
    await said(hall, "news")
    await said(hall, "more news")
    await reads(ann, "#down button", "↓ 2 new")
    assert await ann.locator("#m20").bounding_box() == before
    await ann.click("#down button")
    await expect(ann.locator("#m2002")).to_be_in_viewport()
    await expect(ann.locator("#down")).to_be_hidden()
    # The search finds old ones, and shows them among their neighbours.
    await ann.fill("#q", "TEXT 777")
    await ann.press("#q", "Enter")
    [number] = [each["n"] for each in (await hall.ask("GET", "/api/rooms/ops/messages?q=text%20777"))["items"]]
    await reads(ann, "#foundhead", "one message found")
    await ann.click("#found li button")
    await expect(ann.locator(f"#m{number}")).to_be_in_viewport()
    await expect(ann.locator(f"#m{number - 3}")).to_have_count(1)
    assert await ann.evaluate(ON_PAGE) < 180


async def test_a_line_shows_what_is_new_since_the_last_visit(hall: Hall) -> None:
    path = await room(hall)
    ann = await hall.phone(path)
    for text in ("one", "two"):
        await said(hall, text)
    await expect(ann.locator(SHOWN)).to_have_count(2)
    await ann.goto("about:blank")
    for text in ("three", "four"):
        await said(hall, text)
    await ann.goto(hall.url + path)
    await hall.live(ann)
    await expect(ann.locator("#lines .unread")).to_have_text("New since you were here")
    assert await ann.evaluate("document.querySelector('.unread').nextElementSibling.id") == "m3"


async def test_a_host_slows_mutes_withdraws_and_closes(hall: Hall) -> None:
    path = await room(hall)
    ann = await hall.phone(path)
    await write(ann, "hello")
    await expect(ann.locator(SHOWN)).to_have_count(1)
    host = await hall.host()
    await host.goto(hall.url + path)
    await hall.live(host)
    await host.click("#manage summary")
    await host.fill("#slow input[name=slow]", "2")
    await host.click("#slow button")
    await expect(host.locator("#notice")).to_contain_text("One message of a person in 2 seconds.")
    await becomes(lambda: ann.locator("#text").is_visible(), True)
    await write(ann, "quick one")
    await write(ann, "quick two")
    await expect(ann.locator("#saying")).to_contain_text("One message at a time in this room")
    await expect(ann.locator(f"{SHOWN} .text")).to_have_text(["hello", "quick one", "quick two"])
    await expect(ann.locator("#saying")).to_be_empty()
    await host.fill("#slow input[name=slow]", "0")
    await host.click("#slow button")
    await host.keyboard.press("Escape")
    # A mute can be undone.
    await host.hover("#m1")
    await host.click("#m1 .dots")
    await host.click("dialog button:has-text('Mute')")
    await expect(host.locator("#m1 .mute")).to_have_text("Muted")
    await write(ann, "am I heard?")
    await expect(ann.locator(".unsent .state")).to_contain_text("A host has muted you in this room. You can read on.")
    await host.click("#notice button:text-is('Undo')")
    await expect(host.locator("#m1 .mute")).to_have_count(0)
    await ann.click(".unsent button:text-is('Try again')")
    await expect(host.locator(SHOWN)).to_have_count(4)
    await host.hover("#m4")
    await host.click("#m4 .dots")
    await host.click("dialog button:text-is('Withdraw')")
    await host.click("dialog button.danger")
    await expect(ann.locator("#m4 .text")).to_have_text("A host withdrew this message.")
    await host.click("#manage summary")
    await host.click("#closing button")
    await expect(ann.locator("#saying")).to_have_text("This room is closed. You can read what was said.")
    await expect(ann.locator("#say")).to_be_hidden()
    await host.click("#notice button:text-is('Undo')")
    await expect(ann.locator("#say")).to_be_visible()
    await is_accessible(host)


async def test_who_is_here_and_who_writes_is_shown_to_the_others(hall: Hall) -> None:
    path = await room(hall)
    ann, bob = await hall.phone(path), await hall.phone(path)
    await hall.ask("POST", "/api/rooms/ops/messages", {"text": "hello"})
    name = (await bob.locator("#naming summary").inner_text()).removeprefix("You are ").partition(" – ")[0]
    await reads(ann, "#present", "2 here")
    await bob.type("#text", "I think")
    await reads(ann, "#typing", f"{name} is writing…")
    await expect(bob.locator("#typing")).to_be_hidden()
    await bob.press("#text", "Enter")
    await expect(ann.locator("#typing")).to_be_hidden()
    await ann.click("#present")
    await expect(ann.locator("dialog li")).to_have_count(2)
    await is_accessible(ann)
    await ann.keyboard.press("Escape")
    await bob.close()
    await reads(ann, "#present", "1 here")


async def test_messages_are_reached_by_the_keyboard(hall: Hall) -> None:
    path = await room(hall)
    for n in range(5):
        await said(hall, f"text {n}")
    ann = await hall.page(path, size=(1280, 800))
    await hall.live(ann)
    await expect(ann.locator(SHOWN)).to_have_count(5)
    await ann.focus("#talk")
    await ann.keyboard.press("ArrowUp")
    await ann.keyboard.press("ArrowUp")
    await expect(ann.locator("#m4")).to_be_focused()
    await hall.ask("PUT", "/api/rooms/ops/messages/4", {"text": "changed meanwhile"})
    await expect(ann.locator("#m4 .text")).to_have_text("changed meanwhile")
    await expect(ann.locator("#m4")).to_be_focused()
    await ann.keyboard.press("Enter")
    await ann.click("dialog button:text-is('Reply')")
    await expect(ann.locator("#text")).to_be_focused()
    await ann.keyboard.press("Shift+Tab")
    await ann.keyboard.press("Shift+Tab")
    await expect(ann.locator("#talk")).to_be_focused()


async def test_nothing_stays_on_the_page_of_a_room_that_is_gone(hall: Hall) -> None:
    path = await room(hall)
    await said(hall, "between us")
    ann = await hall.phone(path)
    await expect(ann.locator(SHOWN)).to_have_count(1)
    await hall.ask("PUT", "/api/rooms/ops", {"read": "signed_in"})
    await expect(ann.locator("#saying")).to_have_text("You are not signed in, or the sign-in has ended.")
    await expect(ann.locator(SHOWN)).to_have_count(0)
    host = await hall.host()
    await host.goto(hall.url + path)
    await expect(host.locator(SHOWN)).to_have_count(1)
    await host.click("#manage summary")
    await host.click("#closing .danger")
    await host.click("button.danger")
    await expect(host.locator("main")).to_contain_text("There are no rooms yet.")


async def test_a_name_cannot_have_a_badge(hall: Hall) -> None:
    path = await room(hall)
    await said(hall, "I host")
    token = await voter(hall)
    await hall.ask("PUT", "/api/rooms/ops/me", {"name": "Ann host"}, token)
    await said(hall, "I do not", token)
    ann = await hall.phone(path)
    await expect(ann.locator("#m1 .role")).to_have_text("admin")
    await expect(ann.locator("#m2 .role")).to_have_count(0)


@pytest.mark.parametrize("blocked", [("**/ws/**",), ("**/ws/**", "**/sse/**")])
async def test_people_talk_over_every_transport(hall: Hall, blocked: tuple[str, ...]) -> None:
    path = await room(hall)
    ann = await hall.page()
    await ann.add_init_script("window.WebSocket = undefined")
    for each in blocked[1:]:
        await ann.route(each, lambda route: route.abort("connectionrefused"))
    await ann.goto(hall.url + path)
    await hall.live(ann)
    await write(ann, "by another way")
    await expect(ann.locator(f"{SHOWN} .text")).to_have_text(["by another way"])
    await said(hall, "heard")
    await expect(ann.locator(SHOWN)).to_have_count(2)


async def test_a_room_without_script_is_read_and_written(hall: Hall) -> None:
    path = await room(hall)
    ann = await hall.page(path, java_script_enabled=False)
    assert await ann.locator("noscript meta[http-equiv=refresh]").count() or "refresh" in await ann.content()
    await ann.click("text=Write a message")
    await ann.fill("#text", MARKUP)
    await ann.click("#say button.primary")
    await expect(ann.locator("#m1 .text")).to_have_text(MARKUP)
    await ann.click("#m1 .more summary")
    await ann.click("#m1 .more a:text-is('Withdraw')")
    await ann.click("button.danger")
    await expect(ann.locator("#m1 .text")).to_have_text("This message was withdrawn.")


async def test_a_host_creates_a_room_from_the_desk_and_sees_it(hall: Hall) -> None:
    host = await hall.host()
    await host.click("main a:text-is('Rooms')")
    await expect(host.locator("main")).to_contain_text("There are no rooms yet.")
    await host.fill("input[name=title]", "Größe & Übersicht")
    await host.click("text=Create room")
    await hall.live(host)
    assert "/rooms/groe-ubersicht" in host.url
    await reads(host, "#title", "Größe & Übersicht")
    await host.goto(hall.url + "/rooms")
    await expect(host.locator(".rooms a")).to_have_text(["Größe & Übersicht"])
    await is_accessible(host)


@pytest.mark.parametrize("size", [(360, 640), (1920, 1080), (412, 400)])
async def test_the_field_is_in_view_at_every_size(hall: Hall, size: tuple[int, int]) -> None:
    path = await room(hall)
    for n in range(30):
        await said(hall, f"text {n} " + "long " * (n % 40))
    page = await hall.phone(path, size=size)
    await expect(page.locator("#m30")).to_be_in_viewport()
    box = await page.locator("#say button.primary").bounding_box()
    assert box is not None and box["y"] + box["height"] <= size[1]
    assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
