"""The audience's page of a wall with questions, a room and reactions, on phones of their own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from browsing import Hall, becomes
from playwright.async_api import Page, expect
from test_desk import check

MARKUP = '<img src=x onerror="alert(1)"> & <b>bold</b>'
LISTED = "#asked > .questions:not(.own) > .question"


async def wall(hall: Hall, **fields: Any) -> str:
    code = await hall.wall()
    await hall.ask("PUT", f"/api/walls/{code}", {"questions": "open", **fields})
    return code


async def voter(hall: Hall) -> str:
    return str((await hall.ask("POST", "/api/voters"))["token"])


async def ask(hall: Hall, code: str, text: str, votes: int = 0) -> int:
    question = await hall.ask("POST", f"/api/walls/{code}/questions", {"text": text}, await voter(hall))
    await vote(hall, code, question["n"], votes)
    return int(question["n"])


async def vote(hall: Hall, code: str, number: int, times: int = 1) -> None:
    for _ in range(times):
        await hall.ask("PUT", f"/api/walls/{code}/questions/{number}/vote", {}, await voter(hall))


async def questions(hall: Hall, code: str, **options: Any) -> Page:
    page = await hall.phone(f"/w/{code}?tab=questions", **options)
    await expect(page.locator("#ask textarea")).to_be_visible()
    await expect(page.locator("#asked .none, #asked .question").first).to_be_attached()
    return page


async def write(page: Page, text: str) -> None:
    await page.fill("#ask textarea", text)
    await page.click("#ask button")


async def shown(page: Page) -> list[int]:
    """The numbers of the questions on the page, from above."""
    found: list[int] = await page.eval_on_selector_all(LISTED, "all => all.map((each) => Number(each.id.slice(1)))")
    return found


async def is_accessible(page: Page) -> None:
    found: list[str] = []
    await check(page, page.url, found)
    assert found == []


async def test_two_phones_ask_and_vote(hall: Hall) -> None:
    code = await wall(hall)
    ann, bob = await questions(hall, code), await questions(hall, code)
    await write(ann, f"first\n{MARKUP}")
    await expect(bob.locator(f"{LISTED} .text")).to_have_text([f"first\n{MARKUP}"])
    await expect(bob.locator("#asked img")).to_have_count(0)
    await expect(ann.locator("#q1 .up")).to_have_attribute("aria-pressed", "true")
    await expect(ann.locator(".own .question")).to_have_count(0)
    await bob.check("#ask input[type=checkbox]")
    await write(bob, "second, see https://example.org/a.")
    await expect(ann.locator("#q2 .by span")).to_have_text("without a name")
    assert await ann.get_attribute("#q2 .text a", "rel") == "noopener nofollow ugc"
    await ann.click("#q2 .up")
    await ann.hover("#where")
    for page in (ann, bob):
        await expect(page.locator("#q2 .up b")).to_have_text("2")
        await becomes(lambda page=page: shown(page), [2, 1])
    await expect(bob.locator("#q2 .up")).to_have_attribute("aria-pressed", "true")
    await ann.reload()
    await expect(ann.locator("#q2 .up")).to_have_attribute("aria-pressed", "true")
    await ann.click("#q2 .up")
    await expect(bob.locator("#q2 .up b")).to_have_text("1")
    await hall.ask("PUT", f"/api/walls/{code}/questions/1", {"state": "pinned"})
    await expect(bob.locator("#q1 .pin")).to_have_text("being answered")
    await hall.ask("PUT", f"/api/walls/{code}/questions/2", {"state": "answered", "answer": "So."})
    await expect(bob.locator("#asked summary")).to_have_text("One answered question")
    await bob.click("#asked summary")
    await expect(bob.locator("details #q2 .answer")).to_have_text("Answer: So.")
    for page in (ann, bob):
        await is_accessible(page)


async def test_a_list_holds_still_while_somebody_points_at_it(hall: Hall) -> None:
    code = await wall(hall)
    for text in ("one", "two", "three"):
        await ask(hall, code, text)
    popular, newest = await ask(hall, code, "four", votes=4), await ask(hall, code, "five", votes=9)
    for number in (popular, newest):
        await hall.ask("PUT", f"/api/walls/{code}/questions/{number}", {"state": "hidden"})
    page = await questions(hall, code)
    await expect(page.locator(LISTED)).to_have_count(3)
    await page.hover("#q2")
    before = await page.locator("#q2").bounding_box()
    await vote(hall, code, 3, 2)
    await expect(page.locator("#q3 .up b")).to_have_text("3")
    await hall.ask("PUT", f"/api/walls/{code}/questions/{popular}", {"state": "shown"})
    await expect(page.locator("#asked .fresh")).to_have_text("↑ one new question")
    last = await ask(hall, code, "six")  # it belongs below all others
    await expect(page.locator(LISTED)).to_have_count(4)
    await hall.ask("PUT", f"/api/walls/{code}/questions/1", {"state": "hidden"})
    await expect(page.locator("#q1 .text")).to_have_text("A host took this question off the list.")
    assert await shown(page) == [1, 2, 3, last]
    assert await page.locator("#q2").bounding_box() == before
    # A moment after the pointer left, everything is where it belongs.
    await page.hover("#where")
    await becomes(lambda: shown(page), [popular, 3, 2, last])
    await expect(page.locator("#asked .fresh")).to_be_hidden()
    # The same while the keyboard is in the list; the button shows what is new at once.
    await page.focus("#ask button")
    await page.keyboard.press("Tab")
    await expect(page.locator(f"#q{popular} .up")).to_be_focused()
    await hall.ask("PUT", f"/api/walls/{code}/questions/{newest}", {"state": "shown"})
    await expect(page.locator("#asked .fresh button")).to_have_text("↑ one new question")
    assert newest not in await shown(page)
    await page.click("#asked .fresh button")
    await becomes(lambda: shown(page), [newest, popular, 3, 2, last])


async def test_a_finger_that_votes_keeps_its_place_until_it_has_left(hall: Hall) -> None:
    code = await wall(hall)
    for text in ("one", "two"):
        await ask(hall, code, text)
    page = await questions(hall, code, has_touch=True)
    await page.tap("#q2 .up")
    await expect(page.locator("#q2 .up")).to_have_attribute("aria-pressed", "true")
    assert await shown(page) == [1, 2]
    await becomes(lambda: shown(page), [2, 1])
    await expect(page.locator("#q2 .up")).to_be_focused()


async def test_a_moderated_question_waits_and_its_author_sees_that(hall: Hall) -> None:
    code = await wall(hall, questions="moderated")
    ann, bob = await questions(hall, code), await questions(hall, code)
    await expect(ann.locator("#asking")).to_have_text("A host looks at each question before everybody sees it.")
    await write(ann, "may I?")
    await expect(ann.locator(".own .waiting .state")).to_contain_text("waiting: a host looks at it first")
    await ann.reload()
    await expect(ann.locator(".own .waiting .text")).to_have_text("may I?")
    await is_accessible(ann)
    assert await shown(bob) == []
    await hall.ask("PUT", f"/api/walls/{code}/questions/1", {"state": "shown"})
    for page in (ann, bob):
        await expect(page.locator(f"{LISTED} .text")).to_have_text(["may I?"])
    await expect(ann.locator(".own .question")).to_have_count(0)
    await hall.ask("PUT", f"/api/walls/{code}", {"questions": "closed"})
    await expect(ann.locator("#ask")).to_be_hidden()
    await expect(ann.locator("#asking")).to_have_text("No more questions are taken. You can read them here.")
    await expect(ann.locator("#q1 .up")).to_have_attribute("aria-disabled", "true")
    await hall.ask("PUT", f"/api/walls/{code}", {"questions": "open"})
    await expect(ann.locator("#ask")).to_be_visible()


async def test_a_draft_is_kept_and_what_was_not_sent_is_asked_once(hall: Hall) -> None:
    code = await wall(hall)
    page = await questions(hall, code)
    await page.fill("#ask textarea", "half a thou")
    await page.reload()
    await hall.live(page)
    assert await page.input_value("#ask textarea") == "half a thou"
    await page.fill("#ask textarea", "x" * 4001)
    await expect(page.locator("#asking")).to_have_text("1 characters too many")
    await hall.stop_server()
    await page.wait_for_selector("#corner[data-state=lost]")
    await write(page, "while nobody listened")
    await expect(page.locator(".own .state")).to_contain_text("not sent")
    await page.click(".own button:text-is('Try again')")
    await expect(page.locator("#asking")).to_contain_text("The server cannot be reached.")
    await hall.start_server()
    await expect(page.locator(f"{LISTED} .text")).to_have_text(["while nobody listened"])
    await expect(page.locator(".own .question")).to_have_count(0)
    assert len((await hall.ask("GET", f"/api/walls/{code}/questions"))["items"]) == 1


async def test_an_answer_that_is_lost_asks_nothing_twice(hall: Hall) -> None:
    code = await wall(hall)
    page = await hall.page()
    await page.add_init_script("window.WebSocket = undefined")
    lost: list[str] = []

    async def swallow(route: Any) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        await route.fetch()  # the server has it, and its answer does not arrive
        lost.append(str(route.request.post_data_json["id"]))
        await (route.abort("connectionrefused") if len(lost) < 3 else route.continue_())

    await page.route(f"**/api/walls/{code}/questions", swallow)
    await page.goto(f"{hall.url}/w/{code}?tab=questions")
    await hall.live(page)
    await write(page, "once")
    await expect(page.locator(f"{LISTED} .text")).to_have_text(["once"])
    await expect(page.locator(".own .question")).to_have_count(0)
    assert len(set(lost)) == 1 and len((await hall.ask("GET", f"/api/walls/{code}/questions"))["items"]) == 1


async def test_too_many_questions_wait_and_say_for_how_long(hall: Hall) -> None:
    code = await wall(hall)
    page = await hall.page()
    await page.add_init_script("window.WebSocket = undefined")

    async def refuse(route: Any) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        error = {"error": {"code": "rate", "message": "too many"}}
        await route.fulfill(status=429, json=error, headers={"Retry-After": "173"})

    await page.route(f"**/api/walls/{code}/questions", refuse)
    await page.goto(f"{hall.url}/w/{code}?tab=questions")
    await hall.live(page)
    await write(page, "one more")
    await expect(page.locator("#asking")).to_contain_text("Yours is sent in 2:5")


async def test_tabs_follow_what_is_shown_until_one_is_chosen_and_are_marked_from_then_on(hall: Hall) -> None:
    code = await wall(hall)
    await hall.ask("POST", "/api/rooms", {"name": "ops", "title": "Talk"})
    poll = await hall.poll(wall=code)
    items = [f"polls/{poll}", f"questions/{code}", "rooms/ops"]
    await hall.ask("PUT", f"/api/walls/{code}", {"items": items})
    reader, asker = await hall.phone(f"/w/{code}"), await hall.phone(f"/w/{code}")
    selected = "#tabs [aria-selected=true]"
    for item, tab in ((items[1], "questions"), (items[2], "talk"), (items[0], "vote"), (items[1], "questions")):
        await hall.show(code, item)
        await expect(reader.locator(selected)).to_have_id(f"tab-{tab}")
    await expect(reader.locator("#questionspanel")).to_be_visible()
    # Somebody writes a question when a vote begins: nothing is taken from under their fingers.
    await expect(asker.locator(selected)).to_have_id("tab-questions")
    await asker.fill("#ask textarea", "What if")
    await hall.show(code, items[0])
    await expect(reader.locator(selected)).to_have_id("tab-vote")
    await expect(asker.locator("#tab-vote .spoken")).to_have_text(" – a vote is open")
    await expect(asker.locator("#tab-vote")).to_have_class("new")
    await is_accessible(asker)
    await expect(asker.locator(selected)).to_have_id("tab-questions")
    assert await asker.input_value("#ask textarea") == "What if"
    await asker.click("#tab-vote")
    await expect(asker.locator("button.choice").first).to_be_visible()
    await expect(asker.locator("#tab-vote .spoken")).to_have_text("")
    # What comes elsewhere is marked, too, and no longer after a look.
    await ask(hall, code, "Why?")
    await hall.ask("POST", "/api/rooms/ops/messages", {"text": "hello"}, await voter(hall))
    await expect(asker.locator("#tab-questions .spoken")).to_have_text(" – new questions")
    await expect(asker.locator("#tab-talk .spoken")).to_have_text(" – new messages")
    await asker.focus("#tab-vote")
    await asker.keyboard.press("ArrowRight")
    await expect(asker.locator("#tab-questions")).to_be_focused()
    await expect(asker.locator("#tab-questions .spoken")).to_have_text("")
    await asker.keyboard.press("End")
    await expect(asker.locator("#lines .message .text")).to_have_text(["hello"])
    await expect(asker.locator("#tab-talk .spoken")).to_have_text("")
    await is_accessible(asker)
    await asker.reload()
    await expect(asker.locator(selected)).to_have_id("tab-talk")


async def test_a_room_is_a_panel_of_the_wall(hall: Hall) -> None:
    code = await hall.wall()
    await hall.ask("POST", "/api/rooms", {"name": "ops", "title": "Talk"})
    await hall.ask("POST", "/api/rooms", {"name": "other", "title": "Other"})
    await hall.ask("PUT", f"/api/walls/{code}", {"items": ["rooms/ops", "rooms/other"]})
    ann, bob = await hall.phone(f"/w/{code}?tab=talk"), await hall.phone("/rooms/ops")
    await ann.fill("#text", "from the wall")
    await ann.press("#text", "Enter")
    await expect(bob.locator("#lines .message .text")).to_have_text(["from the wall"])
    await bob.fill("#text", "from the room")
    await bob.press("#text", "Enter")
    await expect(ann.locator("#lines .message:not(.unsent) .text")).to_have_text(["from the wall", "from the room"])
    await expect(ann.locator("#present")).to_have_text("2 here")
    assert await ann.evaluate("document.documentElement.scrollHeight <= innerHeight")
    # Another room that is shown takes the panel.
    await hall.show(code, "rooms/other")
    await expect(ann.locator("#lines .message")).to_have_count(0)
    await ann.fill("#text", "elsewhere")
    await ann.press("#text", "Enter")
    await becomes(lambda: texts(hall, "other"), ["elsewhere"])


async def texts(hall: Hall, room: str) -> list[str]:
    return [each["text"] for each in (await hall.ask("GET", f"/api/rooms/{room}/messages"))["items"]]


async def test_questions_that_are_turned_on_later_come_to_an_open_page(hall: Hall) -> None:
    code = await hall.wall()
    page = await hall.phone(f"/w/{code}")
    await expect(page.locator("#tabs")).to_be_hidden()
    await hall.ask("PUT", f"/api/walls/{code}", {"questions": "open", "reactions": True})
    await page.click("#tab-questions")
    await write(page, "late")
    await expect(page.locator(f"{LISTED} .text")).to_have_text(["late"])
    await hall.ask("PUT", f"/api/walls/{code}", {"questions": "off", "reactions": False})
    await expect(page.locator("#tabs")).to_be_hidden()
    await expect(page.locator(".lobby")).to_be_visible()
    await expect(page.locator(".reactions")).to_be_hidden()


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
async def test_reactions_are_counted_and_float_where_motion_is_wanted(hall: Hall, motion: Any) -> None:
    code = await wall(hall, reactions=True)
    ann, bob = (
        await hall.phone(f"/w/{code}", reduced_motion=motion),
        await hall.phone(f"/w/{code}", reduced_motion=motion),
    )
    await is_accessible(ann)
    await bob.evaluate(
        "window.floats = 0; new MutationObserver((all) => { for (const each of all) for (const node of each.addedNodes)"
        " if (node.className && String(node.className).startsWith('float')) floats += 1; })"
        ".observe(document.body, { childList: true, subtree: true })"
    )
    await ann.click(".reactions button >> nth=0")
    await ann.click(".reactions button >> nth=0")  # at once: the button rests
    await expect(bob.locator(".reactions small").first).to_have_text("1")
    assert await bob.evaluate("floats") == (1 if motion == "no-preference" else 0)
    await expect(bob.locator(".reactions .float")).to_have_count(0)


async def test_hundreds_of_questions_scroll_like_ten(hall: Hall) -> None:
    code = await wall(hall)
    await asyncio.gather(
        *[ask(hall, code, f"Question {number} " + "and more " * (number % 9)) for number in range(400)]
    )
    page = await questions(hall, code)
    await expect(page.locator(LISTED)).to_have_count(400)
    took: float = await page.evaluate(
        "async () => { const at = performance.now(); for (let n = 0; n < 20; n += 1) { scrollBy(0, 2000);"
        " await new Promise(requestAnimationFrame); } return performance.now() - at; }"
    )
    assert took < 5_000
    await vote(hall, code, 200, 2)
    await page.evaluate("scrollTo(0, 0)")
    await becomes(lambda: page.evaluate(f"document.querySelector('{LISTED}').id"), "q200")
