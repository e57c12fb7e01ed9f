"""The service of polls: hosts create, list and edit them and move them through their phases.

Each call is one write: the rows it changes, the events about them and the answer come from the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from livewall import audit, wall_rows, wire
from livewall.clock import Clock, iso, later, moment
from livewall.entity_versions import Wanted, check_version
from livewall.errors import NotFound, Refused
from livewall.hub.live_hub import LiveHub
from livewall.hub.position import View
from livewall.identity import Who
from livewall.listing import Listing
from livewall.names import new_poll_id
from livewall.publisher import Publisher
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.voting import ballots, rows
from livewall.voting.access import PollRule
from livewall.voting.ballots import Ballot
from livewall.voting.counts import write_counts
from livewall.voting.deadlines import Deadlines
from livewall.voting.poll import Phase, Poll, Tally, copied, edited, is_public, new_poll, next_phase, revealed, timed

REVEAL = 1.0
"""Seconds between the call that reveals a tally and the moment at which all screens show it: by then all of them have
it."""


class PollShown(Poll, kw_only=True):
    """A poll with the asker's own ballot, the tally where the asker may see it, and the server's time; in a poll with
    codes, also whether the asker has to send one."""

    ballot: Ballot | None
    tally: Tally | None
    now: str
    needs_code: bool | UnsetType = UNSET


class OnEnd(Protocol):
    """Called in the transaction in which an open poll is closed or gets another closing time, with the poll as it is
    then, or in which a poll is archived."""

    def __call__(self, tx: Transaction, poll: Poll, now: str, *, archived: bool) -> None: ...


def _ignore(tx: Transaction, poll: Poll, now: str, *, archived: bool) -> None:
    pass


class Versioned(NamedTuple):
    """A poll and its version."""

    poll: Poll
    version: int


class Polls:
    def __init__(
        self, store: Store, hub: LiveHub, rule: PollRule, publisher: Publisher, deadlines: Deadlines, clock: Clock
    ) -> None:
        self._store = store
        self._hub = hub
        self._rule = rule
        self._electorate = rule.electorate
        self._publisher = publisher
        self._deadlines = deadlines
        self._clock = clock
        self.on_end: OnEnd = _ignore

    async def start(self) -> None:
        """Close the polls whose time is over, set timers for the others, and publish tallies that a crash left
        unpublished."""
        waiting = await self._store.read(
            lambda c: c.execute(
                "SELECT id, closes_at FROM polls WHERE phase = 'open' AND archived = 0 AND closes_at IS NOT NULL"
            ).fetchall()
        )
        for poll_id, closes_at in waiting:
            self._deadlines.set(poll_id, closes_at, self._close_due)
        moved = await self._store.read(
            lambda c: c.execute("SELECT DISTINCT poll FROM rounds WHERE changed <> told").fetchall()
        )
        for (poll_id,) in moved:
            self._publisher.changed(poll_id)

    # -- hosts

    async def create(self, given: wire.PollIn, who: Who) -> Versioned:
        """Create a draft, and append it to its wall where one is named. Raises BadInput, NotFound."""
        poll = new_poll(new_poll_id(), given)
        now = iso(self._clock())

        def write(tx: Transaction) -> Poll:
            poll_row = _added(tx, poll, given.wall, given.closes_in, now)
            audit.note(tx, who, now, "poll.create", rows.stream_of(poll.id))
            return poll_row

        return Versioned(await self._store.write(write), 1)

    async def duplicate(self, poll_id: str, who: Who) -> Versioned:
        """Create a draft with the question and the rules of another poll, at the end of its wall. Raises NotFound."""
        own, now = new_poll_id(), iso(self._clock())

        def write(tx: Transaction) -> Poll:
            row = rows.find(tx, poll_id)
            poll_row = _added(tx, copied(row.poll, own), row.poll.wall, row.closes_in, now)
            audit.note(tx, who, now, "poll.duplicate", rows.stream_of(own), of=rows.stream_of(poll_id))
            return poll_row

        return Versioned(await self._store.write(write), 1)

    async def list(self, *, limit: int = 50, before: str | None = None) -> Listing[Poll]:
        return Listing(*await self._store.read(lambda c: rows.page(c, limit=limit, before=before)))

    async def edit(self, poll_id: str, edit: wire.PollEdit, who: Who, *, version: Wanted) -> Versioned:
        """Change a poll. Raises Refused (`conflict`) when `version` is not the newest."""

        def change(tx: Transaction, row: rows.PollRow) -> rows.PollRow:
            write_counts(tx)
            poll = edited(row.poll, edit, has_ballots=rows.has_ballots(tx, poll_id))
            if edit.closes_in is not msgspec.UNSET:
                row = msgspec.structs.replace(row, closes_in=edit.closes_in)
                if poll.phase is Phase.OPEN and row.opened_at is not None:
                    poll = msgspec.structs.replace(poll, closes_at=_end_time(row.closes_in, moment(row.opened_at)))
            return msgspec.structs.replace(row, poll=poll)

        return await self._change(poll_id, change, who, "poll.edit", version)

    async def open(self, poll_id: str, who: Who, *, version: Wanted = None) -> Versioned:
        now = self._clock()
        return await self._change(poll_id, lambda tx, row: _opened(tx, row, now), who, "poll.open", version)

    async def close(self, poll_id: str, who: Who, *, version: Wanted = None) -> Versioned:
        return await self._change(poll_id, lambda tx, row: _closed(row, iso(self._clock())), who, "poll.close", version)

    def ask(self, tx: Transaction, given: wire.PollIn, now: str, **detail: Any) -> Poll:
        """Create a poll and open it, in a write of another service; `detail` goes into the audit log.

        Raises BadInput and NotFound, always before the first change.
        """
        poll, at = new_poll(new_poll_id(), given), moment(now)
        _added(tx, poll, given.wall, given.closes_in, now)
        audit.note(tx, None, now, "poll.create", rows.stream_of(poll.id), **detail)
        opening = self._changing(poll.id, lambda tx, row: _opened(tx, row, at), None, "poll.open", at=at)
        return self._changed_within(tx, opening).poll

    def end(self, tx: Transaction, poll_id: str, now: str) -> None:
        """Close a poll in a write of another service, if it is open."""
        if not rows.is_archived(tx, poll_id):
            closing = self._changing(
                poll_id, lambda tx, row: _closed(row, now) if row.poll.phase is Phase.OPEN else row, None, "poll.close",
                at=moment(now),
            )  # fmt: skip
            self._changed_within(tx, closing)

    def _changed_within(self, tx: Transaction, change: Callable[[Transaction], rows.PollRow]) -> rows.PollRow:
        """Change a poll in a write of another service; its timer follows after the commit."""
        row = change(tx)
        tx.after_commit(lambda: self._set_timer(row.poll))
        return row

    async def timer(self, poll_id: str, given: wire.TimerIn, who: Who, *, version: Wanted) -> Versioned:
        """Change the closing time of an open poll. Raises BadInput, Refused."""

        def change(tx: Transaction, row: rows.PollRow) -> rows.PollRow:
            return msgspec.structs.replace(row, poll=timed(row.poll, given, self._clock()))

        return await self._change(poll_id, change, who, "poll.timer", version)

    def _close_due(self, poll_id: str) -> None:
        """Close an open poll whose time is over."""

        def done(result: Any, error: BaseException | None) -> None:
            # A poll that was archived in the meantime needs no timer.
            if error is not None and getattr(error, "code", "") != "no_such_poll":
                self._deadlines.again(poll_id, self._close_due)

        self._store.submit(self._closing(poll_id), done)

    def close_over(self, tx: Transaction, poll_id: str) -> None:
        """Close a poll whose time is over, in the transaction of a ballot that comes too late, so that readers see why
        it is refused."""
        self._closing(poll_id)(tx)

    def _closing(self, poll_id: str) -> Callable[[Transaction], rows.PollRow]:
        now = iso(self._clock())

        def change(tx: Transaction, row: rows.PollRow) -> rows.PollRow:
            due = row.poll.phase is Phase.OPEN and row.poll.closes_at is not None and row.poll.closes_at <= now
            return _closed(row, now) if due else row

        return self._changing(poll_id, change, None, "poll.close")

    async def publish(self, poll_id: str, published: bool, who: Who, *, version: Wanted = None) -> Versioned:
        def change(tx: Transaction, row: rows.PollRow) -> rows.PollRow:
            if row.poll.phase is Phase.DRAFT:
                raise Refused("poll_not_open", "the poll is a draft; there are no results to publish")
            return msgspec.structs.replace(row, poll=msgspec.structs.replace(row.poll, published=published))

        return await self._change(poll_id, change, who, "poll.publish" if published else "poll.withdraw", version)

    async def reset(self, poll_id: str, round_number: int, who: Who, *, version: Wanted = None) -> Versioned:
        """End the round `round_number` and begin a new one as a draft. Ending an earlier round again changes
        nothing."""

        def change(tx: Transaction, row: rows.PollRow) -> rows.PollRow:
            # The call is a repetition: its round was left already.
            if round_number < row.poll.round:
                return row
            if round_number > row.poll.round:
                raise Refused("conflict", f"this is round {row.poll.round}, there is no round {round_number} to reset")
            phase = next_phase(row.poll.phase, "reset")
            poll = msgspec.structs.replace(
                row.poll,
                phase=phase,
                round=row.poll.round + 1,
                published=False,
                closes_at=None,
                closed_at=UNSET,
                erased_at=UNSET,
            )
            rows.begin_round(tx, poll)
            shown = (*row.shown, row.poll.round) if is_public(row.poll) else row.shown
            return msgspec.structs.replace(row, poll=poll, shown=shown)

        return await self._change(poll_id, change, who, "poll.reset", version)

    async def archive(self, poll_id: str, who: Who, *, version: Wanted = None) -> None:
        """Archive a poll: remove it from the list, from its wall and from its readers. Its ballots remain in the
        database."""
        now = iso(self._clock())

        def write(tx: Transaction) -> None:
            row = rows.find(tx, poll_id)
            check_version(row.version, version)
            tx.execute("UPDATE polls SET archived = 1 WHERE id = :id", {"id": poll_id})
            if row.poll.phase is Phase.OPEN:
                rows.ended(tx, poll_id, row.poll.round, now)
            # Writes of the same group would otherwise find the poll as it was before.
            tx.memo.pop(("poll", poll_id), None)
            wall_rows.remove_item(tx, rows.stream_of(poll_id))
            for key in ("poll", "tally"):
                tx.append(rows.stream_of(poll_id), key, None, view=View.FULL)
            for key in ("poll", "turnout"):
                tx.append(rows.stream_of(poll_id), key, None, view=View.MASKED)
            audit.note(tx, who, now, "poll.archive", rows.stream_of(poll_id))
            self.on_end(tx, row.poll, now, archived=True)

        await self._store.write(write)
        self._deadlines.forget(poll_id)

    async def restore(self, poll_id: str, who: Who) -> Versioned:
        """Restore an archived poll as it was, at the end of its wall if the wall still exists. Raises NotFound."""
        now = iso(self._clock())

        def write(tx: Transaction) -> rows.PollRow:
            row = rows.find(tx, poll_id, archived=True)
            if not tx.execute(
                "UPDATE polls SET archived = 0 WHERE id = :id AND archived = 1", {"id": poll_id}
            ).rowcount:
                return row
            wall = row.poll.wall
            if wall is not None and tx.one("SELECT 1 FROM walls WHERE code = :code", {"code": wall}) is None:
                wall = None
            row = msgspec.structs.replace(row, poll=msgspec.structs.replace(row.poll, wall=wall))
            if row.poll.phase is Phase.OPEN:
                rows.ended(tx, poll_id, row.poll.round, None)
            rows.update(tx, row)
            rows.append_poll_event(tx, row.poll)
            rows.append_tally_event(tx, row.poll, now if row.poll.phase is Phase.OPEN else None)
            if wall is not None:
                wall_rows.append_item(tx, wall, rows.stream_of(poll_id))
            audit.note(tx, who, now, "poll.restore", rows.stream_of(poll_id))
            return msgspec.structs.replace(row, version=row.version + 1)

        return self._timed(await self._store.write(write))

    async def _change(
        self,
        poll_id: str,
        change: Callable[[Transaction, rows.PollRow], rows.PollRow],
        who: Who,
        act: str,
        version: Wanted = None,
    ) -> Versioned:
        """Change a poll in one write. Raises Refused (`conflict`) when `version` is given and not the newest."""
        return self._timed(await self._store.write(self._changing(poll_id, change, who, act, version)))

    def _timed(self, row: rows.PollRow) -> Versioned:
        """Return the poll and its version after setting or removing the timer of its end."""
        self._set_timer(row.poll)
        return Versioned(row.poll, row.version)

    def _set_timer(self, poll: Poll) -> None:
        if poll.phase is Phase.OPEN and poll.closes_at is not None:
            self._deadlines.set(poll.id, poll.closes_at, self._close_due)
        else:
            self._deadlines.forget(poll.id)

    def _changing(
        self,
        poll_id: str,
        change: Callable[[Transaction, rows.PollRow], rows.PollRow],
        who: Who | None,
        act: str,
        version: Wanted = None,
        at: datetime | None = None,
    ) -> Callable[[Transaction], rows.PollRow]:
        """Return the write that changes a poll: its row, then the `poll` event, then the tally event that follows from
        it, then the line of the audit log, then what its end decides."""
        at = at or self._clock()
        now, reveal = iso(at), later(at, REVEAL)

        def write(tx: Transaction) -> rows.PollRow:
            before = rows.find(tx, poll_id)
            check_version(before.version, version)
            after = change(tx, before)
            after = msgspec.structs.replace(after, poll=revealed(before.poll, after.poll, reveal))
            if after == before:
                return before
            rows.update(tx, after)
            old, new = before.poll, after.poll
            if old.phase is not new.phase and new.phase is not Phase.DRAFT:
                rows.ended(tx, poll_id, new.round, now if new.phase is Phase.CLOSED else None)
            if old != new:
                if new.phase is Phase.DRAFT and old.phase is not Phase.DRAFT:
                    for key in ("poll", "turnout"):
                        tx.append(rows.stream_of(poll_id), key, None, view=View.MASKED)
                rows.append_poll_event(tx, new)
                if (old.phase, old.round, old.options) != (new.phase, new.round, new.options):
                    rows.append_tally_event(tx, new, now)
            audit.note(tx, who, now, act, rows.stream_of(poll_id), **_audit_detail(before, after, act))
            if new.phase is not Phase.DRAFT and (old.phase, old.closes_at) != (new.phase, new.closes_at):
                self.on_end(tx, new, now, archived=False)
            return msgspec.structs.replace(after, version=before.version + 1)

        return write

    # -- readers

    async def detail(self, poll_id: str, who: Who) -> tuple[PollShown, int]:
        """Return the poll as `who` may see it, with its own ballot, and the version. Raises NotFound."""
        stream = rows.stream_of(poll_id)
        try:
            view = await self._hub.view(stream, who)
        except NotFound:
            raise NotFound("no_such_poll", "there is no such poll") from None
        voter = self._rule.stored(stream, who.voter) if who.voter else None

        def ask(connection: Any) -> tuple[rows.PollRow, Any, Any, bool]:
            row = rows.find(connection, poll_id)
            tally = rows.tally(connection, row.poll) if view is View.FULL else None
            own, may_cast = voter, False
            if who.voter and row.poll.assurance == "code":
                own, may_cast = self._electorate.stored_voter(connection, poll_id, row.poll.wall, who.voter)
            kept = row.poll.erased_at is UNSET
            ballot = ballots.own(connection, poll_id, row.poll.round, own) if own and kept else None
            return row, tally, ballot, may_cast

        row, tally, ballot, may_cast = await self._store.read(ask)
        if row.poll.phase is Phase.DRAFT and not who.host:
            raise NotFound("no_such_poll", "this poll is not open yet")
        shown = PollShown(
            **msgspec.structs.asdict(row.poll),
            ballot=ballot,
            tally=tally,
            now=iso(self._clock()),
            needs_code=not may_cast if row.poll.assurance == "code" else UNSET,
        )
        return shown, row.version

    async def has_own(self, poll_id: str, round_number: int, voter: str) -> bool:
        """Return whether a page of this round may say something of this voter alone: its ballot, or that it used a
        code. Raises NotFound."""
        stored = self._rule.stored(rows.stream_of(poll_id), voter)

        def ask(connection: Any) -> bool:
            if rows.find(connection, poll_id).poll.assurance == "code":
                return True
            return ballots.own(connection, poll_id, round_number, stored) is not None

        return await self._store.read(ask)


def _added(tx: Transaction, poll: Poll, wall: str | None, closes_in: int | None, now: str) -> Poll:
    """Insert a new poll, at the end of its wall. Raises NotFound if there is no such wall."""
    if wall is not None:
        poll = msgspec.structs.replace(poll, wall=wall_rows.append_item(tx, wall, rows.stream_of(poll.id)))
    rows.add(tx, poll, closes_in, now)
    return poll


def _opened(tx: Transaction, row: rows.PollRow, now: datetime) -> rows.PollRow:
    phase = next_phase(row.poll.phase, "open")
    if row.poll.phase is phase:
        return row
    if row.poll.erased_at is not UNSET:
        raise Refused("conflict", "the ballots of this round were erased; reset the poll to begin a new round")
    poll = msgspec.structs.replace(row.poll, phase=phase, closes_at=_end_time(row.closes_in, now), closed_at=UNSET)
    if not row.opened:
        wall_rows.item_opened(tx, rows.stream_of(row.poll.id))
    return msgspec.structs.replace(row, poll=poll, opened=True, opened_at=iso(now))


def _closed(row: rows.PollRow, now: str) -> rows.PollRow:
    phase = next_phase(row.poll.phase, "close")
    if row.poll.phase is phase:
        return row
    return msgspec.structs.replace(row, poll=msgspec.structs.replace(row.poll, phase=phase, closed_at=now))


def _audit_detail(before: rows.PollRow, after: rows.PollRow, act: str) -> dict[str, Any]:
    """Return the details that the audit log keeps of a change: the names of the fields, never their values; otherwise
    the round."""
    if act != "poll.edit":
        return {"round": before.poll.round}
    fields = [n for n in before.poll.__struct_fields__ if getattr(before.poll, n) != getattr(after.poll, n)]
    return {"fields": [*fields, *(["closes_in"] if before.closes_in != after.closes_in else [])]}


def _end_time(closes_in: int | None, now: datetime) -> str | None:
    return None if closes_in is None else later(now, closes_in)
