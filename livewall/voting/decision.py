"""The meaning of a tally under the rules of its poll: `livewall/voting/shares.py` for polls and tallies. Pure."""

from __future__ import annotations

from msgspec import UNSET

from livewall.voting import shares
from livewall.voting.poll import Poll, Tally, abstention


def base(poll: Poll, tally: Tally) -> int:
    """Return the number of ballots that the shares are of."""
    return shares.base(tally.counts, tally.ballots, abstention(poll.options))


def quorum_reached(poll: Poll, tally: Tally) -> bool | None:
    """Return whether the quorum is reached; None if the poll has no quorum."""
    return shares.quorum_reached(None if poll.quorum is UNSET else poll.quorum, tally.ballots)


def first(poll: Poll, tally: Tally) -> tuple[str, ...]:
    """Return the options with the most marks: several if they are equal, none if they miss the majority that the poll
    asks for."""
    counts = {id: tally.counts.get(id, 0) for id in _eligible(poll)}
    most = max([0, *counts.values()])
    enough = counts if poll.majority is UNSET else majority_reached(poll, tally)
    return tuple(option_id for option_id in enough if counts[option_id] == most > 0)


def majority_reached(poll: Poll, tally: Tally) -> tuple[str, ...]:
    """Return the options that reach the poll's majority, in their order."""
    return shares.majority_reached(
        _eligible(poll),
        tally.counts,
        base=base(poll, tally),
        majority=None if poll.majority is UNSET else poll.majority,
        quorum_reached=quorum_reached(poll, tally),
    )


def _eligible(poll: Poll) -> list[str]:
    return [option.id for option in poll.options if option.abstain is not True]
