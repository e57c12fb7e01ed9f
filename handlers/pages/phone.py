"""Signing in a phone from a laptop: a link to this wall's host page as a QR code, which only the response that creates
it shows."""

from __future__ import annotations

from handlers.pages.form import FormHandler
from handlers.pages.page import Page
from handlers.pages.qr import sheet_qr_svg
from handlers.pages.screens import is_reachable
from livewall.credentials import LINK_SECONDS
from livewall.names import wall_code


class PhonePage(FormHandler, Page):
    """POST /w/CODE/phone: create a link that signs one phone in as a host."""

    write_right = "host"

    async def get(self, code: str) -> None:
        self.redirect(self.reverse_url("wall_host", wall_code(code)[:12]))

    async def post(self, code: str) -> None:
        self.fields()
        wall = await self.wall_of(code, self.who)
        link_code, _ = await self.services.credentials.create_link("host", self.who)
        host_path, base = self.reverse_url("wall_host", wall.code), self.services.base_url
        link = f"{base}{self.reverse_url('login', link_code)}?next={host_path}"
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Robots-Tag", "noindex")
        reachable = is_reachable(base)
        self.render(
            "phone.html",
            wall=wall,
            here=host_path,
            link=link,
            qr=sheet_qr_svg(link),
            reachable=reachable,
            minutes=LINK_SECONDS // 60,
        )
