"""Reports one task from a thread: in order, repeated after lost connections, and without delaying the work.

Programs use `livewall.client.tasks`; this module knows neither context managers nor child processes.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import RLock, Thread
from typing import Any

from livewall.client.calls import ClientError, NotReached, Refusal, Server, segment
from livewall.client.logs import PART_BYTES, append, end_of
from livewall.client.spool import Spool
from livewall.client.steps import StepReports

BATCH_SECONDS = 0.25  # seconds, at least, between two rounds; reports in between are combined
RENEW_SECONDS = 3.0  # seconds, at most, between two reports of a running step, whose answers tell of a cancel
MAX_PAUSE = 2.0  # seconds, at most, between two attempts
STEP_SECONDS = 0.2  # seconds for the log of one step, before it is another one's turn


class Reports:
    """The reports of one task. Public methods may be called from any thread and return at once, except `close`.

    `on_cancel` is called once when the task is cancelled, and `on_refusal` if the server refuses the task as a whole,
    both from the thread.
    """

    def __init__(
        self,
        server: Server,
        task_id: str,
        title: str,
        steps: Sequence[Mapping[str, Any]],
        *,
        lease: float,
        new_spool: Callable[[], Spool],
        on_cancel: Callable[[], None] = lambda: None,
        on_refusal: Callable[[Refusal], None] = lambda problem: None,
    ) -> None:
        self.task_id = task_id
        self.cancelled = False
        self.refusal: Refusal | None = None
        self._server = server
        self._body = {"id": task_id, "title": title, "steps": [dict(step) for step in steps]}
        self._lease = lease
        self._renew = min(RENEW_SECONDS, lease / 3)
        self._new_spool = new_spool
        self._on_cancel = on_cancel
        self._on_refusal = on_refusal
        self._created = False
        self._begun_before: set[str] = set()
        """Steps that an earlier process has reported under the same id."""
        self._steps: dict[str, StepReports] = {}
        self._last_step = str(steps[0]["name"]) if steps else ""
        """The step that was reported last. Its reports renew the lease between two steps."""
        self._renew_at = 0.0
        self._problem = f"there was no time to reach {server.url}"
        self._lock = RLock()  # reentrant, because a finalizer may log while the lock is held
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Event
        self._closing_soon: asyncio.Event
        self._limit: asyncio.Timeout
        self._woken_up = False
        self._deadline: float | None = None
        """The monotonic time at which reporting ends; None before `close`."""
        self._thread = Thread(target=lambda: asyncio.run(self._run()), name="livewall reports", daemon=True)

    @property
    def thread(self) -> int | None:
        return self._thread.ident

    def start(self) -> None:
        self._thread.start()

    # -- called by the work

    def begin(self, step: str) -> None:
        with self._lock:
            self._steps[step] = StepReports(step)
        self._wake()

    def report(self, step: str, *, progress: float | None = None, message: str | None = None) -> None:
        with self._lock:
            self._steps[step].update(None, progress, message)
        self._wake()

    def end(self, step: str, state: str, message: str | None = None) -> None:
        """Report the end of a step, also of one that never began."""
        with self._lock:
            if step not in self._steps:
                self._steps[step] = StepReports(step, began=False)
            self._steps[step].update(state, None, message)
        self._wake()

    def log(self, step: str, data: bytes) -> None:
        """Append to the log of a step. Data for a step that has ended is dropped."""
        reports = self._steps[step]
        with self._lock:
            if reports.end is not None or not reports.log_accepted or self.refusal is not None:
                return
            if reports.spool is None:
                reports.spool = self._new_spool()
            spool = reports.spool
        spool.write(data)
        self._wake()

    def close(self, seconds: float) -> list[str]:
        """Wait until everything is reported, at most `seconds`; return a line for each thing that was not."""
        self._set_deadline(time.monotonic() + seconds)
        self._thread.join()
        return self._unreported()

    def give_up(self) -> None:
        """Make `close` return at once. It may be called from a signal handler's thread."""
        self._set_deadline(time.monotonic())

    # -- in the thread

    def _set_deadline(self, when: float) -> None:
        with self._lock:
            self._deadline = when if self._deadline is None else min(when, self._deadline)
        self._on_loop(self._set_limit)

    def _set_limit(self) -> None:
        assert self._deadline is not None
        # The running loop: the last report may have been sent since this was asked for.
        now = asyncio.get_running_loop().time()
        with suppress(RuntimeError):  # it has expired, or is over
            self._limit.reschedule(now + self._deadline - time.monotonic())
        self._woken.set()
        self._closing_soon.set()

    def _wake(self) -> None:
        if not self._woken_up:
            self._woken_up = True
            self._on_loop(lambda: self._woken.set())

    def _on_loop(self, callback: Callable[[], None]) -> None:
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(callback)

    async def _run(self) -> None:
        self._woken, self._closing_soon = asyncio.Event(), asyncio.Event()
        try:
            async with asyncio.timeout(None) as self._limit:
                with self._lock:
                    self._loop = asyncio.get_running_loop()
                if self._deadline is not None:
                    self._set_limit()
                await self._report_until_done()
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._loop = None

    async def _report_until_done(self) -> None:
        pause = BATCH_SECONDS
        while True:
            self._woken_up = False
            self._woken.clear()
            started = time.monotonic()
            try:
                more = await self._send_pending()
                pause = BATCH_SECONDS
            except (NotReached, Refusal) as problem:
                if isinstance(problem, Refusal) and not is_temporary(problem):
                    self.refusal = problem
                    self._on_refusal(problem)
                    return
                self._problem = str(problem).rstrip(".")
                hint = problem.retry_after if isinstance(problem, Refusal) else None
                await asyncio.sleep((hint or pause) * random.uniform(0.8, 1.2))
                pause = min(pause * 2, MAX_PAUSE)
                continue
            if more:
                continue
            if self._deadline is not None and not self._unsent_steps():
                return
            await self._wait_until_due()
            await wait_until(self._closing_soon, started + BATCH_SECONDS)

    def _unsent_steps(self) -> list[StepReports]:
        with self._lock:
            return [step for step in self._steps.values() if step.unsent]

    async def _wait_until_due(self) -> None:
        with self._lock:
            due = min((step.renew_at for step in self._steps.values()), default=math.inf)
        await wait_until(self._woken, self._renew_at if due == math.inf and self._last_step else due)

    async def _send_pending(self) -> bool:
        """Send what waits; return whether there is more to send at once.

        Raises NotReached, and Refusal if it concerns the task itself or is temporary.
        """
        if not self._created:
            await self._create()
        with self._lock:
            steps = [s for s in self._steps.values() if s.unsent or s.renew_at <= time.monotonic()]
        steps.sort(key=lambda step: step.renew_at)
        more = False
        for step in steps:
            try:
                more = await self._send_step(step) or more
            except Refusal as problem:
                if is_temporary(problem):
                    raise
                if step.began or problem.status != 409:  # the server may have skipped a step that never began
                    step.refusal = problem
                if step.end is not None:  # it has ended otherwise already, or may not be reported
                    step.finish()
        if not steps and self._last_step and self._renew_at <= time.monotonic():
            await self._renew_task()
        return more

    async def _renew_task(self) -> None:
        """Renew the lease of the task between two steps, so that the server does not mark it lost."""
        try:
            path = f"/api/tasks/{segment(self.task_id)}/steps/{segment(self._last_step)}"
            self._handle_answer(await self._server.put(path, {"lease": self._lease}))
        except Refusal as problem:
            if is_temporary(problem):
                raise
        finally:
            self._renew_at = time.monotonic() + self._renew

    async def _create(self) -> None:
        task = await self._server.post("/api/tasks", self._body, repeat=True)
        try:
            self._begun_before = {step["name"] for step in task["steps"] if step["state"] != "pending"}
            ended = task["ended_at"] is not None
        except (KeyError, TypeError):
            raise Refusal(200, "internal", f"{self._server.url} answered something that is not a task") from None
        if ended:
            raise Refusal(409, "conflict", f"the task {self.task_id} has already ended; choose another id")
        self._created = True

    async def _send_step(self, step: StepReports) -> bool:
        """Send the beginning of a step, its log, its newest report, and its end, in this order.

        Return whether its log is so long that the rest has to wait for the next turn.
        """
        if not step.begin_sent:
            try:
                await self._put(step, {"state": "running", "lease": self._lease})
            except Refusal as problem:
                if is_temporary(problem):
                    raise
                step.refusal = problem  # its log and its end may be accepted all the same
            step.begin_sent = True
        more, end = False, step.end
        turn_ends = time.monotonic() + min(STEP_SECONDS, self._renew / 2)
        while step.spool is not None and (data := step.spool.peek(PART_BYTES)):
            if time.monotonic() > turn_ends:
                more, end = True, None
                break
            await self._send_log(step, step.spool, data)
        if end is not None:
            await self._put(step, {"state": end})
            step.refusal = step.refusal if not step.log_accepted else None
            step.finish()
        elif step.fields or step.renew_at <= time.monotonic():
            await self._put(step, {"lease": self._lease})
        return more

    async def _put(self, step: StepReports, extra: dict[str, Any]) -> None:
        with self._lock:
            fields = step.fields
            if step.end in (None, extra.get("state")):
                step.fields = {}
            else:
                fields = {}  # the message belongs to the end, and is sent with it
        try:
            answer = await self._server.put(
                f"/api/tasks/{segment(self.task_id)}/steps/{segment(step.name)}", {**fields, **extra}
            )
        except ClientError as problem:
            if not isinstance(problem, Refusal) or is_temporary(problem):
                with self._lock:
                    step.fields = {**fields, **step.fields}
            raise
        finally:
            self._last_step = step.name
            step.renew_at = self._renew_at = time.monotonic() + self._renew
        self._handle_answer(answer)

    async def _send_log(self, step: StepReports, spool: Spool, data: bytes) -> None:
        if not step.log_accepted:
            spool.drop(len(data))
            return
        try:
            if step.offset is None:
                step.offset = 0
                if step.name in self._begun_before:
                    step.offset = int((await append(self._server, self.task_id, step.name, b"", None))["bytes"])
            answer = await append(self._server, self.task_id, step.name, data, step.offset)
        except Refusal as problem:
            if is_temporary(problem):
                raise
            if (end := end_of(problem)) is not None:
                step.offset = end  # the server was restored and has less: continue at its end
                return
            step.log_accepted, step.refusal = False, problem
            return
        step.offset = answer["bytes"]
        spool.drop(len(data))
        self._handle_answer(answer)

    def _handle_answer(self, answer: Any) -> None:
        if isinstance(answer, dict) and answer.get("cancel") and not self.cancelled:
            self.cancelled = True
            self._on_cancel()

    def _unreported(self) -> list[str]:
        if self.refusal is not None:
            return [f"the task was refused: {self.refusal.message} ({self.refusal.code})"]
        lines = []
        if not self._created:
            lines.append(f"the task as a whole: {self._problem}")
        for step in self._steps.values():
            if step.refusal is not None:
                lines.append(f"{step.name}: refused: {step.refusal.message} ({step.refusal.code})")
            elif self._created and step.unsent:
                parts = [f"{step.unsent_log_bytes} bytes of its log"] if step.unsent_log_bytes else []
                parts += [f"its end ({step.end})"] if step.end else []
                lines.append(f"{step.name}: {' and '.join(parts) or 'its last report'}: {self._problem}")
            if left_out := step.spool.left_out if step.spool is not None else step.left_out:
                lines.append(f"{step.name}: {left_out} bytes in the middle of its log could not be kept")
        return lines


async def wait_until(event: asyncio.Event, when: float) -> None:
    """Return when `event` is set, at the latest at the monotonic time `when`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(None if when == math.inf else max(0.0, when - time.monotonic())):
            await event.wait()


def is_temporary(problem: Refusal) -> bool:
    """Return whether the server may accept the same request later."""
    return problem.retryable or problem.status >= 500
