"""What becomes of tasks that run here: the engine against a database in memory, without a process or a clock."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.clock import later, moment
from livewall.errors import Refused
from livewall.identity import Who
from livewall.store.sqlite import migrate
from livewall.store.transaction import Transaction
from livewall.tasks import rows
from livewall.tasks.actions import Actions, RetryLater, StartAttempt, StopAttempt
from livewall.tasks.announcements import Announcements
from livewall.tasks.attempt_result import Outcome
from livewall.tasks.engine import Engine
from livewall.tasks.gates import Asked
from livewall.tasks.kinds import GatePoll
from livewall.tasks.machine import ENDED, TASK_ENDED, Step, StepState, TaskState, transition
from livewall.tasks.pipelines.pipeline import Pipeline, parse
from livewall.tasks.usual_times import with_measured_times
from livewall.tasks.webhooks.outbox import Outbox

NOW = "2026-01-02T03:04:05.000Z"
OPERATOR = Who(role="operator", name="lin", credential="c1")
S, T = StepState, TaskState
R = TypeVar("R")


def announcements(epoch: str) -> Announcements:
    def page(task: str) -> str:
        return f"https://wall.example.org/tasks/{task}"

    return Announcements(Outbox(epoch, page), page)


class NoPolls:
    """For pipelines whose gates ask nobody by a poll."""

    def ask(self, tx: Transaction, given: GatePoll, task: str, now: str) -> Asked:
        raise AssertionError("no gate of this test asks a poll")

    def end(self, tx: Transaction, poll: str, now: str) -> None:
        raise AssertionError("no gate of this test asks a poll")


class House:
    """An engine with its database, and what it wanted done."""

    def __init__(self, workers: int = 4) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.connection)
        self.engine = Engine(workers, "epoch", lambda task, step, attempt: None, announcements("epoch"), NoPolls())
        self.begun: list[StartAttempt] = []
        self.ends: list[StopAttempt] = []
        self.again: list[RetryLater] = []

    def write(self, act: Callable[[Transaction], R]) -> R:
        self.connection.execute("BEGIN")
        try:
            found = act(Transaction(self.connection))
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return found

    def do(self, todo: Actions) -> None:
        for what in todo:
            match what:
                case StartAttempt():
                    self.begun.append(what)
                case StopAttempt():
                    self.ends.append(what)
                case RetryLater():
                    self.again.append(what)

    def start(self, pipeline: Pipeline, params: dict[str, Any] | None = None, id: str | None = None) -> str:
        task, _, todo = self.write(lambda tx: self.engine.start(tx, pipeline, params or {}, id, OPERATOR, NOW))
        self.do(todo)
        return task

    def end(self, begin: StartAttempt, state: StepState = S.SUCCEEDED, **more: Any) -> None:
        """The command of an attempt ended."""
        if begin in self.begun:
            self.begun.remove(begin)
        outcome = Outcome(state, more.pop("reason", ""), **more)
        self.do(self.write(lambda tx: self.engine.ended(tx, begin.task, begin.step, begin.attempt, outcome, NOW)))

    def wait(self) -> None:
        """The delays are over."""
        again, self.again = self.again, []
        for task, step, attempt, _ in again:
            self.do(self.write(lambda tx, t=task, s=step, a=attempt: self.engine.retry_step(tx, t, s, a, NOW)))  # type: ignore[misc]

    def cancel(self, task: str) -> None:
        self.do(self.write(lambda tx: self.engine.cancel(tx, task, NOW)))

    def retry(self, task: str) -> tuple[str, bool]:
        id, created, todo = self.write(lambda tx: self.engine.retry(tx, task, OPERATOR, NOW))
        self.do(todo)
        return id, created

    def states(self, task: str) -> dict[str, StepState]:
        return {s.name: s.state for s in rows.steps(self.connection, task)}

    def task(self, task: str) -> rows.Task:
        return rows.find(self.connection, task).task

    def next(self, step: str, task: str | None = None) -> StartAttempt:
        return next(b for b in self.begun if b.step == step and task in (None, b.task))


def pipeline(text: str, name: str = "build") -> Pipeline:
    return parse(text, name, f"{name}.toml")


def steps(*names: str, more: str = "", **needs: list[str]) -> Pipeline:
    """A pipeline of steps that run `true`."""
    lines = [more]
    for name in names:
        lines += ["[[steps]]", f'name = "{name}"', 'run = ["true"]', f"needs = {needs.get(name, [])}"]
    return pipeline("\n".join(lines))


def test_steps_begin_when_what_they_need_is_done() -> None:
    house = House()
    task = house.start(steps("a", "b", "c", b=["a"], c=["a", "b"]))
    assert [b.step for b in house.begun] == ["a"] and house.task(task).state is T.RUNNING
    house.end(house.next("a"))
    house.end(house.next("b"))
    house.end(house.next("c"))
    assert house.task(task).state is T.SUCCEEDED and house.task(task).ended_at == NOW


def test_a_failure_skips_what_needs_it_and_the_rest_goes_on() -> None:
    house = House()
    task = house.start(steps("a", "b", "c", "d", b=["a"], c=["b"]))
    house.end(house.next("a"), S.FAILED, reason="exit status 2")
    assert house.states(task) == {"a": S.FAILED, "b": S.SKIPPED, "c": S.SKIPPED, "d": S.RUNNING}
    house.end(house.next("d"))
    assert (house.task(task).state, house.task(task).reason) == (T.FAILED, "a: exit status 2")


def test_an_end_that_is_told_twice_or_for_another_attempt_changes_nothing() -> None:
    house = House()
    task = house.start(steps("a"))
    begin = house.next("a")
    house.end(begin._replace(attempt=7), S.FAILED)
    house.end(begin)
    house.end(begin, S.FAILED)
    assert house.task(task).state is T.SUCCEEDED


def test_a_step_is_tried_again_after_its_delay_as_often_as_it_says() -> None:
    house = House()
    task = house.start(pipeline('[[steps]]\nname = "a"\nrun = ["false"]\nretries = 2\nretry_delay = 5'))
    for attempt in (1, 2):
        begin = house.next("a")
        assert begin.attempt == attempt
        house.end(begin, S.FAILED, size=10)
        assert house.states(task) == {"a": S.RETRYING} and house.again[0].delay == 5
        house.wait()
    begin = house.next("a")
    assert begin.log_base == 20, "the log of the third attempt follows those of the others"
    house.end(begin, S.FAILED)
    assert house.task(task).state is T.FAILED and not house.again


def test_a_condition_skips_a_step_and_what_needs_it_goes_on() -> None:
    text = """[params.ref]
