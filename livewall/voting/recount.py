"""The recount: the counts of the stored ballots, beside the counts that were kept with them."""

from __future__ import annotations

import itertools
import operator
from collections import Counter
from pathlib import Path

import msgspec

from livewall.store.sqlite import connect
from livewall.voting import rows
from livewall.voting.erasure import erased, unerased
from livewall.voting.kinds import kind_of
from livewall.voting.poll import Poll, Tally


class Recount(msgspec.Struct):
    """One round, counted from its ballots and as kept; `agrees` says that the two are equal."""

    round: int
    counted: Tally
    kept: Tally

    @property
    def agrees(self) -> bool:
        return self.counted == self.kept


def recount(database: Path, poll: str) -> list[Recount]:
    """Count every round of a poll again whose ballots are not erased. The server may be running.

    Raises NotFound, sqlite3.Error.
    """
    connection = connect(database, writer=False)
    try:
        connection.execute("BEGIN")
        current = rows.find(connection, poll).poll
        recounts = []
        for round_number in unerased(connection, poll, current.round):
            of_round = msgspec.structs.replace(current, round=round_number)
            counted, kept = count_ballots(connection, of_round), rows.tally(connection, of_round)
            recounts.append(Recount(round_number, counted, kept))
        return recounts
    finally:
        connection.close()


def erased_rounds(database: Path, poll: str) -> dict[int, str]:
    """Return the rounds that can no longer be counted, and when their ballots were erased. Raises sqlite3.Error."""
    connection = connect(database, writer=False)
    try:
        return erased(connection, poll)
    finally:
        connection.close()


def labels(database: Path, poll: str) -> dict[str, str]:
    """Return the labels of the options by their ids. Raises NotFound, sqlite3.Error."""
    connection = connect(database, writer=False)
    try:
        return {option.id: option.label for option in rows.find(connection, poll).poll.options}
    finally:
        connection.close()


def count_ballots(asks: rows.Asks, poll: Poll) -> Tally:
    """Count the ballots of the poll's round one by one, by the rule of its kind."""
    kind, counts, ballots = kind_of(poll.kind), Counter[str](), 0
    marks = asks.execute(
        """SELECT ballots.receipt, choices.choice FROM ballots LEFT JOIN choices ON choices.receipt = ballots.receipt
        WHERE ballots.poll = :poll AND ballots.round = :round ORDER BY ballots.receipt""",
        {"poll": poll.id, "round": poll.round},
    )
    for _, ballot in itertools.groupby(marks, key=operator.itemgetter(0)):
        counts.update(kind.counted([choice for _, choice in ballot if choice is not None]))
        ballots += 1
    return Tally(poll.round, {option.id: counts[option.id] for option in poll.options}, ballots)
