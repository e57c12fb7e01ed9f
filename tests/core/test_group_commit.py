"""Group commit against a model: whatever the writes of a group do, what they did is there if and only if they were told
so, and none of them pays for another.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livewall.errors import Busy, LivewallError, Refused
from livewall.store.writer import Commit, Job, Turns, Writer

MAX_GROUP = 4


class End(Enum):
    """How a write ends, after its changes."""

    WELL = "well"
    REFUSED = "refused"
    BROKEN = "broken"
    EXITS = "exits"
    TWICE = "a row that is there already"
    FULL = "full"
    AT_COMMIT = "its callback before the commit fails"


class Plan(NamedTuple):
    changes: list[int]
    end: End


class Shared:
    """What the writes of a transaction get."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.fails = False

    def before_commit(self) -> None:
        if self.fails:
            raise ValueError("before the commit")


class Prepared(Turns[Shared]):
    """Turns that are due once."""

    def __init__(self) -> None:
        self.jobs: list[Job[Shared]] = []

    def take(self) -> list[Job[Shared]]:
        jobs, self.jobs = self.jobs, []
        return jobs


class Bench:
    """A writer whose writes wait until all are queued, and what it told them."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.execute("CREATE TABLE counts (name INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
        self.connection.execute("INSERT INTO counts VALUES (-1, 0)")
        self.told: dict[int, list[Any]] = {}
        self.open_when_told = False
        self.turns = Prepared()
        self.writer: Writer[Shared] = Writer(
            self.connection,
            Shared,
            self.deliver,
            name="writer",
            database="the database",
            unavailable="try again",
            before_commit=Shared.before_commit,
            turns=self.turns,
            max_group=MAX_GROUP,
        )

    def deliver(self, commit: Commit[Shared]) -> None:
        self.open_when_told |= self.connection.in_transaction
        commit.acknowledge()

    def note(self, number: int, result: Any, error: BaseException | None) -> None:
        self.open_when_told |= self.connection.in_transaction
        self.told.setdefault(number, []).append(error or result)

    def hold(self) -> threading.Event:
        """Keep the thread in a commit of its own until the event is set."""
        begun, go = threading.Event(), threading.Event()
        self.writer.submit(lambda shared: begun.set() or go.wait(10), lambda result, error: None)
        assert begun.wait(10)
        return go

    def run(self, queued: list[Plan], turns: list[Plan]) -> list[list[Any]]:
        go = self.hold()
        numbered = [Job(partial(write, plan), partial(self.note, n)) for n, plan in enumerate([*queued, *turns])]
        self.writer.call(lambda: self.turns.jobs.extend(numbered[len(queued) :]))
        for job in numbered[: len(queued)]:
            self.writer.submit(*job)
        go.set()
        self.writer.close()
        return [self.told.get(n, []) for n in range(len(numbered))]

    def counts(self) -> dict[int, int]:
        return counts(self.connection)


def counts(connection: sqlite3.Connection) -> dict[int, int]:
    return dict(connection.execute("SELECT name, n FROM counts WHERE name >= 0").fetchall())


def write(plan: Plan, shared: Shared) -> dict[int, int]:
    for name in plan.changes:
        shared.connection.execute(
            "INSERT INTO counts VALUES (:name, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1", {"name": name}
        )
    match plan.end:
        case End.REFUSED:
            raise Refused("conflict", "no")
        case End.BROKEN:
            raise KeyError("broken")
        case End.EXITS:
            raise SystemExit(3)
        case End.TWICE:
            shared.connection.execute("INSERT INTO counts VALUES (-1, 0)")
        case End.FULL:
            raise sqlite3.OperationalError("database or disk is full")
        case End.AT_COMMIT:
            shared.fails = True
    return counts(shared.connection)


def told_rightly(end: End, told: Any) -> bool:
    match end:
        case End.REFUSED:
            return isinstance(told, Refused)
        case End.BROKEN:
            return isinstance(told, KeyError)
        case End.EXITS:
            return isinstance(told, LivewallError) and told.code == "internal" and "SystemExit" in told.message
        case End.TWICE:
            return isinstance(told, sqlite3.IntegrityError)
        case End.FULL:
            return isinstance(told, Busy) and told.message == "try again"
        case _:
            return isinstance(told, ValueError)


plans = st.builds(Plan, st.lists(st.integers(0, 3), max_size=2), st.sampled_from(End) | st.just(End.WELL))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(queued=st.lists(plans, max_size=7), turns=st.lists(plans, max_size=3))
def test_each_write_is_told_what_became_of_it(queued: list[Plan], turns: list[Plan], expected_logs: list[str]) -> None:
    expected_logs += ["a write failed", "the database refused a commit"]
    bench = Bench()
    told = bench.run(queued, turns)
    assert [len(answers) for answers in told] == [1] * len(told)
    assert not bench.open_when_told, "acknowledged before the commit"
    model: dict[int, int] = {}
    order = list(enumerate(queued))
    order[MAX_GROUP:MAX_GROUP] = list(enumerate(turns, len(queued)))  # turns share the first group
    for number, plan in order:
        if plan.end is End.WELL:
            for name in plan.changes:
                model[name] = model.get(name, 0) + 1
            assert told[number] == [model]
        else:
            assert told_rightly(plan.end, told[number][0]), (plan, told[number])
    assert bench.counts() == model
    bench.connection.close()


def runs(runs: list[str], name: str, error: Exception | None = None) -> Callable[[Shared], None]:
    def write(shared: Shared) -> None:
        runs.append(name)
        if name != "idle":
            shared.connection.execute("UPDATE counts SET n = n + 1")
        if error is not None:
            raise error

    return write


@pytest.mark.parametrize("changes", [False, True])
def test_a_refusal_makes_others_run_again_only_if_it_has_changed_something(changes: bool) -> None:
    bench, ran = Bench(), []  # type: ignore[var-annotated]
    go = bench.hold()
    name = "changes" if changes else "idle"
    for write in (runs(ran, "first"), runs(ran, name, Refused("closed")), runs(ran, "last")):
        bench.writer.submit(write, lambda result, error: None)
    go.set()
    bench.writer.close()
    bench.connection.close()
    assert ran == (["first", name, "first", name, "last"] if changes else ["first", name, "last"])


def test_a_write_that_is_alone_is_not_tried_twice(expected_logs: list[str]) -> None:
    expected_logs.append("a write failed")
    bench, ran = Bench(), []  # type: ignore[var-annotated]
    bench.writer.submit(runs(ran, "only", ValueError()), lambda result, error: None)
    bench.writer.close()
    bench.connection.close()
    assert ran == ["only"]
