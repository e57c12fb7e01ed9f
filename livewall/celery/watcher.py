"""Watches a Celery app: from the events of its broker to tasks of a Livewall server."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from livewall.atomic_file import write_whole
from livewall.celery.broker import BrokerEvents, Control, Event
from livewall.celery.canvas import EVENT
from livewall.celery.charts import CeleryTask, Chart, Charts
from livewall.celery.reporter import Reported, Reporter
from livewall.celery.steps import steps, task_id, title
from livewall.celery.workers import Workers
from livewall.client.calls import Refusal, Server
from livewall.tasks.machine import ENDED, UNDER_WAY, StepState

TICK_SECONDS = 0.1
SETTLE_SECONDS = 0.4
CANVAS_SETTLE_SECONDS = 1.0
"""Seconds without new tasks after which a chart is reported, one task alone and a canvas, whose tasks are sent one
after the other. The steps stay the same from then on."""
NAMELESS_SECONDS = 30.0
"""Seconds after which a task is given up whose name no event has told."""
SAVE_PART = 20.0
"""How many times as long as it takes to store the state passes before it is stored again."""
LOST_SECONDS = 3600.0
"""Seconds for which the end of a lost task may still be heard."""
MAX_DONE = 200_000
"""The number of ended tasks whose late events are recognized."""
FLUSH_SECONDS = 5.0
T = TypeVar("T")


class Busy(Exception):
    """Another watcher uses the same file."""


class Choice:
    """Which tasks are shown: those whose name fits one of `only`, if there are any, and none of `skip`."""

    def __init__(self, only: Sequence[str], skip: Sequence[str]) -> None:
        self._only, self._skip = only, skip

    def shows(self, chart: Chart) -> bool:
        return any(self._fits(task.name) for task in chart.tasks.values())

    def _fits(self, name: str) -> bool:
        if any(fnmatchcase(name, pattern) for pattern in self._skip):
            return False
        return not self._only or any(fnmatchcase(name, pattern) for pattern in self._only)


class StateFile:
    """What a watcher that is started again has to know: the open charts. Held by one watcher at a time."""

    def __init__(self, path: Path) -> None:
        """Raises Busy, and OSError."""
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise Busy(f"another watcher uses {path}; give this one a file of its own with --state") from None

    def load(self) -> list[Reported]:
        """Return the charts of the watcher before. A file that cannot be read is as none."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[Reported])
        except (FileNotFoundError, msgspec.DecodeError, msgspec.ValidationError):
            return []

    def save(self, data: bytes) -> None:
        write_whole(self._path, data)

    def close(self) -> None:
        os.close(self._lock)


