"""The body of a delivery. It contains no parameters of the task, which may be secrets. Pure."""

from __future__ import annotations

import msgspec

from livewall.tasks.machine import Step
from livewall.tasks.rows import Task


class Event(msgspec.Struct, frozen=True):
    state: str


class TaskPart(msgspec.Struct, frozen=True):
    id: str
    title: str
    pipeline: str | None
    state: str
    reason: str


class StepPart(msgspec.Struct, frozen=True):
    name: str
    state: str
    reason: str
    message: str


class Links(msgspec.Struct, frozen=True):
    task: str


class Body(msgspec.Struct, frozen=True):
    """What happened, to which task, and to which step, if it is about one."""

    id: str
    at: str
    event: Event
    task: TaskPart
    step: StepPart | None
    links: Links


def body_of(delivery_id: str, task: Task, state: str, step: Step | None, page: str, now: str) -> Body:
    """Return the body of a delivery about a task as it is `now`; `page` is the address of its page."""
    return Body(
        id=delivery_id,
        at=now,
        event=Event(state),
        task=TaskPart(task.id, task.title, task.pipeline, task.state.value, task.reason),
        step=None if step is None else StepPart(step.name, step.state.value, step.reason, step.message),
        links=Links(page),
    )
