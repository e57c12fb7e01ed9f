"""What is told about one task, and the thread that tells it: in order, repeated over lost connections, never in the way
of the work. Programs use `livewall.client.tasks`; this knows neither `with` nor child processes."""

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

BATCH_SECONDS = 0.25  # seconds, at least, between two rounds, in which reports become one
RENEW_SECONDS = 3.0  # seconds, at most, between two reports of a step that runs: a cancel is heard of in their answers
MAX_PAUSE = 2.0  # seconds, at most, between two tries
STEP_SECONDS = 0.2  # seconds for the log of one step, before the others have theirs


class Reports:
    """One task. Every method but `_…` may be called from any thread, and returns at once; `close` waits.

    `on_cancel` is called once, `on_refusal` when the server says no to the task as a whole, both from the thread.
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
        """Steps that somebody reported on before us, under the same id."""
        self._steps: dict[str, StepReports] = {}
        self._last_step = str(steps[0]["name"]) if steps else ""
        """The step that was told of last: through it the lease is renewed between two steps."""
        self._renew_at = 0.0
        self._problem = f"there was no time to reach {server.url}"
        self._lock = RLock()  # a finalizer may log while we hold it
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Event
        self._closing_soon: asyncio.Event
        self._limit: asyncio.Timeout
        self._woken_up = False
        self._deadline: float | None = None
        """The monotonic time at which all ends."""
        self._thread = Thread(target=lambda: asyncio.run(self._run()), name="livewall reports", daemon=True)

    @property
    def thread(self) -> int | None:
        return self._thread.ident

    def start(self) -> None:
        self._thread.start()

    # What the work says.

    def begin(self, step: str) -> None:
        with self._lock:
            self._steps[step] = StepReports(step)
        self._wake()

    def report(self, step: str, *, progress: float | None = None, message: str | None = None) -> None:
        with self._lock:
            self._steps[step].update(None, progress, message)
        self._wake()

    def end(self, step: str, state: str, message: str | None = None) -> None:
        """The end of a step, or of one that never began."""
        with self._lock:
            if step not in self._steps:
                self._steps[step] = StepReports(step, began=False)
            self._steps[step].update(state, None, message)
        self._wake()

    def log(self, step: str, data: bytes) -> None:
        """Nothing is taken for a step that has ended."""
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
        """Wait until all is told, at most so long; then nothing more is. Answers in words what was not."""
        self._set_deadline(time.monotonic() + seconds)
        self._thread.join()
        return self._unreported()

    def give_up(self) -> None:
        """Let `close` return at once; also from a signal's thread."""
        self._set_deadline(time.monotonic())

    # The thread.

    def _set_deadline(self, when: float) -> None:
        with self._lock:
            self._deadline = when if self._deadline is None else min(when, self._deadline)
        self._on_loop(self._set_limit)

    def _set_limit(self) -> None:
        assert self._deadline is not None and self._loop is not None
        with suppress(RuntimeError):  # it has expired
            self._limit.reschedule(self._loop.time() + self._deadline - time.monotonic())
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
        """Tell what waits now; true when there is more that should not wait. Raises NotReached; Refusal of the task
        itself, or one that will pass."""
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
                if step.began or problem.status != 409:  # one that never began may have been skipped by the server
                    step.refusal = problem
                if step.end is not None:  # it has another end already, or nobody may say this one
                    step.finish()
        if not steps and self._last_step and self._renew_at <= time.monotonic():
            await self._renew_task()
        return more

    async def _renew_task(self) -> None:
        """Between two steps: without a word the server would take the task for lost."""
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
            raise Refusal(200, "internal", f"{self._server.url} answered something that is no task") from None
        if ended:
            raise Refusal(409, "conflict", f"the task {self.task_id} has ended before; choose another id")
        self._created = True

    async def _send_step(self, step: StepReports) -> bool:
        """Its beginning, its log as far as it is there, what it said, its end: in this order. True when its log is so
        much that the rest comes in its next turn."""
        if not step.begin_sent:
            try:
                await self._put(step, {"state": "running", "lease": self._lease})
            except Refusal as problem:
                if is_temporary(problem):
                    raise
                step.refusal = problem  # its log and its end may be taken all the same
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
                step.offset = end  # the server has lost what it had: it goes on where it can
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
                lines.append(f"{step.name}: {left_out} bytes in the middle of its log were too much to keep")
        return lines


async def wait_until(event: asyncio.Event, when: float) -> None:
    """Return when `event` is set, at the latest at the monotonic time `when`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(None if when == math.inf else max(0.0, when - time.monotonic())):
            await event.wait()


def is_temporary(problem: Refusal) -> bool:
    """Whether the server may take the same later."""
    return problem.retryable or problem.status >= 500
