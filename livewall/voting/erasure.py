"""Erasure of ballots, on demand and a number of days after closing. Counts and rounds remain.

A round is marked first, in one transaction with the poll's event and the line of the audit log: from then on its
ballots are not shown or counted again. The rows are deleted afterwards, a batch in each transaction, so that other
writes run in between. A kill in the middle leaves rows that the next start deletes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from livewall import audit
from livewall.clock import Clock, iso, later
from livewall.entity_versions import Wanted, check_version
from livewall.errors import Refused
from livewall.identity import Who
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.voting import rows
from livewall.voting.poll import Phase, Poll

BATCH = 500
"""Ballots deleted in one transaction, which takes the writer some milliseconds."""
LOOK = 200
"""Polls that one query returns; it is repeated until it returns none."""
DAY = 86400


class Erasure:
    """Erases the ballots of a round `days` after its closing; with None only on demand."""

    def __init__(self, store: Store, clock: Clock, *, days: int | None) -> None:
        self._store = store
        self._clock = clock
        self._days = days

    async def erase(self, poll_id: str, who: Who, *, version: Wanted = None) -> tuple[Poll, int]:
        """Erase the ballots of all rounds that are over; return the poll once they are gone. A repetition changes
        nothing.

        Raises NotFound, and Refused (`conflict`) while the poll takes ballots, if it never did, and if `version` is not
        the newest.
        """
        now = iso(self._clock())

        def write(tx: Transaction) -> rows.PollRow:
            row = rows.find(tx, poll_id, archived=True)
            poll = row.poll
            check_version(row.version, version)
            if not rows.is_archived(tx, poll_id) and (
                poll.phase is Phase.OPEN or (poll.phase is Phase.DRAFT and poll.round == 1)
            ):
                raise Refused("conflict", f"the poll is {poll.phase.value}; only a closed poll's ballots can be erased")
            last = poll.round - 1 if poll.phase is Phase.DRAFT else poll.round
            return mark(tx, row, unerased(tx, poll_id, last), now, who)

        row = await self._store.write(write)
        await self._remove(poll_id)
        return row.poll, row.version

    async def purge(self) -> None:
        """Erase all rounds that are due, and finish erasures that were begun. Raises Busy."""
        for poll_id in await self._store.read(unfinished):
            await self._remove(poll_id)
        if self._days is None:
            return
        now = self._clock()
        before = later(now, -self._days * DAY)
        # In batches, each in a write of its own: ballots that are being cast wait for no more than one batch.
        while polls := await self._store.read(lambda asks: due(asks, before)):
            for poll_id in polls:
                await self._mark_due(poll_id, before, iso(now))
                await self._remove(poll_id)

    async def _mark_due(self, poll_id: str, before: str, now: str) -> None:
        await self._store.write(lambda tx: mark_due(tx, poll_id, before, now))

    async def _remove(self, poll_id: str) -> None:
        """Delete the ballots of a poll's erased rounds, each batch in a write of its own."""
        while await self._store.write(lambda tx: remove_some(tx, poll_id)):
            pass


def mark(tx: Transaction, row: rows.PollRow, rounds: Sequence[int], now: str, who: Who | None) -> rows.PollRow:
    """Mark the ballots of these rounds as erased: in the rounds, on the poll, in the audit log."""
    if not rounds:
        return row
    poll = row.poll
    for round_number in rounds:
        tx.execute(
            "UPDATE rounds SET erased_at = :now WHERE poll = :poll AND round = :round",
            {"now": now, "poll": poll.id, "round": round_number},
        )
    audit.note(tx, who, now, "poll.erase", rows.stream_of(poll.id), rounds=list(rounds))
    if poll.round not in rounds:
        return row
    # A poll that was archived while it was open stays closed when it is restored.
    if poll.phase is Phase.OPEN:
        poll = msgspec.structs.replace(poll, phase=Phase.CLOSED, closed_at=now)
    poll = msgspec.structs.replace(poll, erased_at=now)
    rows.update(tx, msgspec.structs.replace(row, poll=poll))
    if not rows.is_archived(tx, poll.id):
        rows.append_poll_event(tx, poll)
    return msgspec.structs.replace(row, poll=poll, version=row.version + 1)


def mark_due(tx: Transaction, poll_id: str, before: str, now: str) -> None:
    """Mark the rounds that ended before a time, as they are now: one of them may have been opened again."""
    due_rounds = tx.all(
        f"SELECT round FROM rounds WHERE poll = :poll AND {_DUE} ORDER BY round", {"poll": poll_id, "before": before}
    )
    mark(tx, rows.find(tx, poll_id, archived=True), [round_number for (round_number,) in due_rounds], now, None)


_DUE = "erased_at IS NULL AND ballots > 0 AND closed_at < :before"


def due(asks: rows.Asks, before: str) -> list[str]:
    """Return the polls with ballots of a round that ended before a time."""
    polls = asks.execute(
        f"SELECT DISTINCT poll FROM rounds WHERE {_DUE} LIMIT :limit", {"before": before, "limit": LOOK}
    )
    return [poll_id for (poll_id,) in polls]


def unerased(asks: rows.Asks, poll: str, last: int) -> list[int]:
    """Return the rounds up to `last` whose ballots are not erased."""
    rounds = asks.execute(
        "SELECT round FROM rounds WHERE poll = :poll AND round <= :last AND erased_at IS NULL ORDER BY round",
        {"poll": poll, "last": last},
    )
    return [round_number for (round_number,) in rounds]


def erased(asks: rows.Asks, poll: str) -> dict[int, str]:
    """Return the rounds whose ballots are erased, and when they were."""
    return dict(
        asks.execute(
            "SELECT round, erased_at FROM rounds WHERE poll = :poll AND erased_at IS NOT NULL ORDER BY round",
            {"poll": poll},
        ).fetchall()
    )


def unfinished(asks: rows.Asks) -> list[str]:
    """Return the polls with ballots of a round that was marked as erased."""
    polls = asks.execute(
        """SELECT DISTINCT poll FROM rounds WHERE erased_at IS NOT NULL AND EXISTS (
            SELECT 1 FROM ballots WHERE ballots.poll = rounds.poll AND ballots.round = rounds.round)"""
    )
    return [poll_id for (poll_id,) in polls]


def remove_some(tx: Transaction, poll: str) -> bool:
    """Delete up to `BATCH` ballots of erased rounds; return whether there may be more."""
    for round_number in erased(tx, poll):
        params: dict[str, Any] = {"poll": poll, "round": round_number}
        count, last = tx.one(
            """SELECT COUNT(*), MAX(voter) FROM (SELECT voter FROM ballots
            WHERE poll = :poll AND round = :round ORDER BY voter LIMIT :batch) AS some""",
            {**params, "batch": BATCH},
        )
        if count:
            which = "FROM ballots WHERE poll = :poll AND round = :round AND voter <= :last"
            tx.execute(f"DELETE FROM choices WHERE receipt IN (SELECT receipt {which})", {**params, "last": last})
            tx.execute(f"DELETE {which}", {**params, "last": last})
            return True
    return False
