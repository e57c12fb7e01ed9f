"""A tally under the rules of its poll, as rows and as text: shares, quorum, majority. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from livewall.voting import shares

Shape = Mapping[str, Any]


class TallyRow(NamedTuple):
    """An option. `percent` is of the base and empty for the abstention; `wins` says that it has the required
    majority."""

    id: str
    label: str
    votes: int
    percent: str
    abstain: bool
    wins: bool


def abstention(poll: Shape) -> str | None:
    """Return the id of the option that means to abstain, or None."""
    return next((option["id"] for option in poll["options"] if option.get("abstain")), None)


def base(poll: Shape, tally: Shape) -> int:
    return shares.base(tally["counts"], tally["ballots"], abstention(poll))


def winners(poll: Shape, tally: Shape) -> tuple[str, ...]:
    """Return the ids of the options that have the required majority."""
    own = abstention(poll)
    return shares.majority_reached(
        [option["id"] for option in poll["options"] if option["id"] != own],
        tally["counts"],
        base=base(poll, tally),
        majority=poll.get("majority"),
        quorum_reached=shares.quorum_reached(poll.get("quorum"), tally["ballots"]),
    )


def rows(poll: Shape, tally: Shape) -> list[TallyRow]:
    """Return the rows of the options, in their order."""
    of, own, winning = base(poll, tally), abstention(poll), winners(poll, tally)
    listed = []
    for option in poll["options"]:
        id, count = option["id"], tally["counts"].get(option["id"], 0)
        share = "" if id == own else shares.percent(count, of)
        listed.append(TallyRow(id, option["label"], count, share, id == own, id in winning))
    return listed


def turnout_text(poll: Shape, turnout: Shape) -> str:
    """Return ballots, round, phase and quorum: everything that is known while the counts are hidden."""
    ballots = turnout["ballots"]
    words = [f"{ballots} ballot{'' if ballots == 1 else 's'}", f"round {turnout['round']}", str(poll["phase"])]
    if poll.get("quorum"):
        words.append(quorum_text(poll, ballots))
    return " · ".join(words)


def quorum_text(poll: Shape, ballots: int) -> str:
    """Return what the quorum is, and whether it was reached; while ballots come in it cannot be missed."""
    if shares.quorum_reached(poll["quorum"], ballots):
        return f"quorum of {poll['quorum']} reached"
    if poll["phase"] == "closed":
        return f"quorum of {poll['quorum']} missed"
    return f"quorum of {poll['quorum']}: {ballots} so far"


def tally_text(poll: Shape, tally: Shape) -> str:
    """Return the same with the abstentions, and whether there is a majority."""
    words, of = [turnout_text(poll, tally)], base(poll, tally)
    if abstention(poll) is not None:
        words.append(f"{tally['ballots'] - of} abstained, shares are out of {of}")
    if poll.get("majority"):
        names = ", ".join(row.label for row in rows(poll, tally) if row.wins)
        condition = "more than half" if poll["majority"] == "1/2" else f"majority of {poll['majority']}"
        least = f" ({shares.needed(poll['majority'], of)} of {of})" if of else ""
        words.append(f"{condition}{least}" + (f": {names or 'nobody'}" if poll["phase"] == "closed" else ""))
    if poll.get("erased_at"):
        words.append(f"ballots erased on {poll['erased_at'][:10]}")
    return " · ".join(words)
