"""People who write to one another privately, each in a browser of their own."""

from __future__ import annotations

from typing import Any

from browsing import Hall, reads
from playwright.async_api import Page, expect
from test_access import TOO_SMALL, WIDER
from test_room_talk import MARKUP, SHOWN, is_accessible, room, voter, write

LISTED = "#conversations li"


async def enter(hall: Hall, text: str = "hello", **options: Any) -> Page:
    """Somebody who has said something in the room, with that page open."""
    page = await hall.phone("/rooms/ops", **options)
    await write(page, text)
    await expect(page.locator(f"{SHOWN}.own")).to_have_count(1)
    return page


async def id_of(page: Page) -> str:
    return str(await page.evaluate("JSON.parse(document.querySelector('#page').textContent).me.id"))


async def open_name(hall: Hall, page: Page, name_of: Page) -> None:
    """Open the conversation with somebody by their name in the room."""
    await page.click(f"a.name[href$='person={await id_of(name_of)}']")
    await page.wait_for_url("**/inbox?**")
    await hall.live(page)


async def test_two_people_write_and_read_live(hall: Hall) -> None:
    await room(hall)
    ann, bo = await enter(hall), await enter(hall)
    own = f"a.name[href$='{await id_of(ann)}']"
    await expect(ann.locator(own)).to_have_count(0)
    await expect(ann.locator("#inbox .count")).to_be_hidden()
    await open_name(hall, ann, bo)
    await expect(ann.locator("#nothing")).to_be_visible()
    await expect(ann.locator("#block")).to_be_hidden()
    await is_accessible(ann)
    await ann.fill("#text", "first line")
    await ann.press("#text", "Shift+Enter")
    await ann.type("#text", MARKUP)
    await ann.press("#text", "Enter")
    await expect(ann.locator(f"{SHOWN} .text")).to_have_text([f"first line\n{MARKUP}"])
    await ann.wait_for_url("**/inbox?c=c*")
    await expect(ann.locator(LISTED)).to_have_count(1)
    # In the room, the other learns of it without loading the page again.
    await expect(bo.locator("#inbox .count")).to_have_text("one unread")
    await bo.click("#inbox")
    await hall.live(bo)
    await expect(bo.locator(f"{LISTED} .count")).to_have_text("one unread")
    await expect(bo.locator(f"{LISTED} .words")).to_have_text(f"first line {MARKUP}")
    await expect(bo.locator(f"{LISTED} .where")).to_have_text("Operations")
    assert (await bo.title()).startswith("(1) ")
    await is_accessible(bo)
    await write(ann, "are you there?")
    await expect(bo.locator(f"{LISTED} .count")).to_have_text("2 unread")
    await expect(bo.locator(f"{LISTED} .words")).to_have_text("are you there?")
    await expect(bo.locator("#announcer")).to_have_text("2 unread")
    # Opened and looked at, it is read; the line above what was unread stays.
    await bo.click(f"{LISTED} a")
    await hall.live(bo)
    await expect(bo.locator("#lines .unread + #m1")).to_have_count(1)
    await expect(bo.locator("#lines img, #lines b:not(.name)")).to_have_count(0)
    await expect(bo.locator(f"{LISTED} .count")).to_have_count(0)
    assert not (await bo.title()).startswith("(")
    await expect(bo.locator(f"{LISTED} a")).to_have_attribute("aria-current", "page")
    await write(bo, "yes, see https://example.org/a.")
    assert await ann.locator("#m3 .text a").get_attribute("href") == "https://example.org/a"
    await expect(ann.locator(f"{LISTED} .count")).to_have_count(0)
    for page in (ann, bo):
        await is_accessible(page)
        assert await page.evaluate(TOO_SMALL) == [] and await page.evaluate(WIDER) <= 0
    # The keyboard reaches messages, and in a room the private message from what can be done with one.
    await bo.focus("#talk")
    await bo.keyboard.press("ArrowUp")
    await expect(bo.locator("#m3")).to_be_focused()
    cy = await enter(hall)
    await cy.focus("#m1")
    await cy.keyboard.press("Enter")
    await cy.click("dialog button:has-text('privately')")
    await cy.wait_for_url("**/inbox?room=ops&person=*")


