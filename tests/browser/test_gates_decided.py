"""A gate on the page of its task: who sees the buttons, what they ask, and the same without script."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsing import ADMIN, Hall, becomes
from playwright.async_api import Page, expect
from test_desk import check

from livewall.settings import Settings

RELEASE = """title = "Release 4.2"
[[steps]]
name = "build"
run = ["true"]
[[steps]]
name = "go"
needs = ["build"]
gate = { approvers = ["Lin", "role:host"], within = 3600 }
[[steps]]
name = "switch"
needs = ["go"]
run = ["true"]
"""

POLLED = """title = "Release 4.2"
params.wall.default = ""
[[steps]]
name = "build"
run = ["true"]
[[steps]]
name = "go"
needs = ["build"]
[steps.gate.poll]
wall = "{params.wall}"
title = "Release 4.2 to everybody?"
options = ["Yes", "No"]
passes = "Yes"
quorum = 2
closes_in = 3600
RESULTS
[[steps]]
name = "switch"
needs = ["go"]
run = ["true"]
"""

FAILING = """title = "Release 4.2"
params.wall.default = ""
[on_failure]
poll = { wall = "{params.wall}", title = "Roll back?", options = ["Roll back", "Leave it"], closes_in = 3600 }
starts = { pipeline = "release", when = "Roll back" }
[[steps]]
name = "switch"
run = ["false"]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "release.toml").write_text(RELEASE)
    (folder / "failing.toml").write_text(FAILING)
    for name, results in {"polled": "live", "hidden": "on_publish"}.items():
        (folder / f"{name}.toml").write_text(POLLED.replace("RESULTS", f'results = "{results}"'))
    return Settings(port=0, data=tmp_path / "data", admin_token=ADMIN, rate_limits=False, pipelines=folder)


async def release(hall: Hall) -> str:
    """A release that waits at its gate."""
    task = str((await hall.ask("POST", "/api/pipelines/release/tasks"))["id"])

    async def state() -> str:
        return str((await hall.ask("GET", f"/api/tasks/{task}"))["steps"][1]["state"])

    await becomes(state, "waiting")
    return task


async def signed_in(hall: Hall, token: str, size: tuple[int, int] = (1280, 800), *, script: bool = True) -> Page:
    page = await hall.page("/", size=size, java_script_enabled=script)
    await page.fill("input[name=token]", token)
    await page.click("main button")
    await page.wait_for_selector("text=Signed in as")
    return page


async def test_an_approver_decides_by_keyboard_and_everybody_sees_it(hall: Hall) -> None:
    task = await release(hall)
    host = (await hall.ask("POST", "/api/tokens", {"role": "host", "name": "Ada"}))["token"]
    other = await signed_in(hall, ADMIN)
    page = await signed_in(hall, host, (360, 780))
    for each in (other, page):
        await each.goto(f"{hall.url}/tasks/{task}")
        await hall.live(each)
        said = "go: waits for Lin or anybody with the role host to decide (until "
        await expect(each.locator("#gates")).to_contain_text(said)
    await expect(other.locator("#gates button")).to_have_count(0)
    await expect(page.locator(".n[data-step=go] .s")).to_have_text("waits for Lin or anybody…")
    faults: list[str] = []
    await check(page, "gate", faults)
    await page.focus("#gates button.primary")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("dialog[open] h2:text-is('Approve go?')")
    await check(page, "question", faults)
    assert not faults
    await expect(page.locator("dialog[open] button.second")).to_be_focused()
    for _ in range(2):
        await page.keyboard.press("Shift+Tab")
    await page.keyboard.type("looks good")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("dialog[open]", state="detached")
    for each in (other, page):
        await expect(each.locator("#gates")).to_be_hidden()
        await expect(each.locator(".head .badge .word")).to_have_text("succeeded")
    assert (await hall.ask("GET", f"/api/tasks/{task}"))["steps"][1]["reason"] == "approved by Ada: looks good"