class Watcher:
    """Follows the tasks of one broker. `run` ends after SIGTERM or SIGINT, or with Refusal."""

    def __init__(
        self,
        app: Any,
        server: Server,
        state: StateFile,
        choice: Choice,
        *,
        terminate: bool,
        say: Callable[[str], None],
    ) -> None:
        self._control = Control(app)
        self._state = state
        self._choice = choice
        self._terminate = terminate
        self._say = say
        self._reported = {reported.chart.id: reported for reported in state.load()}
        self._charts = Charts(reported.chart for reported in self._reported.values())
        self._workers = Workers()
        self._unsettled: dict[int, tuple[float, float, Chart]] = {}
        """Charts that are not reported yet: since when, since when they are unchanged, and which."""
        self._lost_since: dict[str, float] = {}
        self._done: OrderedDict[str, None] = OrderedDict()
        self._connected = False
        self._unsaved = False
        self._save_at = 0.0
        self._unsaved_canvases: list[Reported] = []
        self._refusal: Refusal | None = None
        self._ended = asyncio.Event()
        self._threads = ThreadPoolExecutor(2, "livewall celery")
        self._loop = asyncio.get_running_loop()
        self._background: set[asyncio.Task[None]] = set()
        self._checked: set[str] = set()
        """Workers that are being looked for."""
        self._reporter = Reporter(
            server, on_cancel=self._cancel, on_ended=self._chart_ended, on_refusal=self._refused, say=say
        )
        self._events = BrokerEvents(
            app,
            deliver=lambda batch: self._on_loop(lambda: self._take(batch)),
            connected=lambda: self._on_loop(self._on_connected),
            lost=lambda why: self._on_loop(lambda: self._on_lost(why)),
        )

    def _on_loop(self, call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(call)

    async def run(self) -> None:
        """Watch until a signal. Raises Refusal if the server refuses this reporter."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._ended.set)
        sending = asyncio.create_task(self._reporter.run())
        self._events.start()
        for reported in self._reported.values():
            self._reporter.changed(reported)
        try:
            while not self._ended.is_set() and not sending.done():
                await self._tick()
                with suppress(TimeoutError):
                    async with asyncio.timeout(TICK_SECONDS):
                        await self._ended.wait()
            if self._refusal is not None:
                raise self._refusal
            if sending.done():
                sending.result()
            with suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_SECONDS):
                    await self._reporter.flush()
        finally:
            self._events.close()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            self._state.save(self._encoded())
            self._state.close()
            self._threads.shutdown(wait=False, cancel_futures=True)

    # -- events, on the loop

    def _take(self, batch: list[Event]) -> None:
        now = time.monotonic()
        for event in batch:
            kind, host = str(event.get("type")), event.get("hostname")
            if kind.startswith("worker-") and isinstance(host, str):
                interval = event.get("freq")
                self._workers.hear(host, now, interval if isinstance(interval, int | float) else None)
                if kind == "worker-online":
                    self._spawn(self._control.enable_events)
                continue
            if isinstance(host, str) and kind.startswith("task-") and kind != "task-sent":  # which the app sends
                self._workers.hear(host, now)
            if not self._is_done(event):
                self._charts.apply(event)

    def _is_done(self, event: Event) -> bool:
        """Return whether an event is about a task that has ended for us; it may come late, or a second time."""
        if event.get("type") == EVENT:
            match event.get("tasks"):
                case [[str() as id, *_], *_]:
                    return id in self._done
        uuid = event.get("uuid")
        return isinstance(uuid, str) and uuid in self._done

    def _on_connected(self) -> None:
        self._say("connected to the broker")
        self._connected = True
        self._workers.expect_all(time.monotonic())
        self._spawn(self._control.enable_events)
        self._start(self._ask([task.id for task in self._open_tasks()]))

    def _on_lost(self, why: str) -> None:
        if self._connected:
            self._say(f"the connection to the broker was lost ({why}); trying again")
        else:
            self._say(f"the broker cannot be reached ({why}); trying again")
        self._connected = False

    def _open_tasks(self) -> list[CeleryTask]:
        return [task for chart in self._charts for task in chart.tasks.values() if task.end is None]

    # -- asking

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _spawn(self, call: Callable[[], object]) -> None:
        """Make a call that may block, and may fail: the next one says more."""

        async def work() -> None:
            with suppress(Exception):
                await self._in_thread(call)

        self._start(work())

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._threads, call)

    async def _ask(self, ids: list[str]) -> None:
        """Ask the result backend about tasks. A failure is said; the next connection asks again."""
        try:
            found = await self._in_thread(lambda: list(self._control.ask_backend(ids)))
        except Exception as error:
            self._say(f"the result backend cannot be asked ({type(error).__name__})")
            return
        for event in found:
            task = self._charts.task(event["uuid"])
            if task is not None and not (event["type"] == "task-started" and task.state in UNDER_WAY):
                self._charts.apply(event)

    async def _look_for(self, worker: str) -> None:
        """Find out whether a silent worker is gone. If so, the tasks are lost that it ran."""
        begun = time.monotonic()
        try:
            try:
                answers = await self._in_thread(lambda: self._control.answers(worker))
            except Exception:
                answers = not self._connected
            if answers or not self._connected:
                self._workers.hear(worker, time.monotonic())
            if self._workers.heard_since(worker, begun):
                return
            self._workers.forget(worker)
            running = [task.id for task in self._open_tasks() if task.worker[1] == worker and _runs(task)]
            await self._ask(running)
            for id in running:
                task = self._charts.task(id)
                if task is not None and _runs(task):
                    self._charts.lose(task, f"its worker {worker} is not heard any more")
        finally:
            self._checked.discard(worker)

    # -- what follows

    async def _tick(self) -> None:
        now = time.monotonic()
        changed, restructured = self._charts.take_changed()
        for chart in changed:
            for task in chart.tasks.values():
                if task.worker[1] and _runs(task):
                    self._workers.expect(task.worker[1], now)
            if chart.id:
                self._unsaved = True
                if reported := self._reported.get(chart.id):
                    self._reporter.changed(reported)
        for chart in restructured:
            if not chart.id:
                since = self._unsettled.get(id(chart), (now, now, chart))[0]
                self._unsettled[id(chart)] = (since, now, chart)
        for reported in self._claim(now):
            self._unsaved = True
            if reported.chart.is_canvas:
                self._unsaved_canvases.append(reported)
            else:
                self._reporter.changed(reported)
        if self._unsaved and now >= self._save_at:
            await self._save()
        if self._connected:
            for worker in self._workers.silent(now):
                if worker not in self._checked:
                    self._checked.add(worker)
                    self._start(self._look_for(worker))
        for chart_id in [each for each, since in self._lost_since.items() if now - since > LOST_SECONDS]:
            self._forget(self._reported[chart_id])

    async def _save(self) -> None:
        """Store the open charts. A canvas is reported once it is stored, as nothing tells its structure again.

        With very many open charts it takes a while, and is done less often.
        """
        canvases, self._unsaved_canvases, self._unsaved = self._unsaved_canvases, [], False
        begun = time.monotonic()
        data = self._encoded()
        try:
            await asyncio.to_thread(self._state.save, data)  # not behind a worker that does not answer
        except OSError as error:
            self._say(f"the state cannot be stored: {error.strerror}")
        ended = time.monotonic()
        self._save_at = ended + max(TICK_SECONDS, SAVE_PART * (ended - begun))
        for reported in canvases:
            self._reporter.changed(reported)

    def _claim(self, now: float) -> list[Reported]:
        """Choose ids for the charts that have settled. What is not to be shown is forgotten."""
        claimed = []
        for key, (since, unchanged, chart) in list(self._unsettled.items()):
            if not self._charts.holds(chart):
                del self._unsettled[key]
            elif now - unchanged < (CANVAS_SETTLE_SECONDS if chart.is_canvas else SETTLE_SECONDS):
                continue
            elif not chart.complete:
                if now - since > NAMELESS_SECONDS:
                    del self._unsettled[key]
                    self._charts.forget(chart)
            elif not self._choice.shows(chart):
                del self._unsettled[key]
                self._mark_done(chart)
            else:
                del self._unsettled[key]
                planned = steps(chart)
                reported = Reported(chart, title(chart), planned)
                chart.id = task_id(chart)
                self._reported[chart.id] = reported
                claimed.append(reported)
        return claimed

    def _encoded(self) -> bytes:
        return msgspec.json.encode(list(self._reported.values()))

    def _chart_ended(self, reported: Reported) -> None:
        if reported.lost and reported.chart.id in self._reported:
            self._lost_since.setdefault(reported.chart.id, time.monotonic())
        else:
            self._forget(reported)

    def _forget(self, reported: Reported) -> None:
        self._reporter.forget(reported)
        self._reported.pop(reported.chart.id, None)
        self._lost_since.pop(reported.chart.id, None)
        self._mark_done(reported.chart)
        self._unsaved = True

    def _mark_done(self, chart: Chart) -> None:
        self._charts.forget(chart)
        self._done.update(dict.fromkeys(chart.tasks))
        while len(self._done) > MAX_DONE:
            self._done.popitem(last=False)

    def _cancel(self, reported: Reported) -> None:
        """Revoke what somebody asked to cancel on the page. What has begun ends by itself, or is terminated."""
        open_tasks = [task for task in reported.chart.tasks.values() if task.state not in ENDED]
        ids = [task.id for task in open_tasks]
        self._say(f"revoking {len(ids)} tasks of {reported.chart.id}, as somebody asks to cancel it")
        self._spawn(lambda: self._control.revoke(ids, terminate=self._terminate))
        for task in open_tasks:
            if not _runs(task):
                self._charts.cancel(task)

    def _refused(self, problem: Refusal) -> None:
        self._refusal = problem
        self._ended.set()


def _runs(task: CeleryTask) -> bool:
    return task.state is StepState.RUNNING
