"""Results on paper: one poll, or a whole wall. They are black on white, with patterns instead of colours and rounds
side by side. The results are a table, which screen readers read, too."""

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
from livewall.voting import shares
from livewall.voting.figures import figures
from livewall.voting.poll import Phase, Poll, is_public

ROUNDS = 4
"""The number of rounds that fit side by side on paper."""
POLLS = 60
"""The number of polls on one page of a wall's results."""
SIZES = ((14, "large"), (25, "middle"), (38, "small"))
"""The number of lines of labels up to which each size of letters is used. Beyond the last, it is the smallest size."""
LINE = 52
"""The number of letters in a line of a label."""
PATTERN_DEFS = "".join(pattern(f"k{kind}", "#ffffff", "#000000", kind) for kind in range(2, PATTERNS + 1))


@dataclass(frozen=True)
class Round:
    """One round as it is printed, and the facts about it."""

    name: str
    figures: list[Figure]
    facts: ResultSummary

    @property
    def outcome(self) -> str:
        """The outcome of the round on one line."""
        facts = self.facts
        return " · ".join(each for each in (facts.ballots(), facts.of_base(), facts.quorum(), facts.majority()) if each)


@dataclass(frozen=True)
class Sheet:
    """A poll as it is printed. `limit` is the position of its majority line in per cent."""

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
    """The base of both pages."""

    scripts = ("result",)

    async def sheet(self, poll_id: str) -> Sheet:
        """Return a poll as it is printed. Raises NotFound, and NotAllowed if the tally is hidden."""
        poll, tallies, _ = await self.services.results.shown(poll_id, self.who)
        if poll.phase is Phase.DRAFT and len(tallies) > 1:
            tallies = tallies[:-1]  # a round that has not begun has no result
        summaries = [ResultSummary(self, poll, tally) for tally in tallies[-ROUNDS:]]
        printed_rounds = [
            Round(self.say("poll.round", round=facts.tally.round), figures(poll, facts.tally), facts)
            for facts in summaries
        ]
        last = summaries[-1]
        return Sheet(
            poll=poll,
            rounds=printed_rounds,
            left_out=len(tallies) - len(printed_rounds),
            size=letter_size([option.label for option in poll.options], poll.title),
            limit=majority_position(poll),
            facts=" · ".join(each for each in (last.rules(), last.time(), last.erased()) if each),
            hosts_only=self.who.host and not is_public(poll),
        )

    async def show(self, sheets: list[Sheet], **more: Any) -> None:
        await self.render_in_thread(
            "print.html",
            sheets=sheets,
            defs=PATTERN_DEFS,
            exported=self.say("print.exported", time=minute(self.now()), address=self.services.base_url),
            script="print",
            data={"lang": self.locale.code.replace("_", "-")},
            as_query="?as=audience" if self.as_audience else "",
            **more,
        )


class PollPrint(PrintPage):
    """GET /polls/ID/print"""

    async def get(self, poll_id: str) -> None:
        sheet = await self.sheet(poll_id)
        await self.show([sheet], wall=None, title=sheet.poll.title, following=None)


class WallPrint(PrintPage):
    """GET /w/CODE/print: every result of the wall that the client may see, in the order of its items."""

    async def get(self, code: str) -> None:
        wall = await self.wall_of(wall_code(code), self.who)
        polls = [item.partition("/")[2] for item in wall.items if item.startswith("polls/")]
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
        await self.show(sheets, wall=wall, title=wall.title, following=following)


def letter_size(labels: list[str], title: str) -> str:
    """Return the size of letters with which a poll fits on one page."""
    lines = sum(max(1, -(-text_width(label) // LINE)) for label in labels) + text_width(title) // LINE
    return next((name for max_lines, name in SIZES if lines <= max_lines), "least")


def majority_position(poll: Poll) -> str:
    return "" if poll.majority is UNSET else share_width(shares.line(poll.majority))
