"""Carries out what the engine decided: begins attempts, waits for their ends, finds them again after a restart.

An attempt is a process of its own (`livewall/tasks/supervisor`) that outlives this one; here it is looked at through
its folder and waited for through a pidfd, whether this process began it or another before it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from livewall import audit
from livewall.clock import Clock, iso
from livewall.errors import Busy, LivewallError, Refused
from livewall.identity import Secrets, Who
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.tasks import rows
from livewall.tasks.attempt import CAP, Absent, Attempt, Ended, Running, Spec, attempt_of, terminate
from livewall.tasks.attempt_result import Outcome, outcome_of
from livewall.tasks.engine import Again, Begin, End, Engine, ToDo
from livewall.tasks.logs.chunks import End as LogEnd
from livewall.tasks.logs.follower import AttemptFiles
from livewall.tasks.logs.service import Logs
from livewall.tasks.machine import TASK_ENDED, StepState
from livewall.tasks.pipelines.pipeline import Pipeline
from livewall.tasks.rows import TaskRow
from livewall.tasks.supervisor.mask import masked
from livewall.tasks.supervisor.secret import refusal

log = logging.getLogger("livewall.tasks")
T = TypeVar("T")

GRACE = 10.0
LOG_PATIENCE = 2.0
"""Seconds for which the end of a step waits until its log is read to the end."""
TRIES = 10
"""Times that an attempt is looked for again after a fault of the server's, at longer and longer intervals."""
PASSED_ON = ("PATH", "HOME", "LANG")
RESTORED = "the database was restored from a backup; what this step had started may live on"


