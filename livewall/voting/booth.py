"""The booth: casts and retracts ballots for voters, and does what follows their commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from livewall import wire
from livewall.clock import Clock, iso
from livewall.errors import Refused
from livewall.hub.live_hub import LiveHub
from livewall.names import new_receipt
from livewall.publisher import Publisher
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.voting import ballots, rows
from livewall.voting.access import PollRule
from livewall.voting.poll import Phase

Voted = Callable[[ballots.Cast | None, BaseException | None], None]


class Booth:
    """`close_over(tx, poll)` closes a poll whose time is over, so that no ballot is refused by a poll that looks
    open."""

    def __init__(
        self,
        store: Store,
        hub: LiveHub,
        rule: PollRule,
        publisher: Publisher,
        clock: Clock,
        close_over: Callable[[Transaction, str], None],
    ) -> None:
        self._close_over = close_over
        self._store = store
        self._hub = hub
        self._rule = rule
        self._roll = rule.electorate
        self._publisher = publisher
        self._clock = clock

    def cast(self, poll_id: str, voter: str, given: wire.BallotIn | wire.Vote, done: Voted) -> None:
        """Count a ballot; `done(cast, error)` is called after the commit. Used by WebSocket and HTTP alike."""
        stored = self._rule.stored(rows.stream_of(poll_id), voter)
        choices, round_number, receipt, now = given.choices, given.round, new_receipt(), iso(self._clock())

        def vote(tx: Transaction) -> ballots.Cast:
            poll = rows.held(tx, poll_id).poll
            if poll.assurance == "open":
                return ballots.cast(tx, poll_id, stored, choices, round_number=round_number, receipt=receipt, now=now)
            claim = self._roll.claim(tx, poll, voter, given.code)
            holder = self._roll.holder_hash(poll_id, poll.wall or "", claim.number)
            cast = ballots.cast(tx, poll_id, holder, choices, round_number=round_number, receipt=receipt, now=now)
            if claim.fresh:  # only after the ballot was taken: a refused one binds nobody
                self._roll.bind(tx, poll, voter, claim)
            if claim.moves:
                # Where a tally is shown after the vote, another holder's ballots now decide what this voter sees.
                polls = rows.seen_after_vote(tx, poll.wall or "")
                tx.after_commit(lambda: self._holder_moved(voter, polls))
            return cast

        self._store.submit(self._in_time(poll_id, vote), self._on_commit(poll_id, stored, done))

    def retract(self, poll_id: str, voter: str, round_number: int | None, done: Voted) -> None:
        stored = self._rule.stored(rows.stream_of(poll_id), voter)
        now = iso(self._clock())

        def take_back(tx: Transaction) -> ballots.Cast:
            poll, holder = rows.held(tx, poll_id).poll, None
            if poll.assurance == "code":
                holder, may_cast = self._roll.stored_voter(tx, poll_id, poll.wall, voter)
                if holder is not None and not may_cast:
                    raise Refused("bad_code", "your code was revoked")
            return ballots.retract(tx, poll_id, holder or stored, round_number=round_number, now=now)

        self._store.submit(self._in_time(poll_id, take_back), self._on_commit(poll_id, stored, done))

    def _in_time(
        self, poll_id: str, write: Callable[[Transaction], ballots.Cast]
    ) -> Callable[[Transaction], ballots.Cast | Refused]:
        """Wrap a voter's write. A write that comes after the end of an open poll, before its timer, closes the poll.
        The refusal is its result then: raising it would undo the close."""

        def written(tx: Transaction) -> ballots.Cast | Refused:
            try:
                return write(tx)
            except Refused as refusal:
                if refusal.code != "closed" or rows.held(tx, poll_id).poll.phase is not Phase.OPEN:
                    raise
                self._close_over(tx, poll_id)
                return refusal

        return written

    def _holder_moved(self, voter: str, polls: Sequence[str]) -> None:
        """Request again what a voter may see that was bound to a holder which may have voted elsewhere."""
        for poll_id in polls:
            stream = rows.stream_of(poll_id)
            self._hub.set_viewer_state(stream, self._rule.stored(stream, voter).hex(), None)

    def _on_commit(self, poll_id: str, stored: bytes, done: Voted) -> Callable[[Any, BaseException | None], None]:
        """Return the callback of a ballot's commit: it updates the voter's own view and the tally, and replies."""

        def on_commit(cast: ballots.Cast | Refused | None, error: BaseException | None) -> None:
            if isinstance(cast, Refused):
                cast, error = None, cast
            if cast is not None and cast.changed:
                round_number = cast.ballot.round if cast.ballot.receipt else 0
                self._hub.set_viewer_state(rows.stream_of(poll_id), stored.hex(), round_number)
                self._publisher.changed(poll_id)
            done(cast, error)

        return on_commit
