"""All that tasks consist of, made and handed on together; and what has to be looked after now and then."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from livewall.clock import Clock, iso
from livewall.errors import Busy
from livewall.hub.live_hub import LiveHub
from livewall.identity import Secrets
from livewall.settings import Settings
from livewall.store.store import Store
from livewall.tasks import rows
from livewall.tasks.attempt import attempt_of
from livewall.tasks.engine import Engine
from livewall.tasks.folders import remove, set_aside
from livewall.tasks.log_recovery import read_rest
from livewall.tasks.logs.service import Logs
from livewall.tasks.pipelines.watched_folder import Pipelines
from livewall.tasks.runner import Runner
from livewall.tasks.supervisor.truncation import truncation
from livewall.tasks.task_clock import TaskClock
from livewall.tasks.tasks import Tasks

log = logging.getLogger("livewall.tasks")

REFRESH_SECONDS = 2.0
"""Between two looks at the folder of pipelines; a change is noticed within five."""
TIDY_TURNS = 1800
GIB = 1 << 30


@dataclass
class TaskRuntime:
    """Made by `open_tasks`; `start` when everything else is there, `close` before the store is closed."""

    tasks: Tasks
    runner: Runner
    pipelines: Pipelines
    logs: Logs
    store: Store
    folder: Path
    settings: Settings
    clock: Clock
    unfinished: TaskClock
    _care: Sequence[asyncio.Task[None]] = ()
    _left: set[Path] = field(default_factory=set)

    async def start(self) -> None:
        """Find again what was under way, and take leases up."""
        known = await self.store.read(lambda c: {task_id for (task_id,) in c.execute("SELECT id FROM tasks")})
        await asyncio.to_thread(set_aside, self.folder, known)
        now = iso(self.clock())
        await self.store.write(lambda tx: rows.begun_by(tx, now))
        await self.tasks.start()
        await self.runner.start()
        loop = asyncio.get_running_loop()
        self._care = [
            loop.create_task(self._look_after()),
            loop.create_task(read_rest(self.store, self.logs, self.folder)),
        ]

    async def close(self) -> None:
        """Stop looking; what runs goes on and is found again by the next server."""
        self.tasks.leases.close()
        for care in self._care:
            care.cancel()
        await asyncio.gather(*self._care, return_exceptions=True)
        await self.runner.close()
        await self.logs.close()

    async def _look_after(self) -> None:
        turn = 0
        while True:
            try:
                await self.unfinished.look(self.store)
                await asyncio.to_thread(self.pipelines.refresh)
                if turn % TIDY_TURNS == 0:
                    await self.tidy()
            except Busy:
                pass  # the next turn will do
            except Exception:
                log.exception("tasks could not be looked after")
            turn += 1
            await asyncio.sleep(REFRESH_SECONDS)

    async def tidy(self) -> None:
        """Let go of logs and working folders that are too old, and of the oldest logs where all take too much."""
        days = self.settings.log_days
        now = self.clock()
        then = now.timestamp() - days * 86400
        running, old = await self.store.read(
            lambda c: (
                [task_id for (task_id,) in c.execute("SELECT id FROM tasks WHERE ended_at IS NULL")],
                # A task with all its retries: they share the first one's working folder.
                {
                    task_id
                    for (task_id,) in c.execute(
                        """SELECT id FROM tasks WHERE root IN (SELECT root FROM tasks WHERE root IS NOT NULL
                        GROUP BY root HAVING MAX(COALESCE(ended_at, 'z')) < :before)""",
                        {"before": iso(now.fromtimestamp(then, now.tzinfo))},
                    )
                },
            )
        )
        await self.logs.tidy(now, days=days, size=self.settings.log_size * GIB, running=running)
        # What steps put out may hold secrets, and without its working folder nobody can take a task up again.
        with_outputs = await self.store.read(rows.with_outputs)
        for task_id in with_outputs & old:
            await self.store.write(functools.partial(rows.forget_outputs, task_id=task_id))
        for path, why in (await asyncio.to_thread(remove, self.folder, old, then)).items():
            if path not in self._left:  # once, not every hour
                log.warning("the working folder %s cannot be removed: %s; remove it yourself", path, why)
                self._left.add(path)


def open_task_runtime(
    settings: Settings,
    store: Store,
    hub: LiveHub,
    secrets: Secrets,
    clock: Clock,
    *,
    url: str,
    environment: Mapping[str, str],
    umask: int | None,
) -> TaskRuntime:
    """Opens the logs' database and reads the pipelines; blocking. `url` is where steps reach this server, `environment`
    the server's own, `umask` that of steps. Raises NewerDatabase, sqlite3.Error."""
    folder = settings.data / "tasks"
    pipelines = Pipelines(settings.pipelines, environment)
    pipelines.refresh()
    logs = Logs(settings.data / "logs.db", hole=truncation, clock=clock)
    engine = Engine(
        settings.workers, store.epoch, lambda task, step, attempt: attempt_of(folder, task, step, attempt).prepare()
    )
    loop = asyncio.get_running_loop()
    unfinished = TaskClock(clock)
    runner = Runner(
        store, engine, logs, folder, secrets, unfinished.clock, environment=environment, url=url, umask=umask
    )
    tasks = Tasks(store, hub, unfinished.clock, loop.time, loop.call_later, logs, runner.mask)
    logs.told = tasks.logs_moved
    return TaskRuntime(tasks, runner, pipelines, logs, store, folder, settings, clock, unfinished)
