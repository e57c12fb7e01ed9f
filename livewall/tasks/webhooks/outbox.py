"""Writes deliveries in the transaction of the change that they tell of, so that a commit loses none."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec

from livewall import wire
from livewall.store.transaction import Transaction
from livewall.tasks.machine import Step
from livewall.tasks.rows import Task, TaskRow
from livewall.tasks.webhooks.body import body_of
from livewall.tasks.webhooks.definition import Webhook
from livewall.tasks.webhooks.target import target_of


class _Definition(msgspec.Struct):
    """The part of a pipeline that is needed here."""

    webhooks: tuple[Webhook, ...] = ()


_definition = msgspec.json.Decoder(_Definition)


class Outbox:
    """Writes the deliveries of tasks.

    `page` returns the address of a task's page, and `wake` is called after each commit with a new delivery. Databases
    of another `epoch` are backups.
    """

    def __init__(self, epoch: str, page: Callable[[str], str], wake: Callable[[], None] = lambda: None) -> None:
        self._epoch = epoch
        self._page = page
        self._wake = wake

    def tell(self, tx: Transaction, row: TaskRow, task: Task, state: str, step: Step | None, now: str) -> None:
        """Write the deliveries about a state of a task, and the step that it is about, if any."""
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
