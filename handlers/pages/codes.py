"""The page of a wall's voting codes: their number, and a sheet of new ones to print. Only the response that creates
a code shows it."""

from __future__ import annotations

import asyncio

from handlers.pages.form import FormHandler
from handlers.pages.page import Page
from handlers.pages.qr import sheet_qr_svg
from livewall.errors import LivewallError, invalid
from livewall.names import wall_code

MAX_CODES = 500
"""The number of codes on one printed sheet. Each QR code takes some milliseconds to draw."""


class CodesPage(FormHandler, Page):
    """GET and POST /w/CODE/codes: the number of codes, and forms that print a sheet, replace one code or revoke one."""

    write_right = "host"

    async def get(self, code: str) -> None:
        self.require("host")
        await self.show(code, done=self.argument("done"))

    async def post(self, code: str) -> None:
        form = self.fields()
        codebook, code_id = self.services.voter_codes, form.get("id", "").strip()
        try:
            match form.get("do"):
                case "revoke":
                    await codebook.revoke(code, code_id, self.who)
                    self.redirect(self.reverse_url("wall_codes", wall_code(code)) + "?done=revoked", status=303)
                    return
                case "replace":
                    replacement = await codebook.replace(code, code_id, self.who)
                    sheet = [(replacement.id, replacement.code)]
                case _:
                    codes = await codebook.make(code, code_count(form.get("count", "")), self.who)
                    sheet = list(zip(codes.ids, codes.codes, strict=True))
        except LivewallError as error:
            if error.status >= 500:
                raise
            self.set_status(error.status)
            await self.show(code, error_text=error.message, typed=form)
            return
        await self.show_sheet(code, sheet)

    async def show(
        self, code: str, *, error_text: str = "", done: str = "", typed: dict[str, str] | None = None
    ) -> None:
        wall = await self.wall_of(code, self.who)
        self.render(
            "codes.html",
            wall=wall,
            counts=await self.services.voter_codes.list(code, limit=1),
            error_text=error_text,
            done=done == "revoked",
            typed=typed or {},
        )

    async def show_sheet(self, code: str, sheet: list[tuple[str, str]]) -> None:
        wall = await self.wall_of(code, self.who)
        wall_url = self.services.base_url + self.reverse_url("wall", wall.code)
        codes = await asyncio.to_thread(
            lambda: [
                (code_id, voter_code, sheet_qr_svg(f"{wall_url}?code={voter_code}")) for code_id, voter_code in sheet
            ]
        )
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Robots-Tag", "noindex")
        self.render("codes_sheet.html", wall=wall, sheet=codes, address=wall_url.partition("://")[2])


def code_count(text: str) -> int:
    """Return how many codes a form asks for. Raises BadInput."""
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= MAX_CODES):
        raise invalid("count", f"1 to {MAX_CODES} on one sheet")
    return int(text)
