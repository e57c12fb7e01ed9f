"""The pages of tasks, as people use them: chart, log, list, forms; by mouse, by keyboard, without script, on a wall."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import ADMIN, Hall, becomes, reads
from playwright.async_api import Page, expect
from test_desk import check
from tornado.httpclient import HTTPRequest

from livewall.settings import Settings

STEPS: list[tuple[str, list[str]]] = [
    ("fetch", []),
    ("lint", ["fetch"]),
    ("test", ["fetch"]),
    ("wheel", ["fetch"]),
    ("install", ["lint", "test", "wheel"]),
]
PIPELINE = """
title = "Say it"
[params.times]
type = "integer"
default = 3
[params.words]
default = "hello"
pattern = "[a-z ]+"
[[steps]]
name = "say"
run = [
    "sh", "-c", 'i=0; while [ $i -lt "$1" ]; do i=$((i+1)); echo "$2 $i"; done',
    "sh", "{params.times}", "{params.words}",
]
[[steps]]
name = "fail"
needs = ["say"]
run = ["sh", "-c", "echo going down; exit 3"]
"""

COUNT_ADDED = """() => {
    window.added = 0;
    const count = (list) => list.forEach((each) => each.addedNodes.forEach((node) => {
        window.added += node.nodeType === 1;
    }));
    new MutationObserver(count).observe(document.querySelector("#chart"), { childList: true, subtree: true });
}"""
SCROLL_TO = "place => { const e = document.querySelector('.lines'); e.scrollTop = place * e.scrollHeight; }"
ALL_FILLED = "() => [...document.querySelectorAll('.ln:not([hidden]) .tx')].every((text) => text.textContent)"
INSIDE = """() => {
    const field = document.querySelector(".field").getBoundingClientRect();
    return [...document.querySelectorAll(".field .n")].map((each) => each.getBoundingClientRect()).every(
        (box) => box.left >= field.left - 2 && box.right <= field.right + 2 && box.bottom <= field.bottom + 2);
}"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "talk.toml").write_text(PIPELINE)
    (folder / "broken.toml").write_text('[[steps]]\nname = "a"\nneeds = ["b"]\nrun = ["true"]\n')
    return Settings(port=0, data=tmp_path / "data", admin_token=ADMIN, rate_limits=False, pipelines=folder)


async def made(hall: Hall, steps: list[tuple[str, list[str]]] = STEPS, title: str = "Release 4.2") -> str:
    body = {"title": title, "steps": [{"name": name, "needs": needs} for name, needs in steps]}
    return str((await hall.ask("POST", "/api/tasks", body))["id"])


async def report(hall: Hall, task: str, step: str, **fields: Any) -> None:
    await hall.ask("PUT", f"/api/tasks/{task}/steps/{step}", fields)


async def say(hall: Hall, task: str, step: str, text: str) -> None:
    headers = {"Authorization": f"Bearer {ADMIN}"}
    for at in range(0, len(text), 900_000):
        url = f"{hall.url}/api/tasks/{task}/logs/{step}"
        await hall.http.fetch(HTTPRequest(url, "POST", headers, text[at : at + 900_000].encode()))


async def operator(
    hall: Hall, path: str, size: tuple[int, int] = (1280, 800), script: str = "", **options: Any
) -> Page:
    page = await hall.page(size=size, **options)
    if script:
        await page.add_init_script(script)
    await page.goto(f"{hall.url}/")
    await page.fill("input[name=token]", ADMIN)
    await page.click("main button")
    await page.wait_for_selector("text=Signed in as admin")
    await page.goto(hall.url + path)
    return await hall.live(page)


async def line_texts(page: Page) -> list[str]:
    return [text.strip() for text in await page.locator(".ln:not([hidden]) .tx").all_inner_texts()]


