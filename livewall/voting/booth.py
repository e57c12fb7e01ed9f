"""Where ballots are cast and taken back: whose they are, and what follows a ballot's commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from livewall import wire
from livewall.clock import Clock, iso
from livewall.errors import Refused
from livewall.hub.live_hub import LiveHub
from livewall.names import new_receipt
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.voting import ballots, rows
from livewall.voting.access import PollRule
from livewall.voting.poll import Phase
from livewall.voting.publisher import TallyPublisher

Voted = Callable[[ballots.Cast | None, BaseException | None], None]


class Booth:
    """`close_over(tx, poll)` closes a poll whose time is over: nobody is refused by a poll that looks open."""

    def __init__(
        self,
        store: Store,
        hub: LiveHub,
        rule: PollRule,
        publisher: TallyPublisher,
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
        """Count a ballot; `done(cast, error)` after the commit. The lean way, for WebSocket and HTTP alike."""
        stored = self._rule.stored(rows.stream_of(poll_id), voter)
        choices, round_number, receipt, now = given.choices, given.round, new_receipt(), iso(self._clock())

        def vote(tx: Transaction) -> ballots.Cast:
            poll = rows.held(tx, poll_id).poll
            if poll.assurance == "open":
                return ballots.cast(tx, poll_id, stored, choices, round_number=round_number, receipt=receipt, now=now)
            claim = self._roll.claim(tx, poll, voter, given.code)
            holder = self._roll.holder(poll_id, poll.wall or "", claim.number)
            cast = ballots.cast(tx, poll_id, holder, choices, round_number=round_number, receipt=receipt, now=now)
            if claim.fresh:  # only now: what was refused binds nobody
                self._roll.bind(tx, poll, voter, claim)
            if claim.moves:
                polls = rows.seen_after_vote(tx, poll.wall or "")
                tx.tell(lambda: self._moved(voter, polls))
            return cast

        self._store.submit(self._in_time(poll_id, vote), self._then(poll_id, stored, done))

    def retract(self, poll_id: str, voter: str, round_number: int | None, done: Voted) -> None:
        stored = self._rule.stored(rows.stream_of(poll_id), voter)
        now = iso(self._clock())

        def take_back(tx: Transaction) -> ballots.Cast:
            poll, holder = rows.held(tx, poll_id).poll, None
            if poll.assurance == "code":
                holder, may_cast = self._roll.voter(tx, poll_id, poll.wall, voter)
                if holder is not None and not may_cast:
                    raise Refused("bad_code", "your code was revoked")
            return ballots.retract(tx, poll_id, holder or stored, round_number=round_number, now=now)

        self._store.submit(self._in_time(poll_id, take_back), self._then(poll_id, stored, done))

    def _in_time(
        self, poll_id: str, write: Callable[[Transaction], ballots.Cast]
    ) -> Callable[[Transaction], ballots.Cast | Refused]:
        """A voter's write. One that comes after the end of an open poll, before its timer, closes it: the refusal is
        its result, since raising it would undo the close."""

        def written(tx: Transaction) -> ballots.Cast | Refused:
            try:
                return write(tx)
            except Refused as refusal:
                if refusal.code != "closed" or rows.held(tx, poll_id).poll.phase is not Phase.OPEN:
                    raise
                self._close_over(tx, poll_id)
                return refusal

        return written

    def _moved(self, voter: str, polls: Sequence[str]) -> None:
        """A voter was bound to a holder that may have voted elsewhere: ask anew what it may see."""
        for poll_id in polls:
            stream = rows.stream_of(poll_id)
            self._hub.set_viewer_state(stream, self._rule.stored(stream, voter).hex(), None)

    def _then(self, poll_id: str, stored: bytes, done: Voted) -> Callable[[Any, BaseException | None], None]:
        """What follows a ballot's commit: the voter's own view, the tally, the answer."""

        def told(cast: ballots.Cast | Refused | None, error: BaseException | None) -> None:
            if isinstance(cast, Refused):
                cast, error = None, cast
            if cast is not None and cast.changed:
                round_number = cast.ballot.round if cast.ballot.receipt else 0
                self._hub.set_viewer_state(rows.stream_of(poll_id), stored.hex(), round_number)
                self._publisher.moved(poll_id)
            done(cast, error)

        return told
