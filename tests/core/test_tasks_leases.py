"""Foreign tasks and the leases of their reporters, in memory: no socket, no thread, and clocks that the test moves."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from foreign_tasks import MINE, House, done
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import UNSET

from livewall import wire
from livewall.clock import iso, moment
from livewall.errors import LivewallError
from livewall.identity import Who
from livewall.store.sqlite import migrate, migrations, statements
from livewall.tasks import rows
from livewall.tasks.lease_deadlines import left_at_start
from livewall.tasks.machine import BLOCKING, ENDED, TASK_ENDED, UNDER_WAY, Step, StepState, TaskState, task_state
from livewall.tasks.task_clock import TaskClock

R = TypeVar("R")
S, T = StepState, TaskState
OPERATOR = Who(role="operator", name="lin", credential="c2")


def chain() -> House:
    return House(a=[], b=["a"], c=["b"])


@pytest.mark.parametrize(
    "sign", [lambda h: h.log("a"), lambda h: h.log("a", b""), lambda h: h.report("a", progress=0.1),
             lambda h: h.report("a", "running"), lambda h: h.report("a", message="m"), lambda h: h.report("a", lease=5)]
)  # fmt: skip
def test_every_report_and_every_piece_of_log_of_the_holder_renews_the_lease(sign: Callable[[House], Any]) -> None:
    house = chain()
    house.report("a", "running", lease=5)
    for _ in range(5):
        house.timers.pass_(4)
        sign(house)
    assert house.steps["a"] is S.RUNNING
    house.timers.pass_(5.1)
    assert house.reasons == {"a": "nothing was reported of it for 5 s", "b": "a lost", "c": "a lost"}
    assert (house.task.state, house.task.ended_at is None) == (T.LOST, False)


def test_a_broken_promise_of_another_does_not_hold_for_a_step_that_is_taken_back() -> None:
    house = House(a=[], b=["a"])
    house.report("a", who=OPERATOR, lease=5)
    house.report("b", who=OPERATOR, lease=50)
    house.timers.pass_(5.5)
    assert house.steps == {"a": S.LOST, "b": S.SKIPPED}
    house.report("a", "running")
    house.timers.pass_(60)
    assert house.steps == {"a": S.RUNNING, "b": S.PENDING}
    house.report("a", "running", lease=5)
    house.timers.pass_(5.5)
    assert house.steps == {"a": S.LOST, "b": S.SKIPPED}


def test_what_others_report_renews_no_lease() -> None:
    house = chain()
    house.report("a", "running", lease=5)
    house.timers.pass_(4)
    house.report("a", who=OPERATOR, message="looking at it")
    house.log("a", who=OPERATOR)
    house.timers.pass_(1.1)
    assert house.steps["a"] is S.LOST


def test_a_lease_that_another_promises_is_theirs() -> None:
    house = chain()
    house.report("a", "running", lease=5)
    house.report("a", who=OPERATOR, lease=20)
    house.timers.pass_(10)
    assert house.steps["a"] is S.RUNNING
    house.log("a")
    house.timers.pass_(10.1)
    assert house.steps["a"] is S.LOST


def test_the_answer_to_a_piece_of_log_says_how_soon_the_next_is_wanted() -> None:
    house = chain()
    assert house.log("a") is None
    house.report("a", "running", lease=5)
    assert house.log("a") == 5
    house.report("a", "succeeded")
    assert house.log("a") is None


def test_a_late_success_takes_its_consequences_back() -> None:
    house = chain()
    house.report("a", "running", lease=5)
    house.timers.pass_(6)
    assert house.steps == {"a": S.LOST, "b": S.SKIPPED, "c": S.SKIPPED}
    house.report("a", "succeeded")
    assert house.steps == {"a": S.SUCCEEDED, "b": S.PENDING, "c": S.PENDING}
    assert (house.task.state, house.task.ended_at, house.task.reason) == (T.RUNNING, None, "")
    house.report("b", "running")
    house.report("b", "succeeded")
    house.report("c", "succeeded")
    assert house.task.state is T.SUCCEEDED and not house.reasons


def test_a_loss_that_the_reporter_reports_itself_can_be_taken_back() -> None:
    house = chain()
    house.report("a", "running")
    house.report("a", "lost")
    assert house.steps == {"a": S.LOST, "b": S.SKIPPED, "c": S.SKIPPED}
    house.report("a", "succeeded")
    assert house.steps == {"a": S.SUCCEEDED, "b": S.PENDING, "c": S.PENDING}


def test_a_late_success_leaves_skipped_what_another_failure_skips() -> None:
    house = House(a=[], x=[], b=["a", "x"], c=["a"], d=["c"])
    house.report("x", "failed")
    house.report("a", "running", lease=5)
    house.timers.pass_(6)
    house.report("a", "succeeded")
    assert house.steps == {"a": S.SUCCEEDED, "x": S.FAILED, "b": S.SKIPPED, "c": S.PENDING, "d": S.PENDING}
    assert house.reasons == {"b": "x failed"}


def test_a_late_failure_is_the_reason_of_what_was_skipped() -> None:
    house = chain()
    house.report("a", "running", lease=5)
    house.timers.pass_(6)
    house.report("a", "failed", message="disk full")
    assert house.reasons == {"b": "a failed", "c": "a failed"}
    assert (house.task.state, house.task.reason) == (T.FAILED, "a: disk full")


def test_what_its_reporter_skipped_stays_skipped_after_a_late_success() -> None:
    house = House(a=[], b=[], c=["a"])
    house.report("b", "skipped")
    house.report("a", "running", lease=5)
    house.timers.pass_(6)
    house.report("a", "succeeded")
    assert house.steps == {"a": S.SUCCEEDED, "b": S.SKIPPED, "c": S.PENDING}


def test_a_late_success_after_a_restart_takes_its_consequences_back() -> None:
    house = chain()
    house.report("a", "running", lease=5)
    house.timers.pass_(6)
    house.restart()
    house.report("a", "succeeded")
    assert house.steps == {"a": S.SUCCEEDED, "b": S.PENDING, "c": S.PENDING}
    house.timers.pass_(5.1)
    assert house.reasons == {"b": "nothing was reported of this task for 5 s", "c": "b lost"}


def test_a_late_success_of_a_task_that_was_cancelled_cancels_what_never_began() -> None:
    house = House(a=[], b=["a"], x=[])
    house.report("x", "running")
    house.report("a", "running", lease=5)
    house.timers.pass_(6)
    house.store.connection.execute("UPDATE tasks SET cancelled = 1")
    house.report("a", "succeeded")
    assert house.steps == {"a": S.SUCCEEDED, "b": S.CANCELLED, "x": S.RUNNING}


@pytest.mark.parametrize("restarts", [False, True])
def test_a_reporter_that_is_silent_between_two_steps_loses_its_task(restarts: bool) -> None:
    house = chain()
    house.report("a", "running", lease=30)
    house.report("a", "succeeded")
    if restarts:
        house.timers.pass_(12)
        house.restart()
        house.timers.pass_(17.5)
    else:
        house.timers.pass_(29.5)
    assert house.steps["b"] is S.PENDING and house.task.state is T.RUNNING
    house.timers.pass_(8)
    assert house.reasons == {"b": "nothing was reported of this task for 30 s", "c": "b lost"}
    assert house.task.state is T.LOST


def test_a_reporter_that_comes_back_begins_what_never_began() -> None:
    house = chain()
    house.report("a", "running", lease=30)
    house.report("a", "succeeded")
    house.timers.pass_(31)
    begun = house.report("b", "running", lease=30)
    assert (begun.state, begun.attempt, begun.ended_at, begun.reason) == ("running", 1, None, "")
    assert house.steps["c"] is S.PENDING and house.task.state is T.RUNNING
    house.timers.pass_(31)
    assert house.refused("b", "running"), "now an attempt was lost: only its end may still be told"


def test_a_lease_on_a_pending_step_counts() -> None:
    house = chain()
    house.report("a", lease=5)
    house.timers.pass_(5.1)
    assert house.reasons["a"] == "nothing was reported of it for 5 s" and house.task.state is T.LOST
    assert rows.step(house.store.connection, "t", "a").started_at is None


def test_any_report_on_the_task_renews_the_lease_of_a_pending_step() -> None:
    house = House(a=[], b=["a"])
    house.report("b", lease=5)
    house.report("a", "running", lease=5)
    for _ in range(4):
        house.timers.pass_(4)
        house.report("a", progress=0.1)
    assert house.steps == {"a": S.RUNNING, "b": S.PENDING}


def test_a_step_under_way_without_a_lease_is_waited_for() -> None:
    house = House(a=[], b=["a"], x=[])
    house.report("x", "running")
    house.report("a", "running", lease=5)
    house.report("a", "succeeded")
    house.timers.pass_(3600)
    assert house.steps == {"a": S.SUCCEEDED, "b": S.PENDING, "x": S.RUNNING}
    house.report("x", "succeeded", who=OPERATOR)
    house.timers.pass_(0)
    assert house.steps["b"] is S.LOST, "now nothing is under way, and the reporter has long been silent"


def test_the_silence_that_loses_a_step_loses_what_stands_beside_it() -> None:
    house = House(x=[], c=[], d=["c"])
    house.report("x", "running", lease=5)
    house.timers.pass_(5.1)
    assert house.steps == {"x": S.LOST, "c": S.LOST, "d": S.SKIPPED} and house.task.state is T.LOST


def test_a_lease_that_is_taken_back_binds_nobody() -> None:
    house = chain()
    house.report("a", "running", lease=5)
    house.report("a", lease=None)
    house.report("a", "succeeded")
    house.timers.pass_(3600)
    assert house.task.state is T.RUNNING


def test_without_a_lease_nothing_is_lost() -> None:
    house = chain()
    house.report("a", "running")
    house.timers.pass_(86400)
    house.report("a", "succeeded")
    house.timers.pass_(86400)
    assert house.task.state is T.RUNNING and not len(house.tasks.leases)


@pytest.mark.parametrize("wall", [-3600, 3600])
def test_a_clock_that_is_set_takes_nobody_s_lease(wall: int) -> None:
    house = chain()
    house.report("a", "running", lease=5)
    house.wall += timedelta(seconds=wall)
    house.timers.pass_(4.9)
    assert house.steps["a"] is S.RUNNING
    house.timers.pass_(0.2)
    assert house.steps["a"] is S.LOST


def test_a_lease_does_not_begin_again_with_every_start_of_the_server() -> None:
    house = chain()
    house.report("a", "running", lease=60)
    for _ in range(12):
        house.timers.pass_(9)
        house.restart(away=2)
    assert house.steps["a"] is S.LOST


def test_a_lease_that_ran_out_while_the_server_was_away_begins_once_more() -> None:
    house = chain()
    house.report("a", "running", lease=60)
    house.restart(away=600)
    house.timers.pass_(59)
    house.log("a")
    house.timers.pass_(59)
    assert house.steps["a"] is S.RUNNING
    house.restart(away=600)
    house.restart(away=30)
    house.timers.pass_(30.1)
    assert house.steps["a"] is S.LOST, "it had begun once more, and nothing was heard since"


@pytest.mark.parametrize("wall", [-7200, 7200])
def test_a_clock_that_was_set_while_the_server_was_away_leaves_a_lease_at_most(wall: int) -> None:
    house = chain()
    house.report("a", "running", lease=60)
    house.restart(away=1, wall=wall)
    house.timers.pass_(1)
    assert house.steps["a"] is S.RUNNING
    house.timers.pass_(60)
    assert house.steps["a"] is S.LOST


@given(st.floats(1, 1e5), st.floats(-1e6, 1e6), st.none() | st.floats(-1e6, 1e6))
def test_at_a_start_there_is_never_more_left_than_a_lease(lease: float, heard: float, resumed: float | None) -> None:
    left, anew = left_at_start(lease, heard, resumed, lease / 4)
    assert 0 <= left <= lease
    assert not anew or left == lease


class Programs(RuleBasedStateMachine):
    """Programs that report, fall silent and come back, in any order, with the server restarted in between."""

    @initialize(needs=st.lists(st.sets(st.integers(0, 4)), min_size=2, max_size=5))
    def begin(self, needs: list[set[int]]) -> None:
        names = "abcde"
        self.house = House(**{
            names[place]: [names[need] for need in sorted(wanted) if need < place] for place, wanted in enumerate(needs)
        })  # fmt: skip
        self.heard: dict[str, float] = {}
        self.spoke: dict[str, float] = {}

    def name(self, place: int) -> str:
        names = list(self.house.steps)
        return names[place % len(names)]

    @rule(
        place=st.integers(0, 4),
        state=st.none() | st.sampled_from(["running", "waiting", "succeeded", "failed", "skipped", "lost"]),
        lease=st.sampled_from([UNSET, None, 5.0, 20.0]), who=st.sampled_from([MINE, OPERATOR]),
    )  # fmt: skip
    def report(self, place: int, state: str | None, lease: Any, who: Who) -> None:
        try:
            self.house.report(self.name(place), state, who, lease=lease)
        except LivewallError as error:
            assert error.code == "conflict"
            return
        self.spoke[who.credential] = self.house.timers.now
        self.heard[self.name(place) + who.credential] = self.house.timers.now
        self.house.timers.pass_(0)  # a lease that is over already is looked at in the next turn of the loop

    @rule(place=st.integers(0, 4), who=st.sampled_from([MINE, OPERATOR]))
    def log(self, place: int, who: Who) -> None:
        self.house.log(self.name(place), who=who)
        self.spoke[who.credential] = self.house.timers.now
        self.heard[self.name(place) + who.credential] = self.house.timers.now

    @rule(seconds=st.sampled_from([0.5, 3, 4.9, 5.1, 21]))
    def wait(self, seconds: float) -> None:
        self.house.timers.pass_(seconds)

    @rule(away=st.sampled_from([0, 3, 60]), wall=st.sampled_from([0, 0, -3600, 3600]))
    def restart(self, away: float, wall: float) -> None:
        self.house.restart(away=away, wall=wall)
        # At most one lease more, from now.
        self.spoke = dict.fromkeys(self.spoke, self.house.timers.now)
        self.heard = dict.fromkeys(self.heard, self.house.timers.now)

    @rule(wall=st.sampled_from([-3600, 3600]))
    def set_clock(self, wall: float) -> None:
        self.house.wall += timedelta(seconds=wall)

    @invariant()
    def the_states_follow_from_each_other(self) -> None:
        if not hasattr(self, "house"):
            return
        connection = self.house.store.connection
        row, steps = rows.find(connection, "t"), {s.name: s for s in rows.steps(connection, "t")}
        blamed = dict(connection.execute("SELECT name, because FROM steps WHERE because IS NOT NULL").fetchall())
        assert row.task.state is task_state((s.state for s in steps.values()), cancelled=False)
        assert (row.task.ended_at is not None) == (row.task.state in TASK_ENDED)
        for name, step in steps.items():
            dead = [n for n in ancestors(steps, name) if steps[n].state in BLOCKING]
            assert (step.ended_at is not None) == (step.state in ENDED)
            assert step.state is not S.PENDING or not dead, "what cannot run any more is skipped"
            if name in blamed:
                assert step.state is S.SKIPPED and blamed[name] in dead, "nothing is skipped for what is not dead"
        if row.task.state is T.SUCCEEDED:
            assert not blamed and not [s for s in steps.values() if s.state is S.LOST]

    @invariant()
    def nobody_is_silent_for_longer_than_promised(self) -> None:
        if not hasattr(self, "house"):
            return
        connection, now = self.house.store.connection, self.house.timers.now
        steps = rows.steps(connection, "t")
        for name, holder, lease, state in connection.execute(
            "SELECT name, holder, lease, state FROM steps WHERE lease IS NOT NULL"
        ).fetchall():
            if state in UNDER_WAY:
                assert now - self.heard[name + holder] < lease + 0.001
            elif state == S.PENDING:
                assert now - self.spoke[holder] < lease + 0.001
        holder, lease = connection.execute("SELECT holder, lease FROM tasks").fetchone()
        if lease is not None and any(s.state is S.PENDING for s in steps) and not any(
            s.state in UNDER_WAY for s in steps
        ):  # fmt: skip
            assert now - self.spoke[holder] < lease + 0.001


def ancestors(steps: dict[str, Step], name: str) -> set[str]:
    found: set[str] = set()
    look = list(steps[name].needs)
    while look:
        found.add(need := look.pop())
        look += steps[need].needs
    return found


TestPrograms = Programs.TestCase


def test_a_report_that_waits_for_the_database_keeps_its_lease() -> None:
    house = chain()
    house.report("a", "running", lease=1)
    house.store.is_busy = True
    report = house.tasks.report("t", "a", wire.StepReport(state="running", lease=1), MINE)
    report.send(None)
    house.timers.pass_(1.5)
    assert len(house.store.waiting) == 2, "the lease has run out meanwhile, and is looked at after the report"
    house.store.free()
    done(report)
    assert house.steps["a"] is S.RUNNING
    house.timers.pass_(1.5)
    assert house.steps["a"] is S.LOST


@pytest.mark.parametrize("wall", [-3600, -0.5, 0.5, 3600])
def test_what_is_under_way_takes_as_long_as_it_takes_when_the_clock_is_set(wall: float) -> None:
    house = House(a=[], b=["a"], c=[])
    house.report("a", "running", lease=20)
    house.timers.pass_(10)
    house.wall += timedelta(seconds=wall)
    house.timers.pass_(5)
    house.report("c", "running")
    steps = {s.name: s for s in rows.steps(house.store.connection, "t")}
    assert seconds(steps["a"].started_at, iso(house.clock())) == 15, "running for"
    house.report("a", "succeeded")
    house.report("b", "succeeded")
    house.timers.pass_(5)
    house.report("c", "succeeded")
    steps = {s.name: s for s in rows.steps(house.store.connection, "t")}
    assert seconds(steps["a"].started_at, steps["a"].ended_at) == 15
    assert seconds(house.task.started_at, house.task.ended_at) == 20 and house.task.ended_at == iso(house.clock())


def test_a_step_that_the_clock_has_begin_in_the_future_counts_from_the_start_of_the_server() -> None:
    house = chain()
    house.report("a", "running")
    house.restart(away=60, wall=-3600)
    house.timers.pass_(7)
    step = rows.step(house.store.connection, "t", "a")
    assert seconds(step.started_at, iso(house.clock())) == 7
    assert seconds(house.task.started_at, iso(house.clock())) == 7


def seconds(one: str | None, other: str | None) -> float:
    assert one is not None and other is not None
    return round((moment(other) - moment(one)).total_seconds(), 3)


def test_a_loss_from_before_the_upgrade_is_taken_back_whole() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)")
    for number, path in migrations():
        if number <= 6:
            for statement in statements(path.read_text()):
                connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES ('schema', '6')")
    for name, state, reason, lapsed in [
        ("a", "lost", "nothing was reported of it for 5 s", 1),
        ("b", "skipped", "a lost", 0), ("c", "skipped", "own", 0),
        ("x", "failed", "", 0), ("d", "skipped", "x failed", 0),
    ]:  # fmt: skip
        connection.execute(
            """INSERT INTO steps (task, place, name, needs, state, reason, attempt, message, lapsed)
            VALUES ('t', 0, ?, '[]', ?, ?, 1, '', ?)""",
            (name, state, reason, lapsed),
        )
    migrate(connection)
    assert connection.execute("SELECT name, because FROM steps WHERE because IS NOT NULL").fetchall() == [("b", "a")]


class Reads:
    """A store that is asked, and what happens before it answers."""

    def __init__(self, house: House, meanwhile: Callable[[], Any] = lambda: None) -> None:
        self.house, self.meanwhile = house, meanwhile

    async def read(self, ask: Callable[[sqlite3.Connection], R]) -> R:
        found = ask(self.house.store.connection)
        self.meanwhile()
        return found


def test_a_task_under_way_holds_the_clock_of_the_server() -> None:
    house = House(a=[])
    unfinished = TaskClock(house.clock)
    looking: Any = Reads(house)
    done(unfinished.check(looking))
    assert unfinished, "a task that has not begun will be"
    house.report("a", "succeeded")
    asked: Any = Reads(house, unfinished.clock)
    done(unfinished.check(asked))
    assert unfinished, "a write came meanwhile"
    done(unfinished.check(looking))
    assert not unfinished
    assert unfinished.clock() == house.clock() and unfinished