async def test_messages_are_unread_while_nobody_looks(hall: Hall) -> None:
    await room(hall)
    ann, bo = await enter(hall), await enter(hall)
    await open_name(hall, ann, bo)
    await write(ann, "one")
    await ann.wait_for_url("**/inbox?c=c*")
    await bo.goto(ann.url)
    await hall.live(bo)
    await expect(bo.locator(f"{LISTED} .count")).to_have_count(0)
    # Another window is in front of this one.
    await bo.evaluate("document.hasFocus = () => false; window.dispatchEvent(new Event('blur'))")
    await write(ann, "two")
    await expect(bo.locator(f"{SHOWN}")).to_have_count(2)
    await expect(bo.locator(f"{LISTED} .count")).to_have_text("one unread")
    await expect(bo.locator("#lines .unread + #m2")).to_have_count(1)
    await bo.evaluate("document.hasFocus = () => true; window.dispatchEvent(new Event('focus'))")
    await expect(bo.locator(f"{LISTED} .count")).to_have_count(0)


async def test_somebody_is_blocked_and_unblocked(hall: Hall) -> None:
    await room(hall)
    ann, bo = await enter(hall), await enter(hall, size=(1280, 800))
    await open_name(hall, ann, bo)
    await write(ann, "hello")
    await ann.wait_for_url("**/inbox?c=c*")
    await bo.goto(ann.url)
    await hall.live(bo)
    await bo.click("#block")
    await expect(bo.locator("dialog")).to_contain_text("learns from it only that you take no messages")
    await is_accessible(bo)
    await bo.click("dialog button:text-is('Block')")
    await expect(bo.locator("#notice")).to_contain_text("is blocked.")
    await expect(bo.locator("#saying")).to_contain_text("You have blocked this person")
    await expect(bo.locator("#say")).to_be_hidden()
    await expect(bo.locator(f"{LISTED} .shut")).to_have_text("blocked")
    await expect(ann.locator("#say")).to_be_visible()
    await write(ann, "are you angry?")
    await expect(ann.locator(".unsent .state span")).to_have_text(
        "not sent: Your message was not delivered: this person takes no messages from you."
    )
    await bo.click("#notice button:text-is('Undo')")
    await expect(bo.locator("#say")).to_be_visible()
    await ann.click(".unsent button:text-is('Try again')")
    await expect(bo.locator(f"{SHOWN} .text")).to_have_text(["hello", "are you angry?"])
    await expect(ann.locator(".unsent")).to_have_count(0)


async def test_what_is_not_sent_is_sent_again_and_written_once(hall: Hall) -> None:
    await room(hall)
    ann, bo = await enter(hall), await enter(hall)
    await open_name(hall, ann, bo)
    lost: list[str] = []

    async def swallow(route: Any) -> None:
        lost.append(str(route.request.post_data_json["id"]))
        if len(lost) == 1:
            await route.abort("connectionrefused")
            return
        await route.fetch()  # the server has written it, and its answer does not arrive
        await route.abort("connectionrefused")

    await ann.route("**/people/*/messages", swallow)
    await write(ann, "once")
    await expect(ann.locator(".unsent .state")).to_contain_text("not sent")
    await ann.click(".unsent button:text-is('Try again')")
    await expect(ann.locator(f"{SHOWN} .text")).to_have_text(["once"])
    await expect(ann.locator(".unsent")).to_have_count(0)
    assert len(set(lost)) == 1 and len(lost) > 1
    await bo.goto(ann.url)
    await hall.live(bo)
    await expect(bo.locator(f"{SHOWN} .text")).to_have_text(["once"])


async def test_a_draft_is_kept_for_each_conversation(hall: Hall) -> None:
    await room(hall)
    ann, bo, cy = [await enter(hall) for _ in range(3)]
    await open_name(hall, ann, bo)
    await ann.fill("#text", "half a thou")
    await ann.reload()
    await hall.live(ann)
    assert await ann.input_value("#text") == "half a thou"
    await ann.goto(f"{hall.url}/rooms/ops")
    await hall.live(ann)
    await open_name(hall, ann, cy)
    assert await ann.input_value("#text") == ""
    await ann.go_back()
    await hall.live(ann)
    await open_name(hall, ann, bo)
    await write(ann, "half a thought")
    await ann.wait_for_url("**/inbox?c=c*")
    await ann.fill("#text", "and more")
    await ann.reload()
    await hall.live(ann)
    assert await ann.input_value("#text") == "and more"


