"""From the QR code to the first ballot, and back again later; and in a browser that keeps no cookies."""

from __future__ import annotations

import json
from pathlib import Path

from browsing import FLAGS, Hall, becomes, chromium, reads
from playwright.async_api import async_playwright


async def test_it_is_one_tap_from_the_qr_code_to_the_first_ballot(hall: Hall) -> None:
    wall = await hall.wall()
    poll = await hall.poll(wall=wall)
    await hall.show(wall, f"polls/{poll}")
    hall.running.services.base_url = "http://wall.example"
    screen = await hall.projector(f"/w/{wall}/screen")
    scanned = await screen.evaluate("document.querySelector('.qr title').textContent")
    assert scanned == f"http://wall.example/w/{wall}"
    phone = await hall.page()
    pages: list[str] = []
    phone.on("request", lambda request: pages.append(request.url) if request.is_navigation_request() else None)
    await phone.goto(hall.url + scanned.removeprefix("http://wall.example"))
    await hall.live(phone)
    await phone.click(".choice >> nth=1")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    assert pages == [f"{hall.url}/w/{wall}"]
    assert all(each["name"].startswith("livewall_voter_") for each in await phone.context.cookies())
    assert (await hall.ask("GET", f"/api/polls/{poll}"))["tally"]["counts"]["2"] == 1


async def test_joining_takes_no_request_that_the_page_could_spare(hall: Hall) -> None:
    wall = await hall.wall()
    poll = await hall.poll(wall=wall)
    await hall.show(wall, f"polls/{poll}")
    phone = await hall.page()
    asked: list[str] = []
    phone.on("request", lambda request: asked.append(request.url.removeprefix(hall.url).partition("?")[0]))
    await phone.goto(f"{hall.url}/w/{wall}")
    await hall.live(phone)
    await phone.click(".choice >> nth=1")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    assert sorted(asked) == ["/packs/pages.css", "/packs/poll.js", "/packs/watch.js", f"/w/{wall}"]


async def test_a_page_that_the_browser_kept_asks_for_the_ballot_that_was_cast_since(hall: Hall) -> None:
    wall = await hall.wall()
    poll = await hall.poll(wall=wall)
    await hall.show(wall, f"polls/{poll}")
    phone = await hall.phone(f"/w/{wall}")
    await phone.reload()  # the page is kept for those who send this cookie
    await hall.live(phone)
    await phone.click(".choice >> nth=1")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    receipt = await phone.inner_text("#receipt code")
    await phone.goto(f"{hall.url}/w")
    await phone.go_back()
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    assert await phone.inner_text("#receipt code") == receipt


async def test_who_comes_late_or_back_finds_the_poll_the_own_ballot_and_the_state(hall: Hall) -> None:
    wall = await hall.wall()
    first, second = await hall.poll(wall=wall, title="First?"), await hall.poll(wall=wall, title="Second?")
    await hall.show(wall, f"polls/{first}")
    phone = await hall.phone(f"/w/{wall}")
    await phone.click(".choice >> nth=1")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    receipt = await phone.inner_text("#receipt code")
    await phone.context.set_offline(True)
    await hall.show(wall, f"polls/{second}")
    await hall.vote(second, "3")
    late = await hall.phone(f"/w/{wall}")
    await phone.context.set_offline(False)  # another network
    for page in (late, phone):
        await reads(page, "#stage h1", "Second?")
        await reads(page, "#turnout", "1 ballot")
        assert await page.query_selector(".choice.on") is None
    await hall.show(wall, f"polls/{first}")
    await hall.ask("POST", f"/api/polls/{first}/close")
    await reads(phone, "#receipt b", "Your ballot was counted.")
    await phone.reload()
    await reads(phone, "#receipt b", "Your ballot was counted.")
    assert await phone.inner_text("#receipt code") == receipt
    await becomes(lambda: phone.inner_text(".choice.on .label"), "The old one")
    await reads(late, "#receipt", "Voting is closed.")


async def test_a_browser_without_cookies_is_told_before_and_after_the_tap(hall: Hall, tmp_path: Path) -> None:
    wall = await hall.wall()
    poll = await hall.poll(wall=wall)
    await hall.show(wall, f"polls/{poll}")
    profile = tmp_path / "profile"
    (profile / "Default").mkdir(parents=True)
    blocked = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (profile / "Default" / "Preferences").write_text(json.dumps(blocked))
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            str(profile), executable_path=chromium(windows=True), args=FLAGS, viewport={"width": 360, "height": 740}
        )
        try:
            phone = await context.new_page()
            phone.set_default_timeout(25_000)
            await phone.goto(f"{hall.url}/w/{wall}")
            await hall.live(phone)
            await reads(phone, "#cookies b", "You cannot vote in this browser.")
            assert await phone.is_visible("#cookies")
            assert await phone.input_value("#cookies input") == f"{hall.url}/w/{wall}"
            assert await phone.get_attribute("#cookies a", "target") == "_blank"
            await phone.click(".choice >> nth=1")
            await phone.wait_for_selector("#receipt[data-phase=refused]")
            assert "stores no cookies" in await phone.inner_text("#receipt")
            assert await context.cookies() == []
        finally:
            await context.close()
    assert (await hall.ask("GET", f"/api/polls/{poll}"))["tally"]["ballots"] == 0


async def test_the_sheet_to_print_is_one_page_whatever_the_title(hall: Hall) -> None:
    hall.running.services.base_url = "http://wall.example"
    for title in ("Forum", "Which of the many releases " * 11, "周" * 200):
        page = await hall.page(f"/w/{await hall.wall(title)}/poster")
        for paper in ("A4", "Letter"):
            pdf = await page.pdf(format=paper)
            assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type/Page/") == 1, (title[:5], paper)
