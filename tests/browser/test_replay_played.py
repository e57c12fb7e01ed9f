"""A replay is played, scrubbed, saved as a picture, and gone while the result is withdrawn."""

from __future__ import annotations

import asyncio
import re
import struct

from browsing import SECONDS, Hall, reads
from playwright.async_api import expect


async def published(hall: Hall, poll: str, ballots: int) -> bool:
    items = (await hall.ask("GET", f"/api/polls/{poll}/replay"))["items"]
    return any(item["ballots"] == ballots for item in items)


async def test_a_replay_is_played_and_scrubbed_and_gone_while_the_result_is_withdrawn(hall: Hall) -> None:
    poll = await hall.poll(results="on_publish")
    for ballots, option in enumerate(("1", "2", "2"), 1):
        await hall.vote(poll, option)
        # Ballots that are published together share a moment.
        async with asyncio.timeout(SECONDS):
            while not await published(hall, poll, ballots):
                await asyncio.sleep(0.02)
    await hall.ask("POST", f"/api/polls/{poll}/close")
    await hall.ask("POST", f"/api/polls/{poll}/publish")
    page = await hall.live(await hall.page(f"/polls/{poll}/replay", size=(1280, 900)))
    counts = page.locator(".tallied .figures small")
    await expect(counts).to_have_text(["1", "2", "0"])
    scrub = page.locator("#controls input")
    await scrub.focus()
    await page.keyboard.press("Home")
    await expect(counts).to_have_text(["0", "0", "0"])
    await page.keyboard.press("ArrowRight")
    await expect(counts).to_have_text(["1", "0", "0"])
    await expect(scrub).to_have_attribute("aria-valuetext", re.compile("1 ballot"))
    await page.select_option("#controls select", "60")
    await page.click("#controls .play")
    await expect(counts).to_have_text(["1", "2", "0"])
    await reads(page, "#controls .play", "Play")
    await hall.ask("POST", f"/api/polls/{poll}/publish", {"published": False})
    await page.wait_for_selector(".hidden-now")
    await expect(page.locator(".race, .final, .tallied")).to_have_count(0)
    await hall.ask("POST", f"/api/polls/{poll}/publish")
    await expect(counts).to_have_text(["1", "2", "0"])


async def test_a_picture_is_saved_as_png(hall: Hall) -> None:
    poll = await hall.poll(title="Which, 周 or שלום?")
    await hall.vote(poll, "1")
    page = await hall.live(await hall.page(f"/polls/{poll}/replay"))
    async with page.expect_download() as saving:
        await page.click("text=Save as PNG >> nth=0")
    saved = await (await saving.value).path()
    head = saved.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">I", head[16:20]) == (2400,)
