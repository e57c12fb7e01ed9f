"""Casting and retracting: the two writes of a voter, with the counts kept in the same transaction.

A voter has one ballot: the key is (poll, round, voter). Nothing here knows who the voter is, or the time of a ballot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from livewall.errors import Refused
from livewall.store.transaction import Transaction
from livewall.voting import rows
from livewall.voting.counts import count
from livewall.voting.kinds import Rules, checked_marks, kind_of
from livewall.voting.poll import Phase

_FIND = "SELECT receipt FROM ballots WHERE poll = :poll AND round = :round AND voter = :voter"
_CHOICES = "SELECT choice FROM choices WHERE receipt = :receipt"
_INSERT = "INSERT INTO ballots (poll, round, voter, receipt) VALUES (:poll, :round, :voter, :receipt)"
_MARK = "INSERT INTO choices (receipt, choice) VALUES (:receipt, :choice)"
_UNMARK = "DELETE FROM choices WHERE receipt = :receipt"
_DELETE = "DELETE FROM ballots WHERE poll = :poll AND round = :round AND voter = :voter"


class Ballot(msgspec.Struct):
    """The ballot that a voter has; `receipt` is None if there is none."""

    receipt: str | None
    choices: tuple[str, ...]
    round: int


class Cast(msgspec.Struct):
    ballot: Ballot
    created: bool
    changed: bool


def cast(
    tx: Transaction,
    poll: str,
    voter: bytes,
    choices: Sequence[str],
    *,
    round_number: int | None,
    receipt: str,
    now: str,
) -> Cast:
    """Count a ballot. The same choices again change nothing; other choices replace the ballot, where the poll allows
    it.

    `receipt` is used if the ballot is new. Raises NotFound, Refused and BadInput, always before the first change.
    """
    row = rows.held(tx, poll)
    params: dict[str, Any] = {"poll": poll, "round": row.poll.round, "voter": voter}
    # A ballot for another round is refused below, and must not be compared with the one of this round.
    stored = tx.one(_FIND, params) if round_number in (None, row.poll.round) else None
    if stored is not None:
        before = [c for (c,) in tx.all(_CHOICES, {"receipt": stored[0]})]
        same = set(before) == set(choices) and len(before) == len(choices)
        if same and row.poll.erased_at is UNSET:
            # Holds in every phase: the voter repeats the request because the answer was lost.
            in_order = tuple(o for o in row.order if o in before)
            return Cast(Ballot(stored[0], in_order, row.poll.round), created=False, changed=False)
    this = _round(row, round_number, now)
    kind = kind_of(row.poll.kind)
    marks = checked_marks(kind, Rules(row.order, row.poll.max_choices, row.abstain), choices)
    counted = kind.counted(marks)
    if stored is None:
        tx.execute(_INSERT, {**params, "receipt": receipt})
        for mark in marks:
            tx.execute(_MARK, {"receipt": receipt, "choice": mark})
        count(tx, poll, this, counted, (), ballots=1)
        return Cast(Ballot(receipt, marks, this), created=True, changed=True)
    # The receipt stays, so that a voter can still find a ballot that was changed.
    own: str = stored[0]
    if not row.poll.allow_change:
        raise Refused("already_voted", "you have voted, and this poll does not let ballots be changed")
    counted_before = kind.counted(before)
    tx.execute(_UNMARK, {"receipt": own})
    for mark in marks:
        tx.execute(_MARK, {"receipt": own, "choice": mark})
    count(tx, poll, this, counted, counted_before, ballots=0)
    return Cast(Ballot(own, marks, this), created=False, changed=True)


def retract(tx: Transaction, poll: str, voter: bytes, *, round_number: int | None, now: str) -> Cast:
    """Retract a ballot. Having none is not an error, so that a retry succeeds. Raises NotFound, Refused."""
    row = rows.held(tx, poll)
    this = _round(row, round_number, now)
    params: dict[str, Any] = {"poll": poll, "round": this, "voter": voter}
    stored = tx.one(_FIND, params)
    none = Ballot(None, (), this)
    if stored is None:
        return Cast(none, created=False, changed=False)
    if not row.poll.allow_change:
        raise Refused("already_voted", "you have voted, and this poll does not let ballots be retracted")
    counted_before = kind_of(row.poll.kind).counted([c for (c,) in tx.all(_CHOICES, {"receipt": stored[0]})])
    tx.execute(_UNMARK, {"receipt": stored[0]})
    tx.execute(_DELETE, params)
    count(tx, poll, this, (), counted_before, ballots=-1)
    return Cast(none, created=False, changed=True)


def own(asks: rows.Asks, poll: str, round_number: int, voter: bytes) -> Ballot | None:
    """Return a voter's ballot in one round, or None."""
    stored = asks.execute(_FIND, {"poll": poll, "round": round_number, "voter": voter}).fetchone()
    if stored is None:
        return None
    marks = asks.execute(_CHOICES + " ORDER BY choice", {"receipt": stored[0]})
    return Ballot(stored[0], tuple(c for (c,) in marks), round_number)


def voted(asks: rows.Asks, poll: str, voter: bytes) -> tuple[int, str, str | None]:
    """Return the last round in which a voter has a ballot (0 for none), and the poll's assurance and wall."""
    row = asks.execute(
        """SELECT (SELECT MAX(round) FROM ballots WHERE poll = :poll AND voter = :voter), assurance, wall
        FROM polls WHERE id = :poll""",
        {"poll": poll, "voter": voter},
    ).fetchone()
    return (row[0] or 0, row[1], row[2]) if row else (0, "open", None)


def _round(row: rows.PollRow, wanted: int | None, now: str) -> int:
    """Return the round that a ballot belongs to. Raises Refused if the poll takes none."""
    poll = row.poll
    if wanted is not None and wanted != poll.round:
        raise Refused("round_over", f"that was round {wanted}; this is round {poll.round}, nothing was changed")
    if poll.phase is Phase.DRAFT:
        raise Refused("poll_not_open", "the poll is not open yet")
    if poll.phase is Phase.CLOSED or (poll.closes_at is not None and now >= poll.closes_at):
        raise Refused("closed", "the poll is closed")
    return poll.round
