"""Steps that run on hosts, as people use them: cells, questions and logs, on a desk, on a phone and on a wall."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from browsing import ADMIN, Hall, becomes, reads
from host_keys import ask_for_key
from msgspec.structs import replace
from playwright.async_api import Page, expect
from test_desk import check
from test_gates_decided import signed_in

from livewall.settings import Settings
from livewall.store.transaction import Transaction
from livewall.tasks import rows, target_rows
from livewall.tasks.machine import Step, StepState

LONG = "a-host-with-a-name-of-eighty-characters.in-a-zone-that-is-rather-long.example.or"
HOSTS = {
    "few": ["web1", "web2", "web3", "web4"],
    "many": [LONG, *(f"web{n}" for n in range(2, 201))],
    "long": [f"node-{n:02}.eu-central.prod.example.org" for n in range(1, 42)],
}
PIPELINE = """title = "Release 4.2"
[inventory]
web = {hosts}
[[steps]]
name = "build"
run = ["true"]
[[steps]]
name = "switch"
needs = ["build"]
run = ["sh", "-c", "echo on $1; until [ -e ../../../open-$1 ]; do sleep 0.05; done; [ $1 != web2 ]", "sh",
    "{{host.name}}"]
hosts = "web"
waves = [2, "25%", "rest"]
max_failures = 10
parallel = 2
[[steps]]
name = "report"
needs = ["switch"]
run = ["true"]
"""
COUNT_ADDED = """() => {
    window.added = 0;
    const count = (list) => list.forEach((each) => each.addedNodes.forEach((node) => {
        window.added += node.nodeType === 1;
    }));
    for (const part of ["#chart", ".hostmap"]) {
        new MutationObserver(count).observe(document.querySelector(part), { childList: true, subtree: true });
    }
}"""
OVERFLOWS = "document.documentElement.scrollWidth > innerWidth"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    for name, hosts in HOSTS.items():
        (folder / f"{name}.toml").write_text(PIPELINE.format(hosts=json.dumps(hosts)))
    return Settings(port=0, data=tmp_path / "data", admin_token=ADMIN, rate_limits=False, pipelines=folder)


@pytest.fixture
def let_end(settings: Settings) -> Callable[..., None]:
    def put(*hosts: str) -> None:
        for host in hosts:
            (settings.data / f"open-{host}").touch()

    return put


@asynccontextmanager
async def release(hall: Hall, pipeline: str = "few") -> AsyncIterator[str]:
    """A release whose first two hosts run."""
    task = str((await hall.ask("POST", f"/api/pipelines/{pipeline}/tasks"))["id"])
    await becomes(lambda: states(hall, task, 2), ["running", "running"])
    yield task
    found = await hall.ask("GET", f"/api/tasks/{task}")
    if found["ended_at"] is None:
        await hall.ask("POST", f"/api/tasks/{task}/cancel")

        async def has_ended() -> bool:
            return (await hall.ask("GET", f"/api/tasks/{task}"))["ended_at"] is not None

        await becomes(has_ended, True)


async def states(hall: Hall, task: str, count: int) -> list[str]:
    targets = (await hall.ask("GET", f"/api/tasks/{task}"))["steps"][1]["targets"]
    return [str(target["state"]) for target in targets[:count]]


async def change(hall: Hall, task: str, changed: Callable[[Step], Step]) -> None:
    """Write another state of the step, whatever runs."""

    def write(tx: Transaction) -> None:
        before = rows.step(tx, task, "switch")
        after = changed(before)
        target_rows.save_changed(tx, task, "switch", before.targets, after.targets)
        rows.save_step(tx, task, after)

    await hall.running.services.store.write(write)


async def opened(
    hall: Hall, task: str, size: tuple[int, int] = (1280, 800), token: str = ADMIN, unit: str = ""
) -> Page:
    page = await signed_in(hall, token, size)
    await page.goto(f"{hall.url}/tasks/{task}" + (f"#step={unit}" if unit else ""))
    return await hall.live(page)


async def test_a_press_on_a_cell_of_the_chart_opens_the_log_of_its_host(hall: Hall, let_end: Any) -> None:
    async with release(hall) as task:
        page = await opened(hall, task)
        await reads(page, ".log .name", "switch@web1")
        cell = page.locator(".n[data-step=switch] .host[data-host=web2]")
        await cell.click()
        await reads(page, ".log .name", "switch@web2")
        await expect(page.locator(".ln:not([hidden]) .tx")).to_have_text(["on web2"])
        assert page.url.endswith("#step=switch%40web2")
        await expect(page.locator(".hostlist a[aria-current] .hostname")).to_have_text("web2")
        await expect(page.locator(".hostcell[aria-current]")).to_have_attribute("data-host", "web2")
        await page.evaluate(COUNT_ADDED)
        let_end("web2")
        await expect(cell).to_have_attribute("data-state", "failed")
        await expect(cell.locator("title")).to_have_text("web2, failed, wave 1, exit status 1")
        await expect(page.locator(".hostcard .why")).to_have_text("exit status 1")
        await expect(page.locator(".hostlist li >> nth=0")).to_contain_text("web2")
        let_end("web1")
        await expect(page.locator(".hostmap .wave.current .wavename")).to_have_text("wave 2")
        await expect(page.locator(".n[data-step=switch] .hosts .wave.current")).to_have_count(1)
        assert await page.evaluate("window.added") == 0
        label = await page.get_attribute(".n[data-step=switch]", "aria-label")
        assert label == "switch, running, 1 of 4 hosts, 1 failed: web2, wave 2 of 3"
        await page.goto(f"{hall.url}/tasks/{task}?step=switch@web1")
        await reads(page, ".log .name", "switch@web1")


async def test_hosts_are_walked_through_with_the_keyboard(hall: Hall) -> None:
    async with release(hall) as task:
        page = await opened(hall, task)
        await page.focus(".n[data-step=switch]")
        await page.keyboard.press("Enter")
        await expect(page.locator(".hostcell[data-host=web1]")).to_be_focused()
        for key, host in (("ArrowRight", "web2"), ("End", "web4"), ("ArrowUp", "web3"), ("ArrowLeft", "web2")):
            await page.keyboard.press(key)
            await expect(page.locator(f".hostcell[data-host={host}]")).to_be_focused()
        assert await page.get_attribute(".hostcell[data-host=web2]", "aria-label") == "web2, running, wave 1"
        await page.keyboard.press("Enter")
        await reads(page, ".log .name", "switch@web2")
        await expect(page.locator(".hostcell[tabindex='0']")).to_have_count(1)
        await page.keyboard.press("Tab")
        await expect(page.locator(".hosttools select")).to_be_focused()
        await page.focus(".hostcell[data-host=web2]")
        await page.keyboard.press("Shift+Tab")
        await expect(page.locator(".hosthead button:text-is('Abort…')")).to_be_focused()
        await page.focus(".log a.raw")
        await page.keyboard.press("Tab")
        await expect(page.locator(".log .window")).to_be_focused()
        await page.keyboard.press("Tab")
        assert not await page.evaluate("document.activeElement.matches('.log *')"), "the log is one stop"
        await page.focus(".log .window")
        await page.keyboard.press("Escape")
        await expect(page.locator(".n[data-step=switch]")).to_be_focused()


async def test_an_empty_log_leads_to_those_of_other_hosts(hall: Hall) -> None:
    async with release(hall) as task:
        page = await opened(hall, task, unit="switch@web3")
        await reads(page, ".log .name", "switch@web3")
        await expect(page.locator(".hostlogs")).to_have_text("Each host has its own log. web1 web2")
        await page.click(".hostlogs a:text-is('web2')")
        await reads(page, ".log .name", "switch@web2")
        await expect(page.locator(".ln:not([hidden]) .tx")).to_have_text(["on web2"])
        await expect(page.locator(".hostlogs")).to_be_hidden()
        await page.click(".n[data-step=build] .t")
        await reads(page, ".log .name", "build")
        await expect(page.locator(".hostlogs")).to_be_hidden()


async def test_operators_pause_skip_and_retry_and_are_told_what_that_does(hall: Hall, let_end: Any) -> None:
    async with release(hall) as task:
        page, other = await opened(hall, task, (390, 844)), await opened(hall, task)
        faults: list[str] = []
        await page.click(".hosthead button:text-is('Pause…')")
        await other.click(".hosthead button:text-is('Pause…')")
        said = page.locator("dialog[open]")
        await expect(said).to_contain_text("web3, web4 wait until somebody resumes the step.")
        await expect(said).to_contain_text("What runs goes on to its end: web1, web2.")
        await check(page, "pause", faults)
        await page.click("dialog button:text-is('Not now')")
        await expect(page.locator("dialog.sheet")).to_have_count(0)
        await page.click(".hosthead button:text-is('Pause…')")
        await page.click("dialog button:text-is('Pause the step')")
        await expect(page.locator(".hosthead button >> nth=0")).to_have_text("Resume…")
        await expect(other.locator("dialog.sheet")).to_have_count(0)  # somebody else has answered
        let_end("web1", "web2")
        await expect(page.locator(".hosthead .badge .word")).to_have_text("waiting")
        await expect(page.locator(".hosthead .quiet")).to_contain_text("1 failed: web2 · wave 2 of 3 · paused by admin")
        await page.click(".hostlist a:has-text('web2')")
        await reads(page, ".log .name", "switch@web2")
        await expect(page.locator("#log")).to_be_in_viewport()
        await check(page, "a failed host", faults)
        await page.click(".hostcard button:text-is('Retry…')")
        await expect(said).to_contain_text("The step runs on web2 once more")
        await page.click("dialog button:text-is('Retry on this host')")
        await expect(page.locator(".hostcard .facts")).to_contain_text("attempt 2")
        await other.click(".hostlist a:has-text('web3')")
        await other.click(".hostcard button:text-is('Skip…')")
        await other.click("dialog button:text-is('Skip this host')")
        await expect(other.locator(".hostcard .why")).to_have_text("skipped by admin")
        await expect(page.locator(".hostcell[data-host=web3]")).to_have_attribute("data-state", "skipped")
        await page.click(".hosthead button:text-is('Abort…')")
        await expect(said).to_contain_text("This cannot be undone.")
        await page.click("dialog button:text-is('Abort the step')")
        await expect(page.locator(".head .badge .word")).to_have_text("failed")
        await expect(page.locator(".hosthead button")).to_have_count(0)
        assert not faults


async def test_who_may_not_act_sees_hosts_and_no_buttons(hall: Hall) -> None:
    async with release(hall) as task:
        await ask_for_key(hall.running.services, task, "switch", "web4")
        host = (await hall.ask("POST", "/api/tokens", {"role": "host", "name": "Ada"}))["token"]
        page = await opened(hall, task, token=host)
        await expect(page.locator("#hostkeys")).to_contain_text("web4 has shown a host key")
        await expect(page.locator(".hostlist li")).to_have_count(4)
        await expect(page.locator("#hostkeys button, .hosthead button, .hostcard button")).to_have_count(0)
        await expect(page.locator(".log .denied")).to_be_visible()


async def test_the_key_of_a_host_is_compared_and_trusted(hall: Hall, settings: Settings) -> None:
    async with release(hall) as task:
        key = await ask_for_key(hall.running.services, task, "switch", "web4")
        page = await opened(hall, task, (390, 844))
        await expect(page.locator("#hostkeys code")).to_have_text(key)
        await expect(page.locator(".hostcell[data-host=web4]")).to_have_attribute("data-state", "waiting")
        await page.click("#hostkeys button:text-is('Trust this key…')")
        said = page.locator("dialog[open]")
        await expect(said).to_contain_text("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
        await expect(said.locator(".acts button")).to_have_text(["Trust this key", "Skip this host", "Not now"])
        assert "mono" in str(
            await said.locator(".fingerprint code").evaluate("code => getComputedStyle(code).fontFamily")
        )
        faults: list[str] = []
        await check(page, "host key", faults)
        assert not faults and not await page.evaluate(OVERFLOWS)
        await said.locator("button:text-is('Trust this key')").click()
        await expect(page.locator("#hostkeys")).to_be_hidden()
        await expect(page.locator("dialog.sheet")).to_have_count(0)
        assert "web4 ssh-ed25519" in (settings.data / "known_hosts").read_text()


async def test_a_retry_may_leave_the_hosts_alone_that_succeeded(hall: Hall, let_end: Any) -> None:
    async with release(hall) as task:
        let_end("web1", "web2", "web3")
        await becomes(lambda: states(hall, task, 4), ["succeeded", "failed", "succeeded", "running"])
        await hall.ask("POST", f"/api/tasks/{task}/steps/switch/abort")
        page = await opened(hall, task)
        await page.click("#retry:text-is('Retry…')")
        await expect(page.locator("dialog[open]")).to_contain_text(
            "Hosts on which a step succeeded are left as they are."
        )
        faults: list[str] = []
        await check(page, "retry", faults)
        assert not faults
        await page.click("dialog button:text-is('Only the failed hosts')")
        await page.wait_for_url("**/tasks/2")
        await hall.live(page)
        await expect(page.locator(".hostcell[data-host=web1]")).to_have_attribute(
            "aria-label", "web1, succeeded, wave 1, taken over"
        )
        await hall.ask("POST", "/api/tasks/2/cancel")
        await expect(page.locator(".head .badge .word")).to_have_text("cancelled")


async def measure_dialog(page: Page) -> None:
    """Raise unless the buttons of the open dialog are buttons: not high, in the window, beside one another."""
    places: list[dict[str, float]] = await page.evaluate(
        "[...document.querySelectorAll('dialog[open] :is(button, p, h2)')].filter((each) => each.tagName === 'BUTTON'"
        " || !each.querySelector('button')).map((each) => { const { left, top, right, bottom } ="
        " each.getBoundingClientRect(); return { left, top, right, bottom, button: each.tagName === 'BUTTON' }; })"
    )
    size = page.viewport_size
    assert size is not None
    for place in places:
        assert place["top"] >= 0 and place["bottom"] <= size["height"], place
        assert place["left"] >= 0 and place["right"] <= size["width"], place
        if place["button"]:
            assert 40 <= place["bottom"] - place["top"] < 80 and place["right"] - place["left"] > 70, place
    for index, one in enumerate(places):
        for other in places[index + 1 :]:
            beside = one["right"] <= other["left"] or other["right"] <= one["left"]
            assert beside or one["bottom"] <= other["top"] + 0.5 or other["bottom"] <= one["top"] + 0.5, (one, other)


@pytest.mark.parametrize("lang", ["en-US", "zh-CN"])
async def test_the_question_on_which_hosts_fits_every_window(hall: Hall, let_end: Any, lang: str) -> None:
    async with release(hall) as task:
        let_end("web1", "web2", "web3")
        await becomes(lambda: states(hall, task, 4), ["succeeded", "failed", "succeeded", "running"])
        await hall.ask("POST", f"/api/tasks/{task}/steps/switch/abort")
        page = await signed_in(hall, ADMIN)
        for size in ((360, 640), (390, 844), (1280, 800), (1920, 1080)):
            await page.set_viewport_size({"width": size[0], "height": size[1]})
            await page.goto(f"{hall.url}/tasks/{task}?lang={lang}")
            await hall.live(page)
            await page.click("#retry")
            await expect(page.locator("dialog[open] button")).to_have_count(3)
            await measure_dialog(page)


async def test_the_list_is_filtered_and_keeps_its_order_if_asked(hall: Hall, let_end: Any) -> None:
    async with release(hall) as task:
        let_end("web2")
        await becomes(lambda: states(hall, task, 2), ["running", "failed"])
        page = await opened(hall, task)
        names = page.locator(".hostlist li:not([hidden]) .hostname")
        await expect(names).to_have_text(["web2", "web1", "web3", "web4"])
        await page.click("button:text-is('Failed first')")
        await expect(names).to_have_text(["web1", "web2", "web3", "web4"])
        await page.select_option(".hosttools select", "pending")
        await expect(names).to_have_text(["web3", "web4"])
        await page.select_option(".hosttools select", "failed")
        await expect(names).to_have_text(["web2"])
        await hall.ask("POST", f"/api/tasks/{task}/steps/switch/hosts/web2/skip")
        await expect(names).to_have_count(0)
        await expect(page.locator("text=No host is in this state now.")).to_be_visible()


SHAPES: list[tuple[int, int, Literal["dark", "light"]]] = [
    (360, 740, "light"), (390, 844, "dark"), (640, 400, "dark"), (1000, 700, "light"), (1280, 800, "dark"),
    (1920, 1080, "light"),
]  # fmt: skip


async def test_two_hundred_hosts_fit_every_page_in_both_themes(hall: Hall) -> None:
    """640 by 400 is a window of 1280 by 800 at 200 %."""
    async with release(hall, "many") as task:
        arabic = "تعذر الاتصال بالخادم (رمز 110)"

        def some(step: Step) -> Step:
            bad = {30: "exit status 1", 77: arabic, 150: "x" * 300}
            targets = [
                replace(t, state=StepState.FAILED, reason=bad[n]) if n in bad
                else replace(t, state=StepState.SUCCEEDED) if 2 <= n < 90 else t
                for n, t in enumerate(step.targets)
            ]  # fmt: skip
            return replace(step, targets=targets)

        await change(hall, task, some)
        faults: list[str] = []
        page = await opened(hall, task, unit="switch@web78")
        for width, height, theme in SHAPES:
            await page.set_viewport_size({"width": width, "height": height})
            await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            await page.reload()
            await hall.live(page)
            await expect(page.locator(".hostcell")).to_have_count(200)
            await expect(page.locator(".hostcard .why")).to_have_text(arabic)
            await expect(page.locator(".hostlist li >> nth=0")).to_contain_text("web31")
            assert not await page.evaluate(OVERFLOWS), (width, height, theme)
            if width in (390, 1920):
                await check(page, f"{width} {theme}", faults)
        assert not faults


async def test_a_projector_names_the_hosts_that_failed_in_large_letters(hall: Hall, let_end: Any) -> None:
    async with release(hall, "many") as task:
        wall = await hall.wall("Operations")
        await hall.ask("PUT", f"/api/walls/{wall}", {"items": [f"tasks/{task}"], "active": f"tasks/{task}"})
        screen = await hall.projector(f"/w/{wall}/screen")
        phone = await hall.phone(f"/w/{wall}")
        await expect(screen.locator(".fan .won")).to_have_text("0of 200 hosts")
        await expect(screen.locator(".fan .lost")).to_be_hidden()
        await expect(screen.locator(".fan .cells .host")).to_have_count(200)
        await screen.evaluate(COUNT_ADDED.replace('"#chart", ".hostmap"', '".fan"'))
        let_end("web2")
        await expect(screen.locator(".fan .lost")).to_have_text("1 failed")
        await expect(screen.locator(".fan .won")).to_have_text("0of 200 hosts")
        await expect(screen.locator(".fan .which")).to_contain_text("wave 1 of 3")
        await expect(screen.locator(".fan .alert.bad")).to_have_text("web2")
        await expect(phone.locator(".step >> nth=1")).to_contain_text("0 of 200 hosts · 1 failed: web2 · wave 1 of 3")
        assert await screen.evaluate("window.added") == 0
        await hall.ask("POST", f"/api/tasks/{task}/steps/switch/pause")
        await expect(screen.locator(".fan .wait")).to_have_text("paused")
        sizes = "each => parseFloat(getComputedStyle(each).fontSize) / innerWidth * 100"
        figures = ((".fan .count b", 8), (".fan .won span", 2.5), (".fan .lost", 2.5))
        for part, least in (*figures, (".fan .alert.bad", 2), (".fan .wait", 2)):
            assert float(await screen.locator(part).evaluate(sizes)) >= least, part
        # Nothing is cut off.
        inside = (
            "each => each.getBoundingClientRect().bottom <= innerHeight && each.scrollHeight <= each.clientHeight + 1"
        )
        assert await screen.locator(".fan .said").evaluate(inside)
        faults: list[str] = []
        await check(screen, "projector", faults)
        await check(phone, "phone", faults)
        assert not faults


@pytest.mark.parametrize("lang", ["en-US", "zh-CN"])
async def test_a_projector_breaks_no_name_of_a_host_and_cuts_no_line(hall: Hall, lang: str) -> None:
    async with release(hall, "long") as task:
        wall = await hall.wall("Operations")
        await hall.ask("PUT", f"/api/walls/{wall}", {"items": [f"tasks/{task}"], "active": f"tasks/{task}"})

        def some(step: Step) -> Step:
            targets = [
                replace(t, state=StepState.SUCCEEDED if n % 3 else StepState.FAILED) for n, t in enumerate(step.targets)
            ]
            return replace(step, targets=targets)

        await change(hall, task, some)
        screen = await hall.projector(f"/w/{wall}/screen?lang={lang}")
        await expect(screen.locator(".fan .alert.bad")).to_contain_text("node-\u206001")
        await expect(screen.locator(".fan .won")).to_contain_text("27")
        await expect(screen.locator(".fan .lost")).to_contain_text("14")
        broken = (
            "span => [...span.firstChild.data.matchAll(/[\\w-]+\u2060\\w+/g)].filter((found) => {"
            " const range = document.createRange(); range.setStart(span.firstChild, found.index);"
            " range.setEnd(span.firstChild, found.index + found[0].length);"
            " return new Set([...range.getClientRects()].map(({ top }) => top)).size > 1; }).length"
        )
        assert await screen.locator(".fan .alert.bad span").evaluate(broken) == 0
        cut = "each => each.scrollHeight > each.clientHeight + 1"
        for part in (".fan .said", ".fan .alert.bad span"):
            assert not await screen.locator(part).evaluate(cut), part


async def test_a_long_reason_leaves_the_names_of_hosts_whole_on_a_projector(hall: Hall) -> None:
    async with release(hall) as task:
        wall = await hall.wall("Operations")
        await hall.ask("PUT", f"/api/walls/{wall}", {"items": [f"tasks/{task}"], "active": f"tasks/{task}"})
        await hall.ask("POST", f"/api/tasks/{task}/steps/switch/abort")
        screen = await hall.projector(f"/w/{wall}/screen")
        await expect(screen.locator(".sum .badge .word")).to_have_text("failed")
        await screen.evaluate(
            "document.querySelector('.sum .reason').textContent = 'the host key has changed: SHA256:abcdef '.repeat(30)"
        )
        for name in await screen.locator(".hostrows b").all():
            assert await name.evaluate("each => each.clientHeight >= parseFloat(getComputedStyle(each).fontSize)")
        lines = "each => each.clientHeight / parseFloat(getComputedStyle(each).lineHeight)"
        assert float(await screen.locator(".sum .reason").evaluate(lines)) <= 2.1


async def test_without_script_the_steps_fit_a_phone(hall: Hall) -> None:
    async with release(hall) as task:
        page = await signed_in(hall, ADMIN, (360, 740), script=False)
        await page.goto(f"{hall.url}/tasks/{task}")
        await expect(page.locator("#steptable tbody tr")).to_have_count(3)
        assert await page.locator(".twin").evaluate("each => each.scrollWidth <= each.clientWidth")
        assert not await page.evaluate(OVERFLOWS)


async def test_a_projector_has_the_names_of_a_few_hosts(hall: Hall) -> None:
    async with release(hall) as task:
        wall = await hall.wall("Operations")
        await hall.ask("PUT", f"/api/walls/{wall}", {"items": [f"tasks/{task}"], "active": f"tasks/{task}"})
        key = await ask_for_key(hall.running.services, task, "switch", "web4")
        screen = await hall.projector(f"/w/{wall}/screen")
        await expect(screen.locator(".hostrows b")).to_have_text(HOSTS["few"])
        await expect(screen.locator(".hostrows .current b")).to_have_text(["web1", "web2"])
        await expect(screen.locator(".fan .wait")).to_have_text("1 host key to confirm")
        assert key not in await screen.inner_text("body")


async def test_two_hundred_hosts_cost_little(hall: Hall) -> None:
    async with release(hall, "many") as task:
        page = await opened(hall, task)
        await expect(page.locator(".hostcell")).to_have_count(200)
        client = await page.context.new_cdp_session(page)
        for number in range(100):
            state = StepState.SUCCEEDED if number % 7 else StepState.FAILED

            def one(step: Step, number: int = number, state: StepState = state) -> Step:
                targets = list(step.targets)
                targets[number + 2] = replace(targets[number + 2], state=state, reason=f"exit status {number}")
                return replace(step, targets=targets)

            await change(hall, task, one)
        await expect(page.locator(".hostcell[data-host=web102]")).to_have_attribute("data-state", "succeeded")
        await client.send("HeapProfiler.collectGarbage")
        await client.send("Performance.enable")
        metrics = {each["name"]: each["value"] for each in (await client.send("Performance.getMetrics"))["metrics"]}
        assert metrics["JSHeapUsedSize"] < 60e6
