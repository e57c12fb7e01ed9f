"""Writes deliveries in the transaction of the change that they tell of, so that a commit loses none."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence

import msgspec
from msgspec import UNSET

from livewall import wire
from livewall.store.transaction import Transaction
from livewall.tasks.machine import Step, TaskState
from livewall.tasks.rows import Task, TaskRow
from livewall.tasks.webhooks.body import body_of
from livewall.tasks.webhooks.definition import STATES, Webhook
from livewall.tasks.webhooks.target import target_of


class _Definition(msgspec.Struct):
    """The part of a pipeline that is needed here."""

    webhooks: tuple[Webhook, ...] = ()


_definition = msgspec.json.Decoder(_Definition)


def changes(
    before: TaskState, after: TaskState, steps: Sequence[Step], waited: frozenset[str]
) -> Iterator[tuple[str, Step | None]]:
    """Yield the states that webhooks are told of, each with the step that it is about, if any.

    Each step that waits for a decision, and did not before (`waited`), is a `waiting` of its own. A failed or lost task
    comes with its first step in that state.
    """
    for step in steps:
        if step.waits_for is not UNSET and step.name not in waited:
            yield TaskState.WAITING.value, step
    if after is not before and after is not TaskState.WAITING and after.value in STATES:
        ends_badly = after in (TaskState.FAILED, TaskState.LOST)
        yield after.value, next((step for step in steps if ends_badly and step.state.value == after.value), None)


class Outbox:
    """Writes the deliveries of tasks.

    `page` returns the address of a task's page, and `wake` is called after each commit with a new delivery. Databases
    of another `epoch` are backups.
    """

    def __init__(self, epoch: str, page: Callable[[str], str], wake: Callable[[], None] = lambda: None) -> None:
        self._epoch = epoch
        self._page = page
        self._wake = wake

    def changed(
        self, tx: Transaction, row: TaskRow, after: Task, before: Sequence[Step], steps: Sequence[Step], now: str
    ) -> None:
        """Write the deliveries of a change of a task: `row` and `before` are as they were, `after` and `steps` are
        now."""
        waited = frozenset(step.name for step in before if step.waits_for is not UNSET)
        for state, step in changes(row.task.state, after.state, steps, waited):
            self._write(tx, row, after, state, step, now)

    def queued(self, tx: Transaction, row: TaskRow, now: str) -> None:
        """Write the deliveries of a new task that has to wait for its turn."""
        self._write(tx, row, row.task, TaskState.WAITING.value, None, now)

    def _write(self, tx: Transaction, row: TaskRow, task: Task, state: str, step: Step | None, now: str) -> None:
        if row.definition is None:
            return
        for place, webhook in enumerate(_definition.decode(row.definition).webhooks):
            if state not in webhook.on:
                continue
            delivery_id = secrets.token_hex(16)
            body = body_of(delivery_id, task, state, step, self._page(task.id), now)
            tx.execute(
                """INSERT INTO deliveries
                    (id, task, webhook, epoch, host, url, secret, state, body, created_at, due_at)
                VALUES (:id, :task, :webhook, :epoch, :host, :url, :secret, :state, :body, :now, :now)""",
                {
                    "id": delivery_id,
                    "task": task.id,
                    "webhook": place,
                    "epoch": self._epoch,
                    "host": target_of(webhook.url).host,
                    "url": webhook.url,
                    "secret": webhook.secret,
                    "state": state,
                    "body": wire.text(body),
                    "now": now,
                },
            )
            tx.after_commit(self._wake)
