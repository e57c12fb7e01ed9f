"""The service for tasks: read and list all, and create, update and cancel those that foreign programs report."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from livewall import audit, wire
from livewall.charts.host_cells import node_height
from livewall.charts.task_layout import Layout, layout
from livewall.clock import Clock, iso
from livewall.errors import LivewallError, NotFound, Refused
from livewall.hub.live_hub import LiveHub
from livewall.identity import Who
from livewall.listing import Listing
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.tasks import reports, rows
from livewall.tasks.access import denied, sees_logs
from livewall.tasks.announcements import Announcements, check_room
from livewall.tasks.host_progress import sizes_of_waves
from livewall.tasks.hosts.units import parts_of
from livewall.tasks.leases import BUSY_SECONDS, Leases, Timer
from livewall.tasks.logs.chunks import End
from livewall.tasks.logs.service import Logs
from livewall.tasks.machine import (
    ENDED,
    TASK_ENDED,
    Step,
    StepState,
    TaskState,
    cancelled,
    check_graph,
)
from livewall.tasks.reports import ReportResult, SilenceCheck, StoredLeases, check_reporter, needs_saving
from livewall.tasks.rows import Task, TaskRow
from livewall.visible_text import readable, skeleton

T = TypeVar("T")


class StepShown(Step, kw_only=True):
    """A step, and whether its reporter is asked to stop."""

    cancel: bool


class TaskShown(Task, kw_only=True):
    """A task with its steps and its chart. `params` is there only for clients that may see it."""

    steps: list[Step]
    layout: Layout
    params: dict[str, Any] | UnsetType = UNSET


class Appended(Struct):
    """Where the log ends now, and whether its reporter is asked to stop."""

    bytes: int
    lines: int
    cancel: bool


class Tasks:
    """Foreign tasks, and reading of all tasks.

    `mask(task, text, who)` replaces the secrets of a task that runs here.
    """

    def __init__(
        self,
        store: Store,
        hub: LiveHub,
        clock: Clock,
        monotonic: Callable[[], float],
        call_later: Callable[[float, Callable[[], None]], Timer],
        logs: Logs,
        mask: Callable[[TaskRow, str, Who], str],
        announcements: Announcements,
    ) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock
        self._monotonic = monotonic
        self._logs = logs
        self._mask = mask
        self._announcements = announcements
        self.leases = Leases(call_later, monotonic, self._check_silence)

    async def start(self) -> None:
        """Resume the leases. One that ran out while no server was there starts again, since no report could arrive."""
        now = self._now()
        resumed = await self._store.read(lambda c: reports.unfinished_leases(c, now))
        for lease in resumed:
            self.leases.resume(lease.task, lease.step, lease.lease, lease.left, pending=lease.pending)
        restarted = [lease for lease in resumed if lease.anew]
        if restarted:
            await self._store.write(lambda tx: reports.mark_restarted(tx, restarted, now))
        await self._match_logs()

    def _now(self) -> str:
        return iso(self._clock())

    async def _match_logs(self) -> None:
        """Delete logs of tasks that a restored database does not have, and publish ends of logs that a crash kept
        back."""
        # A task may have ended right after the last bytes of its log, so look at recently ended ones as well.
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
                self.publish_log_ends({(task_id, step): end for step, end in ends.items()})

    # -- foreign tasks

    async def create(self, body: wire.TaskIn, who: Who) -> tuple[TaskShown, bool]:
        """Create a foreign task; return its fields, and whether it is new.

        The same call again with an id returns the same task. Raises BadInput, and Refused (`conflict`) if the id is
        another owner's, or belongs to a different task.
        """
        title = readable(body.title, "title")
        check_graph([(s.name, s.needs) for s in body.steps])
        now = self._now()

        def write(tx: Transaction) -> tuple[Task, list[Step], bool]:
            if body.id is not None and tx.one("SELECT 1 FROM tasks WHERE id = :id", {"id": body.id}):
                return (*_existing_task(tx, body, title, who), False)
            number, free = rows.free_id(tx)
            task = Task(
                id=body.id or free,
                pipeline=None,
                title=title,
                state=TaskState.PENDING,
                created_at=now,
                started_by=who.name,
            )
            steps = [Step(name=s.name, needs=list(s.needs)) for s in body.steps]
            check_room(tx, body.room, who)
            row = TaskRow(task, who.credential, False, rows.Place.TAKEN, task.id, room=body.room)
            rows.insert(tx, row, number, steps)
            return task, steps, True

        task, steps, created = await self._store.write(write)
        return await self._in_thread_with_layout(task, steps), created

    async def report(self, task_id: str, name: str, report: wire.StepReport, who: Who) -> StepShown:
        """Apply a report to a step; a repetition changes nothing. Raises NotFound, NotAllowed, StepConflict."""
        now = self._now()
        with self.leases.hearing(task_id, name):
            result = await self._store.write(
                self._told(task_id, now, lambda tx: reports.report(tx, task_id, name, report, who, now, self._mask))
            )
            self._renew_leases(result, who)
        return StepShown(**msgspec.structs.asdict(result.step), cancel=result.cancel)

    def _renew_leases(self, result: ReportResult, who: Who) -> None:
        """Renew the leases in memory after a report."""
        task_id, name, state = result.task.id, result.step.name, result.step.state
        if result.task.state in TASK_ENDED:
            self.leases.drop(task_id)
        else:
            about_step = None if state in ENDED else result.leases.step
            pending = state is StepState.PENDING
            self.leases.renew(task_id, name, who.credential, about_step, result.leases.task, pending=pending)

    def _check_silence(self, task_id: str) -> None:
        """Check whether a lease of a task has run out."""
        promises, busy = self.leases.promises(task_id)
        at, now = self._monotonic(), self._now()

        def done(check: SilenceCheck | None, error: BaseException | None) -> None:
            if check is None:
                if getattr(error, "status", 500) >= 500:
                    self.leases.watch(task_id, self._monotonic() + BUSY_SECONDS)
            elif check.ended:
                self.leases.drop(task_id)
            else:
                # Reports that waited for the database counted as received, but may have been refused since.
                next_check = check.again if check.again is None or not busy else min(check.again, at + BUSY_SECONDS)
                self.leases.checked(task_id, check.steps, next_check)

        with suppress(LivewallError):  # the server stops; the next one resumes the leases
            write = self._told(task_id, now, lambda tx: reports.lose_silent_steps(tx, task_id, promises, at, now))
            self._store.submit(write, done)

    def _told(self, task_id: str, now: str, write: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
        """Return a write to a foreign task that also tells of what it changes."""

        def written(tx: Transaction) -> T:
            told = rows.is_told(tx, task_id)
            before = rows.find(tx, task_id) if told else None
            result = write(tx)
            if before is not None and not before.local:
                after = rows.find(tx, task_id).task
                self._announcements.changed(tx, before, after, (), rows.steps(tx, task_id), now)
            return result

        return written

    async def cancel(self, task_id: str, who: Who) -> TaskShown | None:
        """Cancel a foreign task; return its fields, or None for a task that runs here. Raises NotFound.

        Steps that have not started are cancelled, and the answer to the next report asks the reporter to end the
        others. A second call cancels those, too, without waiting for the reporter.
        """
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
            return rows.update_task(tx, row._replace(cancelled=True), steps, now), steps

        changed = await self._store.write(self._told(task_id, now, write))
        if changed is not None and changed[0].state in TASK_ENDED:
            self.leases.drop(task_id)
        return None if changed is None else await self._in_thread_with_layout(*changed)

    # -- reading

    async def check_log_access(self, task_id: str, name: str, who: Who) -> None:
        """Raise NotAllowed unless `who` may read a log, and NotFound if there is no such step."""

        def read(connection: sqlite3.Connection) -> TaskRow:
            rows.check_unit(connection, task_id, name)
            return rows.find(connection, task_id)

        row = await self._store.read(read)
        if not sees_logs(who, row.owner):
            raise denied(who, "logs are for operators and admins, and for the reporter of the task")

    async def append_log(
        self, task_id: str, name: str, offset: int | None, data: bytes, who: Who
    ) -> tuple[Appended, float | None]:
        """Append to the log of a foreign step at `offset`; bytes that the log has already are dropped.

        Return the end of the log, and the seconds of the step's lease or None. Raises NotFound, NotAllowed, Refused for
        a gap (with the end of the log) and for a step that runs here, BadInput (`too_large`), Busy.
        """

        def read(connection: sqlite3.Connection) -> tuple[TaskRow, Step, StoredLeases, bool]:
            announced = connection.execute(
                "SELECT 1 FROM streams WHERE name = :name", {"name": rows.log_stream(task_id, name)}
            ).fetchone()
            row, step = rows.find(connection, task_id), rows.step(connection, task_id, parts_of(name)[0])
            rows.check_unit(connection, task_id, name)
            return row, step, reports.stored_leases(connection, task_id, name), announced is not None

        with self.leases.hearing(task_id, name):
            row, step, leases, announced = await self._store.read(read)
            if who.step is not None or row.local:
                raise Refused("conflict", "the log of this step is written here, from what its command prints")
            check_reporter(row, step, who, None)
            self._renew_leases(
                ReportResult(step, row.task, row.cancelled, leases), who
            )  # even a part that is refused renews the lease
        now = self._now()
        save_leases = needs_saving(leases.step, leases.step_heard, who, now) or needs_saving(
            leases.task, leases.task_heard, who, now
        )
        if not announced or save_leases:

            def write(tx: Transaction) -> None:
                rows.begin_log(tx, row, name)
                reports.save_leases(tx, task_id, name, reports.stored_leases(tx, task_id, name), who, now)

            await self._store.write(write)
        end = await self._logs.append(task_id, name, offset, data)
        lease = None if leases.step is None or step.state in ENDED else leases.step.seconds
        return Appended(end.bytes, end.lines, row.cancelled), lease

    def publish_log_ends(self, ends: dict[tuple[str, str], End]) -> None:
        """Publish where logs end now, in one write. If it fails, the next one has the newer ends."""

        def write(tx: Transaction) -> None:
            for (task, step), end in ends.items():
                with suppress(NotFound):
                    rows.begin_log(tx, rows.find(tx, task), step)
                    rows.publish_log_end(tx, task, step, end)

        try:
            self._store.submit(write, lambda result, error: None)
        except LivewallError:
            pass

    async def detail(self, task_id: str, who: Who) -> TaskShown:
        """Return a task with its steps, chart and, for readers of its logs, parameters. Raises NotFound, NotAllowed."""
        try:
            await self._hub.view(rows.stream_of(task_id), who)
        except NotFound:
            raise NotFound("not_found", f"there is no task {task_id[:80]}") from None

        def read(connection: sqlite3.Connection) -> tuple[TaskRow, TaskShown]:
            row, steps = rows.find(connection, task_id), rows.steps(connection, task_id)
            return row, _with_layout(row.task, steps)

        row, shown = await self._store.read(read)
        if sees_logs(who, row.owner):
            params: dict[str, Any] = msgspec.json.decode(row.params) if row.params else {}
            shown.params = {
                name: self._mask(row, value, who) if isinstance(value, str) else value for name, value in params.items()
            }
        return shown

    async def _in_thread_with_layout(self, task: Task, steps: list[Step]) -> TaskShown:
        """Return a task with its chart, laid out in a thread: 500 steps take tens of milliseconds."""
        return await asyncio.to_thread(_with_layout, task, steps)

    async def list(
        self, *, state: str | None = None, q: str = "", limit: int = 50, before: str | None = None
    ) -> Listing[Task]:
        """Return one page of the list of tasks, newest first."""
        wanted = skeleton(q)

        def read(connection: sqlite3.Connection) -> list[Any]:
            # Titles are compared by their look, which SQL cannot do. Only matching rows are read completely.
            candidates = connection.execute(
                """SELECT number, title, id, pipeline FROM tasks
                WHERE number < :before AND (:state IS NULL OR state = :state) ORDER BY number DESC""",
                {"before": _number(before), "state": state},
            )
            matching = (n for n, title, *names in candidates if not q or wanted in skeleton(title) or q in names)
            return [
                connection.execute(
                    f"SELECT {rows.TASK_FIELDS}, number FROM tasks WHERE number = ?", (number,)
                ).fetchone()
                for number in islice(matching, limit + 1)
            ]

        task_rows = await self._store.read(read)
        next_page = str(task_rows[limit - 1][-1]) if len(task_rows) > limit else None
        return Listing([rows.task(r) for r in task_rows[:limit]], next_page)


def _with_layout(task: Task, steps: list[Step]) -> TaskShown:
    heights = {s.name: node_height(sizes_of_waves(s.targets)) for s in steps if s.targets}
    chart = layout([(s.name, s.needs) for s in steps], heights)
    return TaskShown(**msgspec.structs.asdict(task), steps=steps, layout=chart)


def _existing_task(tx: Transaction, body: wire.TaskIn, title: str, who: Who) -> tuple[Task, list[Step]]:
    assert body.id is not None
    row = rows.find(tx, body.id)
    if row.owner != who.credential or row.local:
        raise Refused("conflict", "this id is taken; choose another")
    steps = rows.steps(tx, body.id)
    wanted = [(s.name, list(s.needs)) for s in body.steps]
    if row.task.title != title or [(s.name, s.needs) for s in steps] != wanted:
        raise Refused("conflict", "you have used this id for another task; choose another")
    return row.task, steps


def _number(before: str | None) -> int:
    return int(before) if before and before.isdecimal() and len(before) < 18 else 1 << 62