async def test_a_change_of_state_makes_no_element(hall: Hall) -> None:
    task = await made(hall)
    page = await operator(hall, f"/tasks/{task}")
    await page.wait_for_selector(".n[data-step=fetch]")
    await page.evaluate(COUNT_ADDED)
    place = await page.get_attribute(".n[data-step=test]", "transform")
    for step, _ in STEPS:
        await report(hall, task, step, state="running", progress=0.4, message="half of it")
        await page.wait_for_selector(f".n[data-step={step}][data-state=running]")
        await report(hall, task, step, state="failed" if step == "test" else "succeeded")
        await page.wait_for_selector(f".n[data-step={step}]:not([data-state=running])")
        if step == "wheel":
            break
    await page.wait_for_selector(".n[data-step=install][data-state=skipped]")
    assert await page.evaluate("window.added") == 0
    assert await page.get_attribute(".n[data-step=test]", "transform") == place
    assert "failed" in await page.inner_text(".head .badge")
    assert await page.get_attribute(".n[data-step=test]", "aria-label") == "test, failed, half of it"


async def test_the_chart_is_walked_through_with_the_keyboard(hall: Hall) -> None:
    task = await made(hall)
    await report(hall, task, "fetch", state="running")
    await say(hall, task, "lint", "a line of lint\n")
    page = await operator(hall, f"/tasks/{task}")
    await page.focus(".n[data-step=fetch]")
    for key, step in (("ArrowRight", "test"), ("ArrowUp", "lint"), ("ArrowRight", "install"), ("ArrowLeft", "test")):
        await page.keyboard.press(key)
        await expect(page.locator(f".n[data-step={step}]")).to_be_focused()
    await expect(page.locator(".n[tabindex='0']")).to_have_count(1)
    scale = "document.querySelector('.world').getAttribute('transform').match(/scale\\(([\\d.]+)/)[1] * 1"
    before = await page.evaluate(scale)
    await page.keyboard.press("+")
    await page.wait_for_function(f"before => {scale} > before", arg=before)
    await page.keyboard.press("0")
    await becomes(lambda: page.evaluate(scale), before)
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await reads(page, ".log .name", "lint")
    assert page.url.endswith("#step=lint")
    await becomes(lambda: line_texts(page), ["a line of lint"])


async def test_a_chart_is_moved_by_hand_and_a_drag_chooses_nothing(hall: Hall) -> None:
    steps = [(f"step-{n}", [f"step-{n - 1}"] if n else []) for n in range(30)]
    task = await made(hall, steps)
    page = await operator(hall, f"/tasks/{task}")
    await reads(page, ".log .name", "step-0")
    place = page.locator(".world")
    start = await place.get_attribute("transform")
    box = await page.locator(".n[data-step=step-3]").bounding_box()
    assert box
    await page.mouse.move(box["x"] + 20, box["y"] + 20)
    await page.mouse.down()
    await page.mouse.move(box["x"] - 120, box["y"] + 20, steps=5)
    await page.mouse.up()
    dragged = await place.get_attribute("transform")
    assert dragged != start
    await reads(page, ".log .name", "step-0")
    moved = "was => document.querySelector('.world').getAttribute('transform') !== was"
    await page.mouse.wheel(400, 0)
    await page.wait_for_function(moved, arg=dragged)
    assert "scale(0.2)" in (await place.get_attribute("transform") or "")
    await page.keyboard.down("Control")
    await page.mouse.wheel(0, -300)
    await page.wait_for_function("() => !document.querySelector('.world').getAttribute('transform').includes('(0.2)')")
    await page.keyboard.up("Control")
    await page.click("#chart .zoom_fit")
    await page.click(".n[data-step=step-20]", force=True)
    await reads(page, ".log .name", "step-20")


async def test_a_log_is_followed_until_one_scrolls_up_and_again_on_demand(hall: Hall) -> None:
    task = await made(hall)
    await report(hall, task, "fetch", state="running")
    await say(hall, task, "fetch", "".join(f"line {n}\n" for n in range(1, 301)))
    page = await operator(hall, f"/tasks/{task}")
    last = page.locator(".ln:not([hidden]) .tx").last
    await becomes(last.inner_text, "line 300")
    await say(hall, task, "fetch", "\x1b[31mline 301\x1b[0m <b>no markup</b>\n10%\r20%\n")
    await becomes(last.inner_text, "20%")
    assert await page.inner_text(".a-ink1") == "line 301"
    await page.hover(".lines")
    await page.mouse.wheel(0, -600)
    await page.wait_for_selector(".follow[aria-pressed=false]")
    top = await page.locator(".ln .tx").first.inner_text()
    await say(hall, task, "fetch", "line 303\n")
    await reads(page, ".log .size", "303 lines · 2.6 kB")
    assert await page.locator(".ln .tx").first.inner_text() == top
    await page.click(".follow")
    await becomes(last.inner_text, "line 303")


