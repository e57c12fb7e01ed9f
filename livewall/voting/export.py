"""What a host may take away: ballots under their receipts, and the results. Never a voter, never a time."""

from __future__ import annotations

from typing import Any

import msgspec

from livewall.voting import rows
from livewall.voting.erasure import erased


class Marked(msgspec.Struct):
    receipt: str
    round: int
    choices: list[str]


def ballots(asks: rows.Asks, poll: str) -> list[Marked]:
    """All ballots of a poll, in the order of their receipts, which are random. Raises NotFound."""
    order = {poll_id: place for place, poll_id in enumerate(rows.find(asks, poll).order)}
    found: dict[str, Marked] = {}
    for receipt, round_number, choice in asks.execute(
        """SELECT ballots.receipt, ballots.round, choices.choice FROM ballots
        JOIN choices ON choices.receipt = ballots.receipt
        JOIN rounds ON rounds.poll = ballots.poll AND rounds.round = ballots.round AND rounds.erased_at IS NULL
        WHERE ballots.poll = :poll ORDER BY ballots.receipt""",
        {"poll": poll},
    ):
        found.setdefault(receipt, Marked(receipt, round_number, [])).choices.append(choice)
    for marked in found.values():
        marked.choices.sort(key=lambda poll_id: order.get(poll_id, len(order)))
    return list(found.values())


def results(asks: rows.Asks, poll: str, days: int | None) -> dict[str, Any]:
    """The poll with the tally of each round, how long ballots are kept, and in which rounds they are erased. Raises
    NotFound."""
    current = rows.find(asks, poll).poll
    rounds = [
        msgspec.to_builtins(rows.tally(asks, msgspec.structs.replace(current, round=round_number)))
        for round_number in range(1, current.round + 1)
    ]
    gone = [{"round": round_number, "at": at} for round_number, at in erased(asks, poll).items()]
    return {"poll": msgspec.to_builtins(current), "rounds": rounds, "ballot_days": days, "erased": gone}
