"""Takes the pictures of the README: `python tests/browser/readme_pictures.py` writes docs/screen.png, docs/phone.png,
docs/host.png and docs/chart.png. Needs what pictures.py needs."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from browsing import ADMIN, Hall
from pictures import studio
from playwright.async_api import Page
from tornado.httpclient import HTTPRequest

from livewall.settings import Settings

FOLDER = Path(__file__).parents[2] / "docs"
DARK: dict[str, Any] = {"color_scheme": "dark", "locale": "en", "reduced_motion": "reduce"}
RELEASE = "Which release should go out to everybody on Monday?"
RELEASES = ["4.2 with the new scheduler", "4.1.7, only the fixes", "Wait a week and measure again", "None of these"]
BUDGET = "Shall the budget for next year be raised?"
STEPS: list[dict[str, Any]] = [
    {"name": "fetch"},
    *({"name": name, "needs": ["fetch"]} for name in ("tests", "wheel", "docs")),
    {"name": "upload", "needs": ["tests", "wheel", "docs"]},
    {"name": "restart", "needs": ["upload"]},
]
REPORTS: list[tuple[str, dict[str, Any]]] = [
    ("fetch", {"state": "succeeded"}),
    ("wheel", {"state": "succeeded"}),
    ("docs", {"state": "running", "progress": 0.6, "message": "31 of 52 pages"}),
    ("tests", {"state": "running", "progress": 0.8, "message": "8 of 10 files"}),
]
LOG = "".join(f"tests/test_schedule_{n}.py \x1b[32mPASSED\x1b[0m [{10 * n:3}%]\n" for n in range(1, 9))


async def votes(hall: Hall, poll: str, *counts: int) -> None:
    for place, count in enumerate(counts, 1):
        await asyncio.gather(*(hall.vote(poll, str(place)) for _ in range(count)))


async def take(page: Page, name: str) -> None:
    await page.evaluate("document.fonts.ready")
    await page.screenshot(path=FOLDER / f"{name}.png")
    print(f"docs/{name}.png", flush=True)


async def screen_and_phone(hall: Hall) -> None:
    wall = await hall.wall()
    poll = await hall.poll(title=RELEASE, options=RELEASES, wall=wall, closes_in=150)
    await hall.show(wall, f"polls/{poll}")
    await votes(hall, poll, 187, 117, 90, 26)
    screen = await hall.live(await hall.page(f"/w/{wall}/screen?theme=dark", size=(1440, 810), **DARK))
    await screen.wait_for_selector("text=420")
    await take(screen, "screen")
    phone = await hall.live(await hall.page(f"/w/{wall}", size=(412, 780), **DARK))
    await phone.click(".choice >> nth=0")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    await phone.wait_for_selector("text=421")
    await take(phone, "phone")


async def host(hall: Hall, page: Page) -> None:
    wall = await hall.wall()
    first = await hall.poll(title="Which release goes out?", wall=wall)
    await votes(hall, first, 21, 15, 8)
    await hall.ask("POST", f"/api/polls/{first}/close")
    options = ["Yes", "No", {"label": "Abstain", "abstain": True}]
    rules = {"results": "on_publish", "quorum": 40, "majority": "2/3", "closes_in": 90}
    second = await hall.poll(title=BUDGET, options=options, wall=wall, **rules)
    await votes(hall, second, 22, 8, 5)
    for title in ("Which talks would you like to hear again?", "Where do we meet next year?"):
        await hall.poll(title=title, wall=wall, open=False)
    await hall.show(wall, f"polls/{second}")
    await page.goto(f"{hall.url}/w/{wall}/host")
    await hall.live(page)
    await page.click("summary:has-text('More') >> nth=1")
    await take(page, "host")


async def chart(hall: Hall, page: Page) -> None:
    task = (await hall.ask("POST", "/api/tasks", {"title": "Release 4.2", "steps": STEPS}))["id"]
    for name, report in REPORTS:
        await hall.ask("PUT", f"/api/tasks/{task}/steps/{name}", report)
    headers = {"Authorization": f"Bearer {ADMIN}"}
    await hall.http.fetch(HTTPRequest(f"{hall.url}/api/tasks/{task}/logs/tests", "POST", headers, LOG.encode()))
    await page.goto(f"{hall.url}/tasks/{task}")
    await hall.live(page)
    await page.locator("svg text", has_text="tests").first.click(force=True)
    await page.wait_for_selector("text=test_schedule_8.py")
    await take(page, "chart")


async def main() -> None:
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(
            port=0, data=Path(data) / "data", admin_token=ADMIN, rate_limits=False, public_url="https://forum.example"
        )
        async with studio(settings) as hall:
            await screen_and_phone(hall)
            page = await hall.page("/", size=(1280, 720), **DARK)
            await page.fill("input[name=token]", ADMIN)
            await page.click("main button")
            await page.wait_for_selector("form[action='/logout']")
            await host(hall, page)
            await chart(hall, page)
        assert not hall.complaints, hall.complaints


if __name__ == "__main__":
    asyncio.run(main())
