"""People vote on phones, and the projector moves."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsing import Hall, becomes, reads
from playwright.async_api import Page, expect

from livewall.tasks.kinds import kinds as step_kinds
from livewall.voting.kinds import kinds

FIRST = ".row[data-option], .row >> nth=0"


async def figures(page: Page) -> list[str]:
    """What the projector's rows say, in their order."""
    return [(await each.text_content() or "").strip() for each in await page.query_selector_all(".figures b")]


async def test_a_vote_on_a_phone_moves_the_projector(hall: Hall) -> None:
    poll = await hall.poll()
    screen = await hall.projector(f"/polls/{poll}/screen")
    phone = await hall.phone(f"/polls/{poll}")
    assert await figures(screen) == ["0%", "0%", "0%"]
    await phone.click(".choice >> nth=1")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    await becomes(lambda: figures(screen), ["0%", "100%", "0%"])
    assert await screen.get_attribute(".bar >> nth=1", "width") == "100%"
    await reads(screen, "#turnout b", "1")
    assert await phone.get_attribute("#corner", "data-transport") == "websocket"


async def test_a_tap_is_pressed_at_once_and_the_ballot_may_be_changed_and_taken_back(hall: Hall) -> None:
    poll = await hall.poll()
    phone = await hall.phone(f"/polls/{poll}")
    await phone.click(".choice >> nth=0")
    await expect(phone.locator(".choice >> nth=0")).to_have_attribute("aria-pressed", "true")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    await phone.click(".choice >> nth=2")
    await becomes(lambda: phone.inner_text("#receipt b"), "Your ballot is in.")
    assert (await hall.ask("GET", f"/api/polls/{poll}"))["tally"]["counts"]["3"] == 1
    await phone.click("text=Retract")
    await reads(phone, "#receipt", "Your ballot was retracted.")
    assert (await hall.ask("GET", f"/api/polls/{poll}"))["tally"]["ballots"] == 0


async def test_ones_own_ballot_is_there_again_after_a_reload(hall: Hall) -> None:
    poll = await hall.poll()
    phone = await hall.phone(f"/polls/{poll}")
    await phone.click(".choice >> nth=1")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    receipt = await phone.inner_text("#receipt code")
    await phone.reload()
    await hall.live(phone)
    await phone.wait_for_selector(".choice.on >> nth=0")
    await reads(phone, "#receipt code", receipt)


async def test_several_choices_are_marked_first_and_cast_with_a_button(hall: Hall) -> None:
    poll = await hall.poll(kind="multi", max_choices=2)
    phone = await hall.phone(f"/polls/{poll}")
    assert await phone.is_disabled(".cast")
    await phone.click(".choice >> nth=0")
    await phone.click(".choice >> nth=2")
    assert (await hall.ask("GET", f"/api/polls/{poll}"))["tally"]["ballots"] == 0
    await phone.click(".cast")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    assert (await hall.ask("GET", f"/api/polls/{poll}"))["tally"]["counts"] == {"1": 1, "2": 0, "3": 1}


async def test_one_choice_too_many_is_refused_and_it_is_said(hall: Hall) -> None:
    poll = await hall.poll(kind="multi", max_choices=2)
    phone = await hall.phone(f"/polls/{poll}")
    for each in range(3):
        await phone.click(f".choice >> nth={each}")
    pressed = [await each.get_attribute("aria-pressed") for each in await phone.query_selector_all(".choice")]
    assert pressed == ["true", "true", "false"]
    await reads(phone, ".poll .over", "You can choose at most 2 options. Deselect one first.")
    await reads(phone, "#announcer", "You can choose at most 2 options. Deselect one first.")
    await phone.click(".choice >> nth=0")
    await reads(phone, ".poll .over", "")


