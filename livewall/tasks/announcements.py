"""What becomes of a task is told: to other programs by webhooks, and to people by messages in a room.

Both are written in the transaction of the change that they tell of, so that a commit loses none and tells none twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence

from msgspec import UNSET

from livewall.errors import invalid
from livewall.identity import Who
from livewall.rooms import rows as rooms
from livewall.rooms.access import check_may_say
from livewall.rooms.message_text import message_text
from livewall.rooms.rows import Message
from livewall.store.transaction import Transaction
from livewall.tasks.machine import Step, TaskState
from livewall.tasks.rows import Task, TaskRow
from livewall.tasks.webhooks.definition import STATES
from livewall.tasks.webhooks.outbox import Outbox

SYSTEM = "system"
"""The role of messages that Livewall itself says."""
_WORDS = {
    "running": "has started",
    "waiting": "waits",
    "succeeded": "has succeeded",
    "failed": "has failed",
    "cancelled": "was cancelled",
    "lost": "is lost",
}


def changes(
    before: TaskState, after: TaskState, steps: Sequence[Step], waited: frozenset[str]
) -> Iterator[tuple[str, Step | None]]:
    """Yield the states that are told of, each with the step that it is about, if any.

    Each step that waits for a decision, and did not before (`waited`), is a `waiting` of its own. A failed or lost task
    comes with its first step in that state.
    """
    for step in steps:
        if step.waits_for is not UNSET and step.name not in waited:
            yield TaskState.WAITING.value, step
    if after is not before and after is not TaskState.WAITING and after.value in STATES:
        ends_badly = after in (TaskState.FAILED, TaskState.LOST)
        yield after.value, next((step for step in steps if ends_badly and step.state.value == after.value), None)


def sentence(task: Task, state: str, step: Step | None, page: str) -> str:
    """Return what a room is told, with a link to the page of the task."""
    what = _WORDS[state]
    if state == "waiting":
        what += f" at the step {step.name}" if step is not None else " for its turn"
    elif step is not None:
        what += f" at the step {step.name}"
    return message_text(f"{task.title} {what}: {page}")


def check_room(tx: Transaction, room: str | None, who: Who | None = None) -> None:
    """Raise BadInput if there is no such room, and NotAllowed or Refused if `who` may not say anything there.

    Without `who`, whoever runs the server has chosen the room, in a pipeline.
    """
    if room is None:
        return
    if not rooms.exists(tx, room):
        raise invalid("room", f"there is no room {room[:80]}")
    if who is not None:
        row = rooms.find(tx, room)
        check_may_say(row.read, row.room.write, closed=row.room.closed and not who.host, who=who)


class Announcements:
    """Tells of tasks. `page` returns the address of a task's page."""

    def __init__(self, outbox: Outbox, page: Callable[[str], str]) -> None:
        self._outbox = outbox
        self._page = page

    def changed(
        self, tx: Transaction, row: TaskRow, after: Task, before: Sequence[Step], steps: Sequence[Step], now: str
    ) -> None:
        """Tell of a change of a task: `row` and `before` are as they were, `after` and `steps` are now."""
        waited = frozenset(step.name for step in before if step.waits_for is not UNSET)
        for state, step in changes(row.task.state, after.state, steps, waited):
            self._outbox.tell(tx, row, after, state, step, now)
            # A room is told once that a task begins, and not again after each decision.
            if state != "running" or row.task.started_at is None:
                self._say(tx, row.room, after, state, step, now)

    def queued(self, tx: Transaction, row: TaskRow, now: str) -> None:
        """Tell of a task that has to wait for its turn."""
        self._outbox.tell(tx, row, row.task, TaskState.WAITING.value, None, now)
        self._say(tx, row.room, row.task, TaskState.WAITING.value, None, now)

    def _say(self, tx: Transaction, room: str | None, task: Task, state: str, step: Step | None, now: str) -> None:
        if room is None or not rooms.exists(tx, room):  # it was deleted since
            return
        text = sentence(task, state, step, self._page(task.id))
        number = rooms.find(tx, room).room.messages + 1
        rooms.insert_message(tx, room, Message(number, secrets.token_urlsafe(12), "", "Livewall", SYSTEM, text, now))
