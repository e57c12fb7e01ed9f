"""What a step waits for and what it does, in the reader's language, as the page's scripts say it
(static/js/task/stepwords.js)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce

from msgspec import UNSET

from handlers.view_models.host_questions import Say, succeeded
from livewall.tasks.host_progress import FAILURES
from livewall.tasks.machine import Step, StepState, TaskState
from livewall.tasks.tasks import TaskShown

BY = re.compile(r"paused by (.+)|(.+) pauses it")
"""In the message of a paused step, which is in English, the one who paused it."""


def wait_text(step: Step, say: Say) -> str:
    """Return what a step that waits or is paused waits for; an empty text for any other."""
    wait = step.waits_for
    if step.paused is True:
        is_over = step.state is StepState.WAITING
        found = BY.fullmatch(step.message)
        if found is None:
            return say("hosts.paused" if is_over else "hosts.pausing")
        return say("hosts.paused_by" if is_over else "hosts.pausing_by", name=found[1] or found[2])
    if step.state is not StepState.WAITING or wait is UNSET:
        return ""
    if wait.kind == "host_key":
        return say("hosts.asks_key_of", host="" if wait.host is UNSET else wait.host)
    return say("task.waits_poll") if wait.kind == "poll" else say("gate.waits", who=approvers_text(wait.approvers, say))


def said_of(step: Step, say: Say) -> str:
    """Return what a step is doing or waits for, or why it ended. What its program says is in the program's language."""
    return wait_text(step, say) or step.message or step.reason


def reason_of(task: TaskShown, say: Say) -> str:
    """Return why a task is in its state: what the first of its steps that waits waits for, or its own reason."""
    step = next((step for step in task.steps if step.state is StepState.WAITING), None)
    if step is None or task.state is not TaskState.WAITING or not task.reason:
        return task.reason
    text = wait_text(step, say)
    return f"{step.name}: {text}" if text else task.reason


def steps_text(steps: Sequence[Step], say: Say) -> str:
    """Return how many steps succeeded, and how many failed or were skipped: "3 of 5 steps · 1 failed · 1 skipped"."""
    parts = [say("task.done", n=succeeded(steps), of=len(steps))]
    for state, states in (("failed", FAILURES), ("skipped", (StepState.SKIPPED,))):
        count = sum(step.state in states for step in steps)
        if count:
            parts.append(say("task.of_state", n=count, state=say(f"state.{state}")))
    return " · ".join(parts)


def approvers_text(approvers: Sequence[str], say: Say) -> str:
    """Return the approvers of a gate in words."""
    *others, last = [approver_text(each, say) for each in approvers]
    return say("gate.or", first=list_text(others, say), last=last) if others else last


def approver_text(approver: str, say: Say) -> str:
    """Return a name, or a role in words."""
    return say("gate.role." + approver.removeprefix("role:")) if approver.startswith("role:") else approver


def list_text(items: Sequence[str], say: Say) -> str:
    """Return texts as one list."""
    return reduce(lambda first, following: say("gate.list", first=first, next=following), items)