async def test_older_messages_come_as_one_scrolls(hall: Hall) -> None:
    await room(hall)
    ann = await enter(hall)
    token, person = await voter(hall), await id_of(ann)
    for n in range(1, 121):
        await hall.ask("POST", f"/api/rooms/ops/people/{person}/messages", {"text": f"text {n}"}, token)
    await ann.goto(f"{hall.url}/inbox")
    await hall.live(ann)
    await expect(ann.locator(f"{LISTED} .count")).to_have_text("120 unread")
    await ann.click(f"{LISTED} a")
    await hall.live(ann)
    # It begins at what is unread, and is read when the end is.
    await expect(ann.locator("#lines .unread + #m1")).to_be_in_viewport()
    await expect(ann.locator(f"{LISTED} .count")).to_have_text("120 unread")
    await ann.focus("#talk")
    await ann.keyboard.press("End")
    await expect(ann.locator("#m120")).to_be_in_viewport()
    await expect(ann.locator(f"{LISTED} .count")).to_have_count(0)
    await ann.reload()
    await hall.live(ann)
    await expect(ann.locator("#m120")).to_be_in_viewport()
    await expect(ann.locator("#m1")).to_have_count(0)
    for _ in range(100):
        await ann.evaluate("document.querySelector('#talk').scrollTop = 0")
        await ann.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 15)))")
        if await ann.locator("#m1").count():
            break
    await expect(ann.locator("#m1 .text")).to_have_text("text 1")


async def test_a_conversation_ends_with_its_room(hall: Hall) -> None:
    await room(hall)
    ann, bo = await enter(hall), await enter(hall)
    await open_name(hall, ann, bo)
    await write(ann, "hello")
    await ann.wait_for_url("**/inbox?c=c*")
    await hall.ask("DELETE", "/api/rooms/ops")
    await expect(ann.locator("#saying")).to_have_text("This conversation was deleted together with its room.")
    await expect(ann.locator("#lines .message")).to_have_count(0)
    await expect(ann.locator(LISTED)).to_have_count(0)
    await expect(ann.locator("#say")).to_be_hidden()


async def test_the_connection_is_told_and_what_was_written_meanwhile_is_sent(hall: Hall) -> None:
    await room(hall)
    ann, bo = await enter(hall), await enter(hall)
    await open_name(hall, ann, bo)
    await write(ann, "before")
    await ann.wait_for_url("**/inbox?c=c*")
    await hall.stop_server()
    await ann.wait_for_selector("#corner[data-state=lost]")
    await write(ann, "while nobody listened")
    await expect(ann.locator(".unsent .state")).to_contain_text("not sent")
    await expect(ann.locator("#saying")).to_contain_text("The server cannot be reached.")
    await hall.start_server()
    await expect(ann.locator(f"{SHOWN} .text")).to_have_text(["before", "while nobody listened"])
    await expect(ann.locator(".unsent")).to_have_count(0)


async def test_a_room_is_live_in_a_browser_without_cookies_on_every_transport(hall: Hall) -> None:
    await room(hall)
    for missing in ([], ["WebSocket"], ["WebSocket", "EventSource"]):
        page = await hall.page()
        for name in missing:
            await page.add_init_script(f"window.{name} = undefined")
        await page.add_init_script("Object.defineProperty(document, 'cookie', { get: () => '', set: () => {} })")

        async def drop(route: Any) -> None:
            headers = {name: value for name, value in route.request.headers.items() if name != "cookie"}
            await route.continue_(headers=headers)

        await page.route("**/*", drop)
        await page.goto(f"{hall.url}/rooms/ops")
        await hall.live(page)
        await page.goto(f"{hall.url}/inbox")
        await reads(page, "#none p", "Private messages begin in a room: open a name there.")
