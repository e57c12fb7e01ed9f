"""A hall of people with pages in a real Chromium, and waits for what their pages show."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import Callable
from typing import Any

from middlebox import Middlebox
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect
from tornado.httpclient import HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

import server
from livewall.settings import Settings

SECONDS = 25
"""How long a test waits for what a page has to show: a machine under load may take that long."""
expect.set_options(timeout=SECONDS * 1000)

ADMIN = "the-admin-token-of-these-tests"
FLAGS = [
    f"--{flag}"
    for flag in (
        "no-sandbox",
        "disable-gpu",
        "disable-dev-shm-usage",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
    )
]
EXPECTED_NOISE = (
    "ERR_CONNECTION_REFUSED",
    "ERR_EMPTY_RESPONSE",
    "WebSocket connection to",
    "ERR_INCOMPLETE",
    "the server responded",
)
"""What the console says of a connection that is meant to fail."""


def chromium(*, windows: bool = False) -> str | None:
    """The one that CHROMIUM names; else, where it is there, the one without windows, which takes half the processor.
    `windows` asks for one that has them, and a profile with all its settings."""
    lean = None if windows else shutil.which("chromium-headless-shell")
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or lean or next(filter(None, map(shutil.which, names)), None)


class Hall:
    """The server, the browser, and what hosts and voters do without one."""

    def __init__(self, settings: Settings, browser: Browser) -> None:
        self.settings = settings
        self.browser = browser
        self.boxes: list[Middlebox] = []
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    async def open_server(self) -> None:
        self.running = await server.start(self.settings)
        self.port = self.running.port
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = SimpleAsyncHTTPClient(force_instance=True, max_clients=200)

    async def shut(self) -> None:
        for context in self.contexts:
            await context.close()
        for box in self.boxes:
            await box.stop()
        self.http.close()
        await self.running.stop()

    # -- the server

    async def stop_server(self) -> None:
        await self.running.stop()

    async def start_server(self) -> None:
        """The same data on the same port, as after a restart."""
        settings = Settings(**{**vars(self.settings), "port": self.port})
        self.running = await server.start(settings)

    async def box(self) -> Middlebox:
        made = await Middlebox(self.port).start()
        self.boxes.append(made)
        return made

    # -- hosts and voters

    async def ask(self, method: str, path: str, body: Any = None, token: str = ADMIN) -> Any:
        data = None if method == "GET" else json.dumps(body or {}).encode()
        headers = {"Authorization": f"Bearer {token}"}
        request = HTTPRequest(self.url + path, method, headers, data, allow_nonstandard_methods=True)
        return json.loads((await self.http.fetch(request)).body)

    async def poll(self, *, open: bool = True, **fields: Any) -> str:
        given = {"title": "Which release?", "options": ["The new one", "The old one", "None"], **fields}
        id: str = (await self.ask("POST", "/api/polls", given))["id"]
        if open:
            await self.ask("POST", f"/api/polls/{id}/open")
        return id

    async def wall(self, title: str = "Autumn Forum") -> str:
        return str((await self.ask("POST", "/api/walls", {"title": title}))["code"])

    async def show(self, wall: str, item: str | None) -> None:
        await self.ask("PUT", f"/api/walls/{wall}", {"active": item})

    async def vote(self, poll: str, choice: str, times: int = 1) -> None:
        for _ in range(times):
            token = (await self.ask("POST", "/api/voters"))["token"]
            await self.ask("PUT", f"/api/polls/{poll}/ballot", {"choices": [choice]}, token)

    # -- people at a screen

    async def page(self, path: str = "", *, base: str = "", size: tuple[int, int] = (412, 860), **options: Any) -> Page:
        context = await self.browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
        self.contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(SECONDS * 1000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"a dialog: {dialog.message}"))
        if path:
            await page.goto((base or self.url) + path)
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(part in message.text for part in EXPECTED_NOISE):
            self.complaints.append(message.text)

    async def phone(self, path: str, **options: Any) -> Page:
        return await self.live(await self.page(path, **options))

    async def projector(self, path: str, **options: Any) -> Page:
        return await self.live(await self.page(path, size=(1920, 1080), **options))

    async def live(self, page: Page) -> Page:
        await page.wait_for_selector("#corner[data-state=live]")
        return page

    async def host(self) -> Page:
        page = await self.page("/", size=(1280, 900))
        await page.fill("input[name=token]", ADMIN)
        await page.click("main button")
        await page.wait_for_selector("text=Signed in as admin")
        return page


async def reads(page: Page, selector: str, wanted: str, seconds: float = SECONDS) -> None:
    """Wait until an element says `wanted`."""
    seen = ""
    for _ in range(int(seconds / 0.05)):
        with contextlib.suppress(Error):  # the page is just being replaced
            element = await page.query_selector(selector)
            seen = ((await element.text_content()) or "").strip() if element else "(not there)"
        if seen == wanted:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{selector} says {seen!r}, not {wanted!r}")


async def becomes(look: Callable[[], Any], wanted: Any, seconds: float = SECONDS) -> None:
    """Wait until `look()` gives `wanted`."""
    seen = None
    for _ in range(int(seconds / 0.05)):
        seen = await look()
        if seen == wanted:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"it is {seen!r}, not {wanted!r}")
