"""Tasks as the rest of the program asks for them: read and listed, and those that foreign programs report."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import msgspec

from livewall import audit, wire
from livewall.clock import Clock, iso
from livewall.errors import LivewallError, NotAllowed, NotFound, Refused
from livewall.hub.service import LiveHub
from livewall.identity import Who
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.tasks import rows
from livewall.tasks.access import denied, owns, sees_logs
from livewall.tasks.layout import layout
from livewall.tasks.leases import Leases, Timer
from livewall.tasks.logs.chunks import End
from livewall.tasks.logs.service import Logs
from livewall.tasks.machine import (
    ENDED,
    TASK_ENDED,
    UNDER_WAY,
    Step,
    StepState,
    TaskState,
    cancelled,
    moved,
    order,
    reported,
    settle,
)
from livewall.tasks.rows import Row, Task
from livewall.walls import title_of


class Heard(NamedTuple):
    """What came of a report: the step, its lease in seconds, and whether a cancel was asked for."""

    step: Step
    lease: float | None
    cancel: bool


class Tasks:
    """Foreign tasks, and the reading of all. `mask(task, text, who)` takes out the secrets of a task that
    runs here."""

    def __init__(
        self,
        store: Store,
        hub: LiveHub,
        clock: Clock,
        call_later: Callable[[float, Callable[[], None]], Timer],
        logs: Logs,
        mask: Callable[[Row, str, Who], str],
    ) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock
        self._logs = logs
        self._mask = mask
        self.leases = Leases(call_later, self._lapsed)
        self._hearing: Counter[tuple[str, str]] = Counter()
        """Reports under way, by the step."""

    async def start(self) -> None:
        """Begin every lease anew: while the server was away nobody could be heard."""
        held = await self._store.read(
            lambda c: c.execute(
                """SELECT task, name, lease FROM steps
                WHERE lease IS NOT NULL AND ended_at IS NULL AND state <> 'pending'"""
            ).fetchall()
        )
        for task, name, lease in held:
            self.leases.renew(task, name, lease)
        await self._match_logs()

    async def _match_logs(self) -> None:
        """Let go of logs whose tasks are not in this database (it was restored), and tell what a crash left untold."""
        # A task may end right after the last of its log came, so some of those that ended, too.
        last = "SELECT id FROM tasks WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 100"
        known, live, ended = await self._store.read(
            lambda c: (
                {id for (id,) in c.execute("SELECT id FROM tasks")},
                [id for (id,) in c.execute("SELECT id FROM tasks WHERE ended_at IS NULL")],
                [id for (id,) in c.execute(last)],
            )
        )
        for id in await self._logs.tasks():
            if id not in known:
                await self._logs.forget(id)
        for id in live + ended:
            if ends := await self._logs.ends(id):
                self.logs_moved({(id, step): end for step, end in ends.items()})

    # -- foreign tasks

    async def create(self, given: wire.TaskIn, who: Who) -> tuple[dict[str, Any], bool]:
        """A foreign task; with an id of the caller's the same call again gives the same task. True when it is new.

        Raises BadInput; Refused (`conflict`) where the id is another's, or the task another.
        """
        title = title_of(given.title)
        order([(s.name, s.needs) for s in given.steps])
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[Task, list[Step], bool]:
            if given.id is not None and tx.one("SELECT 1 FROM tasks WHERE id = :id", {"id": given.id}):
                return (*_again(tx, given, title, who), False)
            number, free = rows.free_id(tx)
            task = Task(
                id=given.id or free, pipeline=None, title=title, state=TaskState.PENDING, created_at=now,
                started_by=who.name,
            )
            steps = [Step(name=s.name, needs=list(s.needs)) for s in given.steps]
            rows.insert(tx, Row(task, who.credential, False, True, task.id), number, steps)
            return task, steps, True

        task, steps, created = await self._store.write(write)
        return await self._drawn(task, steps), created

    async def report(self, id: str, name: str, report: wire.StepReport, who: Who) -> dict[str, Any]:
        """Move a step on; the same report again is harmless. Raises NotFound, NotAllowed, StepConflict."""
        self._hearing[id, name] += 1
        try:
            heard = await self._store.write(partial(self._reported, id, name, report, who, iso(self._clock())))
        finally:
            self._hearing[id, name] -= 1
            if not self._hearing[id, name]:
                del self._hearing[id, name]
        ended = heard.step.state in ENDED
        self.leases.renew(id, name, None if ended or heard.step.state is StepState.PENDING else heard.lease)
        found: dict[str, Any] = msgspec.to_builtins(heard.step)
        return found | {"cancel": heard.cancel}

    def _reported(
        self, id: str, name: str, report: wire.StepReport, who: Who, now: str, tx: Transaction
    ) -> Heard:
        row = rows.find(tx, id)
        before = rows.step(tx, id, name)
        state = None if report.state is msgspec.UNSET else StepState(report.state)
        progress = None if report.progress is msgspec.UNSET else report.progress
        message = None if report.message is msgspec.UNSET else self._mask(row, report.message, who)
        check_reporter(row, before, who, state)
        lease, lapsed = tx.one(
            "SELECT lease, lapsed FROM steps WHERE task = :task AND name = :name", {"task": id, "name": name}
        )
        after = reported(before, state, progress, message, now, late=bool(lapsed))
        if report.lease is not msgspec.UNSET and not row.local and report.lease != lease:
            lease = report.lease
            tx.execute(
                "UPDATE steps SET lease = :lease WHERE task = :task AND name = :name",
                {"task": id, "name": name, "lease": lease},
            )
        if after != before:
            rows.save_step(tx, id, after)
        if after.state is not before.state:  # else no other step is touched: they may be many, and reports frequent
            rows.begin_log(tx, row, name)
            settled(tx, row, now)
        return Heard(after, lease, row.cancelled)

    def _lapsed(self, id: str, name: str) -> None:
        """A lease ran out."""
        if self._hearing[id, name]:  # a report came in time and waits for the database: what it says counts
            self.leases.renew(id, name, 1.0)
            return
        now = iso(self._clock())

        def write(tx: Transaction) -> None:
            row, step = rows.find(tx, id), rows.step(tx, id, name)
            if step.state not in UNDER_WAY:
                return
            lease = tx.one("SELECT lease FROM steps WHERE task = :task AND name = :name", {"task": id, "name": name})[0]
            reason = f"nothing was heard of it for {lease:g} s"
            rows.save_step(tx, id, moved(step, StepState.LOST, now, reason=reason))
            tx.execute(
                "UPDATE steps SET lapsed = 1 WHERE task = :task AND name = :name", {"task": id, "name": name}
            )
            settled(tx, row, now)

        def done(result: Any, error: BaseException | None) -> None:
            if error is not None and getattr(error, "status", 500) >= 500:
                self.leases.renew(id, name, 1.0)

        try:
            self._store.submit(write, done)
        except LivewallError:
            pass  # the server stops; the lease begins anew with the next

    async def cancel(self, id: str, who: Who) -> dict[str, Any] | None:
        """Ask a foreign task to end: what never started is cancelled, and the next report is told. Asked again, what
        is under way is cancelled without waiting for its reporter. None for a task that runs here. Raises NotFound."""
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[Task, list[Step]] | None:
            row = rows.find(tx, id)
            if row.local:
                return None
            if row.task.state in TASK_ENDED:
                return row.task, rows.steps(tx, id)
            ended = cancelled(rows.steps(tx, id), now, by_force=row.cancelled)
            for step in ended:
                rows.save_step(tx, id, step)
            tx.execute("UPDATE tasks SET cancelled = 1 WHERE id = :id", {"id": id})
            if ended or not row.cancelled:
                audit.note(tx, who, now, "task.cancel", rows.stream_of(id), by_force=row.cancelled)
            steps = rows.steps(tx, id)
            return rows.follow(tx, row._replace(cancelled=True), steps, now), steps

        found = await self._store.write(write)
        return None if found is None else await self._drawn(*found)

    # -- reading

    async def may_read_log(self, id: str, name: str, who: Who) -> None:
        """Raises NotFound, NotAllowed."""

        def ask(connection: sqlite3.Connection) -> Row:
            rows.step(connection, id, name)
            return rows.find(connection, id)

        row = await self._store.read(ask)
        if not sees_logs(who, row.owner):
            raise denied(who, "logs are for operators, and for the reporter of the task")

    async def append_log(self, id: str, name: str, offset: int | None, data: bytes, who: Who) -> dict[str, Any]:
        """Append to the log of a foreign step, at its offset: what is there already is dropped. Raises NotFound,
        NotAllowed, Refused for a gap (with the end) and where the step runs here, BadInput (`too_large`), Busy."""

        def ask(connection: sqlite3.Connection) -> tuple[Row, Step, bool]:
            told = connection.execute(
                "SELECT 1 FROM streams WHERE name = :name", {"name": rows.log_stream(id, name)}
            ).fetchone()
            return rows.find(connection, id), rows.step(connection, id, name), told is not None

        row, step, told = await self._store.read(ask)
        if who.step is not None or row.local:
            raise Refused("conflict", "the log of this step is written here, from what its command prints")
        check_reporter(row, step, who, None)
        if not told:
            await self._store.write(lambda tx: rows.begin_log(tx, row, name))
        end = await self._logs.append(id, name, offset, data)
        return {"bytes": end.bytes, "lines": end.lines, "cancel": row.cancelled}

    def logs_moved(self, ends: dict[tuple[str, str], End]) -> None:
        """Tell how far logs go now, all in one write; what is lost here comes with the next move."""

        def write(tx: Transaction) -> None:
            for (task, step), end in ends.items():
                with suppress(NotFound):
                    rows.begin_log(tx, rows.find(tx, task), step)
                    rows.log_moved(tx, task, step, end)

        try:
            self._store.submit(write, lambda result, error: None)
        except LivewallError:
            pass

    async def detail(self, id: str, who: Who) -> dict[str, Any]:
        """A task with its steps and chart, and its parameters for who may see them. Raises NotFound, NotAllowed."""
        try:
            await self._hub.view(rows.stream_of(id), who)
        except NotFound:
            raise NotFound("not_found", f"there is no task {id[:80]}") from None

        def ask(connection: sqlite3.Connection) -> tuple[Row, list[Step], dict[str, Any]]:
            row, steps = rows.find(connection, id), rows.steps(connection, id)
            return row, steps, self._shown(row.task, steps)

        row, _, found = await self._store.read(ask)
        if sees_logs(who, row.owner):
            given: dict[str, Any] = msgspec.json.decode(row.params) if row.params else {}
            found["params"] = {
                name: self._mask(row, value, who) if isinstance(value, str) else value for name, value in given.items()
            }
        return found

    async def _drawn(self, task: Task, steps: list[Step]) -> dict[str, Any]:
        """A task with its chart, not made on the loop: that of 500 steps takes tens of milliseconds."""
        return await asyncio.to_thread(self._shown, task, steps)

    def _shown(self, task: Task, steps: list[Step]) -> dict[str, Any]:
        found = rows.detail(task, steps)
        found["layout"] = msgspec.to_builtins(layout([(s.name, s.needs) for s in steps]))
        return found

    async def list(
        self, *, state: str | None = None, q: str = "", limit: int = 50, before: str | None = None
    ) -> dict[str, Any]:
        """Tasks, the newest first."""

        def ask(connection: sqlite3.Connection) -> list[Any]:
            return connection.execute(
                f"""SELECT {rows.TASK_FIELDS}, number FROM tasks
                WHERE number < :before AND (:state IS NULL OR state = :state)
                    AND (:q = '' OR instr(lower(title), lower(:q)) > 0 OR id = :q OR pipeline = :q)
                ORDER BY number DESC LIMIT :limit""",
                {"before": _number(before), "state": state, "q": q, "limit": limit + 1},
            ).fetchall()

        found = await self._store.read(ask)
        more = str(found[limit - 1][11]) if len(found) > limit else None
        return {"items": [msgspec.to_builtins(rows.task(r)) for r in found[:limit]], "next": more}


def check_reporter(row: Row, step: Step, who: Who, state: StepState | None) -> None:
    """Raise unless `who` may report this step: its own reporter, an operator, or the running step itself."""
    if who.step is not None:
        task, name, attempt = who.step
        if (task, name) != (row.task.id, step.name):
            raise NotAllowed("forbidden", "this token is for reporting on one step, and this is another")
        if step.attempt != attempt or step.state is not StepState.RUNNING:
            raise Refused("conflict", f"this attempt is over; the step is {step.state.value}")
        if state not in (None, StepState.RUNNING):
            raise Refused("conflict", "a step that runs here ends with its command")
        return
    if not who.operator and not owns(who, row.owner):
        raise denied(who, "this task is another's")
    if row.local:
        raise Refused("conflict", "the steps of this task run here; nobody reports them")


def settled(tx: Transaction, row: Row, now: str) -> None:
    """After a step of a foreign task ended or moved: skip what cannot run, and bring the task to what follows."""
    id = row.task.id
    steps = rows.steps(tx, id)
    ended = cancelled(steps, now) if row.cancelled else settle(steps, now)
    changed = {s.name: s for s in ended}
    for step in ended:
        rows.save_step(tx, id, step)
    rows.follow(tx, row, [changed.get(s.name, s) for s in steps], now)


def _again(tx: Transaction, given: wire.TaskIn, title: str, who: Who) -> tuple[Task, list[Step]]:
    assert given.id is not None
    row = rows.find(tx, given.id)
    if row.owner != who.credential or row.local:
        raise Refused("conflict", "this id is taken; choose another")
    steps = rows.steps(tx, given.id)
    wanted = [(s.name, list(s.needs)) for s in given.steps]
    if row.task.title != title or [(s.name, s.needs) for s in steps] != wanted:
        raise Refused("conflict", "you have used this id for another task; choose another")
    return row.task, steps


def _number(before: str | None) -> int:
    return int(before) if before and before.isdecimal() and len(before) < 18 else 1 << 62
