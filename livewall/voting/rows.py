"""Polls as rows: read and written inside a transaction, with the events about them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from livewall import wire
from livewall.errors import NotFound
from livewall.hub.position import View
from livewall.store.transaction import Transaction
from livewall.voting.counts import write_counts
from livewall.voting.poll import Option, Phase, Poll, Tally, Turnout, abstention

_FIELDS = """id, wall, title, kind, options, phase, round, results, published, assurance, allow_change, max_choices,
    closes_at, closes_in, opened, version, opened_at, detail"""
_DETAILS = ("quorum", "majority", "compare", "closed_at", "reveal_at", "erased_at")
_options: msgspec.json.Decoder[list[Option]] = msgspec.json.Decoder(list[Option])


class Detail(msgspec.Struct):
    """Fields that only some polls have, in one column. `shown` are the earlier rounds whose result was public when they
    ended."""

    quorum: int | UnsetType = UNSET
    majority: str | UnsetType = UNSET
    compare: bool | UnsetType = UNSET
    closed_at: str | UnsetType = UNSET
    reveal_at: str | UnsetType = UNSET
    erased_at: str | UnsetType = UNSET
    shown: list[int] | UnsetType = UNSET


_detail: msgspec.json.Decoder[Detail] = msgspec.json.Decoder(Detail)


class PollRow(msgspec.Struct):
    """A poll with the rest of its row. `order` are the ids of its options, `opened_at` is its last opening, `abstain`
    the option that means to abstain."""

    poll: Poll
    closes_in: int | None
    opened: bool
    version: int
    opened_at: str | None
    order: tuple[str, ...]
    abstain: str | None
    shown: tuple[int, ...]


class Asks(Protocol):
    """The part that a transaction and a reading connection have in common."""

    def execute(self, sql: str, params: Any = ..., /) -> sqlite3.Cursor: ...


def stream_of(poll: str) -> str:
    return f"polls/{poll}"


def _row(row: Any) -> PollRow:
    detail = _detail.decode(row[17])
    poll = Poll(
        id=row[0],
        wall=row[1],
        title=row[2],
        kind=row[3],
        options=_options.decode(row[4]),
        phase=Phase(row[5]),
        round=row[6],
        results=row[7],
        published=bool(row[8]),
        assurance=row[9],
        allow_change=bool(row[10]),
        max_choices=row[11],
        closes_at=row[12],
        **{name: getattr(detail, name) for name in _DETAILS},
    )
    return PollRow(
        poll,
        closes_in=row[13],
        opened=bool(row[14]),
        version=row[15],
        opened_at=row[16],
        order=tuple(o.id for o in poll.options),
        abstain=abstention(poll.options),
        shown=tuple(detail.shown or ()),
    )


def _detail_of(poll: Poll, shown: Sequence[int]) -> str:
    return wire.text(Detail(**{name: getattr(poll, name) for name in _DETAILS}, shown=list(shown) or UNSET))


def find(asks: Asks, poll_id: str, *, archived: bool = False) -> PollRow:
    """Return the poll's row, with `archived` also that of an archived poll. Raises NotFound."""
    row = asks.execute(
        f"SELECT {_FIELDS} FROM polls WHERE id = :id AND archived <= :archived",
        {"id": poll_id, "archived": archived},
    ).fetchone()
    if row is None:
        raise NotFound("no_such_poll", "there is no such poll")
    return _row(row)


def held(tx: Transaction, poll_id: str) -> PollRow:
    """Return the same row, read once for all writes that share a transaction."""
    row: PollRow | None = tx.memo.get(("poll", poll_id))
    if row is None:
        row = tx.memo["poll", poll_id] = find(tx, poll_id)
    return row


def page(asks: Asks, *, limit: int, before: str | None) -> tuple[list[Poll], str | None]:
    """Return polls, the newest first, and the cursor of the next page."""
    at, _, poll_id = (before or "~~").partition("~")
    rows = asks.execute(
        f"""SELECT {_FIELDS}, created_at FROM polls
        WHERE archived = 0 AND (created_at < :at OR (created_at = :at AND id < :id))
        ORDER BY created_at DESC, id DESC LIMIT :limit""",
        {"at": at or "~", "id": poll_id, "limit": limit + 1},
    ).fetchall()
    more = f"{rows[limit - 1][18]}~{rows[limit - 1][0]}" if len(rows) > limit else None
    return [_row(r).poll for r in rows[:limit]], more


def insert(tx: Transaction, poll: Poll, closes_in: int | None, now: str) -> None:
    values = msgspec.structs.asdict(poll) | {
        "options": wire.text(poll.options),
        "phase": poll.phase.value,
        "closes_in": closes_in,
        "detail": _detail_of(poll, ()),
        "created_at": now,
    }
    tx.execute(
        """INSERT INTO polls (id, wall, title, kind, options, phase, round, results, published, assurance,
            allow_change, max_choices, closes_in, closes_at, detail, version, created_at)
        VALUES (:id, :wall, :title, :kind, :options, :phase, :round, :results, :published, :assurance,
            :allow_change, :max_choices, :closes_in, :closes_at, :detail, 1, :created_at)""",
        values,
    )