async def test_a_question_closes_when_somebody_else_has_decided(hall: Hall) -> None:
    task = await release(hall)
    host = (await hall.ask("POST", "/api/tokens", {"role": "host", "name": "Ada"}))["token"]
    page = await signed_in(hall, host)
    await page.goto(f"{hall.url}/tasks/{task}")
    await hall.live(page)
    await page.click("#gates button.danger")
    await page.wait_for_selector("dialog[open] h2:text-is('Reject go?')")
    lin = (await hall.ask("POST", "/api/tokens", {"role": "host", "name": "Lin"}))["token"]
    await hall.ask("POST", f"/api/tasks/{task}/steps/go/decide", {"decision": "approve"}, lin)
    await page.wait_for_selector("dialog[open]", state="detached")
    await expect(page.locator(".head .badge .word")).to_have_text("succeeded")


async def test_who_comes_too_late_is_told(hall: Hall) -> None:
    task = await release(hall)
    host = (await hall.ask("POST", "/api/tokens", {"role": "host", "name": "Ada"}))["token"]
    page = await signed_in(hall, host, script=False)
    await page.goto(f"{hall.url}/tasks/{task}")
    await page.click("#gates button.danger")
    lin = (await hall.ask("POST", "/api/tokens", {"role": "host", "name": "Lin"}))["token"]
    await hall.ask("POST", f"/api/tasks/{task}/steps/go/decide", {"decision": "approve"}, lin)
    await page.click("main button.danger")
    said = "there is nothing to decide: the state of the step is succeeded"
    await expect(page.locator("main")).to_contain_text(said)


async def test_without_script_a_gate_is_decided_by_forms(hall: Hall) -> None:
    task = await release(hall)
    host = (await hall.ask("POST", "/api/tokens", {"role": "host", "name": "Ada"}))["token"]
    page = await signed_in(hall, host, (360, 780), script=False)
    await page.goto(f"{hall.url}/tasks/{task}")
    await page.click("#gates button.danger")
    await expect(page.locator("h1")).to_have_text("Reject go?")
    await page.click("text=Not now")
    await page.click("#gates button.danger")
    await page.fill("input[name=comment]", "not today")
    await page.click("main button.danger")
    await expect(page.locator("#reason")).to_have_text("go: rejected by Ada: not today")
    await expect(page.locator("#gates .gate")).to_have_count(0)
    other = await signed_in(hall, ADMIN, script=False)
    await other.goto(f"{hall.url}/desk/tasks/{await release(hall)}?step=go&do=approve")
    await expect(other.locator("#gates .gate")).to_have_count(1)
    await expect(other.locator("#gates button")).to_have_count(0)


async def polled(hall: Hall, pipeline: str) -> tuple[str, str, str]:
    """A release that waits for its poll: the task, the poll and the wall."""
    wall = (await hall.ask("POST", "/api/walls", {"title": "Forum"}))["code"]
    task = str((await hall.ask("POST", f"/api/pipelines/{pipeline}/tasks", {"params": {"wall": wall}}))["id"])

    async def waits() -> bool:
        return "waits_for" in (await hall.ask("GET", f"/api/tasks/{task}"))["steps"][1]

    await becomes(waits, True)
    step = (await hall.ask("GET", f"/api/tasks/{task}"))["steps"][1]
    return task, step["waits_for"]["poll"], wall


async def test_a_poll_on_the_wall_opens_the_gate_and_the_page_of_the_task_shows_how_it_stands(hall: Hall) -> None:
    task, poll, wall = await polled(hall, "polled")
    page, large = await signed_in(hall, ADMIN, (360, 780)), await signed_in(hall, ADMIN, (1920, 1080))
    for each in (page, large):
        await each.goto(f"{hall.url}/tasks/{task}")
        await hall.live(each)
        said = f"go: waits for the poll Release 4.2 to everybody? · wall {wall}"
        await expect(each.locator("#gates")).to_contain_text(said)
        await expect(each.locator("#gates .standing")).to_have_text("0 ballots so far: Yes: 0, No: 0 (quorum: 2)")
        await expect(each.locator("#gates button")).to_have_count(0)
    await hall.vote(poll, "1", 2)
    await hall.vote(poll, "2")
    faults: list[str] = []
    for each in (page, large):
        await expect(each.locator("#gates .standing")).to_have_text("3 ballots so far: Yes: 2, No: 1 (quorum: 2)")
        await check(each, "gate with a poll", faults)
    assert not faults
    await page.click("#gates a >> nth=0")
    await expect(page.locator("h1")).to_have_text("Release 4.2 to everybody?")
    await page.go_back()
    await hall.live(page)
    assert await page.locator("#gates a >> nth=1").get_attribute("href") == f"/w/{wall}"
    await hall.ask("POST", f"/api/polls/{poll}/timer", {"left": None})
    await expect(page.locator("#gates .quiet")).to_have_count(0)
    await hall.ask("POST", f"/api/polls/{poll}/close")
    for each in (page, large):
        await expect(each.locator("#gates")).to_be_hidden()
        await expect(each.locator(".head .badge .word")).to_have_text("succeeded")
    await expect(large.locator("#steptable")).to_contain_text("Yes, 2 of 3, quorum 2")


