"""A chart of Celery tasks as the steps of a Livewall task, and what has to be reported of them. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from livewall.celery.charts import CeleryTask, Chart
from livewall.names import is_name
from livewall.tasks.machine import BLOCKING, ENDED, StepState

MAX_STEPS = 500
"""The largest number of steps of a task. Of a larger chart, the tasks of one group and name share a step."""
MAX_NEEDS = 5_000
MAX_TITLE = 200
_S = StepState
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class Step(msgspec.Struct):
    """A step, and the ids of the Celery tasks that it stands for, usually one."""

    name: str
    needs: list[str]
    members: list[str]


class Shown(NamedTuple):
    """What a step is to look like. `begun` is the number of attempts that have begun."""

    state: StepState
    begun: int
    progress: float | None
    message: str


def task_id(chart: Chart) -> str:
    """Return the id of the Livewall task of a chart: that of the first task it begins with.

    An app that chooses ids itself may choose one that Livewall does not take.
    """
    id = min(task.id for task in chart.entries or chart.tasks.values())
    return id if is_name(id) else f"celery-{hashlib.sha256(id.encode(errors='replace')).hexdigest()[:32]}"


def title(chart: Chart) -> str:
    """Return the title of a chart: the names of the tasks it begins with."""
    names = list(dict.fromkeys(task.name for task in chart.entries))
    text = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    text = "".join(letter if letter.isprintable() else "�" for letter in text)
    count = len(chart.tasks)
    return (text[:MAX_TITLE] if text else "Celery") + (f" ({count:,} tasks)" if count > 1 else "")


def steps(chart: Chart) -> list[Step]:
    """Return the steps of a chart, each after those that it needs. The same tasks give the same steps."""
    tasks = chart.ordered()
    bundles = [[task] for task in tasks]
    if len(tasks) > MAX_STEPS or sum(len(task.needs) for task in tasks) > MAX_NEEDS:
        bundles = _bundled(tasks)
    counts: Counter[str] = Counter()
    made: list[Step] = []
    step_of: dict[str, str] = {}
    taken: set[str] = set()
    for bundle in bundles[:MAX_STEPS]:
        base = name = _step_name(bundle[0].name)
        counts[base] += 1
        while name in taken or (counts[base] > 1 and name == base):
            name = f"{base[:70]}-{counts[base]}"
            counts[base] += name in taken
        taken.add(name)
        for task in bundle:
            step_of[task.id] = name
        needs = sorted({step_of[need] for task in bundle for need in task.needs if need in step_of} - {name})
        made.append(Step(name, needs, [task.id for task in bundle]))
    return made


def _bundled(tasks: Sequence[CeleryTask]) -> list[list[CeleryTask]]:
    """Return the tasks of one group and name together; what needs one of them then needs all."""
    bundles: dict[tuple[str, str], list[CeleryTask]] = {}
    for task in tasks:
        bundles.setdefault((task.group or task.id, task.name), []).append(task)
    return list(bundles.values())


def _step_name(name: str) -> str:
    plain = _NOT_IN_NAMES.sub("-", name).lstrip("._-")
    return plain[:80] if plain else "task"


def shown(chart: Chart, planned: Sequence[Step]) -> dict[str, Shown]:
    """Return how each step looks. What needs a step that failed and has not begun is skipped."""
    looks: dict[str, Shown] = {}
    for step in planned:
        look = _look([chart.tasks[id] for id in step.members if id in chart.tasks])
        blocked = any(looks[need].state in BLOCKING or looks[need].state is _S.SKIPPED for need in step.needs)
        if blocked and look.state is _S.PENDING:
            look = Shown(_S.SKIPPED, 0, None, "")
        looks[step.name] = look
    return looks


def _look(tasks: Sequence[CeleryTask]) -> Shown:
    if len(tasks) == 1:
        task = tasks[0]
        return Shown(task.state, task.attempts, None, task.reason)
    states = Counter(task.state for task in tasks)
    ended = sum(count for state, count in states.items() if state in ENDED)
    message = f"{ended:,} of {len(tasks):,}"
    if ended < len(tasks):
        begun = any(task.begun or task.end for task in tasks)
        return Shown(_S.RUNNING if begun else _S.PENDING, int(begun), ended / len(tasks) if tasks else None, message)
    worst = next((state for state in (_S.LOST, _S.FAILED, _S.CANCELLED) if states[state]), _S.SUCCEEDED)
    return Shown(worst, 1, None, "" if worst is _S.SUCCEEDED else f"{states[worst]:,} of {len(tasks):,} {worst.value}")


def is_final(look: Shown) -> bool:
    """Return whether a step can no longer change. A loss, and what was skipped because of it, can be taken back."""
    return look.state in ENDED and look.state not in (_S.LOST, _S.SKIPPED)


def reports(before: Shown | None, after: Shown) -> list[dict[str, Any]]:
    """Return the reports, in order, that bring a step from what was reported to how it looks now.

    Every attempt is reported, also those that began and ended between two rounds.
    """
    if before is not None and before.state is _S.SKIPPED:
        before = None  # the server has skipped it, and takes that back with the loss from which it followed
    if before == after or (before is not None and is_final(before)):
        return []
    state, begun = (before.state, before.begun) if before else (_S.PENDING, 0)
    made: list[dict[str, Any]] = []

    def report(to: StepState) -> None:
        nonlocal state
        made.append({"state": to.value})
        state = to

    ends_at_once = after.state in ENDED and begun == 0 and after.begun <= 1
    while begun < after.begun and not ends_at_once and state is not _S.LOST:
        if begun and state is not _S.RETRYING:
            report(_S.RETRYING)
        report(_S.RUNNING)
        begun += 1
    if after.state not in (state, _S.SKIPPED) and not (state is _S.RUNNING and after.state is _S.PENDING):
        report(after.state)
    fields: dict[str, Any] = {}
    if after.progress is not None and after.progress != (before.progress if before else None):
        fields["progress"] = after.progress
    if after.message != (before.message if before else ""):
        fields["message"] = after.message
    if fields:
        if not made:
            made.append({})
        made[-1] |= fields
    return made
