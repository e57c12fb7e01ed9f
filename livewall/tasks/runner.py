"""Performs the engine's actions: starts attempts, waits for their ends, and finds them again after a restart.

An attempt is a separate process (`livewall/tasks/supervisor`) that outlives this one. It is examined through its folder
and waited for through a pidfd, whether this server started it or an earlier one did.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from livewall import audit, wire
from livewall.background_tasks import BackgroundTasks
from livewall.clock import Clock, iso
from livewall.errors import Busy, LivewallError, Refused
from livewall.identity import Secrets, Who
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.tasks import rows
from livewall.tasks.actions import Actions, EndWaitLater, RetryLater, StartAttempt, StopAttempt
from livewall.tasks.announcements import check_room
from livewall.tasks.attempt import OUTPUT_CAP, Absent, Attempt, Ended, Running, Spec, attempt_of, terminate
from livewall.tasks.attempt_result import Outcome, outcome_of
from livewall.tasks.definitions import definition_of
from livewall.tasks.engine import Engine
from livewall.tasks.logs.chunks import End as LogEnd
from livewall.tasks.logs.follower import AttemptFiles
from livewall.tasks.logs.service import Logs
from livewall.tasks.machine import TASK_ENDED, Step, StepState
from livewall.tasks.pipelines.pipeline import Pipeline
from livewall.tasks.remotes import Remotes
from livewall.tasks.rows import TaskRow
from livewall.tasks.spawner.process import Spawner
from livewall.tasks.supervisor.folder import INPUT_VARIABLE
from livewall.tasks.supervisor.mask import masked
from livewall.tasks.supervisor.secret import refusal
from livewall.tasks.template import Params
from livewall.visible_text import readable

log = logging.getLogger("livewall.tasks")
T = TypeVar("T")

GRACE = 10.0
REMOTE_GRACE = 15.0
"""Seconds more for a step on a host: so long it may take to reach the host, and to end there what does not end by
itself."""
LONGEST_TIMER = 60.0
"""Seconds after which the clock is looked at again, because timers stand still while the machine sleeps."""
LOG_TIMEOUT = 2.0
"""Seconds for which the end of a step waits for its log to be read completely."""
RESTART_SECONDS = 0.1
MAX_TRIES = 10
"""How often an attempt is looked up again after an error of the server, at growing intervals."""
INHERITED_VARIABLES = ("PATH", "HOME", "LANG")
LOST_IN_RESTORE = "the database was restored from a backup; processes that this step started may still be running"


class Runner:
    """Runs local tasks.

    Of `environment`, the server's, a step gets `INHERITED_VARIABLES` and the secrets of its pipeline.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        logs: Logs,
        folder: Path,
        secrets: Secrets,
        clock: Clock,
        *,
        environment: Mapping[str, str],
        url: str,
        umask: int | None = None,
        pipelines: Path | None = None,
    ) -> None:
        self._store = store
        self._engine = engine
        self._logs = logs
        self._folder = folder
        self._secrets = secrets
        self._clock = clock
        self._environment = environment
        self._url = url
        self._umask = umask
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="livewall-attempts")
        self._spawner = Spawner()
        self._remotes = Remotes(folder, pipelines, store.epoch, environment, self._threads)
        self._tasks = BackgroundTasks(log, "a step could not be supervised")
        self._timers: dict[tuple[str, str, int], asyncio.TimerHandle] = {}
        """The end of a wait, or of a delay before another attempt, by the attempt that was before; 0 for a wait."""
        self._supervisors: dict[tuple[str, str, int], int] = {}
        """The pidfd of each supervisor, by its attempt."""
        self._ending: set[tuple[str, str, int]] = set()
        """The attempts that were asked to end."""
        self._restarts: dict[tuple[str, str, int], int] = {}
        """How often the supervisor of an attempt was killed and another one started."""
        self._closed = False

    async def start(self) -> None:
        """Find running attempts again, start those that an earlier server did not get to, and admit waiting tasks."""
        now = iso(self._clock())
        await self._write(lambda tx: ((), self._engine.hold_restored(tx, now)))
        for action, cancelled, current in await self._store.read(lambda c: self._engine.unfinished.attempts(c, now)):
            if isinstance(action, RetryLater):
                self._perform([action])
            else:
                self._tasks.spawn(self._supervise(action, self._resume(action, cancelled=cancelled, current=current)))
        self._perform([*await self._store.read(lambda c: self._engine.unfinished.waits(c, now))])
        await self._write(lambda tx: ((), self._engine.admit(tx, now)))

    async def close(self) -> None:
        """Stop waiting for attempts. They continue to run, and the next server finds them again."""
        # First, because a write that is under way may still return actions, and nothing may start from now on.
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._remotes.close(await self._ended(self._remotes.started))
        # In another thread: it waits for the threads, and some of them may be reading a slow disk.
        await self._loop.run_in_executor(None, self._threads.shutdown)
        self._spawner.close()

    async def _ended(self, tasks: list[str]) -> list[str]:
        """Return those of these tasks that have ended."""

        def ended(db: Any) -> list[str]:
            return [task for task in tasks if rows.find(db, task).task.state in TASK_ENDED]

        with suppress(LivewallError):
            return await self._store.read(ended)
        return []

    # -- requests

    async def start_task(self, pipeline: Pipeline, params: Params, task_id: str | None, who: Who) -> tuple[str, bool]:
        """Create a task; return its id, and whether it is new. Raises Refused."""
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[tuple[str, bool], Actions]:
            task, created, actions = self._engine.start(tx, pipeline, params, task_id, who, now)
            if created:
                check_room(tx, pipeline.room)
                audit.note(tx, who, now, "task.start", rows.stream_of(task), pipeline=pipeline.name)
            return (task, created), actions

        return await self._write(write)

    async def retry(self, task_id: str, who: Who, *, by_host: bool = False) -> tuple[str, bool]:
        """Create a task that retries another one; return its id, and whether it is new. Raises NotFound, Refused.

        With `by_host`, it takes over what succeeded host by host.
        """
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[tuple[str, bool], Actions]:
            task, created, actions = self._engine.retry(tx, task_id, who, now, by_host=by_host)
            if created:
                details = {"hosts": "failed"} if by_host else {}
                audit.note(tx, who, now, "task.retry", rows.stream_of(task), retry_of=task_id, **details)
            return (task, created), actions

        return await self._write(write)

    async def cancel(self, task_id: str, who: Who) -> None:
        """Cancel a task; one that has ended stays as it is. Raises NotFound."""
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[None, Actions]:
            row = rows.find(tx, task_id)
            actions = self._engine.cancel(tx, task_id, now)
            if not row.cancelled and row.task.state not in TASK_ENDED:
                audit.note(tx, who, now, "task.cancel", rows.stream_of(task_id))
            return None, actions

        await self._write(write)
        state = await self._store.read(lambda c: rows.find(c, task_id).task.state)
        if state in TASK_ENDED:  # nothing ran: no attempt ends its connector
            await self._remotes.end(task_id)

    async def decide(self, task_id: str, step: str, given: wire.DecideIn, who: Who) -> Step:
        """Decide a gate; return the step. Raises NotFound, NotAllowed, Refused, BadInput."""
        given.comment = readable(given.comment, "comment") if given.comment.strip() else ""
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[Step, Actions]:
            actions = self._engine.decide(tx, task_id, step, given, who, now)
            return rows.step(tx, task_id, step), actions

        return await self._write(write)

    async def control(self, task_id: str, step: str, act: str, host: str | None, who: Who) -> Step:
        """Pause, resume or abort a step with hosts, or skip or retry it on one; return the step.

        Raises NotFound, Refused.
        """
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[Step, Actions]:
            actions = self._engine.hosts.act(tx, task_id, step, act, host, who, now)
            return rows.step(tx, task_id, step), actions

        return await self._write(write)

    async def accept_key(self, task_id: str, step: str, host: str, fingerprint: str, who: Who) -> Step:
        """Trust the key that a host has shown from now on, and begin on it; return the step.

        Raises NotFound, Refused for another fingerprint, LivewallError if the file of known hosts cannot be written.
        """
        row, shown = await self._store.read(lambda c: self._engine.hosts.shown_key(c, task_id, step, host, fingerprint))
        if shown is not None:
            # Before the commit: the attempt that begins after it must find the key.
            await self._in_thread(functools.partial(self._remotes.trust, definition_of(row), host, shown))
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[Step, Actions]:
            actions = self._engine.hosts.key_accepted(tx, task_id, step, host, fingerprint, who, now)
            return rows.step(tx, task_id, step), actions

        return await self._write(write)

    def mask(self, row: TaskRow, text: str, who: Who) -> str:
        """Return a text with the secrets of its task masked, and with the token of the step that reports it."""
        if not row.local:
            return text
        named = msgspec.json.decode(row.definition or "{}", type=_Secrets)
        webhook_secrets = tuple(webhook.secret for webhook in named.webhooks if webhook.secret is not None)
        secrets = self._masked_values(named.secrets, webhook_secrets)
        if who.step is not None:
            secrets.append(self._secrets.step_token(*who.step))
        return masked(text, secrets)

    # -- performing actions

    def after_commit(self, tx: Transaction, actions: Actions) -> None:
        """Perform actions to which a write of another service has led, after its commit."""
        if actions:
            tx.after_commit(lambda: self._perform(actions))

    async def _write(self, write: Callable[[Transaction], tuple[T, Actions]]) -> T:
        result, actions = await self._store.write(write)
        self._perform(actions)
        return result

    def _perform(self, actions: Actions) -> None:
        for action in actions:
            if self._closed:
                return
            match action:
                case StartAttempt():
                    self._tasks.spawn(self._supervise(action, self._run(action)))
                case StopAttempt(task, step, attempt):
                    self._tasks.spawn(self._stop(task, step, attempt))
                case EndWaitLater(task, step, delay):
                    timer = self._loop.call_later(min(delay, LONGEST_TIMER), self._end_wait, task, step)
                    self._timers[task, step, 0] = timer
                case RetryLater(task, step, attempt, delay):
                    timer = self._loop.call_later(delay, self._retry_step, task, step, attempt)
                    self._timers[task, step, attempt] = timer

    def _retry_step(self, task: str, step: str, attempt: int) -> None:
        del self._timers[task, step, attempt]
        now = iso(self._clock())
        retried = self._write_until_done(lambda tx: ((), self._engine.retry_step(tx, task, step, attempt, now)))
        self._tasks.spawn(retried)

    def _end_wait(self, task: str, step: str) -> None:
        del self._timers[task, step, 0]
        now = iso(self._clock())
        self._tasks.spawn(self._write_until_done(lambda tx: ((), self._engine.end_wait(tx, task, step, now))))

    def _attempt(self, task: str, step: str, attempt: int) -> Attempt:
        return attempt_of(self._folder, task, step, attempt)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._threads, work)

    async def _write_until_done(self, write: Callable[[Transaction], tuple[Any, Actions]]) -> None:
        """Write an event, and repeat that for as long as the database cannot be written to."""
        while True:
            try:
                await self._write(write)
                return
            except Busy:
                await asyncio.sleep(1.0)

    # -- attempts

    async def _supervise(self, begin: StartAttempt, work: Coroutine[Any, Any, None]) -> None:
        """Follow an attempt to its end, with the connector of its task if it needs one."""
        if not begin.run.remote:
            return await self._follow_to_end(begin, work)
        try:
            self._remotes.use(begin)
        except LivewallError as error:
            work.close()
            await self._record_end(begin, Outcome(StepState.FAILED, error.message))
            return
        try:
            await self._follow_to_end(begin, work)
        finally:
            self._remotes.release(begin.task)
        state = await self._store.read(lambda c: rows.find(c, begin.task).task.state)
        if state in TASK_ENDED:
            await self._remotes.end(begin.task)

    async def _follow_to_end(self, begin: StartAttempt, work: Coroutine[Any, Any, None]) -> None:
        """Follow an attempt to its end.

        After an error of the server (for example when it cannot open more files) the attempt is looked up again.
        After `MAX_TRIES` its step is lost, because it would otherwise seem to run forever.
        """
        for attempts in range(1, MAX_TRIES + 1):
            try:
                return await work
            except Exception:
                log.exception("step %s of task %s could not be supervised", begin.step, begin.task)
            await asyncio.sleep(attempts)
            work = self._resume(begin, cancelled=await self._is_ending(begin), current=True)
        # The last attempt to look after it is not awaited; closing it keeps Python from warning.
        work.close()
        await self._record_end(begin, Outcome(StepState.LOST, "the server could not supervise it; its log says why"))

    async def _run(self, begin: StartAttempt, *, cancelled: bool = False) -> None:
        """Start an attempt and wait for its end; one that is `cancelled` only to end what it did before."""
        attempt = self._attempt(begin.task, begin.step, begin.attempt)
        try:
            spec = self._spec(begin, attempt)
            supervisor = await self._start_supervisor(
                lambda: _start(
                    attempt, spec, self._spawner, self._input(begin), self._working_folder(begin), begin.inherits
                )
            )
        except (OSError, LivewallError) as error:
            if isinstance(error, LivewallError):
                reason = error.message
            else:
                path = f"{error.filename}: " if error.filename else ""
                reason = f"it could not be started: {path}{error.strerror}"
            await self._record_end(begin, Outcome(StepState.FAILED, reason))
            return
        # Until the next line that waits, nobody else can ask for the end.
        if cancelled or _key(begin) in self._ending:
            terminate(supervisor)
        self._follow(begin, attempt)
        await self._wait_readable(begin, supervisor)
        if isinstance(await self._in_thread(attempt.probe), Absent):
            if self._may_restart(begin):  # somebody killed it before its claim: nothing was done
                await asyncio.sleep(RESTART_SECONDS)
                await self._run(begin, cancelled=cancelled)
                return
            with suppress(OSError):  # an earlier server may have started one that has not made its claim yet
                await self._in_thread(attempt.cancel)
            await self._record_end(begin, Outcome(StepState.FAILED, "its supervisor could not be started"))
            return
        await self._wait_for_end(begin, attempt)

    async def _start_supervisor(self, start: Callable[[], int]) -> int:
        """Start a supervisor in a thread; return its pidfd. If the server stops meanwhile, it continues without it."""
        starting = self._loop.run_in_executor(self._threads, start)
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(_close_pidfd)
            raise

    async def _resume(self, begin: StartAttempt, *, cancelled: bool, current: bool) -> None:
        """Find an attempt again that an earlier server started, or was about to start."""
        attempt = self._attempt(begin.task, begin.step, begin.attempt)
        probe = await self._in_thread(attempt.probe)
        if not current and not isinstance(probe, Running | Ended):
            await self._record_end(begin, Outcome(StepState.LOST, LOST_IN_RESTORE))
            return
        if isinstance(probe, Absent) and not cancelled:
            await self._run(begin)
            return
        if await self._may_continue(begin, attempt):
            await self._run(begin, cancelled=cancelled)
            return
        self._follow(begin, attempt)
        if cancelled:
            await self._stop(begin.task, begin.step, begin.attempt)
        await self._wait_for_end(begin, attempt)

    async def _wait_for_end(self, begin: StartAttempt, attempt: Attempt) -> None:
        """Wait until no supervisor holds the attempt, and finish it.

        An earlier server may have started the supervisor.
        """
        handle = await self._in_thread(attempt.pidfd)
        if handle is not None:
            await self._wait_readable(begin, handle)
        if await self._may_continue(begin, attempt) and self._may_restart(begin):
            log.info("the supervisor of %s/%s was killed; another one continues", begin.task, begin.step)
            await self._run(begin, cancelled=await self._is_ending(begin))
            return
        await self._finish(begin, attempt)

    def _may_restart(self, begin: StartAttempt) -> bool:
        """Count a supervisor that was killed; return whether another one may be started."""
        key = _key(begin)
        self._restarts[key] = self._restarts.get(key, 0) + 1
        return self._restarts[key] <= MAX_TRIES

    async def _is_ending(self, begin: StartAttempt) -> bool:
        """Return whether an attempt was asked to end, by whatever act, before this server or since."""
        if _key(begin) in self._ending:
            return True
        return await self._store.read(lambda c: self._engine.unfinished.is_ending(c, begin.task, begin.step))

    async def _may_continue(self, begin: StartAttempt, attempt: Attempt) -> bool:
        """Return whether the supervisor of an attempt was killed, and another one may continue what it did."""
        return bool(begin.run.again) and await self._in_thread(attempt.is_orphaned)

    def _follow(self, begin: StartAttempt, attempt: Attempt) -> None:
        files = AttemptFiles(attempt.output, attempt.times, OUTPUT_CAP)
        self._logs.follow(begin.task, begin.step, files, begin.log_base)

    async def _stop(self, task: str, step: str, attempt: int) -> None:
        """End an attempt, also if its folder was deleted and only the pidfd is left to reach the process."""
        # If its supervisor has just been killed, the one that follows it has to know.
        self._ending.add((task, step, attempt))
        try:
            await self._in_thread(self._attempt(task, step, attempt).cancel)
        finally:
            handle = self._supervisors.get((task, step, attempt))
            if handle is not None:
                terminate(handle)

    async def _finish(self, begin: StartAttempt, attempt: Attempt) -> None:
        """Read the log of an ended attempt to its end, and record the outcome."""
        token = self._secrets.step_token(begin.task, begin.step, begin.attempt)
        secrets = [*self._masked_values(begin.secrets, begin.masked_only), token]
        outcome = await self._in_thread(lambda: outcome_of(attempt, secrets))
        outcome = outcome._replace(
            reason=outcome.reason.replace(f"{self._working_folder(begin)}", "…")
        )  # the reason is public, and paths of the machine are not
        end: LogEnd | None = None
        try:
            async with asyncio.timeout(LOG_TIMEOUT):
                end = await self._logs.finish(begin.task, begin.step)
        except TimeoutError:
            log.info("the log of %s/%s is long; it is read to its end later", begin.task, begin.step)
        except LivewallError as error:
            log.warning("the log of %s/%s is read later: %s", begin.task, begin.step, error)
        await self._record_end(begin, outcome, end)
        self._restarts.pop(_key(begin), None)
        self._ending.discard(_key(begin))
        if begin.run.remote and outcome.host_key is None:
            await self._remotes.forget(begin)
        complete = end is not None and end.bytes >= begin.log_base + outcome.size
        await self._in_thread(lambda: _delete_files(attempt, complete=complete))

    async def _record_end(self, begin: StartAttempt, outcome: Outcome, end: LogEnd | None = None) -> None:
        """Record the outcome of an attempt, together with the end of its log.

        After a crash between two separate writes, the end of the log would never be published.
        """
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[Any, Actions]:
            if end is not None:
                rows.publish_log_end(tx, begin.task, begin.step, end)
            return (), self._engine.ended(tx, begin.task, begin.step, begin.attempt, outcome, now)

        await self._write_until_done(write)

    async def _wait_readable(self, begin: StartAttempt, handle: int) -> None:
        """Wait until the supervisor behind a pidfd has ended, and close the pidfd. The process is not reaped."""
        ended, key = asyncio.Event(), _key(begin)
        self._loop.add_reader(handle, ended.set)
        self._supervisors[key] = handle
        try:
            await ended.wait()
        finally:
            self._supervisors.pop(key, None)
            self._loop.remove_reader(handle)
            os.close(handle)

    def _working_folder(self, begin: StartAttempt) -> Path:
        """Return the working folder of a task, which it shares with its retries."""
        return self._folder / begin.root / "work"

    def _input(self, begin: StartAttempt) -> dict[str, Any] | None:
        """Return the input of a program of Livewall, which also gets the folder of data."""
        if begin.run.input is None:
            return None
        remote = self._remotes.input(begin) | {"grace": GRACE} if begin.run.remote else {}
        return {**begin.run.input, **remote, "data": str(self._folder.parent)}

    def _secret_values(self, names: tuple[str, ...]) -> dict[str, str]:
        """Return the secrets of a pipeline that the server's environment has."""
        return {name: self._environment[name] for name in names if name in self._environment}

    def _masked_values(self, secrets: tuple[str, ...], masked_only: tuple[str, ...]) -> list[str]:
        """Return the values to mask: the secrets of a pipeline, and those of its webhooks, which steps do not get."""
        hidden = [value for value in self._secret_values(masked_only).values() if not refusal(value)]
        return [*self._secret_values(secrets).values(), *hidden]

    def _spec(self, begin: StartAttempt, attempt: Attempt) -> Spec:
        """Return the specification for the supervisor. Raises LivewallError if a secret is missing or unusable."""
        values = self._secret_values(begin.secrets)
        missing = [name for name in begin.secrets if name not in values]
        if missing:
            raise LivewallError("invalid", f"the server's environment has no {', '.join(missing)}")
        for name, value in values.items():  # the environment may have changed since the pipeline was checked
            if reason := refusal(value):
                raise LivewallError("invalid", f"the value of {name} in the server's environment {reason}")
        token = self._secrets.step_token(begin.task, begin.step, begin.attempt)
        return Spec(
            argv=list(begin.run.argv),
            cwd=str(self._working_folder(begin) / (begin.run.cwd or "")),
            env={name: self._environment[name] for name in INHERITED_VARIABLES if name in self._environment}
            | dict(begin.run.env)
            | values
            | {"LIVEWALL_OUTPUT": str(attempt.values_file), "LIVEWALL_URL": self._url, "LIVEWALL_TOKEN": token}
            | ({} if begin.run.input is None else {INPUT_VARIABLE: str(attempt.input_file)}),
            builtin=begin.run.builtin,
            program=begin.run.program,
            folder=begin.run.folder,
            umask=self._umask,
            secrets=[*self._masked_values(begin.secrets, begin.masked_only), token],
            timeout=begin.timeout,
            grace=GRACE + REMOTE_GRACE if begin.run.remote else GRACE,
            cap=OUTPUT_CAP,
            replay=begin.run.again == "replay",
            again=begin.run.again == "again",
        )


