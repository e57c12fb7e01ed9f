"""Ways to join a wall: a form for its code, a code in an address, and a printed page with the code and a QR code."""

from __future__ import annotations

import asyncio

from handlers.pages.page import Page
from handlers.pages.qr import qr_svg
from handlers.pages.screens import is_reachable, typed_address
from livewall.errors import Busy, NotFound
from livewall.identity import NOBODY
from livewall.names import in_address, look_alikes, wall_code

MAX_TYPED = 400
"""The number of characters of a typed code that are looked at. An address may have been pasted."""


class CodeForm(Page):
    """The form for a wall's code, with an error if the code leads nowhere."""

    async def resolve_code(self, typed: str) -> str | None:
        """Return the code of the wall that was meant, or None if there is no such wall and the form was shown."""
        code_text = in_address(typed)
        code = wall_code(code_text)
        alike = look_alikes(code)
        if not alike:
            self.show_form(code_text, self.say("join.malformed"), status=422)
            return None
        try:
            return await self.services.walls.find_code(code, alike)
        except NotFound:
            await self.refuse(code_text, code)
            return None

    async def refuse(self, typed: str, code: str) -> None:
        """Count an invalid code for the browser, which gets a cookie for that, and show the form. The answer may be
        delayed."""
        self.ensure_voter()
        limits, now = self.services.limits, self.services.monotonic()
        try:
            wait = limits.wrong_code(f"wall {self.who.voter}", self.address, now)
        except Busy as busy:
            seconds = max(1, round((busy.retry_after or 0) + 0.499))
            self.set_header("Retry-After", str(seconds))
            self.show_form(typed, self.say("join.too_many", seconds, n=seconds), status=429)
            return
        if wait:
            await asyncio.sleep(wait)
        self.show_form(typed, self.say("join.unknown", code=code), status=404)

    def redirect_to_wall(self, code: str, path: str = "") -> None:
        """Redirect to a page of the wall, with the query of this request."""
        query = self.request.query
        self.redirect(self.reverse_url("wall", code) + path + (f"?{query}" if query else ""))

    def show_form(self, typed: str, error_text: str, status: int = 200) -> None:
        self.set_status(status)
        self.render("code.html", typed=typed[:40], error_text=error_text)


class CodePage(CodeForm):
    """GET /w: the form to type a code. Case, spaces, dashes and similar letters do not matter."""

    async def get(self) -> None:
        typed = self.argument("code").strip()[:MAX_TYPED]
        if not typed:
            self.show_form("", "")
        elif code := await self.resolve_code(typed):
            self.redirect(self.reverse_url("wall", code), status=303)


class TypedWallPage(CodeForm):
    """GET /w/anything: a code as somebody typed it into the address, for example with spaces."""

    async def get(self, typed: str, path: str | None) -> None:
        if code := await self.resolve_code(typed):
            self.redirect_to_wall(code, path or "")


class PosterPage(Page):
    """GET /w/CODE/poster: a sheet to hang up that shows how to join."""

    async def get(self, code: str) -> None:
        wall = await self.wall_of(code, NOBODY)
        base = self.services.base_url
        url = base + self.reverse_url("wall", wall.code)
        self.render(
            "poster.html",
            wall=wall,
            qr=qr_svg(url) if is_reachable(base) else "",
            address=typed_address(base + self.reverse_url("code")),
            code=f"{wall.code[:3]} {wall.code[3:]}",
        )
