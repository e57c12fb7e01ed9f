"""Turns: one at a time, in their order, and not too many who wait."""

from __future__ import annotations

import asyncio

import pytest

from livewall.errors import Busy
from livewall.limits import Limits
from livewall.rooms.one_at_a_time import MAX_WAITING, OneAtATime


async def test_one_has_the_turn_and_few_wait_in_their_order() -> None:
    turns, done, inside, may_end = OneAtATime("searches"), [], 0, asyncio.Event()

    async def search(number: int) -> None:
        nonlocal inside
        async with turns.turn():
            inside += 1
            assert inside == 1
            await may_end.wait()
            inside -= 1
            done.append(number)

    tasks = [asyncio.ensure_future(search(number)) for number in range(MAX_WAITING + 1)]
    await asyncio.sleep(0)
    with pytest.raises(Busy) as busy:
        await search(99)
    assert (busy.value.code, busy.value.retry_after) == ("unavailable", 1)
    tasks.pop(5).cancel()
    may_end.set()
    await asyncio.gather(*tasks)
    assert done == [number for number in range(MAX_WAITING + 1) if number != 5]
    await search(100)


def test_one_who_searches_is_limited_and_others_are_not() -> None:
    limits = Limits()
    for _ in range(5):
        limits.search("address", 10.0)
    with pytest.raises(Busy) as busy:
        limits.search("address", 10.0)
    assert busy.value.code == "rate" and busy.value.retry_after == pytest.approx(1)
    limits.search("voter", 10.0)
    limits.search("address", 11.0)