async def test_a_log_is_followed_where_there_are_no_websockets(hall: Hall) -> None:
    task = await made(hall)
    await report(hall, task, "fetch", state="running")
    page = await operator(hall, f"/tasks/{task}", script="delete window.WebSocket")
    await page.wait_for_selector("#corner[data-transport=sse][data-state=live]")
    for n in range(1, 4):
        await say(hall, task, "fetch", f"line {n}\n")
        await becomes(lambda: line_texts(page), [f"line {m}" for m in range(1, n + 1)])
    await report(hall, task, "fetch", state="succeeded")
    await report(hall, task, "test", state="running")
    await say(hall, task, "test", "another log\n")
    await page.click(".n[data-step=test]")
    await becomes(lambda: line_texts(page), ["another log"])
    await say(hall, task, "test", "goes on\n")
    await becomes(lambda: line_texts(page), ["another log", "goes on"])


async def test_a_link_to_a_line_and_a_search_reach_the_middle_of_a_long_log(hall: Hall) -> None:
    task = await made(hall)
    await report(hall, task, "fetch", state="succeeded")
    lines = (f"line {n} {'hay' if n % 1000 - 7 else 'needle'}\n" for n in range(1, 60_001))
    await say(hall, task, "fetch", "".join(lines))
    page = await operator(hall, f"/tasks/{task}#step=fetch&line=31415")
    await reads(page, ".ln.target .tx", "line 31415 hay")
    await page.fill(".log input[type=search]", "NEEDLE")
    await reads(page, ".log .found", "1 of 60 lines")
    for _ in range(30):
        await page.press(".log input[type=search]", "Enter")
    await reads(page, ".log .found", "31 of 60 lines")
    await reads(page, ".ln.target mark", "needle")
    await reads(page, ".ln.target .tx", "line 30007 needle")
    await page.press(".log input[type=search]", "Shift+Enter")
    await reads(page, ".ln.target .tx", "line 29007 needle")
    await page.click(".ln.target .no")
    assert page.url.endswith("#step=fetch&line=29007")
    await page.click(".times")
    await page.click(".wrap")
    await expect(page.locator(".ln .at").first).to_be_hidden()
    await reads(page, ".ln.target .tx", "line 29007 needle")


async def test_redraws_and_colours_are_seen_as_on_a_terminal(hall: Hall) -> None:
    task = await made(hall)
    await report(hall, task, "fetch", state="running")
    await say(hall, task, "fetch", "\x1b[31merror\x1b[0m: no\na: 0\nb: 0\n")
    page = await operator(hall, f"/tasks/{task}#step=fetch&line=1")
    await becomes(lambda: line_texts(page), ["error: no", "a: 0", "b: 0"])
    frames = "".join(f"\x1b[2A\x1b[2Ka: {n}\n\x1b[2K\x1b[1Gb: {n}\n" for n in range(1, 900))
    await say(hall, task, "fetch", frames + "x\x90y\n\x1b]0;no end")
    await becomes(lambda: line_texts(page), ["error: no", "a: 899", "b: 899", "x<U+0090>y", "\u241b]0;no end"])
    numbers = await page.locator(".ln:not([hidden]) .no").all_inner_texts()
    assert numbers == ["1", "1800", "1801", "1802", "1803"]
    assert await page.locator(".ln .a-ink1").inner_text() == "error"
    await page.fill(".log input[type=search]", "ERROR: n")
    await reads(page, ".log .found", "1 of 1 line")
    assert await page.locator(".ln.target mark").all_inner_texts() == ["error", ": n"]