class _WebhookSecret(msgspec.Struct):
    secret: str | None = None


class _Secrets(msgspec.Struct):
    """The part of a definition that masking needs, for every report."""

    secrets: tuple[str, ...] = ()
    webhooks: tuple[_WebhookSecret, ...] = ()


def _key(begin: StartAttempt) -> tuple[str, str, int]:
    return begin.task, begin.step, begin.attempt


def _close_pidfd(starting: asyncio.Future[int]) -> None:
    if not starting.cancelled() and starting.exception() is None:
        os.close(starting.result())


def _start(
    attempt: Attempt, spec: Spec, spawner: Spawner, given: dict[str, Any] | None, work: Path, inherits: bool
) -> int:
    """Make the working folder if it is the first step's, write the input, and start the supervisor. It blocks.

    Raises Refused if earlier steps worked in the folder and it is gone: a later step might publish an empty one.
    """
    if inherits and not work.is_dir():
        raise Refused("conflict", "the task's working folder was deleted, and with it what earlier steps left there")
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    if given is not None:
        attempt.write_input(wire.encode(given))
    return attempt.start(spec, spawner)


def _delete_files(attempt: Attempt, *, complete: bool) -> None:
    """Delete the files of an attempt that are not needed after its end is recorded. It blocks.

    Inputs and outputs may be secrets. The output file is deleted if the logs' database has all of it (`complete`).
    """
    for path in (attempt.values_file, attempt.input_file, *((attempt.output, attempt.times) if complete else ())):
        with suppress(OSError):
            path.unlink()
