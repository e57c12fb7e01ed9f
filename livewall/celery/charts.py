"""The charts of Celery tasks, from the events of a broker. Pure: no clock, no I/O, no Celery.

Every event adds facts to a task, and facts are joined so that neither their order nor how often they come matters: a
set grows, the newest or the first of something wins. A chart is what tasks are connected by what they need or by a
group. Arguments and results are never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from livewall.celery.canvas import EVENT, PLACEHOLDERS
from livewall.tasks.machine import StepState

ENDS = {
    "task-succeeded": StepState.SUCCEEDED,
    "task-failed": StepState.FAILED,
    "task-rejected": StepState.FAILED,
    "task-revoked": StepState.CANCELLED,
}
_RANKS = {kind: rank for rank, kind in enumerate(("task-sent", "task-received", "task-started", "task-retried"))}
MAX_NAME = 200
MAX_TEXT = 64 << 10
"""Characters of a traceback that are kept."""


class Moment(msgspec.Struct, frozen=True, order=True, array_like=True):
    """When something happened, by the clock of who says it, and what. Moments of one time are ordered by rank."""

    at: float
    rank: int
    kind: str
    reason: str = ""
    text: str = ""


class CeleryTask(msgspec.Struct):
    """What is known of one Celery task."""

    id: str
    name: str = ""
    group: str | None = None
    index: int = 0
    needs: set[str] = set()
    newest: Moment | None = None
    end: Moment | None = None
    """The first end. A task that runs twice, because its message was delivered twice, ends once."""
    begun: bool = False
    retries: dict[str, Moment] = {}
    """The attempts that failed and are made again, each under its time."""
    worker: tuple[float, str] = (0.0, "")
    """Which worker was the last to have it, and since when."""
    lost: str = ""
    """Why it is lost, unless its end is known; set by the watcher, not by an event."""
    cancelled: bool = False
    """Whether it was revoked on request before it began."""

    @property
    def state(self) -> StepState:
        if self.end is not None:
            return ENDS[self.end.kind]
        if self.lost:
            return StepState.LOST
        kind = self.newest.kind if self.newest else ""
        if self.cancelled and kind != "task-started":
            return StepState.CANCELLED
        if kind == "task-started":
            return StepState.RUNNING
        return StepState.RETRYING if self.retries else StepState.PENDING

    @property
    def attempts(self) -> int:
        """How many attempts have begun."""
        if self.state in (StepState.PENDING, StepState.RETRYING) or (self.cancelled and not self.end):
            return len(self.retries)
        if self.state is StepState.CANCELLED and not self.begun:
            return len(self.retries)
        return len(self.retries) + 1

    @property
    def reason(self) -> str:
        """Return in few words why it is as it is. It holds the name of an exception, never its text."""
        if self.end is not None:
            return self.end.reason
        if self.lost:
            return self.lost
        return max(self.retries.values()).reason if self.state is StepState.RETRYING else ""


class Chart(msgspec.Struct):
    """Tasks that belong together. `id` is set when it is first reported; from then on its tasks stay the same."""

    tasks: dict[str, CeleryTask] = {}
    id: str = ""

    @property
    def complete(self) -> bool:
        """Whether the names of all its tasks are known."""
        return all(task.name for task in self.tasks.values())

    @property
    def is_canvas(self) -> bool:
        """Whether it is a structure, of which more tasks may come."""
        return len(self.tasks) > 1 or any(task.group for task in self.tasks.values())

    @property
    def entries(self) -> list[CeleryTask]:
        """The tasks that need no other, in a fixed order."""
        return [task for task in self.ordered() if not task.needs & self.tasks.keys()]

    def ordered(self) -> list[CeleryTask]:
        """Return the tasks, each after those that it needs; side by side as in their group, otherwise by id."""
        depth: dict[str, int] = {}
        waiting = [(id, False) for id in sorted(self.tasks)]
        under_way: set[str] = set()
        while waiting:
            id, needs_known = waiting.pop()
            if id in depth:
                continue
            needs = [need for need in self.tasks[id].needs if need in self.tasks]
            if not needs_known:
                under_way.add(id)
                waiting.append((id, True))
                waiting.extend((need, False) for need in needs if need not in depth and need not in under_way)
                continue
            depth[id] = 1 + max((depth.get(need, 0) for need in needs), default=-1)
        return sorted(self.tasks.values(), key=lambda t: (depth[t.id], t.group or "", t.index, t.id))


class Charts:
    """All charts that have not ended, and what changed since `take_changed`."""

    def __init__(self, charts: Iterable[Chart] = ()) -> None:
        self._chart_of: dict[str, Chart] = {}
        self._chart_of_group: dict[str, Chart] = {}
        self._changed: dict[int, Chart] = {}
        self._restructured: dict[int, Chart] = {}
        for chart in charts:
            self._keep(chart)

    def __iter__(self) -> Iterator[Chart]:
        return iter({id(chart): chart for chart in self._chart_of.values()}.values())

    def __len__(self) -> int:
        """Return how many tasks are known."""
        return len(self._chart_of)

    def holds(self, chart: Chart) -> bool:
        """Return whether a chart is still there: it may have become a part of another."""
        return any(self._chart_of.get(id) is chart for id in chart.tasks)

    def task(self, id: str) -> CeleryTask | None:
        chart = self._chart_of.get(id)
        return chart.tasks[id] if chart else None

    def take_changed(self) -> tuple[list[Chart], list[Chart]]:
        """Return the charts that changed since the last call, and those of them that got more tasks or needs."""
        changed, restructured = list(self._changed.values()), list(self._restructured.values())
        self._changed, self._restructured = {}, {}
        return changed, restructured

    def forget(self, chart: Chart) -> None:
        """Remove a chart, which has ended or is not to be shown."""
        for task in chart.tasks.values():
            self._chart_of.pop(task.id, None)
            if task.group and self._chart_of_group.get(task.group) is chart:
                del self._chart_of_group[task.group]
        self._changed.pop(id(chart), None)
        self._restructured.pop(id(chart), None)

    # -- events

    def apply(self, event: Mapping[str, Any]) -> None:
        """Add the facts of an event. Events of other types, and events that are damaged, are left out."""
        kind = event.get("type")
        if kind == EVENT:
            self._apply_canvas(event.get("tasks"))
        elif isinstance(kind, str) and (kind in _RANKS or kind in ENDS) and isinstance(event.get("uuid"), str):
            self._apply_task(kind, event)

    def _apply_canvas(self, tasks: Any) -> None:
        if not isinstance(tasks, list):
            return
        chart: Chart | None = None
        for member in tasks:
            match member:
                case [str(id), str(name), str() | None as group, int(index), list(needs)] if (
                    name not in PLACEHOLDERS and is_text(id) and is_text(name) and is_text(group or "")
                ):
                    task = self._task(id)
                    before = (task.name, task.group, task.index, set(task.needs))
                    task.name = task.name or name
                    # A fact that is not the same everywhere must not depend on which comes first.
                    task.group = max(filter(None, (task.group, group)), default=None)
                    task.index = max(task.index, index)
                    task.needs |= {need for need in needs if isinstance(need, str) and need != id and is_text(need)}
                    if before != (task.name, task.group, task.index, task.needs):
                        self._note(self._chart_of[id], restructured=True)
                    # The group first: joining the others enters their tasks' groups as those of the joined chart.
                    if task.group:
                        same_group = self._chart_of_group.setdefault(task.group, self._chart_of[id])
                        chart = self._join(chart, same_group)
                    chart = self._join(chart, self._chart_of[id])
                    for need in task.needs:
                        self._task(need)
                        chart = self._join(chart, self._chart_of[need])

    def _apply_task(self, kind: str, event: Mapping[str, Any]) -> None:
        name, at = event.get("name"), event.get("timestamp")
        if not isinstance(name, str | None) or name in PLACEHOLDERS or not isinstance(at, int | float):
            return
        if not abs(at) < 1e12 or not is_text(event["uuid"]) or not is_text(name or ""):
            return
        task = self._task(event["uuid"])
        before = msgspec.structs.astuple(task)[:-2]
        retries = len(task.retries)
        if isinstance(name, str) and not task.name:
            task.name = name
            self._note(self._chart_of[task.id], restructured=True)
        if kind in ENDS:
            if kind == "task-rejected" and event.get("requeue"):
                return
            end = Moment(float(at), 0, kind, *_reason(kind, event))
            task.end = end if task.end is None else min(task.end, end)
            task.begun = task.begun or kind in ("task-succeeded", "task-failed") or bool(event.get("terminated"))
        else:
            # The app tells that it has sent a task after it did, by a clock of its own: often after the task began.
            moment = Moment(0.0 if kind == "task-sent" else float(at), _RANKS[kind], kind)
            task.newest = moment if task.newest is None else max(task.newest, moment)
            task.begun = task.begun or kind in ("task-started", "task-retried")
            if kind == "task-retried":
                task.retries[repr(float(at))] = Moment(float(at), 0, kind, *_reason(kind, event))
        host = event.get("hostname")
        if kind in ("task-received", "task-started") and isinstance(host, str) and is_text(host):
            task.worker = max(task.worker, (float(at), host))
        if before != msgspec.structs.astuple(task)[:-2] or retries != len(task.retries):
            self._note(self._chart_of[task.id])

    # -- what the watcher finds out itself

    def lose(self, task: CeleryTask, reason: str) -> None:
        """Note that the worker of a running task is gone."""
        task.lost = reason
        self._note(self._chart_of[task.id])

    def cancel(self, task: CeleryTask) -> None:
        """Note that a task was revoked on request."""
        task.cancelled = True
        self._note(self._chart_of[task.id])

    # -- keeping

    def _task(self, id: str) -> CeleryTask:
        if id not in self._chart_of:
            self._keep(Chart({id: CeleryTask(id)}))
        return self._chart_of[id].tasks[id]

    def _keep(self, chart: Chart) -> None:
        self._place(chart, chart.tasks.values())

    def _place(self, chart: Chart, tasks: Iterable[CeleryTask]) -> None:
        for task in tasks:
            self._chart_of[task.id] = chart
            if task.group:
                self._chart_of_group[task.group] = chart
        self._note(chart, restructured=True)

    def _join(self, one: Chart | None, other: Chart) -> Chart | None:
        """Make one chart of two. One that is reported already is left alone: its steps stay as they are."""
        if one is None or other is one or other.id:
            return one if other.id else other
        if len(one.tasks) < len(other.tasks):
            one, other = other, one
        self.forget(other)
        one.tasks |= other.tasks
        self._place(one, other.tasks.values())
        return one

    def _note(self, chart: Chart, *, restructured: bool = False) -> None:
        self._changed[id(chart)] = chart
        if restructured:
            self._restructured[id(chart)] = chart


def is_text(value: str) -> bool:
    """Return whether a text can be written as UTF-8: a lone surrogate cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _reason(kind: str, event: Mapping[str, Any]) -> tuple[str, str]:
    """Return why a task ended or is tried again: the name of its exception for all, and its traceback for the log."""
    match kind:
        case "task-failed" | "task-retried":
            said = str(event.get("exception") or "")
            name = said.partition("(")[0].strip()[:MAX_NAME]
            name = name if name.replace("_", "").replace(".", "").isalnum() else "an exception"
            text = str(event.get("traceback") or said)[:MAX_TEXT]
            return name, text.encode("utf-8", "replace").decode()
        case "task-rejected":
            return "rejected by its worker", ""
        case "task-revoked":
            return "it expired" if event.get("expired") else "", ""
        case _:
            return "", ""