class Runner:
    """Local tasks. Of `environment`, the server's, a step gets what `PASSED_ON` and its pipeline's secrets name."""

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
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._supervisors: dict[tuple[str, str, int], int] = {}
        """A pidfd of each, by its attempt."""
        self._closed = False

    async def start(self) -> None:
        """Find again what was under way, begin what was intended and not begun, and let those begin that may."""
        now = iso(self._clock())
        await self._act(lambda tx: ((), self._engine.restored(tx, now)))
        for what, cancelled, ours in await self._store.read(lambda c: self._engine.under_way(c, now)):
            if isinstance(what, Again):
                self._do([what])
            else:
                self._spawn(self._look_after(what, self._resume(what, cancelled=cancelled, ours=ours)))
        await self._act(lambda tx: ((), self._engine.admit(tx, now)))

    async def close(self) -> None:
        """Stop looking; what runs goes on and is found again."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._loop.run_in_executor(None, self._threads.shutdown)

    # -- what people ask for

    async def begin(
        self, pipeline: Pipeline, params: dict[str, Any], task_id: str | None, who: Who
    ) -> tuple[str, bool]:
        """Start a task; its id, and whether it is new. Raises Refused."""
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[tuple[str, bool], ToDo]:
            task, created, todo = self._engine.start(tx, pipeline, params, task_id, who, now)
            if created:
                audit.note(tx, who, now, "task.start", rows.stream_of(task), pipeline=pipeline.name)
            return (task, created), todo

        return await self._act(write)

    async def retry(self, task_id: str, who: Who) -> tuple[str, bool]:
        """Start a task that takes over what succeeded in `id`; its id, and whether it is new. Raises Refused."""
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[tuple[str, bool], ToDo]:
            task, created, todo = self._engine.retry(tx, task_id, who, now)
            if created:
                audit.note(tx, who, now, "task.retry", rows.stream_of(task), retry_of=task_id)
            return (task, created), todo

        return await self._act(write)

    async def cancel(self, task_id: str, who: Who) -> None:
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[None, ToDo]:
            row = rows.find(tx, task_id)
            todo = self._engine.cancel(tx, task_id, now)
            if not row.cancelled and row.task.state not in TASK_ENDED:
                audit.note(tx, who, now, "task.cancel", rows.stream_of(task_id))
            return None, todo

        await self._act(write)

    def mask(self, row: TaskRow, text: str, who: Who) -> str:
        """A text without the secrets of the task it is about, and of the step that says it."""
        if not row.local:
            return text
        named = msgspec.json.decode(row.definition or "{}", type=_Secrets).secrets
        hidden = list(self._values(named).values())
        if who.step is not None:
            hidden.append(self._secrets.step_token(*who.step))
        return masked(text, hidden)

    # -- what follows

    async def _act(self, write: Callable[[Transaction], tuple[T, ToDo]]) -> T:
        found, todo = await self._store.write(write)
        self._do(todo)
        return found

    def _do(self, todo: ToDo) -> None:
        for what in todo:
            if self._closed:
                return
            match what:
                case Begin():
                    self._spawn(self._look_after(what, self._run(what)))
                case End(task, step, attempt):
                    self._spawn(self._end(task, step, attempt))
                case Again(task, step, attempt, delay):
                    self._timers[task, step] = self._loop.call_later(delay, self._again, task, step, attempt)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a step could not be looked after", exc_info=error)

    def _again(self, task: str, step: str, attempt: int) -> None:
        del self._timers[task, step]
        now = iso(self._clock())
        self._spawn(self._surely(lambda tx: ((), self._engine.again(tx, task, step, attempt, now))))

    def _attempt(self, task: str, step: str, attempt: int) -> Attempt:
        return attempt_of(self._folder, task, step, attempt)

    async def _threaded(self, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._threads, work)

    async def _surely(self, write: Callable[[Transaction], tuple[Any, ToDo]]) -> None:
        """What happened is written, however long the database cannot be written to."""
        while True:
            try:
                await self._act(write)
                return
            except Busy:
                await asyncio.sleep(1.0)

    # -- attempts

    async def _look_after(self, begin: Begin, work: Coroutine[Any, Any, None]) -> None:
        """See an attempt to its end, whatever goes wrong here (no more files may be opened, say): tried again now and
        then, and in the end its step is lost rather than running for ever."""
        for turn in range(1, TRIES + 1):
            try:
                return await work
            except Exception:
                log.exception("step %s of task %s could not be looked after", begin.step, begin.task)
            await asyncio.sleep(turn)
            work = self._resume(begin, cancelled=False, ours=True)
        work.close()
        await self._ended(begin, Outcome(StepState.LOST, "the server could not look after it; its log says why"))

    async def _run(self, begin: Begin) -> None:
        """Begin an attempt and see it to its end."""
        attempt = self._attempt(begin.task, begin.step, begin.attempt)
        try:
            spec = self._spec(begin, attempt)
            process = await self._begun(lambda: _started(attempt, spec, self._work(begin), begin.inherits))
        except (OSError, LivewallError) as error:
            if isinstance(error, LivewallError):
                reason = error.message
            else:
                what = f"{error.filename}: " if error.filename else ""
                reason = f"it could not be started: {what}{error.strerror}"
            await self._ended(begin, Outcome(StepState.FAILED, reason))
            return
        self._follow(begin, attempt)
        try:
            await self._readable(begin, os.pidfd_open(process.pid))
            status = await self._threaded(process.wait)
        except asyncio.CancelledError:
            if process.poll() is None:
                process.returncode = 0  # it goes on without us; nobody is to be warned of that
            raise
        if isinstance(await self._threaded(attempt.probe), Absent):
            reason = f"its supervisor could not be started (status {status})"
            with suppress(OSError):  # nor shall one that a server before this one began come later
                await self._threaded(attempt.cancel)
            await self._ended(begin, Outcome(StepState.FAILED, reason))
            return
        await self._await(begin, attempt)

    async def _begun(self, start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        """A supervisor; one that comes while the server stops goes on without it."""
        coming = self._loop.run_in_executor(self._threads, start)
        try:
            return await asyncio.shield(coming)
        except asyncio.CancelledError:
            coming.add_done_callback(_let_go)
            raise

    async def _resume(self, begin: Begin, *, cancelled: bool, ours: bool) -> None:
        """Find an attempt again that another process of this server began, or intended to begin."""
        attempt = self._attempt(begin.task, begin.step, begin.attempt)
        probe = await self._threaded(attempt.probe)
        if not ours and not isinstance(probe, Running | Ended):
            await self._ended(begin, Outcome(StepState.LOST, RESTORED))
            return
        if isinstance(probe, Absent) and not cancelled:
            await self._run(begin)
            return
        self._follow(begin, attempt)
        if cancelled:
            await self._end(begin.task, begin.step, begin.attempt)
        await self._await(begin, attempt)

    async def _await(self, begin: Begin, attempt: Attempt) -> None:
        """See an attempt off when nobody holds it any more: its supervisor may be one of a server before this one."""
        handle = await self._threaded(attempt.pidfd)
        if handle is not None:
            await self._readable(begin, handle)
        await self._see_off(begin, attempt)

    def _follow(self, begin: Begin, attempt: Attempt) -> None:
        files = AttemptFiles(attempt.output, attempt.times, CAP)
        self._logs.follow(begin.task, begin.step, files, begin.log_base)

    async def _end(self, task: str, step: str, attempt: int) -> None:
        """End an attempt, also where its folder was deleted and only the process tells that it is there."""
        try:
            await self._threaded(self._attempt(task, step, attempt).cancel)
        finally:
            handle = self._supervisors.get((task, step, attempt))
            if handle is not None:
                terminate(handle)

    async def _see_off(self, begin: Begin, attempt: Attempt) -> None:
        """An attempt is over: read its log to the end, and write how it ended."""
        token = self._secrets.step_token(begin.task, begin.step, begin.attempt)
        hidden = [*self._values(begin.secrets).values(), token]
        outcome = await self._threaded(lambda: outcome_of(attempt, hidden))
        outcome = outcome._replace(reason=outcome.reason.replace(f"{self._work(begin)}", "…"))  # the room may read it
        end: LogEnd | None = None
        try:
            async with asyncio.timeout(LOG_PATIENCE):
                end = await self._logs.finish(begin.task, begin.step)
        except TimeoutError:
            log.info("the log of %s/%s is long; it is read to its end later", begin.task, begin.step)
        except LivewallError as error:
            log.warning("the log of %s/%s is read later: %s", begin.task, begin.step, error)
        await self._ended(begin, outcome, end)
        whole = end is not None and end.bytes >= begin.log_base + outcome.size
        await self._threaded(lambda: _clear(attempt, whole=whole))

    async def _ended(self, begin: Begin, outcome: Outcome, end: LogEnd | None = None) -> None:
        """Write how an attempt ended and how far its log goes: after a crash between the two nobody would tell it."""
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[Any, ToDo]:
            if end is not None:
                rows.log_moved(tx, begin.task, begin.step, end)
            return (), self._engine.ended(tx, begin.task, begin.step, begin.attempt, outcome, now)

        await self._surely(write)

    async def _readable(self, begin: Begin, handle: int) -> None:
        """Until the supervisor behind a pidfd ended; closes it. The process is not reaped here."""
        over, key = asyncio.Event(), (begin.task, begin.step, begin.attempt)
        self._loop.add_reader(handle, over.set)
        self._supervisors[key] = handle
        try:
            await over.wait()
        finally:
            self._supervisors.pop(key, None)
            self._loop.remove_reader(handle)
            os.close(handle)

    def _work(self, begin: Begin) -> Path:
        """The working folder of a task and of its retries."""
        return self._folder / begin.root / "work"

    def _values(self, names: tuple[str, ...]) -> dict[str, str]:
        """The secrets of a pipeline, from the server's environment."""
        return {name: self._environment[name] for name in names if name in self._environment}

    def _spec(self, begin: Begin, attempt: Attempt) -> Spec:
        """What the supervisor is told. Raises LivewallError where a secret is not to be had."""
        values = self._values(begin.secrets)
        missing = [name for name in begin.secrets if name not in values]
        if missing:
            raise LivewallError("invalid", f"the server's environment has no {', '.join(missing)}")
        for name, value in values.items():  # the task may be older than the pipeline's last check
            if why := refusal(value):
                raise LivewallError("invalid", f"the value of {name} in the server's environment {why}")
        token = self._secrets.step_token(begin.task, begin.step, begin.attempt)
        return Spec(
            argv=list(begin.run.argv),
            cwd=str(self._work(begin) / (begin.run.cwd or "")),
            env={name: self._environment[name] for name in PASSED_ON if name in self._environment}
            | dict(begin.run.env)
            | values
            | {"LIVEWALL_OUTPUT": str(attempt.values_file), "LIVEWALL_URL": self._url, "LIVEWALL_TOKEN": token},
            program=begin.run.program,
            folder=begin.run.folder,
            umask=self._umask,
            secrets=[*values.values(), token],
            timeout=begin.timeout,
            grace=GRACE,
            cap=CAP,
        )


class _Secrets(msgspec.Struct):
    """What is looked at of a definition for every report."""

    secrets: tuple[str, ...] = ()




def _let_go(coming: asyncio.Future[subprocess.Popen[bytes]]) -> None:
    """Nobody is to be warned of a process that outlives us: it is found again."""
    if not coming.cancelled() and coming.exception() is None:
        coming.result().returncode = 0


def _started(attempt: Attempt, spec: Spec, work: Path, inherits: bool) -> subprocess.Popen[bytes]:
    """Blocking: the working folder, which the first step makes, and the supervisor. Raises Refused where the folder
    should have what earlier steps left in it and is gone: an empty one in its place could be uploaded."""
    if inherits and not work.is_dir():
        raise Refused("conflict", "the task's working folder was deleted, and with it what earlier steps left there")
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    return attempt.start(spec)


def _clear(attempt: Attempt, *, whole: bool) -> None:
    """Blocking: what nobody needs of an attempt whose end is written. Outputs may be secrets; a log that was read as a
    whole stands in the logs' database."""
    for path in (attempt.values_file, *((attempt.output, attempt.times) if whole else ())):
        with suppress(OSError):
            path.unlink()
