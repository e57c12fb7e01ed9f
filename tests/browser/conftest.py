"""A real server, a real Chromium, both in the test's own loop, and a hall of people to play with.

Without Chromium the tests are skipped and say why; where CI is set they fail instead.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import ADMIN, FLAGS, Hall, chromium
from playwright.async_api import Browser, Playwright, async_playwright
from tornado.ioloop import IOLoop

from livewall.settings import Settings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker(pytest.mark.timeout(120))  # two cores may have other work
        if chromium() is None and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason="no Chromium here: install it, or name it in CHROMIUM"))


@pytest.fixture
def settings(new_data: Path) -> Settings:
    return Settings(port=0, data=new_data, admin_token=ADMIN, rate_limits=False)


@pytest.fixture(scope="session")
def browser_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Chromium for all tests, each of which has contexts of its own in it; it tells where it listens in a file."""
    path = chromium()
    assert path is not None, "no Chromium here, and CI must not skip these tests"
    profile = tmp_path_factory.mktemp("chromium")
    told = profile / "DevToolsActivePort"
    with open(profile / "log", "wb") as log:
        process = subprocess.Popen(
            [path, *FLAGS, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        for _ in range(200):
            if told.exists() and "\n" in told.read_text():
                break
            assert process.poll() is None, (profile / "log").read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{told.read_text().split()[0]}"
    finally:
        # The whole group: Debian's chromium-headless-shell is a script that waits for the browser.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


@pytest.fixture(scope="session")
def browser_loop() -> Iterator[IOLoop]:
    """The loop of all tests here. The connection to Chromium, which takes longer than most of them, belongs to it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    made = IOLoop.current()
    asyncio.set_event_loop(None)
    yield made
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    made.close()


@pytest.fixture(scope="session")
def browser(browser_loop: IOLoop, browser_address: str) -> Iterator[Browser]:
    """The connection to Chromium, one for all tests of a worker."""
    playwright: Playwright = browser_loop.run_sync(async_playwright().start)
    made: Browser = browser_loop.run_sync(lambda: playwright.chromium.connect_over_cdp(browser_address))
    yield made
    browser_loop.run_sync(made.close)
    browser_loop.run_sync(playwright.stop)


@pytest.fixture
def io_loop(browser_loop: IOLoop) -> Iterator[IOLoop]:
    """The shared loop. A task that the test has left pending, other than Playwright's own, fails it."""
    loop: asyncio.AbstractEventLoop = browser_loop.asyncio_loop  # type: ignore[attr-defined]
    asyncio.set_event_loop(loop)
    yield browser_loop
    left = [task for task in asyncio.all_tasks(loop) if "playwright" not in repr(task)]
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    asyncio.set_event_loop(None)
    assert not left, f"left pending: {left}"


@pytest.fixture
def hall(io_loop: IOLoop, settings: Settings, browser: Browser) -> Iterator[Hall]:
    made = Hall(settings, browser)
    io_loop.run_sync(made.open_server)
    yield made
    io_loop.run_sync(made.shut)
    assert not made.complaints, made.complaints
