"""Sends the deliveries that are due, and tries again those that failed.

A delivery is a row until it was answered, so a server that starts continues where an earlier one ended. It may then
arrive twice, with the same id.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress

from livewall import __version__
from livewall.background_tasks import BackgroundTasks
from livewall.clock import Clock, iso
from livewall.errors import Busy
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.tasks.supervisor.secret import refusal
from livewall.tasks.webhooks import deliveries
from livewall.tasks.webhooks.deliveries import HEADS_PER_HOST, Delivery, Failure, Undelivered
from livewall.tasks.webhooks.request import post
from livewall.tasks.webhooks.signature import signature
from livewall.tasks.webhooks.target import Target, target_of

log = logging.getLogger("livewall.tasks")

AT_ONCE = 16
PER_HOST = HEADS_PER_HOST // 2
"""How many deliveries are sent to one host at once, so that one that is slow does not delay the others."""
LONGEST_TIMER = 60.0
"""Seconds after which the clock is looked at again, because timers stand still while the machine sleeps."""

Post = Callable[[Target, bytes, Mapping[str, str]], Awaitable[Failure | None]]


class Sender:
    """Sends deliveries. `allowed` are the hosts that may have addresses that are not public."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        environment: Mapping[str, str],
        allowed: Collection[str],
        post: Post | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._environment = environment
        self._post = post or functools.partial(_post, allowed=allowed)
        self._woken = asyncio.Event()
        self._tasks = BackgroundTasks(log, "a webhook could not be sent")
        self._under_way: dict[str, str] = {}
        """The host of each delivery that is being sent, by its id."""
        self._recorded: list[str] = []
        """The deliveries whose result was written since the last look at the database."""

    async def start(self) -> None:
        """Begin to send. Deliveries of a database that was restored since are given up."""
        now = iso(self._clock())
        await self._store.write(lambda tx: deliveries.give_up_restored(tx, self._store.epoch, now))
        self._tasks.spawn(self._send_due())

    async def close(self) -> None:
        """Stop sending. What was not answered is sent again by the next server."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self) -> None:
        """Look for deliveries that are due."""
        self._woken.set()

    async def undelivered(self, task_id: str) -> list[Undelivered]:
        """Return the deliveries of a task whose last try failed."""
        return await self._store.read(lambda connection: deliveries.undelivered(connection, task_id))

    async def forget(self, before: str) -> None:
        """Delete the deliveries that were given up before a time."""
        await self._store.write(lambda tx: deliveries.forget(tx, before))

    async def _send_due(self) -> None:
        while True:
            self._woken.clear()
            # Before the read: one that ends during it is still among what was read, and must not be sent again.
            for delivery_id in self._recorded:
                del self._under_way[delivery_id]
            self._recorded.clear()
            try:
                heads = await self._store.read(deliveries.heads)
                seconds = self._begin(heads)
            except Busy:
                seconds = 1.0
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._woken.wait()

    def _begin(self, heads: list[Delivery]) -> float:
        """Begin to send what is due and fits into the limits; return the seconds until something else is due."""
        now, next_due = iso(self._clock()), LONGEST_TIMER
        hosts = Counter(self._under_way.values())
        for delivery in heads:
            seconds = deliveries.seconds_until(delivery, now)
            if delivery.id in self._under_way:
                continue
            if seconds:
                next_due = min(next_due, seconds)
            elif len(self._under_way) < AT_ONCE and hosts[delivery.host] < PER_HOST:
                hosts[delivery.host] += 1
                self._under_way[delivery.id] = delivery.host
                self._tasks.spawn(self._deliver(delivery))
        return next_due

    async def _deliver(self, delivery: Delivery) -> None:
        failure = await self._try(delivery)
        while True:
            try:
                await self._store.write(functools.partial(self._record, delivery=delivery, failure=failure))
                break
            except Busy:  # it must not be sent again only because the disk is full
                await asyncio.sleep(1.0)
        # Not after an error that nobody expects: the delivery then waits for the next start.
        self._recorded.append(delivery.id)
        self.wake()

    async def _try(self, delivery: Delivery) -> Failure | None:
        body = delivery.body.encode()
        headers = {"User-Agent": f"livewall/{__version__}", "Livewall-Delivery": delivery.id}
        if delivery.secret is not None:
            secret = self._environment.get(delivery.secret)
            if secret is None or refusal(secret):
                return Failure("secret")
            headers["Livewall-Signature"] = signature(secret, body, int(self._clock().timestamp()))
        try:
            return await self._post(target_of(delivery.url), body, headers)
        except Exception as error:
            # Its text, and a traceback, might contain the URL.
            log.error("a webhook of task %s could not be sent: %s", delivery.task, type(error).__name__)
            return Failure("error")

    def _record(self, tx: Transaction, delivery: Delivery, failure: Failure | None) -> None:
        if failure is None:
            deliveries.delivered(tx, delivery)
        elif not deliveries.failed(tx, delivery, failure, iso(self._clock())):
            tx.after_commit(functools.partial(_log_given_up, delivery, failure))


def _log_given_up(delivery: Delivery, failure: Failure) -> None:
    log.warning(
        "the webhook of task %s at %s was given up after a day: %s", delivery.task, delivery.host, failure.words
    )


async def _post(target: Target, body: bytes, headers: Mapping[str, str], *, allowed: Collection[str]) -> Failure | None:
    return await post(target, body, headers, allowed=allowed)
