"""A Chromium to measure with: Debian's own, driven by Playwright."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

FLAGS = "no-sandbox disable-gpu disable-dev-shm-usage disable-quic no-first-run disable-background-networking"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of its own; raises where none is installed."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise RuntimeError("no Chromium here: install it, or name it in CHROMIUM")
    flags = [f"--{flag}" for flag in (*FLAGS.split(), "disable-component-update", "disable-sync")]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            browser.close()