async def test_the_focus_does_not_get_lost(hall: Hall) -> None:
    wall = await hall.wall()
    poll, final = (
        await hall.poll(kind="multi", max_choices=2, wall=wall),
        await hall.poll(allow_change=False, wall=wall),
    )
    await hall.show(wall, f"polls/{poll}")
    phone = await hall.phone(f"/w/{wall}", size=(640, 400))
    focused = "document.activeElement.id || document.activeElement.className || document.activeElement.localName"
    await phone.click(".choice >> nth=0")
    await phone.focus(".cast")
    await phone.keyboard.press("Enter")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    assert await phone.evaluate(focused) == "primary cast"
    # No option lies under the card of the receipt.
    assert await phone.evaluate("getComputedStyle(document.querySelector('#receipt')).position") == "static"
    await hall.show(wall, f"polls/{final}")
    await phone.wait_for_selector(".choice[aria-pressed=false] >> nth=0")
    await becomes(lambda: phone.evaluate("document.activeElement.localName"), "h1")
    await phone.click(".choice >> nth=0")
    await phone.focus(".cast")
    await phone.keyboard.press("Enter")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    assert await phone.evaluate(focused) == "receipt"


async def test_a_final_ballot_is_cast_with_a_button_and_then_stands(hall: Hall) -> None:
    poll = await hall.poll(allow_change=False)
    phone = await hall.phone(f"/polls/{poll}")
    await phone.click(".choice >> nth=1")
    await phone.click(".choice >> nth=0")
    await phone.click(".cast")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    assert await phone.is_disabled(".choice >> nth=1")
    assert (await hall.ask("GET", f"/api/polls/{poll}"))["tally"]["counts"]["1"] == 1


async def test_a_tally_for_voters_appears_with_the_vote_and_never_on_the_projector(hall: Hall) -> None:
    poll = await hall.poll(results="after_vote")
    await hall.vote(poll, "1", 3)
    screen = await hall.projector(f"/polls/{poll}/screen")
    phone = await hall.phone(f"/polls/{poll}")
    assert not await phone.is_visible(".percent >> nth=0")
    await phone.click(".choice >> nth=1")
    await reads(phone, ".percent >> nth=0", "75%")
    await reads(screen, "#turnout b", "4")
    assert await figures(screen) == ["", "", ""]
    await hall.ask("POST", f"/api/polls/{poll}/close")
    await becomes(lambda: figures(screen), ["75%", "25%", "0%"])


async def test_a_signed_in_host_sees_no_hidden_tally_on_the_projector(hall: Hall) -> None:
    poll = await hall.poll(results="after_close")
    await hall.vote(poll, "1", 2)
    host = await hall.host()
    await host.goto(f"{hall.url}/polls/{poll}/screen")
    await hall.live(host)
    assert await figures(host) == ["", "", ""]


async def test_no_option_looks_like_a_winner_until_the_poll_is_closed(hall: Hall) -> None:
    poll = await hall.poll()
    await hall.vote(poll, "2", 3)
    await hall.vote(poll, "1", 1)
    screen = await hall.projector(f"/polls/{poll}/screen")
    assert await screen.query_selector(".first") is None
    await hall.ask("POST", f"/api/polls/{poll}/close")
    await screen.wait_for_selector(".row.first")
    assert (await screen.inner_text("#countdown")).startswith("closed at ")
    assert await screen.inner_text(".row.first .label") == "The old one"
    assert await screen.inner_text("#assurance") == "one ballot per device"


async def test_long_labels_of_many_options_are_shown_whole_on_the_projector(hall: Hall) -> None:
    for options in (2, 7):
        label = "We move the whole release to a calm week in spring and tell everyone about it before day "
        screen = await hall.projector(
            f"/polls/{await hall.poll(options=[label + str(n) for n in range(options)])}/screen"
        )
        cut = "each => each.scrollHeight > each.clientHeight + 12"  # a line more; letters may reach over theirs
        assert not [each for each in await screen.query_selector_all(".row .label") if await each.evaluate(cut)]
        # The space between two options is larger than that between a label and its bar.
        inside, between = await screen.evaluate("""() => {
            const box = (selector, n) => document.querySelectorAll(selector)[n].getBoundingClientRect();
            return [box(".track", 0).top - box(".label", 0).bottom, box(".label", 1).top - box(".track", 0).bottom];
        }""")
        assert between > 1.5 * inside, options