type = "string"
[[steps]]
name = "a"
run = ["true"]
when = "{params.ref} == main"
[[steps]]
name = "b"
needs = ["a"]
run = ["echo", "{params.ref}"]
"""
    house = House()
    task = house.start(pipeline(text), {"ref": "x; rm -rf /"})
    assert house.states(task) == {"a": S.SKIPPED, "b": S.RUNNING}
    assert list(house.next("b").run.argv) == ["echo", "x; rm -rf /"]


def test_outputs_are_filled_in_and_a_missing_one_fails_the_step() -> None:
    text = """[[steps]]
name = "a"
run = ["true"]
[[steps]]
name = "b"
needs = ["a"]
run = ["echo", "{steps.a.VERSION}"]
[[steps]]
name = "c"
needs = ["a"]
run = ["echo", "{steps.a.OTHER}"]
"""
    house = House()
    task = house.start(pipeline(text))
    house.end(house.next("a"), outputs={"VERSION": "{params.x} 1.4"})
    assert list(house.next("b").run.argv) == ["echo", "{params.x} 1.4"]
    c = rows.step(house.connection, task, "c")
    assert c.state is S.FAILED and "OTHER" in c.reason


def test_a_cancel_ends_what_runs_and_what_never_started() -> None:
    house = House()
    task = house.start(steps("a", "b", "c", b=["a"], c=["b"]))
    house.cancel(task)
    assert house.states(task) == {"a": S.RUNNING, "b": S.CANCELLED, "c": S.CANCELLED}
    assert house.task(task).state is T.CANCELLING and house.ends == [StopAttempt(task, "a", 1)]
    house.end(house.next("a"), S.FAILED, reason="ended by signal 15")
    assert house.task(task).state is T.CANCELLED
    house.cancel(task)
    assert len(house.ends) == 1


def test_tasks_wait_for_their_turn_with_the_reason_and_in_order() -> None:
    house = House(workers=2)
    one_at_a_time = steps("a", more="concurrency = 1")
    other = parse('[[steps]]\nname = "a"\nrun = ["true"]', "other", "other.toml")
    first, second = house.start(one_at_a_time), house.start(one_at_a_time)
    third, fourth = house.start(other), house.start(other)
    assert [house.task(t).state for t in (first, second, third, fourth)] == [T.RUNNING, T.WAITING, T.RUNNING, T.WAITING]
    assert house.task(second).reason == "waits for its turn: build runs one task at a time"
    assert house.task(fourth).reason == "waits for its turn: this server runs 2 tasks at a time"
    house.end(house.next("a", third))
    assert (house.task(second).state, house.task(fourth).state) == (T.WAITING, T.RUNNING)
    house.cancel(second)
    assert house.task(second).state is T.CANCELLED and house.states(second) == {"a": S.CANCELLED}


def test_many_that_end_at_once_let_each_other_through() -> None:
    house = House(workers=1)
    never = pipeline('[[steps]]\nname = "a"\nrun = ["true"]\nwhen = "1 == 2"', "never")
    begin = house.next("a", house.start(steps("a")))
    tasks = [house.start(never) for _ in range(300)]
    assert house.task(tasks[-1]).state is T.WAITING
    house.end(begin)
    assert {house.task(t).state for t in tasks} == {T.SUCCEEDED}


def test_a_retry_takes_over_what_succeeded_and_is_made_once() -> None:
    house = House()
    task = house.start(steps("a", "b", "c", b=["a"], c=["b"]))
    house.end(house.next("a"), outputs={"X": "1"})
    with pytest.raises(Refused):
        house.retry(task)
    house.end(house.next("b"), S.FAILED)
    new, created = house.retry(task)
    assert created and house.retry(task) == (new, False)
    assert house.states(new) == {"a": S.SUCCEEDED, "b": S.RUNNING, "c": S.PENDING}
    assert house.task(new).retry_of == task and house.next("b", new).root == task
    assert rows.outputs(house.connection, new) == {"a": {"X": "1"}}
    house.end(house.next("b", new))
    house.end(house.next("c", new))
    with pytest.raises(Refused):
        house.retry(new)


def test_the_same_id_again_is_the_same_task() -> None:
    house = House()
    assert house.start(steps("a"), id="mine") == house.start(steps("a"), id="mine") == "mine"
    assert len(house.begun) == 1
    with pytest.raises(Refused):
        house.start(steps("a"), {"x": 1}, id="mine")


def test_there_is_an_expected_end_after_three_runs() -> None:
    house = House()
    for _ in range(3):
        task = house.start(steps("a", "b", b=["a"]))
        assert house.task(task).eta is None
        house.end(house.next("a"), seconds=10.0)
        house.end(house.next("b"), seconds=20.0)
    task = house.start(steps("a", "b", b=["a"]))
    assert house.task(task).eta == "2026-01-02T03:04:35.000Z"
    assert rows.step(house.connection, task, "a").eta == "2026-01-02T03:04:15.000Z"


@st.composite
def graphs(draw: st.DrawFn) -> Pipeline:
    names = [f"s{n}" for n in range(draw(st.integers(1, 7)))]
    needs: dict[str, list[str]] = {names[0]: []}
    for at, name in enumerate(names[1:], 1):
        needs[name] = draw(st.lists(st.sampled_from(names[:at]), unique=True))
    lines = []
    for name in names:
        lines += ["[[steps]]", f'name = "{name}"', 'run = ["true"]', f"needs = {needs[name]}"]
        lines += [f"retries = {draw(st.integers(0, 2))}", f'when = "{draw(st.sampled_from("abb"))} != a"']
    return pipeline("\n".join(lines))


@given(st.data())
def test_every_step_ends_and_the_task_with_them(data: st.DataObject) -> None:
    house = House(workers=data.draw(st.integers(1, 3)))
    tasks = [house.start(data.draw(graphs())) for _ in range(data.draw(st.integers(1, 3)))]
    before: dict[tuple[str, str], StepState] = {}
    for _ in range(200):
        for task in tasks:
            for name, state in house.states(task).items():
                held = before.get((task, name))
                assert held not in ENDED or held is state, "a terminal state is final"
                before[task, name] = state
        acts = ["end"] * bool(house.begun) * 6 + ["wait"] * bool(house.again) * 3 + ["cancel"]
        match data.draw(st.sampled_from(acts)) if len(acts) > 1 else "done":
            case "end":
                begin = data.draw(st.sampled_from(house.begun))
                house.end(begin, data.draw(st.sampled_from([S.SUCCEEDED, S.SUCCEEDED, S.FAILED, S.LOST])))
            case "wait":
                house.wait()
            case "cancel":
                house.cancel(data.draw(st.sampled_from(tasks)))
            case _:
                break
    for task in tasks:
        states = house.states(task)
        assert set(states.values()) <= ENDED and house.task(task).state in TASK_ENDED
        needs = {s.name: s.needs for s in rows.steps(house.connection, task)}
        cancelled = rows.find(house.connection, task).cancelled
        for name, state in states.items():
            dead = any(states[need] in (S.FAILED, S.LOST, S.CANCELLED) for need in needs[name])
            assert not (dead and state in (S.SUCCEEDED, S.FAILED, S.LOST)), "what needs a dead step does not run"
            assert cancelled or state is not S.CANCELLED


def test_in_a_restored_database_nothing_begins_that_did_not() -> None:
    house = House(workers=1)
    first = house.start(steps("a", "b", "c", c=["a"]))
    again = house.start(pipeline('concurrency = 1\n[[steps]]\nname = "a"\nrun = ["true"]\nretries = 1', "other"))
    done = house.next("b", first)
    house.engine = Engine(1, "a new epoch", lambda task, step, attempt: None, announcements("a new epoch"), NoPolls())
    house.begun = [begin for begin in house.begun if begin != done]
    house.do(house.write(lambda tx: house.engine.hold_restored(tx, NOW)))
    house.do(house.write(lambda tx: house.engine.admit(tx, NOW)))
    assert house.states(first) == {"a": S.RUNNING, "b": S.RUNNING, "c": S.CANCELLED}, "what may run is looked for"
    assert house.states(again) == {"a": S.CANCELLED} and house.task(again).state is T.CANCELLED
    house.end(done)
    house.end(house.next("a", first), S.LOST)
    assert house.task(first).state is T.LOST and not house.begun
    retry, _ = house.retry(again)
    assert house.states(retry) == {"a": S.RUNNING}, "somebody wants it"


def test_a_delay_goes_on_where_it_stood_when_the_server_is_started_again() -> None:
    house = House()
    task = house.start(pipeline('[[steps]]\nname = "a"\nrun = ["false"]\nretries = 2\nretry_delay = 60'))
    house.end(house.next("a"), S.FAILED)

    def left(seconds: float) -> float:
        [(what, _, _)] = house.engine.unfinished.attempts(house.connection, later(moment(NOW), seconds))
        assert isinstance(what, RetryLater) and (what.task, what.attempt) == (task, 1)
        return what.delay

    assert [left(seconds) for seconds in (0, 45, 60, 3600)] == [60, 15, 0, 0]
    assert left(-3600) == 60, "the clock was set back: the whole of it, and no more"
    house.connection.execute("UPDATE steps SET retry_at = NULL")
    assert left(45) == 60, "of an earlier version nothing is known"


@pytest.mark.parametrize(
    ("ended", "took", "began_at", "ended_at"),
    [
        (10, 9.5, 0, 10),  # as it should be
        (600, 10, 0, 10),  # no server was there when it ended
        (3610, 10, 0, 10),  # the clock was put forward
        (-3590, 10, -3600, -3590),  # and back
    ],
)
def test_a_step_took_as_long_as_its_supervisor_measured(
    ended: float, took: float, began_at: float, ended_at: float
) -> None:
    begun = transition(Step(name="a", needs=[]), S.RUNNING, NOW)
    over = msgspec.structs.replace(begun, state=S.SUCCEEDED, ended_at=later(moment(NOW), ended))
    found = with_measured_times(over, took)
    assert (found.started_at, found.ended_at) == (later(moment(NOW), began_at), later(moment(NOW), ended_at))
    assert with_measured_times(msgspec.structs.replace(over, attempt=2), took).ended_at == over.ended_at


def test_a_task_ends_with_its_last_step() -> None:
    house = House()
    task = house.start(steps("a"))
    begin = house.next("a")
    outcome, now = Outcome(S.SUCCEEDED, seconds=10), later(moment(NOW), 600)
    house.do(house.write(lambda tx: house.engine.ended(tx, task, "a", begin.attempt, outcome, now)))
    assert house.task(task).ended_at == later(moment(NOW), 10)