async def test_a_long_log_costs_little_to_open_and_little_to_hold(hall: Hall) -> None:
    task = await made(hall)
    await report(hall, task, "fetch", state="succeeded")
    text = "".join(f"{n} {'x' * 180}\n" for n in range(1, 40_001))  # 7.4 MB
    await say(hall, task, "fetch", text)
    page = await operator(hall, "/tasks")
    answers: list[Any] = []

    async def moved() -> int:
        return sum([len(await answer.body()) for answer in answers if "/logs/" in answer.url])

    page.on("response", lambda answer: answers.append(answer))
    await page.goto(f"{hall.url}/tasks/{task}")
    await becomes(page.locator(".ln:not([hidden]) .no").first.inner_text, "1")
    assert 0 < await moved() < 200_000
    for place in (0.2, 0.5, 0.9, 0.4, 1, 0):
        await page.evaluate(SCROLL_TO, place)
        await page.wait_for_function(ALL_FILLED)
    first = await page.locator(".ln:not([hidden])").count()
    assert first < 60
    assert await moved() < 1_000_000


async def test_a_host_sees_the_chart_and_is_told_about_the_log(hall: Hall) -> None:
    task = await made(hall)
    await say(hall, task, "fetch", "secret output\n")
    link = (await hall.ask("POST", "/api/logins", {"role": "host"}))["link"]
    page = await hall.page("/w")
    await page.goto(link)
    await page.click("main button")
    await page.goto(f"{hall.url}/tasks/{task}")
    await hall.live(page)
    await page.wait_for_selector(".n[data-step=install]")
    assert "Only operators can read logs" in await page.inner_text("#log")
    assert await page.query_selector("#cancel") is None
    assert "secret output" not in await page.content()


