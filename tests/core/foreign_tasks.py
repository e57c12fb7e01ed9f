"""Foreign tasks in memory: their services over a database, with clocks and timers that the test moves."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Callable, Coroutine, Generator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from livewall import wire
from livewall.clock import ServerClock, iso
from livewall.errors import LivewallError
from livewall.identity import Who
from livewall.store.sqlite import migrate
from livewall.store.transaction import Transaction
from livewall.tasks import rows
from livewall.tasks.logs.chunks import End
from livewall.tasks.machine import Step, StepState, TaskState
from livewall.tasks.tasks import Tasks

R = TypeVar("R")
MINE = Who(role="reporter", name="build", credential="c1")


NO_ROOMS: Any = None
"""No task of these tests tells a room."""


class Timers:
    """What `call_later` of a loop does, when the test says that time passes."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.due: list[tuple[float, int, Callable[[], None], list[bool]]] = []
        self.number = count()

    def call_later(self, seconds: float, call: Callable[[], None]) -> Any:
        cancelled: list[bool] = []
        heapq.heappush(self.due, (self.now + seconds, next(self.number), call, cancelled))

        class Timer:
            def cancel(self) -> None:
                cancelled.append(True)

        return Timer()

    def pass_(self, seconds: float) -> None:
        end = self.now + seconds
        for _ in range(1000):
            if not self.due or self.due[0][0] > end:
                self.now = end
                return
            at, _, call, cancelled = heapq.heappop(self.due)
            self.now = max(self.now, at)
            if not cancelled:
                call()
        raise AssertionError("the timers never come to rest")


class Turn:
    """What a coroutine awaits until its write has been done."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Database:
    """The store as `Tasks` uses it. Every write is done at once, or when a database that is busy is free again."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.connection)
        self.waiting: list[Callable[[], None]] = []
        self.is_busy = False

    def free(self) -> None:
        """Do the writes that wait, in their order."""
        self.is_busy = False
        waiting, self.waiting = self.waiting, []
        for write in waiting:
            write()

    def run(self, write: Callable[[Transaction], R]) -> R:
        self.connection.execute("BEGIN")
        try:
            found = write(Transaction(self.connection))
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return found

    def submit(self, write: Callable[[Transaction], Any], done: Callable[[Any, BaseException | None], None]) -> None:
        if self.is_busy:
            self.waiting.append(lambda: self.submit(write, done))
            return
        try:
            found = self.run(write)
        except LivewallError as error:
            done(None, error)
        else:
            done(found, None)

    async def write(self, write: Callable[[Transaction], R]) -> R:
        if not self.is_busy:
            return self.run(write)
        results: list[R] = []
        self.waiting.append(lambda: results.append(self.run(write)))
        await Turn()
        return results[0]

    async def read(self, ask: Callable[[sqlite3.Connection], R]) -> R:
        return ask(self.connection)


class NoLogs:
    async def append(self, id: str, name: str, offset: int | None, data: bytes) -> End:
        return End(len(data), 0)

    async def tasks(self) -> list[str]:
        return []

    async def ends(self, id: str) -> dict[str, End]:
        return {}


def done(coming: Coroutine[Any, Any, R]) -> R:
    """The result of a coroutine that waits for nothing."""
    try:
        coming.send(None)
    except StopIteration as end:
        found: R = end.value
        return found
    raise AssertionError("it waits")


class House:
    """Tasks of foreign programs; `wall` is how far the wall clock is ahead of the monotonic one."""

    def __init__(self, **needs: list[str]) -> None:
        self.store, self.timers = Database(), Timers()
        self.wall = timedelta(0)
        self.start()
        now = iso(self.clock())
        task = rows.Task(id="t", pipeline=None, title="T", state=TaskState.PENDING, created_at=now, started_by="b")
        row = rows.TaskRow(task, MINE.credential, False, rows.Place.TAKEN, "t")
        steps = [Step(name=name, needs=wanted) for name, wanted in needs.items()]
        self.store.run(lambda tx: rows.insert(tx, row, 1, steps))

    def start(self) -> None:
        made: Any = Tasks
        self.clock = ServerClock(self.machine, lambda: self.timers.now)
        clocks = self.clock, lambda: self.timers.now, self.timers.call_later
        self.tasks: Tasks = made(self.store, None, *clocks, NoLogs(), lambda row, text, who: text, NO_ROOMS)

    def machine(self) -> datetime:
        """The clock of the machine, which anybody may set."""
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.timers.now) + self.wall

    def restart(self, *, away: float = 0.0, wall: float = 0.0) -> None:
        """The server is killed and starts again `away` seconds later; the wall clock was set by `wall` meanwhile."""
        self.timers.due.clear()
        self.timers.now += away
        self.wall += timedelta(seconds=wall)
        self.start()
        now = iso(self.clock())
        self.store.run(lambda tx: rows.correct_future_times(tx, now))
        done(self.tasks.start())

    def report(self, step: str, state: str | None = None, who: Who = MINE, **fields: Any) -> dict[str, Any]:
        given = wire.StepReport(**({"state": state} if state else {}), **fields)
        return done(self.tasks.report("t", step, given, who))

    def log(self, step: str, data: bytes = b"x", who: Who = MINE) -> float | None:
        return done(self.tasks.append_log("t", step, None, data, who))[1]

    def refused(self, step: str, state: str) -> bool:
        try:
            self.report(step, state)
        except LivewallError as error:
            return error.code == "conflict"
        return False

    @property
    def steps(self) -> dict[str, StepState]:
        return {s.name: s.state for s in rows.steps(self.store.connection, "t")}

    @property
    def reasons(self) -> dict[str, str]:
        return {s.name: s.reason for s in rows.steps(self.store.connection, "t") if s.reason}

    @property
    def task(self) -> rows.Task:
        return rows.find(self.store.connection, "t").task