async def test_a_hidden_result_is_hidden_on_the_page_of_the_task(hall: Hall) -> None:
    task, poll, _ = await polled(hall, "hidden")
    operator = (await hall.ask("POST", "/api/tokens", {"role": "operator", "name": "Ada"}))["token"]
    page, host = await signed_in(hall, operator), await signed_in(hall, ADMIN)
    for each in (page, host):
        await each.goto(f"{hall.url}/tasks/{task}")
        await hall.live(each)
    await hall.vote(poll, "1")
    await expect(page.locator("#gates .standing")).to_have_text("1 ballot so far (quorum: 2)")
    await expect(host.locator("#gates .standing")).to_have_text("1 ballot so far: Yes: 1, No: 0 (quorum: 2)")
    await hall.ask("POST", f"/api/polls/{poll}/close")
    for each in (page, host):
        await expect(each.locator("#reason")).to_have_text("go: the poll did not pass; its result is not public")


async def test_a_projector_that_shows_the_task_shows_how_its_poll_stands(hall: Hall) -> None:
    task, poll, _ = await polled(hall, "polled")
    wall = await hall.wall("Operations")
    await hall.ask("PUT", f"/api/walls/{wall}", {"items": [f"tasks/{task}"], "active": f"tasks/{task}"})
    screen = await hall.page(f"/w/{wall}/screen", size=(1920, 1080))
    await hall.vote(poll, "1", 2)
    said = "2 ballots so far: Yes: 2, No: 0 (quorum: 2)"
    await expect(screen.locator(".sum .reason")).to_contain_text(said)
    await hall.ask("POST", f"/api/polls/{poll}/close")
    await expect(screen.locator(".sum .reason")).to_have_text("")
    await expect(screen.locator("#stage .badge .word")).to_have_text("succeeded")


async def test_a_failed_task_shows_its_poll_and_what_came_of_it(hall: Hall) -> None:
    wall = (await hall.ask("POST", "/api/walls", {"title": "Forum"}))["code"]
    task = str((await hall.ask("POST", "/api/pipelines/failing/tasks", {"params": {"wall": wall}}))["id"])
    page, large = await signed_in(hall, ADMIN, (360, 780)), await signed_in(hall, ADMIN, (1920, 1080))
    for each in (page, large):
        await each.goto(f"{hall.url}/tasks/{task}")
        await hall.live(each)
        await expect(each.locator("#gates")).to_contain_text(f"On failure: waits for the poll Roll back? · wall {wall}")
        await expect(each.locator("#gates")).to_contain_text("(until ")
        await expect(each.locator("#reason")).to_contain_text("switch")
    poll = str((await hall.ask("GET", f"/api/tasks/{task}"))["on_failure"]["poll"])
    await hall.vote(poll, "1", 2)
    faults: list[str] = []
    for each in (page, large):
        await expect(each.locator("#gates .standing")).to_have_text("2 ballots so far: Roll back: 2, Leave it: 0")
        await check(each, "the poll of a failed task", faults)
    await hall.ask("POST", f"/api/polls/{poll}/close")
    for each in (page, large):
        await expect(each.locator("#gates")).to_contain_text("On failure: Roll back, 2 of 2; started the task #")
        await expect(each.locator("#gates .standing")).to_have_count(0)
        await check(each, "what came of a poll", faults)
    assert not faults
    await page.click("#gates a >> nth=0")
    await expect(page.locator(".head .sub")).to_contain_text(f"started by livewall (on failure of #{task})")
