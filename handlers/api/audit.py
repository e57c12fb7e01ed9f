"""What hosts and operators did, over HTTP and as a page."""

from __future__ import annotations

from typing import Any

import msgspec

from handlers.base import BaseHandler
from handlers.pages.page import Page
from livewall import audit
from livewall.audit import Line
from livewall.names import is_name

PAGES = {"polls": "poll", "walls": "wall_host", "tasks": "task"}
"""The pages of what a line is about."""


def need_reader(handler: BaseHandler) -> None:
    """Raise unless a host or an operator asks."""
    handler.need("operator", "host")


async def lines(handler: BaseHandler) -> tuple[list[Line], str | None]:
    asked = handler.page_arguments()
    return await handler.services.store.read(lambda connection: audit.page(connection, **asked))


class AuditHandler(BaseHandler):
    """GET /api/audit"""

    async def get(self) -> None:
        need_reader(self)
        found, more = await lines(self)
        self.answer({"items": msgspec.to_builtins(found), "next": more})


class AuditPage(Page):
    """GET /audit: the same as a table, whole without script."""

    scripts = ()

    async def get(self) -> None:
        need_reader(self)
        found, more = await lines(self)
        first = not self.argument("before")
        self.render("audit.html", lines=found, older=more, first=first, words=self.words, told=told, link=self.link)

    def words(self, line: Line) -> str:
        """An act in words; one that the catalogue does not know, by its name."""
        key = "audit.act." + line.act
        said = self.say(key)
        return line.act if said == key else said

    def link(self, line: Line) -> str | None:
        """The page of what a line is about, where this reader has one."""
        kind, _, subject_id = line.about.partition("/")
        if kind not in PAGES or not is_name(subject_id) or (kind == "walls" and not self.who.host):
            return None
        return self.reverse_url(PAGES[kind], subject_id)


def told(detail: dict[str, Any]) -> str:
    """The particulars of an act on one line; what is nothing is left out."""
    return ", ".join(f"{name}: {_short(value)}" for name, value in detail.items() if value not in (None, False, ""))


def _short(value: Any) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)
