"""Casting and retracting: the two writes of a voter, and the counts kept in the same transaction.

One voter, one ballot: the key is (poll, round, voter). Nothing here knows who the voter is, nor the time of a ballot.
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
from livewall.voting.kinds import Rules, kind_of
from livewall.voting.poll import Phase

_FIND = "SELECT receipt FROM ballots WHERE poll = :poll AND round = :round AND voter = :voter"
_CHOICES = "SELECT choice FROM choices WHERE receipt = :receipt"
_INSERT = "INSERT INTO ballots (poll, round, voter, receipt) VALUES (:poll, :round, :voter, :receipt)"
_MARK = "INSERT INTO choices (receipt, choice) VALUES (:receipt, :choice)"
_UNMARK = "DELETE FROM choices WHERE receipt = :receipt"
_DELETE = "DELETE FROM ballots WHERE poll = :poll AND round = :round AND voter = :voter"


class Ballot(msgspec.Struct):
    """What a voter is told of its ballot; `receipt` is None where there is none."""

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
    """Count a ballot. The same choices again change nothing; others replace the first, where that is allowed.

    `receipt` is used if the ballot is new. Raises NotFound, Refused, BadInput; before its first change only.
    """
    row = rows.held(tx, poll)
    params: dict[str, Any] = {"poll": poll, "round": row.poll.round, "voter": voter}
    found = tx.one(_FIND, params) if round_number in (None, row.poll.round) else None
    if found is not None:
        before = [c for (c,) in tx.all(_CHOICES, {"receipt": found[0]})]
        same = set(before) == set(choices) and len(before) == len(choices)
        if same and row.poll.erased_at is UNSET:
            # Whatever became of the poll since: somebody asks again because the answer was lost.
            in_order = tuple(o for o in row.order if o in before)
            return Cast(Ballot(found[0], in_order, row.poll.round), created=False, changed=False)
    this = _round(row, round_number, now)
    kind = kind_of(row.poll.kind)
    marks = kind.check_ballot(Rules(row.order, row.poll.max_choices, row.abstain), choices)
    if found is None:
        tx.execute(_INSERT, {**params, "receipt": receipt})
        for mark in marks:
            tx.execute(_MARK, {"receipt": receipt, "choice": mark})
        count(tx, poll, this, kind.counted(marks), (), ballots=1)
        return Cast(Ballot(receipt, marks, this), created=True, changed=True)
    own: str = found[0]
    if not row.poll.allow_change:
        raise Refused("already_voted", "you have voted, and this poll does not let ballots be changed")
    tx.execute(_UNMARK, {"receipt": own})
    for mark in marks:
        tx.execute(_MARK, {"receipt": own, "choice": mark})
    count(tx, poll, this, kind.counted(marks), kind.counted(before), ballots=0)
    return Cast(Ballot(own, marks, this), created=False, changed=True)


def retract(tx: Transaction, poll: str, voter: bytes, *, round_number: int | None, now: str) -> Cast:
    """Take a ballot back. None there is fine, so that a retry is. Raises NotFound, Refused."""
    row = rows.held(tx, poll)
    this = _round(row, round_number, now)
    params: dict[str, Any] = {"poll": poll, "round": this, "voter": voter}
    found = tx.one(_FIND, params)
    none = Ballot(None, (), this)
    if found is None:
        return Cast(none, created=False, changed=False)
    if not row.poll.allow_change:
        raise Refused("already_voted", "you have voted, and this poll does not let ballots be retracted")
    before = [c for (c,) in tx.all(_CHOICES, {"receipt": found[0]})]
    tx.execute(_UNMARK, {"receipt": found[0]})
    tx.execute(_DELETE, params)
    count(tx, poll, this, (), kind_of(row.poll.kind).counted(before), ballots=-1)
    return Cast(none, created=False, changed=True)


def own(asks: rows.Asks, poll: str, round_number: int, voter: bytes) -> Ballot | None:
    """A voter's ballot in one round."""
    found = asks.execute(_FIND, {"poll": poll, "round": round_number, "voter": voter}).fetchone()
    if found is None:
        return None
    marks = asks.execute(_CHOICES + " ORDER BY choice", {"receipt": found[0]})
    return Ballot(found[0], tuple(c for (c,) in marks), round_number)


def voted(asks: rows.Asks, poll: str, voter: bytes) -> tuple[int, str, str | None]:
    """The last round in which a voter has a ballot, 0 where there is none; with the poll's assurance and wall."""
    found = asks.execute(
        """SELECT (SELECT MAX(round) FROM ballots WHERE poll = :poll AND voter = :voter), assurance, wall
        FROM polls WHERE id = :poll""",
        {"poll": poll, "voter": voter},
    ).fetchone()
    return (found[0] or 0, found[1], found[2]) if found else (0, "open", None)


def _round(row: rows.PollRow, wanted: int | None, now: str) -> int:
    """The round a ballot belongs to; raises Refused where none can be taken."""
    poll = row.poll
    if wanted is not None and wanted != poll.round:
        raise Refused("round_over", f"that was round {wanted}; this is round {poll.round}, nothing was changed")
    if poll.phase is Phase.DRAFT:
        raise Refused("poll_not_open", "the poll is not open yet")
    if poll.phase is Phase.CLOSED or (poll.closes_at is not None and now >= poll.closes_at):
        raise Refused("closed", "the poll is closed")
    return poll.round
