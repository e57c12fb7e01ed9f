"""Ballots against a model: whatever is cast, changed, retracted, closed, reset and rolled back, the kept counts are
what a dictionary says and what a recount says."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from livewall.errors import LivewallError
from livewall.store.sqlite import migrate
from livewall.store.transaction import Transaction
from livewall.voting import ballots, rows
from livewall.voting.poll import Phase, Tally, new_poll
from livewall.voting.publication import publish_tally
from livewall.voting.recount import count_ballots
from livewall.wire import PollIn

VOTERS = [bytes([n]) * 16 for n in range(6)]
OPTIONS = ["1", "2", "3"]
NOW = "2026-01-01T00:00:00.000Z"


class Tallies(RuleBasedStateMachine):
    """One multi poll; `held` is what the model has committed, `open` what it has in the group under way."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.connection)
        self.receipts = iter(f"R{n:015d}" for n in range(1_000_000))

    @initialize(change=st.booleans(), limit=st.integers(1, 3))
    def make(self, change: bool, limit: int) -> None:
        given = PollIn(title="T", options=list(OPTIONS), kind="multi", max_choices=limit, allow_change=change)
        self.poll = msgspec.structs.replace(new_poll("P", given), phase=Phase.OPEN)
        self.group()
        rows.insert(self.tx, self.poll, None, NOW)
        rows.begin_round(self.tx, self.poll)
        rows.append_tally_event(self.tx, self.poll, NOW)
        self.held: dict[tuple[int, bytes], set[str]] = {}
        self.shadow = dict(self.held)
        self.kept = self.poll
        self.commit()

    def group(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        self.tx = Transaction(self.connection)

    def teardown(self) -> None:
        self.connection.close()

    def refused(self, call: Any, *args: Any, **kw: Any) -> str | None:
        changes = self.connection.total_changes
        try:
            call(self.tx, "P", *args, now=NOW, **kw)
        except LivewallError as error:
            assert self.connection.total_changes == changes, "a refusal changed something"
            return error.code
        return None

    @rule(
        voter=st.sampled_from(VOTERS),
        choices=st.lists(st.sampled_from([*OPTIONS, "9"]), max_size=4),
        round=st.sampled_from([None, 1, 2, 3]),
    )
    def cast(self, voter: bytes, choices: list[str], round: int | None) -> None:
        self.cast_one(voter, choices, round)

    def cast_one(self, voter: bytes, choices: list[str], round: int | None) -> None:
        poll, key = self.poll, (self.poll.round, voter)
        code = self.refused(ballots.cast, voter, choices, round_number=round, receipt=next(self.receipts))
        wanted = set(choices)
        if round not in (None, poll.round):
            assert code == "round_over"
        elif self.shadow.get(key) == wanted and len(wanted) == len(choices):
            assert code is None, "the same again is fine, whatever became of the poll"
        elif poll.phase is Phase.DRAFT:
            assert code == "poll_not_open"
        elif poll.phase is Phase.CLOSED:
            assert code == "closed"
        elif not wanted or "9" in wanted or len(wanted) != len(choices) or len(wanted) > poll.max_choices:
            assert code == "invalid"
        elif key in self.shadow and self.shadow[key] != wanted and not poll.allow_change:
            assert code == "already_voted"
        else:
            assert code is None
            self.shadow[key] = wanted

    @rule(data=st.data())
    def cast_well(self, data: st.DataObject) -> None:
        """Most people vote as they should, and some change their mind."""
        for voter in data.draw(st.lists(st.sampled_from(VOTERS), min_size=1, max_size=8)):
            marks = data.draw(st.sets(st.sampled_from(OPTIONS), min_size=1, max_size=self.poll.max_choices))
            self.cast_one(voter, sorted(marks), None)

    @rule(voter=st.sampled_from(VOTERS))
    def retract(self, voter: bytes) -> None:
        code = self.refused(ballots.retract, voter, round_number=None)
        key = (self.poll.round, voter)
        if self.poll.phase is Phase.OPEN and key in self.shadow:
            assert (code == "already_voted") is not self.poll.allow_change
            if code is None:
                del self.shadow[key]

    @rule()
    def publish(self) -> None:
        publish_tally(self.tx, "P", NOW)

    @rule(act=st.sampled_from(["open"] * 4 + ["close", "reset"]))
    def move(self, act: str) -> None:
        row = rows.find(self.tx, "P")
        phase, round = row.poll.phase, row.poll.round
        if act == "open":
            phase = Phase.OPEN
        elif act == "close" and phase is Phase.OPEN:
            phase = Phase.CLOSED
        elif act == "reset" and phase is Phase.CLOSED and round < 3:
            phase, round = Phase.DRAFT, round + 1
        else:
            return
        self.poll = msgspec.structs.replace(row.poll, phase=phase, round=round)
        if round != row.poll.round:
            rows.begin_round(self.tx, self.poll)
        rows.update(self.tx, msgspec.structs.replace(row, poll=self.poll))
        rows.append_tally_event(self.tx, self.poll, NOW)

    @rule()
    def commit(self) -> None:
        for last in self.tx.at_end:
            last(self.tx)
        self.connection.execute("COMMIT")
        self.held, self.kept = dict(self.shadow), self.poll
        self.judge()
        told = [e.data for e in self.tx.events.get("polls/P", []) if e.key == "tally"]
        if told:  # a publication waits for the end of its group, so nothing of it is missing
            found = self.connection.execute("SELECT changed <> told FROM rounds WHERE round = ?", (self.kept.round,))
            if not found.fetchone()[0]:
                assert msgspec.json.decode(told[-1] or "", type=Tally) == rows.tally(self.connection, self.kept)
        self.group()

    @rule(really=st.sampled_from([True, False, False]))
    def roll_back(self, really: bool) -> None:
        if not really:
            return
        self.connection.execute("ROLLBACK")
        self.shadow, self.poll = dict(self.held), self.kept
        self.judge()
        self.group()

    def judge(self) -> None:
        for round in range(1, self.kept.round + 1):
            asked = msgspec.structs.replace(self.kept, round=round)
            tally = rows.tally(self.connection, asked)
            mine = [marks for (r, _), marks in self.held.items() if r == round]
            assert tally.ballots == len(mine)
            assert tally.counts == {o: sum(o in marks for marks in mine) for o in OPTIONS}
            assert count_ballots(self.connection, asked) == tally


TestTallies = Tallies.TestCase
