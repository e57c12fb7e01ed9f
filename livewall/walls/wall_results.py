"""The results of a wall for its end, read at once and decided poll by poll."""

from __future__ import annotations

from msgspec import Struct

from livewall import wall_rows
from livewall.identity import Who
from livewall.names import wall_code
from livewall.voting import rows
from livewall.voting.access import sees_tally
from livewall.voting.poll import Phase, Poll, Tally

MAX_POLLS = 60
"""The largest number of polls in one answer, the first of the wall."""


class PollResult(Struct):
    """A closed poll and its tally."""

    poll: Poll
    tally: Tally


class WallResults(Struct):
    """`over` says that no item is active and that every poll of the wall was asked and is closed. `items` are the
    closed polls whose result the asker may see, in the order of the wall; `hidden` is the number of closed polls left
    out."""

    over: bool
    items: list[PollResult]
    hidden: int


def wall_results(asks: rows.Asks, code: str, who: Who) -> WallResults:
    """Return the results of a wall that `who` may see, decided poll by poll. Raises NotFound."""
    wall = wall_rows.find(asks, wall_code(code)).wall
    polls = [rows.find(asks, item.partition("/")[2]).poll for item in wall.items if item.startswith("polls/")]
    closed = [poll for poll in polls if poll.phase is Phase.CLOSED]
    visible = [
        poll
        for poll in closed
        # `voted=False`: the end page is for the hall, and does not depend on who has voted where.
        if sees_tally(who, results=poll.results, phase=poll.phase, published=poll.published, voted=False)
    ]
    return WallResults(
        over=wall.active is None and bool(polls) and len(closed) == len(polls),
        items=[PollResult(poll, rows.tally(asks, poll)) for poll in visible[:MAX_POLLS]],
        hidden=len(closed) - len(visible),
    )
