"""The rows of deliveries: those that are to be sent, and what became of a try. SQL only."""

from __future__ import annotations

from typing import Any, NamedTuple

from livewall import audit
from livewall.clock import later, moment
from livewall.store.transaction import Transaction
from livewall.tasks.webhooks.schedule import LONGEST_DELAY, retry_delay

HEADS_PER_HOST = 4
"""How many deliveries of one host are looked at; twice as many as are sent to it at once."""

PROBLEMS = {
    "answer": "it answered {status}",
    "redirect": "it answered {status}, and redirects are not followed",
    "timeout": "it did not answer in time",
    "address": "its address is not public, and --webhook-allow does not list the host",
    "name": "the name of the host is not known",
    "certificate": "its certificate is not valid",
    "connection": "there was no connection",
    "protocol": "it gave no HTTP answer",
    "secret": "the server's environment has no usable secret for it",
    "error": "the server could not send it; its log says why",
    "restored": "the database was restored from a backup",
}
"""The reasons of a failure, in words for the audit log. The pages have texts of their own."""


class Failure(NamedTuple):
    """Why a try failed: a key of PROBLEMS, and the status of the answer if there was one."""

    problem: str
    status: int | None = None

    @property
    def words(self) -> str:
        return PROBLEMS[self.problem].format(status=self.status)


class Delivery(NamedTuple):
    """A delivery that is to be sent."""

    id: str
    task: str
    host: str
    url: str
    secret: str | None
    state: str
    body: str
    created_at: str
    due_at: str
    tries: int


class Undelivered(NamedTuple):
    """A delivery whose last try failed, for operators. The rest of the URL may be a secret and is not part of it.

    `due_at` is None if it was given up.
    """

    host: str
    state: str
    problem: str
    status: int | None
    due_at: str | None


def heads(db: Any) -> list[Delivery]:
    """Return the next deliveries of each host, by the time at which they are due.

    Of the deliveries of one task to one webhook, the next follows when the one before was delivered or given up.
    """
    rows = db.execute(
        f"""SELECT {", ".join(Delivery._fields)} FROM deliveries WHERE number IN (
            SELECT number FROM (
                SELECT number, ROW_NUMBER() OVER (PARTITION BY host ORDER BY due_at, number) AS rank
                FROM deliveries WHERE number IN (
                    SELECT MIN(number) FROM deliveries WHERE ended_at IS NULL GROUP BY task, webhook
                )
            ) WHERE rank <= {HEADS_PER_HOST}
        ) ORDER BY due_at, number"""
    )
    return [Delivery(*row) for row in rows]


def seconds_until(delivery: Delivery, now: str) -> float:
    """Return in how many seconds a delivery is due; 0 if it is.

    A longer time than any delay means that the clock was set back meanwhile, so that it is due as well.
    """
    seconds = (moment(delivery.due_at) - moment(now)).total_seconds()
    return seconds if 0 < seconds <= LONGEST_DELAY else 0.0


def undelivered(db: Any, task: str) -> list[Undelivered]:
    """Return the deliveries of a task whose last try failed, oldest first."""
    rows = db.execute(
        """SELECT host, state, problem, status, CASE WHEN ended_at IS NULL THEN due_at END FROM deliveries
        WHERE task = :task AND problem <> '' ORDER BY number""",
        {"task": task},
    )
    return [Undelivered(*row) for row in rows]


def delivered(tx: Transaction, delivery: Delivery) -> None:
    tx.execute("DELETE FROM deliveries WHERE id = :id", {"id": delivery.id})


def failed(tx: Transaction, delivery: Delivery, failure: Failure, now: str) -> bool:
    """Record a try that failed. Return False if the delivery was given up."""
    tries = delivery.tries + 1
    delay = retry_delay(tries, (moment(now) - moment(delivery.created_at)).total_seconds())
    if delay is None:
        _give_up(tx, delivery.id, delivery.task, delivery.host, delivery.state, failure, now)
        return False
    tx.execute(
        """UPDATE deliveries SET tries = :tries, problem = :problem, status = :status, due_at = :due_at
        WHERE id = :id""",
        failure._asdict() | {"tries": tries, "due_at": later(moment(now), delay), "id": delivery.id},
    )
    return True


def give_up_restored(tx: Transaction, epoch: str, now: str) -> None:
    """Give up the deliveries of a database that was restored since: they may have been delivered after the backup."""
    for delivery_id, task, host, state in tx.all(
        "SELECT id, task, host, state FROM deliveries WHERE ended_at IS NULL AND epoch <> :epoch", {"epoch": epoch}
    ):
        _give_up(tx, delivery_id, task, host, state, Failure("restored"), now)


def _give_up(tx: Transaction, delivery_id: str, task: str, host: str, state: str, failure: Failure, now: str) -> None:
    tx.execute(
        """UPDATE deliveries SET tries = tries + 1, problem = :problem, status = :status, ended_at = :now
        WHERE id = :id""",
        failure._asdict() | {"now": now, "id": delivery_id},
    )
    audit.note(tx, None, now, "task.webhook", f"tasks/{task}", host=host, state=state, reason=failure.words)


def forget(tx: Transaction, before: str) -> None:
    """Delete the deliveries that were given up before a time."""
    tx.execute("DELETE FROM deliveries WHERE ended_at < :before", {"before": before})
