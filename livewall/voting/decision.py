"""The meaning of a tally under the rules of its poll: base of the shares, quorum, majority. Pure.

The base is the number of ballots that did not abstain. Shares and majorities are of the base, a quorum is of all
ballots.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET

from livewall.voting.poll import Poll, Tally, abstention

MAJORITIES: Mapping[str, tuple[int, int]] = {"1/2": (1, 2), "2/3": (2, 3), "3/4": (3, 4)}


def base(poll: Poll, tally: Tally) -> int:
    """Return the number of ballots that the shares are of."""
    own = abstention(poll.options)
    return tally.ballots - (tally.counts.get(own, 0) if own is not None else 0)


def needed(majority: str, base: int) -> int:
    """Return how many marks a majority takes: more than half, or at least two thirds or three quarters, of `base`."""
    part, whole = MAJORITIES[majority]
    return base // 2 + 1 if majority == "1/2" else -(-base * part // whole)


def line(majority: str) -> float:
    """Return where the line of a majority is drawn, as a share of the base."""
    part, whole = MAJORITIES[majority]
    return part / whole


def quorum_reached(poll: Poll, tally: Tally) -> bool | None:
    """Return whether the quorum is reached; None where the poll has no quorum."""
    return None if poll.quorum is UNSET else tally.ballots >= poll.quorum


def first(poll: Poll, tally: Tally) -> tuple[str, ...]:
    """Return the options with the most marks: several if they are equal, none if they miss the majority that the poll
    asks for."""
    counts = {o.id: tally.counts.get(o.id, 0) for o in poll.options if o.abstain is not True}
    most = max([0, *counts.values()])
    enough = counts if poll.majority is UNSET else majority_reached(poll, tally)
    return tuple(option_id for option_id in enough if counts[option_id] == most > 0)


def majority_reached(poll: Poll, tally: Tally) -> tuple[str, ...]:
    """Return the options that reach the poll's majority, in their order. There may be several where a ballot has
    several marks; there is none where the poll asks for no majority, nobody chose, or the quorum is missed."""
    of = base(poll, tally)
    if poll.majority is UNSET or of == 0 or quorum_reached(poll, tally) is False:
        return ()
    least = needed(poll.majority, of)
    return tuple(
        option.id for option in poll.options if option.abstain is not True and tally.counts.get(option.id, 0) >= least
    )
