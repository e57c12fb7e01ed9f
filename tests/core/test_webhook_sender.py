"""What is sent when, against a database in memory and a target that answers when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from test_webhook_rules import NOW, started

from livewall.clock import Clock, moment
from livewall.errors import Busy
from livewall.tasks.webhooks.deliveries import Failure
from livewall.tasks.webhooks.sender import PER_HOST, Sender


class HeldStore:
    """A store whose reads return what they saw only when `reads` is set, as those of a busy thread."""

    epoch = "epoch"

    def __init__(self, *hosts: str) -> None:
        self.house = started(*hosts)
        self.reads = asyncio.Event()
        self.reads.set()
        self.busy = 0

    async def read(self, query: Callable[[Any], Any]) -> Any:
        found = query(self.house.connection)
        await self.reads.wait()
        return found

    async def write(self, write: Callable[[Any], Any]) -> Any:
        if self.busy:
            self.busy -= 1
            raise Busy("unavailable", "the disk is full")
        return self.house.write(write)


class Target:
    """Answers each request when the test sets `answers`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = asyncio.Event()
        self.failure: Failure | None = None

    async def __call__(self, target: Any, body: bytes, headers: Any) -> Failure | None:
        self.asked.append(headers["Livewall-Delivery"])
        await self.answers.wait()
        return self.failure


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def sender_of(store: HeldStore, target: Target, clock: Clock = lambda: moment(NOW)) -> Sender:
    sender = Sender(store, clock, environment={}, allowed=(), post=target)  # type: ignore[arg-type]
    await sender.start()
    await turns()
    return sender


async def test_a_delivery_that_ends_while_the_next_ones_are_read_is_not_sent_again() -> None:
    store, target = HeldStore("a.org"), Target()
    sender = await sender_of(store, target)
    assert len(target.asked) == 1
    store.reads.clear()
    sender.wake()
    await turns()  # it has read that the first delivery is still to be sent
    target.answers.set()
    await turns()  # and now that one has arrived
    store.reads.set()
    await turns()
    assert len(target.asked) == len(set(target.asked)) == 2
    await sender.close()


async def test_no_more_than_a_few_are_sent_to_one_host_at_once_and_others_do_not_wait_for_it() -> None:
    store, target = HeldStore(*["a.org"] * 9, "b.org"), Target()
    sender = await sender_of(store, target)
    assert len(target.asked) == PER_HOST + 1
    target.answers.set()
    for _ in range(20):
        await turns()
    assert len(target.asked) == len(set(target.asked)) == 20
    assert store.house.connection.execute("SELECT COUNT(*) FROM deliveries").fetchone() == (0,)
    await sender.close()


async def test_what_was_answered_is_not_sent_again_while_the_answer_cannot_be_recorded() -> None:
    store, target = HeldStore("a.org"), Target()
    sender = await sender_of(store, target)
    store.busy = 1
    target.answers.set()
    await turns()
    sender.wake()
    await turns()
    assert len(target.asked) == 1
    await sender.close()


async def test_what_failed_waits_for_its_time() -> None:
    store, target = HeldStore("a.org"), Target()
    target.failure = Failure("answer", 503)
    target.answers.set()
    sender = await sender_of(store, target)
    sender.wake()
    await turns()
    assert len(target.asked) == 1
    await sender.close()


async def test_a_target_that_was_away_for_an_hour_gets_everything_in_order_within_half_an_hour() -> None:
    store, target, now = HeldStore("a.org"), Target(), [moment(NOW)]
    target.failure = Failure("connection")
    target.answers.set()
    sender = await sender_of(store, target, lambda: now[0])
    deliveries = "SELECT id, due_at FROM deliveries ORDER BY number"
    running, failed = [row[0] for row in store.house.connection.execute(deliveries)]
    back = now[0] + timedelta(hours=1)
    while waiting := store.house.connection.execute(deliveries).fetchall():
        now[0] = max(now[0], moment(waiting[0][1]))
        target.failure = Failure("connection") if now[0] < back else None
        sender.wake()
        await turns()
    assert target.asked == [running] * 13 + [failed]
    assert back <= now[0] < back + timedelta(minutes=30)
    await sender.close()


async def test_an_error_that_nobody_expects_shows_nothing_of_the_url(expected_logs: list[str]) -> None:
    expected_logs.append("a webhook of task 1 could not be sent: ValueError")
    store, target = HeldStore("a.org"), Target()

    async def broken(target: Any, body: bytes, headers: Any) -> Failure | None:
        raise ValueError("https://a.org/SeCrEt")

    sender = await sender_of(store, broken)  # type: ignore[arg-type]
    (problem,) = store.house.connection.execute("SELECT problem FROM deliveries WHERE tries = 1").fetchone()
    assert problem == "error" and target.asked == []
    await sender.close()
