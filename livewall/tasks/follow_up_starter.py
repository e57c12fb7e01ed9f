"""Starts the pipelines that polls of failed tasks have decided to start.

The decision is in the database before anything is started, and a start changes it in the same write. A server that was
killed in between starts what is left when it starts again; nothing is started twice.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable

from msgspec import UNSET

from livewall import audit
from livewall.background_tasks import BackgroundTasks
from livewall.clock import Clock, iso
from livewall.errors import BadInput, Busy, LivewallError
from livewall.identity import Who
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.tasks import follow_ups, rows
from livewall.tasks.actions import Actions
from livewall.tasks.definitions import definition_of, params_of
from livewall.tasks.engine import Engine
from livewall.tasks.pipelines.params import check_params
from livewall.tasks.pipelines.pipeline import Pipeline
from livewall.tasks.pipelines.watched_folder import Pipelines
from livewall.tasks.rows import TaskRow
from livewall.tasks.template import Outputs, Scalar, fill
from livewall.toml_problems import TomlFault

log = logging.getLogger("livewall.tasks")

BUSY_SECONDS = 1.0


class FollowUpStarter:
    """`after_commit(tx, actions)` performs actions of the engine after the commit of a write."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        pipelines: Pipelines,
        after_commit: Callable[[Transaction, Actions], None],
        clock: Clock,
    ) -> None:
        self._store = store
        self._engine = engine
        self._pipelines = pipelines
        self._after_commit = after_commit
        self._clock = clock
        self._tasks = BackgroundTasks(log, "what follows a failed task could not be started")
        self._closed = False

    async def start(self) -> None:
        """Start what an earlier server did not get to."""
        for task_id in await self._store.read(lambda c: rows.with_follow_up(c, "starting")):
            self.begin(task_id)

    async def close(self) -> None:
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def begin(self, task_id: str) -> None:
        """Start what follows a failed task, in the background."""
        if not self._closed:
            self._tasks.spawn(self._start(task_id))

    async def _start(self, task_id: str) -> None:
        while True:
            try:
                await self._try(task_id)
                return
            except Busy:
                await asyncio.sleep(BUSY_SECONDS)

    async def _try(self, task_id: str) -> None:
        row, outputs = await self._store.read(lambda c: _read(c, task_id))
        if not _is_starting(row):
            return
        on_failure = definition_of(row).on_failure
        assert on_failure is not None and on_failure.starts is not None
        starts = on_failure.starts
        try:
            pipeline = self._pipelines.get(starts.pipeline)
            given = {name: fill(value, params_of(row), outputs) for name, value in starts.params.items()}
            values = await asyncio.to_thread(check_params, pipeline, given)
        except Busy:
            raise
        except LivewallError as error:
            log.warning("nothing is started on the failure of task %s: %s", task_id, error.message)
            reason, now = _public_reason(error, starts.pipeline), iso(self._clock())
            await self._store.write(lambda tx: _refuse(tx, task_id, reason, now))
            return
        await self._store.write(lambda tx: self._started(tx, task_id, pipeline, values))

    def _started(self, tx: Transaction, task_id: str, pipeline: Pipeline, values: dict[str, Scalar]) -> None:
        row, now = rows.find(tx, task_id), iso(self._clock())
        if not _is_starting(row):
            return
        # Whoever started the failed task may read the logs of this one as well.
        who = Who(name=f"livewall (on failure of #{task_id})", credential=row.owner)
        new, _, actions = self._engine.start(tx, pipeline, values, None, who, now)
        audit.note(
            tx, None, now, "task.start", rows.stream_of(new), pipeline=pipeline.name,
            on_failure_of=rows.stream_of(task_id),
        )  # fmt: skip
        follow_ups.started(tx, rows.find(tx, task_id).task, new, now)
        self._after_commit(tx, actions)


def _read(connection: sqlite3.Connection, task_id: str) -> tuple[TaskRow, Outputs]:
    return rows.find(connection, task_id), rows.outputs(connection, task_id)


def _is_starting(row: TaskRow) -> bool:
    return row.task.on_failure is not UNSET and row.task.on_failure.state == "starting"


def _refuse(tx: Transaction, task_id: str, reason: str, now: str) -> None:
    row = rows.find(tx, task_id)
    if _is_starting(row):
        follow_ups.end_without(tx, row.task, reason, now)


def _public_reason(error: LivewallError, pipeline: str) -> str:
    """Return a reason without the values of parameters and the text of files: everybody may read it, where the task is
    on a wall."""
    if isinstance(error, BadInput) and error.fields:
        return f"the pipeline {pipeline} refuses {', '.join(error.fields)}"
    if isinstance(error, TomlFault):
        return f"the file of the pipeline {pipeline} has problems"
    return error.message
