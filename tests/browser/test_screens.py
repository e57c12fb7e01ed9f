"""Screens of a hall: they reveal together, outlive their network, and say how they are."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from browsing import Hall, reads
from playwright.async_api import Page, expect

NOTE = """() => {
    const stage = document.getElementById("stage");
    window.seen = [];
    const look = () => {
        const poll = stage.querySelector(".poll");
        const said = `${poll.dataset.counted} ${poll.querySelector(".note").textContent}`;
        if (said !== (window.seen.at(-1) || {}).said) window.seen.push({ said, at: Date.now() });
    };
    const all = { subtree: true, childList: true, attributes: true, characterData: true };
    new MutationObserver(look).observe(stage, all);
}"""


async def test_a_result_is_shown_on_all_pages_at_its_moment_and_not_before(hall: Hall) -> None:
    poll = await hall.poll(results="after_close")
    await hall.vote(poll, "2", 3)
    pages: list[Page] = [
        await hall.projector(f"/polls/{poll}/screen"),
        await hall.projector(f"/polls/{poll}/screen"),
        await hall.phone(f"/polls/{poll}"),
    ]
    for page in pages:
        await page.evaluate(NOTE)
    closed = await hall.ask("POST", f"/api/polls/{poll}/close")
    moment = datetime.fromisoformat(closed["reveal_at"]).timestamp() * 1000
    for page in pages:
        await page.wait_for_selector('.poll[data-counted="true"]')
        await reads(page, ".note", "")
        seen = await page.evaluate("window.seen")
        told = [each["said"] for each in seen]
        assert "false The result appears in a moment." in told and told[-1] == "true ", told
        # Server and browser share a clock here, so no page may be early: one that is late has a reason of its own.
        assert next(each["at"] for each in seen if each["said"].startswith("true")) >= moment - 1
    late = await hall.projector(f"/polls/{poll}/screen")
    await reads(late, ".row.first .figures b", "100%")


async def test_the_end_of_a_wall_is_shown_and_the_next_question_takes_its_place(hall: Hall) -> None:
    wall = await hall.wall()
    poll = await hall.poll(wall=wall, title="First?")
    await hall.vote(poll, "2", 3)
    await hall.show(wall, f"polls/{poll}")
    screen = await hall.projector(f"/w/{wall}/screen")
    await hall.ask("POST", f"/api/polls/{poll}/close")
    await screen.wait_for_selector(".row.first")
    await hall.show(wall, None)
    await reads(screen, ".results article .first b", "100%")
    await reads(screen, ".end h1", "Autumn Forum")
    await expect(screen.locator(".join")).to_be_hidden()
    await screen.keyboard.press("?")
    await reads(screen, ".keys dd >> nth=0", "Full screen")
    await screen.keyboard.press("Escape")
    await screen.wait_for_selector(".keys", state="detached")
    await hall.show(wall, f"polls/{await hall.poll(wall=wall, title='Second?')}")
    await reads(screen, ".poll h1", "Second?")


async def test_a_slide_has_the_poster_alone_and_the_connection_when_it_is_lost(hall: Hall) -> None:
    poll = await hall.poll()
    box = await hall.box()
    slide = await hall.page(f"/polls/{poll}/screen?embed=1", base=box.url, size=(960, 540))
    await slide.wait_for_selector("#corner[data-state=live]", state="attached")
    for gone in (".invite", "#where", "#corner"):
        assert not await slide.is_visible(gone)
    assert await slide.is_visible("#turnout b")
    box.away = True
    await box.cut()
    await slide.wait_for_selector("#corner[data-state=lost]")


async def test_labels_that_are_wider_than_was_estimated_do_not_run_into_each_other(hall: Hall) -> None:
    poll = await hall.poll(options=["W" * 40, "a", "W" * 44, "b", "W" * 48, "c"])
    screen = await hall.projector(f"/polls/{poll}/screen")
    boxes = await screen.evaluate("""() => [...document.querySelectorAll(".row")].map((row) => {
        const sides = [...row.children].map((each) => each.getBoundingClientRect());
        return [Math.min(...sides.map((s) => s.top)), Math.max(...sides.map((s) => s.bottom))];
    })""")
    assert all(above[1] < below[0] for above, below in pairwise(boxes)), boxes


async def test_more_contrast_is_had_by_asking_for_it(hall: Hall) -> None:
    poll = await hall.poll()
    ground = "getComputedStyle(document.body).backgroundColor"
    asked = await hall.phone(f"/polls/{poll}?theme=contrast", color_scheme="light")
    assert await asked.evaluate(ground) == "rgb(0, 0, 0)"
    system = await hall.phone(f"/polls/{poll}", color_scheme="light", contrast="more")
    assert await system.evaluate(ground) == "rgb(255, 255, 255)"
