"""The figures of a tally as people read it: count, share and place of each option. Pure."""

from __future__ import annotations

from livewall.charts.drawing import colour_and_pattern
from livewall.charts.figure import Figure
from livewall.voting import decision
from livewall.voting.poll import Phase, Poll, Tally
from livewall.voting.shares import percent


def figures(poll: Poll, tally: Tally) -> list[Figure]:
    """Return a figure for each option, in their order. A first place is given only once the round is over."""
    base = decision.base(poll, tally)
    first = decision.first(poll, tally) if poll.phase is Phase.CLOSED or tally.round < poll.round else ()
    rows = []
    for index, option in enumerate(poll.options):
        count, abstains = tally.counts.get(option.id, 0), option.abstain is True
        colour, pattern = colour_and_pattern(index)
        rows.append(
            Figure(
                id=option.id,
                label=option.label,
                number=index + 1,
                colour=colour,
                pattern=pattern,
                count=count,
                share=0.0 if abstains or not base else min(1.0, count / base),
                percent="–" if abstains else percent(count, base),
                first=option.id in first,
                abstain=abstains,
            )
        )
    return rows
