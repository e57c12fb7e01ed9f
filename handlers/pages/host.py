"""A wall's remote control: its items in order, the active item, and the actions for it. It is complete as plain forms,
which the desk handles, and live with scripts."""

from __future__ import annotations

from typing import Any

from handlers.assets.assets import texts
from handlers.pages.page import Page, installed_kinds
from handlers.pages.screens import is_reachable
from handlers.view_models.option_rows import OptionRow, format_count, result_rows
from handlers.view_models.question_queue import question_queue
from handlers.view_models.result_summary import ResultSummary
from livewall.names import wall_code
from livewall.rooms.rows import Room
from livewall.voting.kinds import kind_of
from livewall.voting.poll import Phase, Poll, is_public
from livewall.wall_rows import Wall
from livewall.walls.wall_model import WallItem

TEXTS = ("live", "poll", "error", "home", "host", "phone", "state", "health", "result", "queue")
ROOMS = 100
"""The most rooms that are offered."""
TIMES = (30, 60, 120)
"""The seconds that a button adds to an open poll."""


class HostView(Page):
    """The host page of one wall, at its own address and after a form was refused."""

    async def render_host(self, typed_code: str, *, error_text: str = "", typed: dict[str, str] | None = None) -> None:
        code = wall_code(typed_code)
        wall, version, entries = await self.services.walls.model(code)
        for entry in entries:
            if entry.item.startswith("questions/"):
                entry.title = self.say("host.asks_item")
        active = next((entry for entry in entries if entry.item == wall.active), None)
        rows, facts = self.figures(active)
        asked = None if wall.setting == "off" else await self.services.questions.list(code, self.who)
        base = self.services.base_url
        await self.render_in_thread(
            "host.html",
            wall=wall,
            neighbors=neighbors(wall.items, wall.active),
            version=version,
            entries=entries,
            active=active,
            rows=rows,
            facts=facts,
            only=code,
            ballots_text=self.ballots_text,
            is_tally_public=is_tally_public,
            form_values=form_values,
            times=TIMES,
            queue=question_queue(asked.items) if asked else None,
            rooms=await self.rooms_to_add(wall),
            format_count=format_count,
            done=self.argument("done") if self.request.method == "GET" else "",
            error_text=error_text,
            typed=typed or {},
            editing=typed.get("poll", "") if typed else self.argument("edit"),
            health_code=code,
            unreachable="" if is_reachable(base) else self.say("host.unreachable", address=base),
            data=self.page_data(wall, version, entries),
            texts=texts(self.locale, TEXTS),
            script="host",
        )

    async def rooms_to_add(self, wall: Wall) -> list[Room]:
        """Return rooms that are no items of the wall yet."""
        rooms = (await self.services.rooms.list(self.who, limit=ROOMS)).items
        return [room for room in rooms if f"rooms/{room.name}" not in wall.items]

    def figures(self, active: WallItem | None) -> tuple[list[OptionRow], str]:
        """Return the rows of the active item and the text below them, as hosts see them, whether they are published or
        not."""
        if active is None or active.poll is None or active.tally is None or active.poll.phase is Phase.DRAFT:
            return [], ""
        facts = ResultSummary(self, active.poll, active.tally)
        rows = result_rows(active.poll, active.tally)
        return rows, " · ".join(each for each in (facts.quorum(), facts.below_bars(None)) if each)

    def ballots_text(self, entry: WallItem) -> str:
        """Return the number of ballots in the current round in words; empty for a draft."""
        if entry.poll is None or entry.tally is None or entry.poll.phase is Phase.DRAFT:
            return ""
        return self.say("poll.ballots", entry.tally.ballots, n=format_count(entry.tally.ballots))

    def page_data(self, wall: Wall, version: int, entries: list[WallItem]) -> dict[str, Any]:
        return {
            "wallStream": f"walls/{wall.code}",
            "wall": wall,
            "version": version,
            "items": {entry.item: entry for entry in entries},
            "lang": self.locale.code.replace("_", "-"),
            "phone": self.reverse_url("wall_phone", wall.code),
            "times": TIMES,
            "asksTitle": self.say("host.asks_item"),
            **installed_kinds(),
        }


class HostPage(HostView):
    """GET /w/CODE/host"""

    async def get(self, code: str) -> None:
        self.require("host")
        await self.render_host(code)


def is_tally_public(entry: WallItem) -> bool:
    """Return whether the tally is public, or will be as soon as there is one."""
    assert entry.poll is not None
    if entry.poll.phase is Phase.DRAFT:
        return entry.poll.results == "live"
    return is_public(entry.poll)


def neighbors(items: list[str], active: str | None) -> list[tuple[str, str]]:
    """Return the neighbours of the active item for the two buttons: ("previous" | "next", item)."""
    index = items.index(active) if active in items else -1
    result = [("previous", items[index - 1])] if index > 0 else []
    return result + ([("next", items[index + 1])] if index + 1 < len(items) else [])


def form_values(poll: Poll) -> dict[str, str]:
    """Return the values of a poll's form fields."""
    named = [option.label for option in poll.options if option.abstain is not True]
    abstain = [option.label for option in poll.options if option.abstain is True]
    return {
        "title": poll.title,
        "options": "\n".join(named),
        "abstain": "".join(abstain),
        **kind_of(poll.kind).write_form(poll.max_choices),
        "results": poll.results,
        "quorum": str(poll.quorum) if poll.quorum else "",
        "majority": poll.majority or "",
        "allow_change": "yes" if poll.allow_change else "",
        "compare": "yes" if poll.compare else "",
    }