def add(tx: Transaction, poll: Poll, closes_in: int | None, now: str) -> None:
    """Insert a new poll with its first round and its events."""
    insert(tx, poll, closes_in, now)
    begin_round(tx, poll)
    append_poll_event(tx, poll)
    append_tally_event(tx, poll, now)


def update(tx: Transaction, row: PollRow) -> None:
    """Write a poll with its next version, and drop it from the transaction's memo."""
    poll = row.poll
    values = msgspec.structs.asdict(poll) | {
        "options": wire.text(poll.options),
        "phase": poll.phase.value,
        "closes_in": row.closes_in,
        "detail": _detail_of(poll, row.shown),
        "opened": row.opened,
        "opened_at": row.opened_at,
    }
    tx.execute(
        """UPDATE polls SET wall = :wall, title = :title, kind = :kind, options = :options, phase = :phase,
            round = :round, results = :results, published = :published, assurance = :assurance,
            allow_change = :allow_change, max_choices = :max_choices, closes_in = :closes_in, closes_at = :closes_at,
            opened = :opened, opened_at = :opened_at, detail = :detail, version = version + 1
        WHERE id = :id""",
        values,
    )
    tx.memo.pop(("poll", poll.id), None)


def append_poll_event(tx: Transaction, poll: Poll) -> None:
    """Append the `poll` event. Only hosts see a draft; for everyone else the poll is gone then."""
    if poll.phase is Phase.DRAFT:
        tx.append(stream_of(poll.id), "poll", wire.text(poll), view=View.FULL)
    else:
        tx.append(stream_of(poll.id), "poll", wire.text(poll), view=View.BOTH)


def tally(asks: Asks, poll: Poll) -> Tally:
    """Return the counts of the current round in this transaction, in the order of the options."""
    params = {"poll": poll.id, "round": poll.round}
    counts = dict(asks.execute("SELECT choice, n FROM counts WHERE poll = :poll AND round = :round", params).fetchall())
    ballots = asks.execute("SELECT ballots FROM rounds WHERE poll = :poll AND round = :round", params).fetchone()
    return Tally(poll.round, {o.id: counts.get(o.id, 0) for o in poll.options}, ballots[0] if ballots else 0)


def changed_since_published(asks: Asks, poll: Poll) -> bool:
    row = asks.execute(
        "SELECT changed <> told FROM rounds WHERE poll = :poll AND round = :round",
        {"poll": poll.id, "round": poll.round},
    ).fetchone()
    return bool(row and row[0])


def append_tally_event(tx: Transaction, poll: Poll, now: str | None) -> None:
    """Append the tally and, for readers who may not see it, the turnout. Their time is kept for the replay, unless
    `now` is None: the tally itself did not change then."""
    write_counts(tx)
    counted = tally(tx, poll)
    stream = stream_of(poll.id)
    tx.append(stream, "tally", wire.text(counted), view=View.FULL, keep_at=now)
    if poll.phase is not Phase.DRAFT:
        tx.append(stream, "turnout", wire.text(Turnout(counted.round, counted.ballots)), view=View.MASKED)
    tx.execute(
        "UPDATE rounds SET told = changed WHERE poll = :poll AND round = :round", {"poll": poll.id, "round": poll.round}
    )


def is_archived(asks: Asks, poll: str) -> bool:
    row = asks.execute("SELECT archived FROM polls WHERE id = :poll", {"poll": poll}).fetchone()
    return bool(row and row[0])


def ended(tx: Transaction, poll: str, round_number: int, now: str | None) -> None:
    """Note when a round was closed, for the retention of its ballots; None when it was opened again."""
    tx.execute(
        "UPDATE rounds SET closed_at = :now WHERE poll = :poll AND round = :round",
        {"poll": poll, "round": round_number, "now": now},
    )


def begin_round(tx: Transaction, poll: Poll) -> None:
    tx.execute(
        "INSERT INTO rounds (poll, round, ballots, changed, told) VALUES (:poll, :round, 0, 0, 0)",
        {"poll": poll.id, "round": poll.round},
    )


def seen_after_vote(asks: Asks, wall: str) -> list[str]:
    """Return the polls with codes of a wall whose tally is shown to those who have voted."""
    rows = asks.execute(
        """SELECT id FROM polls
        WHERE wall = :wall AND assurance = 'code' AND results = 'after_vote' AND archived = 0""",
        {"wall": wall},
    )
    return [poll_id for (poll_id,) in rows]


def has_ballots(asks: Asks, poll: str) -> bool:
    """Return whether any round of the poll has a ballot."""
    rows = asks.execute("SELECT 1 FROM rounds WHERE poll = :poll AND ballots > 0 LIMIT 1", {"poll": poll})
    return rows.fetchone() is not None