async def test_a_pipeline_is_started_by_its_form_and_its_log_read(hall: Hall) -> None:
    page = await operator(hall, "/tasks")
    assert "broken.toml:3:" in await page.inner_text(".faults")
    await page.click(".pipelines a:text-is('Start…')")
    await page.fill("input[name='params.times']", "many")
    await page.fill("input[name='params.words']", "no; rm")
    await page.click("main button.primary")
    await expect(page.locator("[id='params.times.hint']")).to_contain_text("must be a whole number")
    await expect(page.locator("[id='params.words.hint']")).to_contain_text("must match")
    assert await page.input_value("input[name='params.words']") == "no; rm"
    await page.fill("input[name='params.times']", "5")
    await page.fill("input[name='params.words']", "well said")
    await page.click("main button.primary")
    await hall.live(page)
    await reads(page, ".head .badge .word", "failed")
    await page.click(".n[data-step=say]")
    await becomes(lambda: line_texts(page), [f"well said {n}" for n in range(1, 6)])
    await page.click(".n[data-step=fail]")
    await becomes(lambda: line_texts(page), ["going down"])
    await page.click(".params summary")
    await expect(page.locator(".params dl")).to_contain_text("well said")
    old = page.url.partition("#")[0]
    await page.click("#retry")
    await expect(page.locator("dialog[open] .acts button")).to_have_text(["Retry the task", "Not now"])
    await expect(page.locator("dialog[open] button.second")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    assert page.url.partition("#")[0] == old
    await page.click("#retry")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_function("old => location.href.split('#')[0] !== old", arg=old)
    await hall.live(page)
    assert "retry of" in await page.inner_text(".head .sub")


async def test_a_task_is_cancelled_only_when_one_is_sure(hall: Hall) -> None:
    task = await made(hall)
    page = await operator(hall, f"/tasks/{task}")
    await page.click("#cancel")
    await page.click("dialog button:text-is('Keep it running')")
    assert (await hall.ask("GET", f"/api/tasks/{task}"))["state"] == "pending"
    await page.click("#cancel")
    await page.click("dialog button:text-is('Cancel the task')")
    await page.wait_for_selector(".head .badge:not([data-state=pending])")
    assert (await hall.ask("GET", f"/api/tasks/{task}"))["state"] in ("cancelling", "cancelled")


async def test_the_question_whether_to_cancel_closes_when_the_task_has_ended(hall: Hall) -> None:
    task = await made(hall)
    page = await operator(hall, f"/tasks/{task}")
    await page.click("#cancel")
    buttons = page.locator("dialog[open] .acts button")
    await expect(buttons).to_have_text(["Cancel the task", "Keep it running"])
    await expect(buttons.nth(1)).to_be_focused()
    await page.keyboard.press("Tab")  # to the browser, or around
    await page.keyboard.press("Shift+Tab")
    await expect(buttons.nth(1)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    await expect(page.locator("#cancel")).to_be_focused()
    assert (await hall.ask("GET", f"/api/tasks/{task}"))["state"] == "pending"
    await page.click("#cancel")
    await hall.ask("POST", f"/api/tasks/{task}/cancel")
    await expect(page.locator("dialog")).to_have_count(0)


async def test_who_may_not_any_more_is_told_so(hall: Hall) -> None:
    token = (await hall.ask("POST", "/api/tokens", {"role": "operator", "name": "Lin"}))["token"]
    task = await made(hall)
    page = await hall.page("/", size=(1280, 800))
    await page.fill("input[name=token]", token)
    await page.click("main button")
    await page.goto(f"{hall.url}/tasks/{task}")
    await hall.live(page)
    refusal = {"status": 403, "content_type": "application/json"}
    body = '{"error": {"code": "forbidden", "message": "this needs the role operator"}}'
    await page.route("**/cancel", lambda route: route.fulfill(**refusal, body=body))
    await page.click("#cancel")
    await page.click("dialog button:text-is('Cancel the task')")
    await reads(page, "#answer", "You do not have access to this.")


async def test_the_list_moves_by_itself_and_is_filtered(hall: Hall) -> None:
    task = await made(hall, title="Release 4.2")
    other = await made(hall, title="Nightly")
    page = await operator(hall, "/tasks")
    row = f".entry[data-id='{task}']"
    await page.wait_for_selector(f"[data-group=waiting] {row}")
    await report(hall, task, "fetch", state="running")
    await page.wait_for_selector(f"[data-group=running] {row}")
    await reads(page, f"{row} .rest", "no estimate")
    await page.fill("#q", "night")
    await page.wait_for_selector(row, state="detached")
    await expect(page.locator(".entry")).to_have_count(1)
    assert page.url.endswith("?q=night")
    await page.fill("#q", "nothing like it")
    await reads(page, "#outcome", "No task matches this filter.")
    await page.fill("#q", "")
    await page.wait_for_selector(f".entry[data-id='{other}']")
    # While somebody points at the list no row leaves its place.
    await page.hover(row)
    for step, _ in STEPS:
        await report(hall, task, step, state="succeeded")
    await reads(page, f"{row} .word", "succeeded")
    assert await page.query_selector(f"[data-group=running] {row}")
    await page.wait_for_selector(f"[data-group=ended] {row}")


async def test_without_script_a_task_and_the_list_are_readable(hall: Hall) -> None:
    task = await made(hall)
    await report(hall, task, "fetch", state="running", message="318 objects")
    await say(hall, task, "fetch", "\x1b[32mgreen\x1b[0m <i>text</i>\n10%\r20%\n")
    page = await hall.page("/", size=(1280, 800), java_script_enabled=False)
    await page.fill("input[name=token]", ADMIN)
    await page.click("main button")
    await page.goto(f"{hall.url}/tasks")
    assert "Release 4.2" in await page.inner_text("[data-group=running]")
    await page.click("text=Release 4.2")
    await expect(page.locator(".graph .n")).to_have_count(5)
    await expect(page.locator("#steptable")).to_contain_text("318 objects")
    assert await page.is_visible("#steptable")
    await page.click("#steptable a:text-is('fetch')")
    await expect(page.locator(".plainlog li")).to_have_text(["green <i>text</i>", "20%"], use_inner_text=True)
    assert await page.get_attribute("meta[http-equiv=refresh]", "content") == "5"


async def test_without_script_a_pipeline_is_started_and_a_task_cancelled(hall: Hall) -> None:
    page = await hall.page("/", size=(1280, 800), java_script_enabled=False)
    await page.fill("input[name=token]", ADMIN)
    await page.click("main button")
    await page.goto(f"{hall.url}/pipelines/talk")
    await expect(page.locator("h1")).to_be_visible()
    await expect(page.locator("button.primary")).to_be_visible()
    task = await made(hall)
    await page.goto(f"{hall.url}/tasks/{task}")
    await page.click(".head .acts button:visible")
    await page.wait_for_selector("h1:text-is('Cancel this task?')")
    await page.click("text=Keep it running")
    await page.wait_for_selector(".head .badge[data-state=pending]")
    await page.click(".head .acts button:visible")
    await page.click("button.danger")
    await page.wait_for_selector(".head .badge[data-state=cancelled]")
    await expect(page.locator(".head .acts button:visible")).to_have_count(0)


async def test_a_page_with_script_puts_its_own_buttons_in_the_place_of_forms(hall: Hall) -> None:
    task = await made(hall)
    page = await operator(hall, f"/tasks/{task}")
    await page.wait_for_selector("#cancel:visible")
    await expect(page.locator(".head .acts button:visible")).to_have_count(1)
    await expect(page.locator(".head .acts form")).to_have_count(0)


INSIDE_CHART = """name => {
    const chart = document.querySelector("#chart").getBoundingClientRect();
    const box = document.querySelector(`.n[data-step="${name}"]`).getBoundingClientRect();
    return box.left >= chart.left && box.right <= chart.right && box.top >= chart.top && box.bottom <= chart.bottom;
}"""


@pytest.mark.parametrize(("beside", "at_once"), [(6, 60), (1, 1)])
async def test_sixty_steps_open_fitted_or_around_what_runs(hall: Hall, beside: int, at_once: int) -> None:
    def name(n: int) -> str:
        return f"step-{n}-compile-the-documentation-of-everything"

    steps = [(name(n), [name(n - beside)] if n >= beside else []) for n in range(60)]
    task = await made(hall, steps, "Sixty")
    for n in range(30):
        await report(hall, task, name(n), state="succeeded")
    await report(hall, task, name(30), state="running")
    page = await operator(hall, f"/tasks/{task}")
    await page.wait_for_selector(".graph[data-far=true]")
    shown = [n for n in range(60) if await page.evaluate(INSIDE_CHART, name(n))]
    assert 30 in shown and len(shown) >= min(at_once, 60)
    await reads(page, ".log .name", name(30))
    assert await page.locator(f".n[data-step='{name(30)}'] tspan").all_text_contents() == [
        "step-30-compile-th",
        "…ion-of-everything",
    ]
    await page.focus(f".n[data-step='{name(30)}']")
    await page.keyboard.press("ArrowRight")
    await page.wait_for_function(INSIDE_CHART, arg=name(30 + beside))
    label = await page.get_attribute(f".n[data-step='{name(30)}']", "aria-label")
    assert label == f"{name(30)}, running"


@pytest.mark.parametrize(("many", "size"), [(10, (1280, 800)), (10, (390, 844)), (2, (360, 780))])
async def test_few_steps_open_with_their_names(hall: Hall, many: int, size: tuple[int, int]) -> None:
    steps = [(f"step-{n}", [f"step-{n - 1}"] if n else []) for n in range(many)]
    task = await made(hall, steps, "Few")
    page = await operator(hall, f"/tasks/{task}")
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    for n in range(many):
        await report(hall, task, f"step-{n}", state="running")
        await page.wait_for_function(INSIDE_CHART, arg=f"step-{n}")
        name = page.locator(f".n[data-step=step-{n}] .t")
        await expect(name).to_be_visible()
        box = await name.bounding_box()
        assert box and box["height"] >= 9
        await report(hall, task, f"step-{n}", state="succeeded")


async def test_a_host_is_told_the_name_of_the_step_in_full(hall: Hall) -> None:
    long = "n" * 80
    task = await made(hall, [(long, [])])
    token = (await hall.ask("POST", "/api/tokens", {"role": "host", "name": "Lin"}))["token"]
    page = await hall.page(size=(412, 860))
    await page.goto(f"{hall.url}/")
    await page.fill("input[name=token]", token)
    await page.click("main button")
    await page.goto(f"{hall.url}/tasks/{task}")
    await reads(page, ".log .name", long)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_five_hundred_steps_are_shown_moved_and_put_on_a_wall(hall: Hall) -> None:
    steps = [(f"step-{n}", [f"step-{n - 20}"] if n >= 20 else []) for n in range(500)]
    task = await made(hall, steps, "Five hundred")
    await report(hall, task, "step-3", state="failed")
    page = await operator(hall, f"/tasks/{task}")
    await expect(page.locator(".n")).to_have_count(500)
    box = await page.locator(".n[data-step=step-3]").bounding_box()
    chart = await page.locator("#chart").bounding_box()
    assert box and chart and chart["y"] <= box["y"] and box["y"] + box["height"] <= chart["y"] + chart["height"]
    await page.click("#chart .zoom_fit")
    await page.wait_for_selector(".graph[data-far=true]")
    await report(hall, task, "step-4", state="running")
    await page.wait_for_selector(".n[data-step=step-4][data-state=running]")
    wall = await hall.wall()
    await hall.ask("PUT", f"/api/walls/{wall}", {"items": [f"tasks/{task}"], "active": f"tasks/{task}"})
    screen = await hall.projector(f"/w/{wall}/screen")
    await screen.wait_for_selector(".cell[data-state=failed]")
    await expect(screen.locator(".cell")).to_have_count(500)
    assert (await screen.locator(".matters .step:not([hidden]) b").all_inner_texts())[:2] == ["step-3", "step-4"]
    assert await screen.evaluate("document.documentElement.scrollHeight <= innerHeight")


async def test_on_a_wall_the_chart_fills_the_projector(hall: Hall) -> None:
    task = await made(hall)
    wall = await hall.wall()
    await hall.ask("PUT", f"/api/walls/{wall}", {"items": [f"tasks/{task}"], "active": f"tasks/{task}"})
    screen = await hall.projector(f"/w/{wall}/screen")
    await screen.wait_for_selector(".field .n")
    await report(hall, task, "fetch", state="running", progress=0.5)
    await screen.wait_for_selector(".field .n[data-state=running]")
    size = await screen.evaluate("parseFloat(document.querySelector('.field .t').getAttribute('font-size'))")
    assert size >= 0.0112 * 1920
    assert await screen.evaluate(INSIDE)


async def test_a_lost_connection_is_said_and_the_chart_kept(hall: Hall) -> None:
    task = await made(hall)
    await report(hall, task, "fetch", state="running")
    page = await operator(hall, f"/tasks/{task}")
    await page.click("#cancel")
    await hall.stop_server()
    await page.wait_for_selector("#corner[data-state=lost]")
    await expect(page.locator(".n[data-state=running]")).to_have_count(1)
    assert await page.get_attribute("#cancel", "aria-disabled") == "true"
    await page.click("dialog button:text-is('Cancel the task')")
    await reads(page, "#answer", "The server could not be reached. Nothing was changed. Try again.")
    await hall.start_server()
    await hall.live(page)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [360, 1920])
async def test_axe_finds_nothing_serious_in_tasks(hall: Hall, theme: str, width: int) -> None:
    task = await made(hall)
    await report(hall, task, "fetch", state="failed", message="exit status 1")
    colours = "".join(f"\x1b[{c}m colour {c} \x1b[0m" for c in (*range(30, 38), *range(90, 98), *range(40, 48), 2, 7))
    await say(hall, task, "fetch", f"{colours}\n" + "x" * 400 + "\n")
    running = await made(hall, title="周年大会 " * 30)
    await report(hall, running, "fetch", state="running", progress=0.3)
    wall = await hall.wall()
    await hall.ask("PUT", f"/api/walls/{wall}", {"items": [f"tasks/{running}"], "active": f"tasks/{running}"})
    page = await operator(hall, "/tasks", size=(width, 900), color_scheme=theme, reduced_motion="reduce")
    found: list[str] = []
    paths = ["/tasks", f"/tasks/{task}", f"/tasks/{running}", "/pipelines/talk", "/pipelines/broken", f"/w/{wall}"]
    for path in [*paths, f"/w/{wall}/screen?theme={theme}"]:
        await page.goto(hall.url + path)
        if await page.query_selector("#corner"):
            await hall.live(page)
        if path.endswith(task):
            await page.wait_for_selector(".ln .a-ink1")
        await check(page, path, found)
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            found.append(f"{path} is {wide} px too wide")
    assert not found, "\n".join(found)
