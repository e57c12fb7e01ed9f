"""Pictures of what is empty, long and strange (and of the ordinary), for people to look at.

`python tests/browser/pictures.py [NAME…]` writes docs/pictures/NAME.png, one sheet for each state: a phone, a tablet
and a projector, light and dark, in English and in Chinese. Needs Chromium, `fonts-noto-core` and `fonts-noto-cjk`.
"""

from __future__ import annotations

import asyncio
import base64
import struct
import sys
import tempfile
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from browsing import ADMIN, FLAGS, Hall, chromium
from picture_states import STATES, Shots
from playwright.async_api import Page, async_playwright

from livewall.settings import Settings

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
SIZES = {360: (360, 740, 0.6), 768: (768, 1024, 0.4), 1920: (1920, 1080, 0.4)}
"""Width and height of the window, and how much of that the picture has."""
COLOURS = 128
SHEET = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; padding: 10px; background: #888; width: max-content; }
div { display: flex; gap: 10px; margin-bottom: 10px; align-items: flex-start; } div:last-child { margin: 0; }
</style>"""
INDEXED = """async ([address, most]) => {
    const picture = new Image();
    picture.src = address;
    await picture.decode();
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const found = new Map();
    const coarse = (at) => (data[at] >> 3) << 10 | (data[at + 1] >> 3) << 5 | data[at + 2] >> 3;
    for (let at = 0; at < data.length; at += 4) {
        const key = coarse(at);
        const held = found.get(key) || { n: 0, r: 0, g: 0, b: 0 };
        held.n += 1; held.r += data[at]; held.g += data[at + 1]; held.b += data[at + 2];
        found.set(key, held);
    }
    const kept = [...found.values()].sort((a, b) => b.n - a.n).slice(0, most)
        .map(({ n, r, g, b }) => [r / n, g / n, b / n].map(Math.round));
    const nearest = new Map();
    const index = (at) => {
        const key = coarse(at);
        if (!nearest.has(key)) {
            let best = 0, least = Infinity;
            kept.forEach((colour, place) => {
                const far = colour.reduce((sum, part, i) => sum + (part - data[at + i]) ** 2, 0);
                if (far < least) [least, best] = [far, place];
            });
            nearest.set(key, best);
        }
        return nearest.get(key);
    };
    let text = "";
    for (let at = 0; at < data.length; at += 4) text += String.fromCharCode(index(at));
    return { width: canvas.width, height: canvas.height, colours: kept.flat(), pixels: btoa(text) };
}"""


def png(width: int, height: int, colours: list[int], pixels: bytes) -> bytes:
    """A picture with a table of colours."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + pixels[y * width : (y + 1) * width] for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"PLTE", bytes(colours)), chunk(b"IDAT", zlib.compress(rows, 9))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


class Studio(Hall):
    """A hall in which pictures are taken."""

    async def shoot(self, shots: Shots, lang: str, theme: Any) -> list[bytes]:
        """The same thing on each size of window."""
        taken = []
        for width, (wide, high, scale) in SIZES.items():
            page = await self.page(
                size=(wide, high), device_scale_factor=scale, color_scheme=theme, locale=lang, reduced_motion="reduce"
            )
            path = shots.paths[width]
            if shots.signed_in:
                await page.goto(self.url)
                await page.fill("input[name=token]", ADMIN)
                await page.click("main button")
                await page.wait_for_selector("form[action='/logout']")
            mark = "&" if "?" in path else "?"
            await page.goto(f"{self.url}{path}{mark}theme={theme}" if "/screen" in path else self.url + path)
            if await page.query_selector("#corner"):
                await self.live(page)
            await shots.before(page)
            await page.evaluate("document.fonts.ready")
            taken.append(await page.screenshot(full_page=shots.whole and width < 1920))
            await page.context.close()
            self.contexts.remove(page.context)
        return taken

    async def sheet(self, page: Page, rows: list[list[bytes]]) -> bytes:
        """All shots on one sheet, in few colours."""

        def address(data: bytes) -> str:
            return "data:image/png;base64," + base64.b64encode(data).decode()

        images = ["".join(f'<img src="{address(each)}">' for each in row) for row in rows]
        await page.set_content(SHEET + "".join(f"<div>{row}</div>" for row in images))
        body = await page.query_selector("body")
        assert body is not None
        found = await page.evaluate(INDEXED, [address(await body.screenshot()), COLOURS])
        return png(found["width"], found["height"], found["colours"], base64.b64decode(found["pixels"]))


@asynccontextmanager
async def studio(settings: Settings) -> AsyncIterator[Studio]:
    """A server and a browser for the pictures."""
    path = chromium()
    assert path, "no Chromium here: install it, or name it in CHROMIUM"
    async with async_playwright() as playwright:
        made = Studio(settings, await playwright.chromium.launch(executable_path=path, args=FLAGS))
        await made.open_server()
        try:
            yield made
        finally:
            await made.shut()


async def main(names: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(
            port=0, data=Path(data) / "data", admin_token=ADMIN, rate_limits=False, public_url="http://vote.example"
        )
        async with studio(settings) as hall:
            page = await hall.page(size=(2400, 1200))
            for name, state in STATES.items():
                if names and name not in names:
                    continue
                rows = []
                for lang in ("en", "zh"):
                    shots = await state(hall, lang)
                    both = [await hall.shoot(shots, lang, theme) for theme in ("light", "dark")]
                    rows.append([one for taken in both for one in taken])
                made = await hall.sheet(page, rows)
                (FOLDER / f"{name}.png").write_bytes(made)
                print(f"{name}: {len(made) >> 10} KiB", flush=True)
        for complaint in hall.complaints:
            print(complaint, file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
