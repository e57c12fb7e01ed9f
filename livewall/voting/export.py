"""Exports for hosts: ballots under their receipts, and results. They name no voter, and no ballot's time."""

from __future__ import annotations

import msgspec

from livewall.voting import rows
from livewall.voting.erasure import erased
from livewall.voting.poll import Poll, Tally


class Marked(msgspec.Struct):
    receipt: str
    round: int
    choices: list[str]


def ballots(asks: rows.Asks, poll: str) -> list[Marked]:
    """Return all ballots of a poll in the order of their receipts, which is random. Raises NotFound."""
    order = {option_id: index for index, option_id in enumerate(rows.find(asks, poll).order)}
    ballots_by_receipt: dict[str, Marked] = {}
    for receipt, round_number, choice in asks.execute(
        """SELECT ballots.receipt, ballots.round, choices.choice FROM ballots
        JOIN choices ON choices.receipt = ballots.receipt
        JOIN rounds ON rounds.poll = ballots.poll AND rounds.round = ballots.round AND rounds.erased_at IS NULL
        WHERE ballots.poll = :poll ORDER BY ballots.receipt""",
        {"poll": poll},
    ):
        ballots_by_receipt.setdefault(receipt, Marked(receipt, round_number, [])).choices.append(choice)
    for marked in ballots_by_receipt.values():
        marked.choices.sort(key=lambda option_id: order.get(option_id, len(order)))
    return list(ballots_by_receipt.values())


class Erased(msgspec.Struct):
    """A round whose ballots are erased, and since when."""

    round: int
    at: str


class Results(msgspec.Struct):
    """A poll and the tally of each of its rounds; the number of days after closing after which this server erases
    ballots (null: never), and the rounds whose ballots are erased."""

    poll: Poll
    rounds: list[Tally]
    ballot_days: int | None
    erased: list[Erased]


def results(asks: rows.Asks, poll: str, days: int | None) -> Results:
    """Return the poll with the tally of each round. Raises NotFound."""
    current = rows.find(asks, poll).poll
    tallies = [
        rows.tally(asks, msgspec.structs.replace(current, round=round_number))
        for round_number in range(1, current.round + 1)
    ]
    erased_rounds = [Erased(round_number, at) for round_number, at in erased(asks, poll).items()]
    return Results(current, tallies, days, erased_rounds)
