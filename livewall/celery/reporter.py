"""Reports charts of Celery tasks to a Livewall server.

Only how a chart looks now is compared with what the server has acknowledged, so nothing piles up while the server is
away, and every attempt is told when it is back. Repeating a call is harmless.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import msgspec

from livewall.celery.charts import Chart
from livewall.celery.steps import Shown, Step, is_final, reports, shown
from livewall.client.calls import NotReached, Refusal, Server, segment
from livewall.client.logs import append, end_of
from livewall.client.reporting import is_temporary
from livewall.tasks.machine import ENDED, UNDER_WAY, StepState

SENDERS = 8
"""How many charts are reported at once."""
RENEW_SECONDS = 3.0
LEASE_SECONDS = 30.0
RENEWALS = 50
"""The most renewals of leases in a second. With more open tasks, leases are longer and cancels are seen later."""
MAX_PAUSE = 5.0


class Reported(msgspec.Struct):
    """A chart that is reported, and what the server has acknowledged of it."""

    chart: Chart
    title: str
    steps: list[Step]
    created: bool = False
    looks: dict[str, Shown] = {}
    logged: set[str] = set()
    log_ends: dict[str, int] = {}
    cancelled: bool = False
    repeated: bool = False

    def repeat(self) -> None:
        """Report everything again, to a server that knows nothing of it. Done once."""
        self.created, self.repeated = False, True
        self.looks, self.logged, self.log_ends = {}, set(), {}

    @property
    def ended(self) -> bool:
        """Whether the server knows how all its steps ended."""
        return len(self.looks) == len(self.steps) and all(look.state in ENDED for look in self.looks.values())

    @property
    def lost(self) -> bool:
        """Whether it has ended, but some of its steps may still be heard of."""
        return any(look.state is StepState.LOST for look in self.looks.values())


class Reporter:
    """Sends charts in the background. `on_cancel` is called once for a chart that somebody asks to cancel.

    `on_ended` is called when the server knows the end of a chart or refuses it, and `on_refusal` if it refuses this
    reporter as a whole.
    """

    def __init__(
        self,
        server: Server,
        *,
        on_cancel: Callable[[Reported], None],
        on_ended: Callable[[Reported], None],
        on_refusal: Callable[[Refusal], None],
        say: Callable[[str], None],
    ) -> None:
        self._server = server
        self._on_cancel, self._on_ended, self._on_refusal, self._say = on_cancel, on_ended, on_refusal, say
        self._waiting: dict[str, Reported] = {}
        self._busy: set[str] = set()
        self._wake = asyncio.Condition()
        self._renew_at: dict[str, tuple[float, Reported]] = {}
        self._away = False

    async def run(self) -> None:
        """Send until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(self._send_all())
            group.create_task(self._renew_all())

    def changed(self, reported: Reported) -> None:
        """Have a chart compared and sent soon."""
        self._waiting[reported.chart.id] = reported
        self._renew_at.setdefault(reported.chart.id, (0.0, reported))
        asyncio.ensure_future(self._notify())  # noqa: RUF006 - it ends at once

    def forget(self, reported: Reported) -> None:
        self._waiting.pop(reported.chart.id, None)
        self._renew_at.pop(reported.chart.id, None)

    async def flush(self) -> None:
        """Wait until everything is sent."""
        async with self._wake:
            await self._wake.wait_for(lambda: not self._waiting and not self._busy)

    @property
    def renew_seconds(self) -> float:
        return max(RENEW_SECONDS, len(self._renew_at) / RENEWALS)

    @property
    def lease(self) -> float:
        return max(LEASE_SECONDS, 4 * self.renew_seconds)

    async def _notify(self) -> None:
        async with self._wake:
            self._wake.notify_all()

    async def _send_all(self) -> None:
        pause = 0.2
        while True:
            async with self._wake:
                await self._wake.wait_for(lambda: self._waiting.keys() - self._busy)
                id = next(id for id in self._waiting if id not in self._busy)
                reported = self._waiting.pop(id)
                self._busy.add(id)
            try:
                await self._send(reported)
                pause, self._away = 0.2, False
            except (NotReached, Refusal) as problem:
                if isinstance(problem, Refusal) and not is_temporary(problem):
                    self._refused(reported, problem)
                else:
                    self._waiting.setdefault(id, reported)
                    if not self._away:
                        self._away = True
                        self._say(f"{str(problem).rstrip('.')}; reports wait and are sent later")
                    hint = problem.retry_after if isinstance(problem, Refusal) else None
                    await asyncio.sleep((hint or pause) * random.uniform(0.8, 1.2))
                    pause = min(2 * pause, MAX_PAUSE)
            finally:
                self._busy.discard(id)
                await self._notify()

    def _refused(self, reported: Reported, problem: Refusal) -> None:
        if problem.status in (401, 403):
            self._on_refusal(problem)
            return
        if problem.status == 404 and reported.created and not reported.repeated:
            reported.repeat()  # the server was restored from a backup that does not have it
            self.changed(reported)
            return
        self._say(f"the task {reported.chart.id} is not reported: {problem.message} ({problem.code})")
        self.forget(reported)
        self._on_ended(reported)

    async def _send(self, reported: Reported) -> None:
        if not reported.created:
            body = {
                "id": reported.chart.id,
                "title": reported.title,
                "steps": [{"name": step.name, "needs": step.needs} for step in reported.steps],
            }
            await self._server.post("/api/tasks", body, repeat=True)
            reported.created = True
        looks = shown(reported.chart, reported.steps)
        for step in reported.steps:
            await self._send_step(reported, step, looks[step.name])
        if reported.ended:
            self.forget(reported)
            self._on_ended(reported)

    async def _send_step(self, reported: Reported, step: Step, look: Shown) -> None:
        before = reported.looks.get(step.name)
        for fields in reports(before, look):
            state = StepState(fields["state"]) if "state" in fields else None
            if (state or look.state) in UNDER_WAY:
                fields["lease"] = self.lease
            if state in ENDED:
                await self._send_log(reported, step)  # whoever sees the end finds all of the log
            await self._put(reported, step.name, fields)
            if state is not None:
                last = reported.looks.get(step.name) or Shown(StepState.PENDING, 0, None, "")
                begun = last.begun + (state is StepState.RUNNING)
                reported.looks[step.name] = Shown(state, begun, last.progress, last.message)
        await self._send_log(reported, step)
        if before is None or not is_final(before):
            reported.looks[step.name] = look

    async def _put(self, reported: Reported, step: str, fields: dict[str, Any]) -> None:
        path = f"/api/tasks/{segment(reported.chart.id)}/steps/{segment(step)}"
        try:
            answer = await self._server.put(path, fields)
        except Refusal as problem:
            if problem.status != 409:  # 409: the step has ended otherwise, as by a cancel
                raise
            return
        self._renew_at[reported.chart.id] = (time.monotonic() + self.renew_seconds, reported)
        if isinstance(answer, dict) and answer.get("cancel") and not reported.cancelled:
            reported.cancelled = True
            self._on_cancel(reported)

    async def _send_log(self, reported: Reported, step: Step) -> None:
        """Append the tracebacks of attempts that failed, each once."""
        for id in step.members:
            task = reported.chart.tasks.get(id)
            if task is None:
                continue
            moments = [*sorted(task.retries.values()), *([task.end] if task.end else [])]
            for moment in moments:
                key = f"{id}/{moment.kind}/{moment.at!r}"
                if not moment.text or key in reported.logged:
                    continue
                data = moment.text.rstrip("\n").encode("utf-8", "replace") + b"\n"
                offset = reported.log_ends.get(step.name, 0)
                try:
                    answer = await append(self._server, reported.chart.id, step.name, data, offset)
                    reported.log_ends[step.name] = answer["bytes"]
                except Refusal as problem:
                    if (end := end_of(problem)) is None:
                        raise
                    reported.log_ends[step.name] = end  # the server was restored and has less
                reported.logged.add(key)

    async def _renew_all(self) -> None:
        """Renew the leases of what is open. The answers tell of a cancel."""
        while True:
            await asyncio.sleep(0.2)
            now = time.monotonic()
            due = [reported for at, reported in self._renew_at.values() if at <= now]
            for reported in due[: max(1, RENEWALS // 5)]:
                if not reported.created or reported.chart.id in self._busy or reported.chart.id in self._waiting:
                    continue
                try:
                    await self._renew(reported)
                except (NotReached, Refusal) as problem:
                    if isinstance(problem, Refusal) and not is_temporary(problem):
                        self._refused(reported, problem)
                    break

    async def _renew(self, reported: Reported) -> None:
        looks = reported.looks
        running = [step.name for step in reported.steps if looks.get(step.name, _PENDING).state in UNDER_WAY]
        pending = [step.name for step in reported.steps if looks.get(step.name, _PENDING).state is StepState.PENDING]
        self._renew_at[reported.chart.id] = (time.monotonic() + self.renew_seconds, reported)
        for name in running or pending[:1]:
            await self._put(reported, name, {"lease": self.lease})


_PENDING = Shown(StepState.PENDING, 0, None, "")