async def test_labels_that_cannot_be_whole_take_the_room_there_is(hall: Hall) -> None:
    label = "We move the whole release to a calm week in spring and tell everyone about it before day "
    for options, lines in ((10, 3), (20, 1)):
        labels = [label + str(n) for n in range(options)]
        screen = await hall.projector(f"/polls/{await hall.poll(options=labels)}/screen")
        shown, bottom, room = await screen.evaluate("""() => {
            const label = document.querySelector(".row .label");
            const height = parseFloat(getComputedStyle(label).lineHeight);
            const rows = [...document.querySelectorAll(".row")].map((row) => row.getBoundingClientRect().bottom);
            const room = document.querySelector(".rows").getBoundingClientRect().bottom;
            return [label.clientHeight / height, Math.max(...rows), room];
        }""")
        assert round(shown) == lines and room - 40 < bottom <= room + 1, options


async def test_a_bar_grows_from_the_side_on_which_its_label_begins(hall: Hall) -> None:
    poll = await hall.poll(options=["Spring", "אביב"])
    await hall.vote(poll, "1")
    await hall.vote(poll, "2")
    for page in (await hall.projector(f"/polls/{poll}/screen"), await hall.phone(f"/polls/{poll}")):
        await becomes(lambda page=page: page.get_attribute(".bar >> nth=1", "width"), "50%")
        left = "e => e.getBoundingClientRect().left - e.parentElement.getBoundingClientRect().left"
        assert await page.eval_on_selector(".bar >> nth=0", left) < 5
        assert await page.eval_on_selector(".bar >> nth=1", left) > 50


async def test_a_new_round_empties_the_phone_and_begins_as_a_lobby(hall: Hall) -> None:
    poll = await hall.poll()
    phone = await hall.phone(f"/polls/{poll}")
    await phone.click(".choice >> nth=1")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    await hall.ask("POST", f"/api/polls/{poll}/close")
    await reads(phone, "#receipt b", "Your ballot was counted.")
    await hall.ask("POST", f"/api/polls/{poll}/reset", {"round": 1})
    await phone.wait_for_selector(".lobby")
    await hall.ask("POST", f"/api/polls/{poll}/open")
    await phone.wait_for_selector("button.choice")
    assert await phone.query_selector(".choice.on") is None
    await phone.click(".choice >> nth=0")
    await phone.wait_for_selector("#receipt[data-phase=safe]")


async def test_a_wall_is_followed_from_item_to_item(hall: Hall) -> None:
    wall = await hall.wall()
    first = await hall.poll(wall=wall)
    second = await hall.poll(wall=wall, title="And the next?")
    task = await hall.ask(
        "POST",
        "/api/tasks",
        {"title": "Release 4.2", "steps": [{"name": "fetch"}, {"name": "build", "needs": ["fetch"]}]},
    )
    phone = await hall.phone(f"/w/{wall}")
    screen = await hall.projector(f"/w/{wall}/screen")
    await reads(phone, ".lobby .what", "Nothing to vote on yet")
    await hall.show(wall, f"polls/{first}")
    for page in (phone, screen):
        await reads(page, "h1", "Which release?")
    await hall.show(wall, f"polls/{second}")
    for page in (phone, screen):
        await reads(page, "h1", "And the next?")
    await phone.click(".choice >> nth=0")
    await reads(screen, ".figures b >> nth=0", "100%")
    items = [f"polls/{first}", f"polls/{second}", f"tasks/{task['id']}"]
    await hall.ask("PUT", f"/api/walls/{wall}", {"items": items, "active": items[2]})
    for page in (phone, screen):
        await reads(page, "h1", "Release 4.2")
    await hall.ask("PUT", f"/api/tasks/{task['id']}/steps/fetch", {"state": "running", "progress": 0.5})
    await reads(phone, ".step .word >> nth=0", "running")
    assert await phone.get_attribute(".step .bar >> nth=0", "width") == "50%"
    await screen.wait_for_selector(".field .n[data-state=running]")
    assert "50%" in (await screen.text_content(".field .n[data-state=running]") or "")


