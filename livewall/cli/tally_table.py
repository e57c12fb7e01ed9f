"""A tally under the rules of its poll, as rows and as text: shares, quorum, majority. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Shape = Mapping[str, Any]


class TallyRow(NamedTuple):
    """An option. `share` is of the base and None for the abstention; `wins` says that it has the required majority."""

    id: str
    label: str
    votes: int
    share: float | None
    wins: bool


def abstained(poll: Shape, tally: Shape) -> int:
    return sum(tally["counts"].get(option["id"], 0) for option in poll["options"] if option.get("abstain"))


def base(poll: Shape, tally: Shape) -> int:
    return int(tally["ballots"]) - abstained(poll, tally)


def quorum_missed(poll: Shape, tally: Shape) -> bool:
    return bool(poll.get("quorum")) and tally["ballots"] < poll["quorum"]


def rows(poll: Shape, tally: Shape) -> list[TallyRow]:
    """Return the rows of the options, in their order."""
    base_count = base(poll, tally)
    needed = None if quorum_missed(poll, tally) else marks_needed(poll, base_count)
    listed = []
    for option in poll["options"]:
        count = tally["counts"].get(option["id"], 0)
        counts_in = not option.get("abstain")
        share = (count / base_count if base_count else 0.0) if counts_in else None
        wins = counts_in and needed is not None and count >= needed
        listed.append(TallyRow(option["id"], option["label"], count, share, wins))
    return listed


def marks_needed(poll: Shape, of: int) -> int | None:
    """Return how many votes a majority needs, or None if none is required or nobody has chosen."""
    if not poll.get("majority") or not of:
        return None
    from livewall.voting.decision import needed  # imported here, because it imports the message types of the server

    return needed(poll["majority"], of)


def percent(share: float | None) -> str:
    """Return a share in whole percent; 0% and 100% stand only for exactly none and all."""
    if share is None:
        return ""
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{int(100 * share + 0.5)}%"


def turnout_text(poll: Shape, turnout: Shape) -> str:
    """Return ballots, round, phase and quorum: everything that is known while the counts are hidden."""
    ballots = turnout["ballots"]
    words = [f"{ballots} ballot{'' if ballots == 1 else 's'}", f"round {turnout['round']}", str(poll["phase"])]
    if poll.get("quorum"):
        words.append(quorum_text(poll, ballots))
    return " · ".join(words)


def quorum_text(poll: Shape, ballots: int) -> str:
    """Return what the quorum is, and whether it was reached; while ballots come in it cannot be missed."""
    if ballots >= poll["quorum"]:
        return f"quorum of {poll['quorum']} reached"
    if poll["phase"] == "closed":
        return f"quorum of {poll['quorum']} missed"
    return f"quorum of {poll['quorum']}: {ballots} so far"


def tally_text(poll: Shape, tally: Shape) -> str:
    """Return the same with the abstentions, and whether there is a majority."""
    words, abstentions = [turnout_text(poll, tally)], abstained(poll, tally)
    if any(option.get("abstain") for option in poll["options"]):
        words.append(f"{abstentions} abstained, shares are of {tally['ballots'] - abstentions}")
    if poll.get("majority"):
        of = base(poll, tally)
        names = ", ".join(row.label for row in rows(poll, tally) if row.wins)
        condition = "more than half" if poll["majority"] == "1/2" else f"majority of {poll['majority']}"
        least = f" ({marks_needed(poll, of)} of {of})" if of else ""
        words.append(f"{condition}{least}" + (f": {names or 'nobody'}" if poll["phase"] == "closed" else ""))
    if poll.get("erased_at"):
        words.append(f"ballots erased on {poll['erased_at'][:10]}")
    return " · ".join(words)
