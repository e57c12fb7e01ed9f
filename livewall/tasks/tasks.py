"""Tasks as the rest of the program asks for them: read and listed, and those that foreign programs report."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any

import msgspec

from livewall import audit, wire
from livewall.charts.task_layout import layout
from livewall.clock import Clock, iso
from livewall.errors import LivewallError, NotFound, Refused
from livewall.hub.live_hub import LiveHub
from livewall.identity import Who
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.tasks import reports, rows
from livewall.tasks.access import denied, sees_logs
from livewall.tasks.leases import BUSY, Leases, Timer
from livewall.tasks.logs.chunks import End
from livewall.tasks.logs.service import Logs
from livewall.tasks.machine import (
    ENDED,
    TASK_ENDED,
    Step,
    StepState,
    TaskState,
    cancelled,
    order,
)
from livewall.tasks.reports import Heard, Leased, Looked, check_reporter, stale
from livewall.tasks.rows import Task, TaskRow
from livewall.visible_text import readable, skeleton


class Tasks:
    """Foreign tasks, and the reading of all. `mask(task, text, who)` takes out the secrets of a task that
    runs here."""

    def __init__(
        self,
        store: Store,
        hub: LiveHub,
        clock: Clock,
        monotonic: Callable[[], float],
        call_later: Callable[[float, Callable[[], None]], Timer],
        logs: Logs,
        mask: Callable[[TaskRow, str, Who], str],
    ) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock
        self._monotonic = monotonic
        self._logs = logs
        self._mask = mask
        self.leases = Leases(call_later, monotonic, self._look)

    async def start(self) -> None:
        """Take the leases up; one that ran out while the server was away begins once more, since nobody could be
        heard."""
        now = self._now()
        resumed = await self._store.read(lambda c: reports.unfinished(c, now))
        for lease in resumed:
            self.leases.resume(lease.task, lease.step, lease.lease, lease.left, pending=lease.pending)
        anew = [lease for lease in resumed if lease.anew]
        if anew:
            await self._store.write(lambda tx: reports.begin_anew(tx, anew, now))
        await self._match_logs()

    def _now(self) -> str:
        return iso(self._clock())

    async def _match_logs(self) -> None:
        """Let go of logs whose tasks are not in this database (it was restored), and tell what a crash left untold."""
        # A task may end right after the last of its log came, so some of those that ended, too.
        last = "SELECT id FROM tasks WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 100"
        known, live, ended = await self._store.read(
            lambda c: (
                {task_id for (task_id,) in c.execute("SELECT id FROM tasks")},
                [task_id for (task_id,) in c.execute("SELECT id FROM tasks WHERE ended_at IS NULL")],
                [task_id for (task_id,) in c.execute(last)],
            )
        )
        for task_id in await self._logs.tasks():
            if task_id not in known:
                await self._logs.forget(task_id)
        for task_id in live + ended:
            if ends := await self._logs.ends(task_id):
                self.logs_moved({(task_id, step): end for step, end in ends.items()})

    # -- foreign tasks

    async def create(self, given: wire.TaskIn, who: Who) -> tuple[dict[str, Any], bool]:
        """A foreign task; with an id of the caller's the same call again gives the same task. True when it is new.

        Raises BadInput; Refused (`conflict`) where the id is another's, or the task another.
        """
        title = readable(given.title, "title")
        order([(s.name, s.needs) for s in given.steps])
        now = self._now()

        def write(tx: Transaction) -> tuple[Task, list[Step], bool]:
            if given.id is not None and tx.one("SELECT 1 FROM tasks WHERE id = :id", {"id": given.id}):
                return (*_again(tx, given, title, who), False)
            number, free = rows.free_id(tx)
            task = Task(
                id=given.id or free, pipeline=None, title=title, state=TaskState.PENDING, created_at=now,
                started_by=who.name,
            )
            steps = [Step(name=s.name, needs=list(s.needs)) for s in given.steps]
            rows.insert(tx, TaskRow(task, who.credential, False, True, task.id), number, steps)
            return task, steps, True

        task, steps, created = await self._store.write(write)
        return await self._drawn(task, steps), created

    async def report(self, task_id: str, name: str, report: wire.StepReport, who: Who) -> dict[str, Any]:
        """Move a step on; the same report again is harmless. Raises NotFound, NotAllowed, StepConflict."""
        now = self._now()
        with self.leases.hearing(task_id, name):
            heard = await self._store.write(
                lambda tx: reports.report(tx, task_id, name, report, who, now, self._mask)
            )
            self._heard(heard, who)
        found: dict[str, Any] = msgspec.to_builtins(heard.step)
        return found | {"cancel": heard.cancel}

    def _heard(self, heard: Heard, who: Who) -> None:
        """The holder of a lease was heard of."""
        task_id, name, state = heard.task.id, heard.step.name, heard.step.state
        if heard.task.state in TASK_ENDED:
            self.leases.drop(task_id)
        else:
            about_step = None if state in ENDED else heard.leases.step
            pending = state is StepState.PENDING
            self.leases.heard(task_id, name, who.credential, about_step, heard.leases.task, pending=pending)

    def _look(self, task_id: str) -> None:
        """The reporter of a task may have been silent for too long."""
        promises, busy = self.leases.promises(task_id)
        at, now = self._monotonic(), self._now()

        def done(looked: Looked | None, error: BaseException | None) -> None:
            if looked is None:
                if getattr(error, "status", 500) >= 500:
                    self.leases.watch(task_id, self._monotonic() + BUSY)
            elif looked.ended:
                self.leases.drop(task_id)
            else:
                # What waited for the database may have been refused: then it renewed nothing.
                again = looked.again if looked.again is None or not busy else min(looked.again, at + BUSY)
                self.leases.looked(task_id, looked.steps, again)

        with suppress(LivewallError):  # the server stops; the next one takes the leases up
            self._store.submit(lambda tx: reports.lose(tx, task_id, promises, at, now), done)

    async def cancel(self, task_id: str, who: Who) -> dict[str, Any] | None:
        """Ask a foreign task to end: what never started is cancelled, and the next report is told. Asked again, what
        is under way is cancelled without waiting for its reporter. None for a task that runs here. Raises NotFound."""
        now = self._now()

        def write(tx: Transaction) -> tuple[Task, list[Step]] | None:
            row = rows.find(tx, task_id)
            if row.local:
                return None
            if row.task.state in TASK_ENDED:
                return row.task, rows.steps(tx, task_id)
            ended = cancelled(rows.steps(tx, task_id), now, by_force=row.cancelled)
            for step in ended:
                rows.save_step(tx, task_id, step)
            tx.execute("UPDATE tasks SET cancelled = 1 WHERE id = :id", {"id": task_id})
            if ended or not row.cancelled:
                audit.note(tx, who, now, "task.cancel", rows.stream_of(task_id), by_force=row.cancelled)
            steps = rows.steps(tx, task_id)
            return rows.follow(tx, row._replace(cancelled=True), steps, now), steps

        found = await self._store.write(write)
        if found is not None and found[0].state in TASK_ENDED:
            self.leases.drop(task_id)
        return None if found is None else await self._drawn(*found)

    # -- reading

    async def may_read_log(self, task_id: str, name: str, who: Who) -> None:
        """Raises NotFound, NotAllowed."""

        def ask(connection: sqlite3.Connection) -> TaskRow:
            rows.step(connection, task_id, name)
            return rows.find(connection, task_id)

        row = await self._store.read(ask)
        if not sees_logs(who, row.owner):
            raise denied(who, "logs are for operators and admins, and for the reporter of the task")

    async def append_log(
        self, task_id: str, name: str, offset: int | None, data: bytes, who: Who
    ) -> tuple[dict[str, Any], float | None]:
        """Append to the log of a foreign step, at its offset: what is there already is dropped. Answers the end, and
        the seconds within which the step has to be heard of again. Raises NotFound, NotAllowed, Refused for a gap (with
        the end) and where the step runs here, BadInput (`too_large`), Busy."""

        def ask(connection: sqlite3.Connection) -> tuple[TaskRow, Step, Leased, bool]:
            told = connection.execute(
                "SELECT 1 FROM streams WHERE name = :name", {"name": rows.log_stream(task_id, name)}
            ).fetchone()
            row, step = rows.find(connection, task_id), rows.step(connection, task_id, name)
            return row, step, reports.leased(connection, task_id, name), told is not None

        with self.leases.hearing(task_id, name):
            row, step, leases, told = await self._store.read(ask)
            if who.step is not None or row.local:
                raise Refused("conflict", "the log of this step is written here, from what its command prints")
            check_reporter(row, step, who, None)
            self._heard(Heard(step, row.task, row.cancelled, leases), who)  # a piece that is refused is heard, too
        now = self._now()
        late = stale(leases.step, leases.step_heard, who, now) or stale(leases.task, leases.task_heard, who, now)
        if not told or late:

            def write(tx: Transaction) -> None:
                rows.begin_log(tx, row, name)
                reports.write_heard(tx, task_id, name, reports.leased(tx, task_id, name), who, now)

            await self._store.write(write)
        end = await self._logs.append(task_id, name, offset, data)
        lease = None if leases.step is None or step.state in ENDED else leases.step.seconds
        return {"bytes": end.bytes, "lines": end.lines, "cancel": row.cancelled}, lease

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

    async def detail(self, task_id: str, who: Who) -> dict[str, Any]:
        """A task with its steps and chart, and its parameters for who may see them. Raises NotFound, NotAllowed."""
        try:
            await self._hub.view(rows.stream_of(task_id), who)
        except NotFound:
            raise NotFound("not_found", f"there is no task {task_id[:80]}") from None

        def ask(connection: sqlite3.Connection) -> tuple[TaskRow, list[Step], dict[str, Any]]:
            row, steps = rows.find(connection, task_id), rows.steps(connection, task_id)
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

        wanted = skeleton(q)

        def ask(connection: sqlite3.Connection) -> list[Any]:
            # By what a title looks like, which no database knows; only what is found is read whole.
            found = connection.execute(
                """SELECT number, title, id, pipeline FROM tasks
                WHERE number < :before AND (:state IS NULL OR state = :state) ORDER BY number DESC""",
                {"before": _number(before), "state": state},
            )
            meant = (number for number, title, *names in found if not q or wanted in skeleton(title) or q in names)
            return [
                connection.execute(
                    f"SELECT {rows.TASK_FIELDS}, number FROM tasks WHERE number = ?", (number,)
                ).fetchone()
                for number in islice(meant, limit + 1)
            ]

        found = await self._store.read(ask)
        more = str(found[limit - 1][11]) if len(found) > limit else None
        return {"items": [msgspec.to_builtins(rows.task(r)) for r in found[:limit]], "next": more}


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