async def test_a_task_of_an_operator_is_live(hall: Hall) -> None:
    task = await hall.ask(
        "POST", "/api/tasks", {"title": "Release", "steps": [{"name": "zip"}, {"name": "copy", "needs": ["zip"]}]}
    )
    host = await hall.host()
    await host.goto(f"{hall.url}/tasks/{task['id']}")
    await hall.live(host)
    await hall.ask("PUT", f"/api/tasks/{task['id']}/steps/zip", {"state": "failed", "message": "disk full"})
    await host.wait_for_selector(".n[data-step=zip][data-state=failed]")
    await host.wait_for_selector(".n[data-step=copy][data-state=skipped]")
    await reads(host, ".n[data-step=zip] .s", "disk full")


async def test_labels_are_text_and_nothing_else(hall: Hall) -> None:
    evil = [
        "<img src=x onerror=alert(1)>",
        "</script><script>alert(2)</script>",
        "<!--<script>",
        "\u202eright to left\u202c 😀",
    ]
    poll = await hall.poll(title="<b>bold</b> & <script>alert(0)</script>", options=evil)
    for path in (f"/polls/{poll}", f"/polls/{poll}/screen"):
        page = await hall.phone(path)
        assert await page.inner_text("h1") == "<b>bold</b> & <script>alert(0)</script>"
        labels = [await each.text_content() for each in await page.query_selector_all("#stage .label")]
        assert labels == evil


async def test_the_projector_needs_no_cookie_and_is_given_none(hall: Hall) -> None:
    poll = await hall.poll()
    screen = await hall.projector(f"/polls/{poll}/screen")
    assert await screen.context.cookies() == []


async def test_a_projector_on_a_loopback_address_shows_the_code_alone(hall: Hall) -> None:
    wall = await hall.wall()
    screen = await hall.projector(f"/w/{wall}/screen")
    assert "Phones cannot reach" not in await screen.inner_text("body")
    assert await screen.query_selector(".qr") is None


async def test_a_code_is_read_as_people_type_it(hall: Hall) -> None:
    wall = await hall.wall()
    page = await hall.page("/w")
    await page.fill("input[name=code]", f" {wall[:3].lower()}-{wall[3:].lower()} ")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/w/{wall}")
    await page.goto(f"{hall.url}/w?code=ABC")
    await reads(page, "#wrong", "A code has six letters and digits.")
    await page.goto(f"{hall.url}/w/{wall[:3]} {wall[3:].lower()}")
    assert page.url == f"{hall.url}/w/{wall}"
    await page.goto(f"{hall.url}/w/{wall[:3]} {wall[3:]}/screen")
    assert page.url == f"{hall.url}/w/{wall}/screen"
    await page.goto(f"{hall.url}/w/{wall[:3]} nothing")
    await reads(page, "#wrong", "A code has six letters and digits.")


async def test_a_result_is_printed_on_one_page(hall: Hall) -> None:
    poll = await hall.poll(options=[f"Option {number}" for number in range(1, 21)])
    await hall.vote(poll, "3", 2)
    for path in (f"/polls/{poll}", f"/polls/{poll}/screen"):
        page = await hall.phone(path)
        await page.wait_for_selector("#twin tbody tr", state="attached")
        pdf = await page.pdf(format="A4")
        assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type/Page/") == 1


async def test_each_module_is_asked_for_once_and_under_its_versioned_address(hall: Hall) -> None:
    poll = await hall.poll()
    page = await hall.page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/static/js/" in request.url else None)
    await page.goto(f"{hall.url}/polls/{poll}?packs=off")
    await hall.live(page)
    assert len(asked) == len(set(asked)) > 15
    assert all("?v=" in url for url in asked), asked


async def test_a_kind_of_poll_that_a_package_adds_is_voted_on_a_phone(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "installed")
    kinds.cache_clear()
    step_kinds.cache_clear()
    try:
        poll = await hall.poll(kind="pair")
        phone = await hall.phone(f"/polls/{poll}")
        screen = await hall.projector(f"/polls/{poll}/screen")
        await phone.click(".choice >> nth=0")
        await phone.click(".choice >> nth=2")
        await phone.click(".choice >> nth=1")
        await reads(phone, ".over", "You can choose at most 2 options. Deselect one first.")
        await phone.click(".cast")
        await phone.wait_for_selector("#receipt[data-phase=safe]")
        await becomes(lambda: figures(screen), ["100%", "0%", "100%"])
    finally:
        kinds.cache_clear()
        step_kinds.cache_clear()
