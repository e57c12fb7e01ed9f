"""The services of tasks, opened and closed together, and their periodic maintenance."""

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
from livewall.tasks.announcements import Announcements
from livewall.tasks.attempt import attempt_of
from livewall.tasks.engine import Engine
from livewall.tasks.folders import remove, set_aside
from livewall.tasks.follow_up_starter import FollowUpStarter
from livewall.tasks.gates import AsksPolls
from livewall.tasks.log_recovery import recover
from livewall.tasks.logs.service import Logs
from livewall.tasks.pipelines.watched_folder import Pipelines
from livewall.tasks.poll_gates import PollGates
from livewall.tasks.runner import Runner
from livewall.tasks.supervisor.truncation import truncation
from livewall.tasks.task_clock import TaskClock
from livewall.tasks.tasks import Tasks
from livewall.tasks.webhooks.outbox import Outbox
from livewall.tasks.webhooks.sender import Sender

log = logging.getLogger("livewall.tasks")

REFRESH_SECONDS = 2.0
"""Seconds between two checks of the folder of pipelines."""
PURGE_ROUNDS = 1800
GIB = 1 << 30


@dataclass
class TaskRuntime:
    """The services of tasks. Call `start` before polls are closed, whose end may decide a gate, and `close` before the
    store is closed."""

    tasks: Tasks
    runner: Runner
    pipelines: Pipelines
    logs: Logs
    webhooks: Sender
    store: Store
    folder: Path
    settings: Settings
    clock: Clock
    unfinished: TaskClock
    gates: PollGates
    follow_ups: FollowUpStarter
    _background: Sequence[asyncio.Task[None]] = ()
    _not_removed: set[Path] = field(default_factory=set)

    async def start(self) -> None:
        """Find running attempts again, and resume leases."""
        known = await self.store.read(lambda c: {task_id for (task_id,) in c.execute("SELECT id FROM tasks")})
        await asyncio.to_thread(set_aside, self.folder, known)
        now = iso(self.clock())
        await self.store.write(lambda tx: rows.correct_future_times(tx, now))
        await self.tasks.start()
        await self.runner.start()
        await self.follow_ups.start()
        await self.webhooks.start()
        loop = asyncio.get_running_loop()
        self._background = [
            loop.create_task(self._maintain()),
            loop.create_task(recover(self.store, self.logs, self.folder)),
        ]

    async def close(self) -> None:
        """Stop waiting for attempts. They continue to run, and the next server finds them again."""
        self.tasks.leases.close()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.webhooks.close()
        await self.follow_ups.close()
        await self.runner.close()
        await self.logs.close()

    async def _maintain(self) -> None:
        rounds = 0
        while True:
            try:
                await self.unfinished.check(self.store)
                await asyncio.to_thread(self.pipelines.refresh)
                if rounds % PURGE_ROUNDS == 0:
                    await self.purge()
            except Busy:
                pass  # try again in the next round
            except Exception:
                log.exception("tasks could not be supervised")
            rounds += 1
            await asyncio.sleep(REFRESH_SECONDS)

    async def purge(self) -> None:
        """Delete logs and working folders that are too old, and the oldest logs if all of them exceed the size
        limit."""
        days = self.settings.log_days
        now = self.clock()
        oldest = now.timestamp() - days * 86400
        running, old = await self.store.read(
            lambda c: (
                [task_id for (task_id,) in c.execute("SELECT id FROM tasks WHERE ended_at IS NULL")],
                # A task is old only together with all its retries, which share its working folder.
                {
                    task_id
                    for (task_id,) in c.execute(
                        """SELECT id FROM tasks WHERE root IN (SELECT root FROM tasks WHERE root IS NOT NULL
                        GROUP BY root HAVING MAX(COALESCE(ended_at, 'z')) < :before)""",
                        {"before": iso(now.fromtimestamp(oldest, now.tzinfo))},
                    )
                },
            )
        )
        await self.logs.delete_expired(now, days=days, size=self.settings.log_size * GIB, running=running)
        await self.webhooks.forget(iso(now.fromtimestamp(oldest, now.tzinfo)))
        # Outputs may hold secrets, and a task whose working folder is deleted cannot be retried.
        with_outputs = await self.store.read(rows.with_outputs)
        for task_id in with_outputs & old:
            await self.store.write(functools.partial(rows.forget_outputs, task_id=task_id))
        for path, reason in (await asyncio.to_thread(remove, self.folder, old, oldest)).items():
            if path not in self._not_removed:  # warn once, not every hour
                log.warning("the working folder %s cannot be removed: %s; remove it yourself", path, reason)
                self._not_removed.add(path)


def open_task_runtime(
    settings: Settings,
    store: Store,
    hub: LiveHub,
    secrets: Secrets,
    clock: Clock,
    *,
    url: str,
    base_url: str,
    environment: Mapping[str, str],
    umask: int | None,
    polls: AsksPolls,
) -> TaskRuntime:
    """Open the logs' database, read the pipelines, and return the services. It blocks.

    Steps reach this server at `url` and run with `umask`; others reach it at `base_url`. `environment` is the server's
    own; `polls` asks the polls of gates. Raises NewerDatabase, sqlite3.Error.
    """
    folder = settings.data / "tasks"
    pipelines = Pipelines(settings.pipelines, environment)
    pipelines.refresh()
    logs = Logs(settings.data / "logs.db", hole=truncation, clock=clock)
    webhooks = Sender(store, clock, environment=environment, allowed=settings.webhook_allow)

    def page(task: str) -> str:
        return f"{base_url}/tasks/{task}"

    announcements = Announcements(Outbox(store.epoch, page, webhooks.wake), page)
    engine = Engine(
        settings.workers,
        store.epoch,
        lambda task, unit, attempt: attempt_of(folder, task, unit, attempt).renew(),
        announcements,
        polls,
    )
    loop = asyncio.get_running_loop()
    unfinished = TaskClock(clock)
    runner = Runner(
        store, engine, logs, folder, secrets, unfinished.clock, environment=environment, url=url, umask=umask,
        pipelines=settings.pipelines,
    )  # fmt: skip
    tasks = Tasks(store, hub, unfinished.clock, loop.time, loop.call_later, logs, runner.mask, announcements)
    logs.on_move = tasks.publish_log_ends
    follow_ups = FollowUpStarter(store, engine, pipelines, runner.after_commit, unfinished.clock)
    gates = PollGates(engine, runner.after_commit, follow_ups.begin)
    return TaskRuntime(
        tasks, runner, pipelines, logs, webhooks, store, folder, settings, clock, unfinished, gates, follow_ups
    )
