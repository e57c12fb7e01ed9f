"""The rows of a poll: each option with its figures and the width of its bar, as in static/js/poll/tally.js."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livewall.voting.decision import base
from livewall.voting.figures import figures
from livewall.voting.poll import Poll, Tally


@dataclass(frozen=True)
class OptionRow:
    """One option, in the order of the poll.

    `first` marks the option with the most ballots, and only once the poll is closed. `before` is the share in the round
    before, if the poll is compared with it.
    """

    id: str
    label: str
    number: int
    colour: int
    pattern: int
    count: int
    percent: str
    width: str
    first: bool
    abstain: bool
    before: str
    before_width: str

    @property
    def count_text(self) -> str:
        return format_count(self.count)

    @property
    def figure(self) -> str:
        """The one figure to show where there is room for one. An abstention has no share."""
        return self.count_text if self.abstain else self.percent


def format_count(value: int) -> str:
    """Return a count with separators of thousands."""
    return f"{value:,}"


def result_rows(poll: Poll, counted: Tally | None, earlier: Tally | None = None) -> list[OptionRow]:
    """Return the rows of a poll, with those of an `earlier` round beside them. Without a tally, all counts are zero."""
    tally = counted or Tally(poll.round, {}, 0)
    compared = figures(poll, earlier) if counted and earlier and base(poll, earlier) else []
    before = {figure.id: figure for figure in compared}
    return [
        OptionRow(
            id=figure.id,
            label=figure.label,
            number=figure.number,
            colour=figure.colour,
            pattern=figure.pattern,
            count=figure.count,
            percent=figure.percent,
            width=share_width(figure.share),
            first=counted is not None and figure.first,
            abstain=figure.abstain,
            before=before[figure.id].percent if before and not figure.abstain else "",
            before_width=share_width(before[figure.id].share if before else 0),
        )
        for figure in figures(poll, tally)
    ]


def top_rows(rows: Sequence[OptionRow], count: int) -> list[OptionRow]:
    """Return the `count` rows with the most ballots, in the order of the options."""
    chosen = sorted(rows, key=lambda row: (-row.count, row.number))[:count]
    return [row for row in rows if row in chosen]


def share_width(share: float) -> str:
    """Return a share as the width of a bar."""
    return f"{min(1.0, share) * 100:.1f}%"


def group_receipt(receipt: str) -> str:
    """Return a receipt in groups of four characters, as people read it."""
    return "-".join(receipt[i : i + 4] for i in range(0, len(receipt), 4))
