"""Codes against a model: whatever is made, used, replaced, revoked and voted with, who is bound to which holder and
what is counted is what dictionaries of plain names say."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from livewall.errors import LivewallError
from livewall.identity import Secrets
from livewall.names import CODE_ALPHABET, VOTING_CODE, in_groups, new_voting_code, receipt, voting_code
from livewall.store.sqlite import migrate
from livewall.store.transaction import Transaction
from livewall.voting import ballots, rows
from livewall.voting.poll import Phase, new_poll
from livewall.voting.voter_codes import codes
from livewall.voting.voter_codes.electorate import Electorate
from livewall.wire import PollIn

WALLS = ["K7M2QD", "ZZ22YY"]
POLLS = {"P": WALLS[0], "Q": WALLS[0], "R": WALLS[1]}
VOTERS = [f"voter{n}" for n in range(5)]
NOW = "2026-01-01T00:00:00.000Z"


@dataclass
class Holder:
    """A plain holder: its code, who it is bound to, whether it may still vote."""

    code: str
    voter: str | None = None
    revoked: bool = False


class Codes(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.connection)
        self.connection.execute("BEGIN IMMEDIATE")
        self.tx = Transaction(self.connection)
        self.electorate = Electorate(Secrets(b"cookie", b"ballot", "admin"))
        self.receipts = iter(f"R{n:015d}" for n in range(1_000_000))
        self.fresh = iter(in_groups(f"{n:0{VOTING_CODE}d}".translate(str.maketrans("01", "AB"))) for n in range(10**6))
        self.holders: dict[str, list[Holder]] = {wall: [] for wall in WALLS}
        self.old = ["NOSUCHCODE22"]
        self.cast_as: dict[tuple[str, str, int], str] = {}

    @initialize()
    def make(self) -> None:
        for id, wall in POLLS.items():
            poll = new_poll(id, PollIn(title="T", options=["A", "B"], assurance="code", wall=wall))
            poll = msgspec.structs.replace(poll, phase=Phase.OPEN, wall=wall)
            rows.insert(self.tx, poll, None, NOW)
            rows.begin_round(self.tx, poll)
        for wall in WALLS:
            self.more(wall, 2)

    def teardown(self) -> None:
        self.connection.close()

    @rule(wall=st.sampled_from(WALLS), count=st.integers(1, 3))
    def more(self, wall: str, count: int) -> None:
        made = [next(self.fresh) for _ in range(count)]
        numbers = codes.insert(self.tx, wall, [self.electorate.code_hash(wall, code) for code in made])
        assert list(numbers) == list(range(len(self.holders[wall]) + 1, len(self.holders[wall]) + count + 1))
        self.holders[wall] += [Holder(code) for code in made]

    @rule(data=st.data(), wall=st.sampled_from(WALLS))
    def replace(self, data: st.DataObject, wall: str) -> None:
        number = data.draw(st.integers(1, len(self.holders[wall])))
        holder, code = self.holders[wall][number - 1], next(self.fresh)
        try:
            before = codes.replace(self.tx, wall, str(number), self.electorate.code_hash(wall, code))
        except LivewallError as error:
            assert error.code == "conflict" and holder.revoked
            return
        bound_hash = self.electorate.bound_hash(wall, holder.voter) if holder.voter else None
        assert not holder.revoked and before == bound_hash
        self.old.append(holder.code)
        self.holders[wall][number - 1] = Holder(code)

    @rule(data=st.data(), wall=st.sampled_from(WALLS))
    def revoke(self, data: st.DataObject, wall: str) -> None:
        number = data.draw(st.integers(1, len(self.holders[wall])))
        holder = self.holders[wall][number - 1]
        assert codes.revoke(self.tx, wall, str(number)) is not holder.revoked
        holder.revoked = True

    @rule(data=st.data(), id=st.sampled_from(list(POLLS)), voter=st.sampled_from(VOTERS), choice=st.sampled_from("129"))
    def cast(self, data: st.DataObject, id: str, voter: str, choice: str) -> None:
        current = [holder.code for each in self.holders.values() for holder in each]
        code = data.draw(st.one_of(st.none(), st.sampled_from(current), st.sampled_from(self.old)))
        self.cast_one(id, voter, code, choice)

    @rule(data=st.data(), id=st.sampled_from(list(POLLS)), choice=st.sampled_from("12"), revoked=st.booleans())
    def cast_again(self, data: st.DataObject, id: str, choice: str, revoked: bool) -> None:
        """Whoever is bound votes without a code, its own or another; now and then after a revocation."""
        bound = [holder for holder in self.holders[POLLS[id]] if holder.voter is not None]
        if bound:
            holder = data.draw(st.sampled_from(bound))
            if revoked:
                codes.revoke(self.tx, POLLS[id], str(self.holders[POLLS[id]].index(holder) + 1))
                holder.revoked = True
            free = [each.code for each in self.holders[POLLS[id]] if each.voter is None and not each.revoked]
            assert holder.voter is not None
            self.cast_one(id, holder.voter, data.draw(st.sampled_from([None, holder.code, *free[:2]])), choice)

    def cast_one(self, id: str, voter: str, code: str | None, choice: str) -> None:
        wall = POLLS[id]
        wanted, number, why = self.judge(wall, voter, code)
        changes = self.connection.total_changes
        try:
            poll = rows.held(self.tx, id).poll
            claim = self.electorate.claim(self.tx, poll, voter, code and code.lower())
            stored = self.electorate.holder_hash(id, wall, claim.number)
            marks, own = [choice], next(self.receipts)
            cast = ballots.cast(self.tx, id, stored, marks, round_number=None, receipt=own, now=NOW)
            if claim.fresh:
                self.electorate.bind(self.tx, poll, voter, claim)
        except LivewallError as error:
            assert self.connection.total_changes == changes, "a refusal changed something"
            assert error.code == (why or "invalid") and (why or choice == "9")
            return
        assert wanted is not None and claim.number == number and why is None and choice != "9"
        assert cast.created is ((id, wall, number) not in self.cast_as)
        for other in self.holders[wall]:
            if other.voter == voter and other is not wanted:
                assert other.revoked
                other.voter = None
        wanted.voter = voter
        self.cast_as[id, wall, number] = choice

    def judge(self, wall: str, voter: str, code: str | None) -> tuple[Holder | None, int, str | None]:
        """The holder that a plain reading of the rules gives, or why there is none."""
        numbered = list(enumerate(self.holders[wall], 1))
        own = [(n, holder) for n, holder in numbered if holder.voter == voter]
        assert len(own) <= 1
        meant = own if code is None else [(n, holder) for n, holder in numbered if holder.code == code]
        if not meant or meant[0][1].revoked:
            return None, 0, "bad_code"
        number, holder = meant[0]
        if holder.voter not in (None, voter):
            return None, 0, "code_used"
        if own and own[0][1] is not holder and not own[0][1].revoked:
            return None, 0, "code_used"
        return holder, number, None

    @invariant()
    def agrees(self) -> None:
        for wall, holders in self.holders.items():
            counted = codes.counted(self.tx, wall)
            used = sum(holder.voter is not None for holder in holders)
            left = sum(holder.voter is None and not holder.revoked for holder in holders)
            assert counted == {"made": len(holders), "used": used, "left": left}
            for voter in VOTERS:
                own = [(n, holder.revoked) for n, holder in enumerate(holders, 1) if holder.voter == voter]
                assert codes.bound(self.tx, wall, self.electorate.bound_hash(wall, voter)) == (own[0] if own else None)
        for id, wall in POLLS.items():
            rows_of = [mark for (poll, _, _), mark in self.cast_as.items() if poll == id]
            counted_marks = self.tx.all(
                "SELECT choice FROM ballots JOIN choices ON choices.receipt = ballots.receipt WHERE poll = :poll",
                {"poll": id},
            )
            assert sorted(mark for (mark,) in counted_marks) == sorted(rows_of)
            for voter in VOTERS:
                stored, may_cast = self.electorate.stored_voter(self.tx, id, wall, voter)
                own_ballot = ballots.own(self.tx, id, 1, stored) if stored else None
                number, revoked = codes.bound(self.tx, wall, self.electorate.bound_hash(wall, voter)) or (0, True)
                mark_held = self.cast_as.get((id, wall, number))
                assert (own_ballot.choices if own_ballot else None) == ((mark_held,) if mark_held else None)
                assert may_cast is not revoked

    @rule(wall=st.sampled_from(WALLS), limit=st.integers(1, 4))
    def pages(self, wall: str, limit: int) -> None:
        """The list, however it is cut, has each code once, the newest first."""
        listed: list[codes.Item] = []
        before: str | None = None
        while True:
            items, before = codes.page(self.tx, wall, limit=limit, before=before)
            listed += items
            if before is None:
                break
        held = [codes.Item(str(n), h.voter is not None, h.revoked) for n, h in enumerate(self.holders[wall], 1)]
        assert listed == held[::-1]


TestCodes = Codes.TestCase


def test_a_code_is_read_however_it_is_typed() -> None:
    for _ in range(200):
        code = new_voting_code()
        assert len(code) == VOTING_CODE and set(code) <= set(CODE_ALPHABET)
        for typed in (in_groups(code), code.lower(), f" {code[:5]} {code[5:]} ", code.replace("V", "u")):
            assert voting_code(typed) == code
    assert voting_code("ＡＢＣ２") == "ABC2"


def test_a_receipt_is_read_however_it_is_typed() -> None:
    assert receipt("o1l-i 0V.u_z") == "0111" + "0VVZ"
