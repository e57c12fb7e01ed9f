"""One connection to a host, whoever asks for it at whatever moment. No socket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from livewall.tasks.connector.hosts import Host, Target
from livewall.tasks.connector.problems import Unreachable

TARGET = Target("web1", "127.0.0.1", 22, "lin", None, False, "known_hosts")


class Connection:
    closed = False

    def is_closed(self) -> bool:
        return self.closed


class Counted(Host):
    """A host whose connections are counted, and made once `answers` is set."""

    def __init__(self) -> None:
        super().__init__(TARGET, None, asyncio.Semaphore(1))
        self.made: list[Connection] = []
        self.answers = asyncio.Event()
        self.away = False

    async def _connect(self) -> Any:
        await self.answers.wait()
        if self.away:
            raise Unreachable("connection refused")
        self.made.append(Connection())
        return self.made[-1]


@pytest.mark.parametrize("turns", range(6))
async def test_whoever_asks_while_a_connection_is_made_gets_that_one(turns: int) -> None:
    host = Counted()
    first = asyncio.create_task(host.connection())
    await asyncio.sleep(0)
    host.answers.set()
    for _ in range(turns):  # of the event loop
        await asyncio.sleep(0)
    second = asyncio.create_task(host.connection())
    assert await first is await second is host.made[0]
    assert len(host.made) == 1


async def test_a_connection_that_was_cut_or_not_made_is_made_again() -> None:
    host = Counted()
    host.answers.set()
    host.away = True
    with pytest.raises(Unreachable):
        await host.connection()
    host.away = False
    first: Any = await host.connection()
    first.closed = True
    assert await host.connection() is host.made[1]
