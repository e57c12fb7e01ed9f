"""The page of a wall's voter codes: their number, and a sheet of new ones to print. The response that creates a code is
the only one that shows it."""

from __future__ import annotations

import asyncio

from handlers.pages.form import FormHandler
from handlers.pages.page import Page
from handlers.pages.qr import sheet_qr_svg
from livewall.errors import LivewallError, invalid
from livewall.names import wall_code

ON_A_SHEET = 500
"""The number of codes on one printed sheet. Each QR code takes some milliseconds to draw."""


class CodesPage(FormHandler, Page):
    """GET and POST /w/CODE/codes: the number of codes, and forms that print a sheet, replace one code or revoke one."""

    changes = "host"

    async def get(self, code: str) -> None:
        self.need("host")
        await self.show(code, done=self.argument("done"))

    async def post(self, code: str) -> None:
        given = self.fields()
        codebook, code_id = self.services.voter_codes, given.get("id", "").strip()
        try:
            match given.get("do"):
                case "revoke":
                    await codebook.revoke(code, code_id, self.who)
                    self.redirect(self.reverse_url("wall_codes", wall_code(code)) + "?done=revoked", status=303)
                    return
                case "replace":
                    made = await codebook.replace(code, code_id, self.who)
                    sheet = [(made.id, made.code)]
                case _:
                    several = await codebook.make(code, count_of(given.get("count", "")), self.who)
                    sheet = list(zip(several.ids, several.codes, strict=True))
        except LivewallError as error:
            if error.status >= 500:
                raise
            self.set_status(error.status)
            await self.show(code, wrong=error.message, typed=given)
            return
        await self.show_sheet(code, sheet)

    async def show(self, code: str, *, wrong: str = "", done: str = "", typed: dict[str, str] | None = None) -> None:
        wall = await self.wall_of(code, self.who)
        self.render(
            "codes.html",
            wall=wall,
            counts=await self.services.voter_codes.list(code, limit=1),
            wrong=wrong,
            done=done == "revoked",
            typed=typed or {},
        )

    async def show_sheet(self, code: str, sheet: list[tuple[str, str]]) -> None:
        wall = await self.wall_of(code, self.who)
        here = self.services.base_url + self.reverse_url("wall", wall["code"])
        drawn = await asyncio.to_thread(
            lambda: [(code_id, each, sheet_qr_svg(f"{here}?code={each}")) for code_id, each in sheet]
        )
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Robots-Tag", "noindex")
        self.render("codes_sheet.html", wall=wall, sheet=drawn, address=here.partition("://")[2])


def count_of(text: str) -> int:
    """Return how many codes a form asks for. Raises BadInput."""
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= ON_A_SHEET):
        raise invalid("count", f"1 to {ON_A_SHEET} on one sheet")
    return int(text)
