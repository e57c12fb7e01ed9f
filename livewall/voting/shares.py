"""The arithmetic of a tally: base of the shares, percentages, quorum, majority. Pure, and of plain values, so that the
command line has it without the types of the server; `static/js/poll/tally.js` has the same rules for the pages.

The base is the number of ballots that did not abstain. Shares and majorities are of the base, a quorum is of all
ballots.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

MAJORITIES: Mapping[str, tuple[int, int]] = {"1/2": (1, 2), "2/3": (2, 3), "3/4": (3, 4)}


def base(counts: Mapping[str, int], ballots: int, abstention: str | None) -> int:
    """Return the number of ballots that the shares are of; `abstention` is the option that means to abstain."""
    return ballots - (counts.get(abstention, 0) if abstention is not None else 0)


def percent(count: int, of: int) -> str:
    """Return whole per cent, but "100%" only for all of them and "0%" only for none."""
    if not of or not count:
        return "0%"
    if count >= of:
        return "100%"
    share = 100 * count / of
    if share < 0.5:
        return "<1%"
    if share >= 99.5:
        return ">99%"
    return f"{int(share + 0.5)}%"


def needed(majority: str, base: int) -> int:
    """Return how many marks a majority takes: more than half, or at least two thirds or three quarters, of `base`."""
    numerator, denominator = MAJORITIES[majority]
    return base // 2 + 1 if majority == "1/2" else -(-base * numerator // denominator)


def line(majority: str) -> float:
    """Return where the line of a majority is drawn, as a share of the base."""
    numerator, denominator = MAJORITIES[majority]
    return numerator / denominator


def quorum_reached(quorum: int | None, ballots: int) -> bool | None:
    """Return whether so many ballots reach the quorum; None if the poll has none."""
    return None if quorum is None else ballots >= quorum


def majority_reached(
    options: Iterable[str], counts: Mapping[str, int], *, base: int, majority: str | None, quorum_reached: bool | None
) -> tuple[str, ...]:
    """Return which of `options`, those without the abstention, reach the majority, in their order. There may be several
    where a ballot has several marks; there is none where the poll asks for no majority, nobody chose, or the quorum is
    missed."""
    if majority is None or base == 0 or quorum_reached is False:
        return ()
    least = needed(majority, base)
    return tuple(option for option in options if counts.get(option, 0) >= least)
