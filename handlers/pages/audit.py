"""The audit log as a page."""

from __future__ import annotations

from typing import Any

from handlers.api.audit import lines, need_reader
from handlers.pages.page import Page
from livewall.audit import Line
from livewall.names import is_name

PAGES = {"polls": "poll", "walls": "wall_host", "tasks": "task"}
"""The names of the routes to the pages of a line's subject."""


class AuditPage(Page):
    """GET /audit: the audit log as a table, complete without scripts."""

    scripts = ()

    async def get(self) -> None:
        need_reader(self)
        items, next_cursor = await lines(self)
        first = not self.argument("before")
        self.render(
            "audit.html",
            lines=items,
            older=next_cursor,
            first=first,
            act_words=self.act_words,
            format_details=format_details,
            link=self.link,
        )

    def act_words(self, line: Line) -> str:
        """Return an act in words, or its name if the catalogue does not know it."""
        key = "audit.act." + line.act
        text = self.say(key)
        return line.act if text == key else text

    def link(self, line: Line) -> str | None:
        """Return the page of a line's subject if this reader may open it."""
        kind, _, subject_id = line.about.partition("/")
        if kind not in PAGES or not is_name(subject_id) or (kind == "walls" and not self.who.host):
            return None
        return self.reverse_url(PAGES[kind], subject_id)


def format_details(detail: dict[str, Any]) -> str:
    """Return the details of an act on one line, without those that are empty."""
    return ", ".join(
        f"{name}: {_format_value(value)}" for name, value in detail.items() if value not in (None, False, "")
    )


def _format_value(value: Any) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)
