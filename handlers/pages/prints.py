"""Results on paper: of one poll on a page, and of a whole wall. Black on white, patterns instead of
colours, rounds side by side; what is printed is a table, which is what a screen reader reads, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from handlers.pages.page import Page
from handlers.view_models.option_rows import share_width
from handlers.view_models.result_summary import ResultSummary, minute
from handlers.view_models.screen_layout import text_width
from livewall.charts.drawing import PATTERNS, pattern
from livewall.charts.figure import Figure
from livewall.errors import NotAllowed, NotFound
from livewall.names import wall_code
from livewall.voting import decision
from livewall.voting.figures import figures
from livewall.voting.poll import Phase, Poll, is_public

ROUNDS = 4
"""Rounds that stand side by side; paper has a width."""
POLLS = 60
"""Polls on one page of a wall's results."""
SIZES = ((14, "large"), (25, "middle"), (38, "small"))
"""So many lines of labels at most, and how large the letters are then; beyond, they are the least."""
LINE = 52
"""Letters in a line of a label."""
PATTERN_DEFS = "".join(pattern(f"k{kind}", "#ffffff", "#000000", kind) for kind in range(2, PATTERNS + 1))


@dataclass(frozen=True)
class Round:
    """One round as it is printed, and what is said of it."""

    name: str
    figures: list[Figure]
    facts: ResultSummary

    @property
    def told(self) -> str:
        """What came of it, on a line."""
        facts = self.facts
        return " · ".join(
            each for each in (facts.ballots(), facts.of_base(), facts.quorum(), facts.majority()) if each
        )


@dataclass(frozen=True)
class Sheet:
    """A poll as it is printed; `limit` is where its majority stands, in per cent."""

    poll: Poll
    rounds: list[Round]
    left_out: int
    size: str
    limit: str
    facts: str
    hosts_only: bool

    @property
    def last(self) -> Round:
        return self.rounds[-1]

    @property
    def before(self) -> Round | None:
        return self.rounds[-2] if len(self.rounds) > 1 else None


class PrintPage(Page):
    """What both pages share."""

    scripts = ("result",)

    async def sheet(self, poll_id: str) -> Sheet:
        """Raises NotFound, and NotAllowed where the tally may not be seen."""
        poll, tallies, _ = await self.services.results.shown(poll_id, self.who)
        if poll.phase is Phase.DRAFT and len(tallies) > 1:
            tallies = tallies[:-1]  # a round that has not begun says nothing yet
        told = [ResultSummary(self, poll, tally) for tally in tallies[-ROUNDS:]]
        shown = [
            Round(self.say("poll.round", round=facts.tally.round), figures(poll, facts.tally), facts) for facts in told
        ]
        last = told[-1]
        return Sheet(
            poll=poll,
            rounds=shown,
            left_out=len(tallies) - len(shown),
            size=size_of([option.label for option in poll.options], poll.title),
            limit=limit_of(poll),
            facts=" · ".join(each for each in (last.rules(), last.time(), last.erased()) if each),
            hosts_only=self.who.host and not is_public(poll),
        )

    async def show(self, sheets: list[Sheet], **more: Any) -> None:
        await self.render_beside(
            "print.html",
            sheets=sheets,
            defs=PATTERN_DEFS,
            exported=self.say("print.exported", time=minute(self.now()), address=self.services.base_url),
            script="print",
            data={"lang": self.locale.code.replace("_", "-")},
            asked="?as=audience" if self.as_audience else "",
            **more,
        )


class PollPrint(PrintPage):
    """GET /polls/ID/print"""

    async def get(self, poll_id: str) -> None:
        sheet = await self.sheet(poll_id)
        await self.show([sheet], wall=None, title=sheet.poll.title, following=None)


class WallPrint(PrintPage):
    """GET /w/CODE/print: every result of the wall that the asker may see, in the order of its items."""

    async def get(self, code: str) -> None:
        wall = await self.wall_of(wall_code(code), self.who)
        polls = [item.partition("/")[2] for item in wall["items"] if item.startswith("polls/")]
        text = self.argument("from", "0")
        first = int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else 0
        sheets = []
        for poll_id in polls[first : first + POLLS]:
            try:
                sheet = await self.sheet(poll_id)
            except (NotAllowed, NotFound):
                continue
            if sheet.poll.phase is not Phase.DRAFT or sheet.poll.round > 1:
                sheets.append(sheet)
        following = first + POLLS if len(polls) > first + POLLS else None
        await self.show(sheets, wall=wall, title=wall["title"], following=following)


def size_of(labels: list[str], title: str) -> str:
    """How large letters may be so that all of it stands on one page."""
    lines = sum(max(1, -(-text_width(label) // LINE)) for label in labels) + text_width(title) // LINE
    return next((name for most, name in SIZES if lines <= most), "least")


def limit_of(poll: Poll) -> str:
    return "" if poll.majority is UNSET else share_width(decision.line(poll.majority))
