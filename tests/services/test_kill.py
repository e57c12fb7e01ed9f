"""kill -9 while ballots are in flight: what was acknowledged is there, nothing is there twice, nobody has to reload."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

from child_server import Server
from crowd import COUNTS, Crowd, query, readers, stored
from killer import KILLS, Killer

pytest_plugins = ("server_fixtures",)


async def test_a_kill_loses_no_acknowledged_ballot_and_nobody_reloads(
    child: Server, chance: random.Random, say: Callable[[str], None]
) -> None:
    poll = child.poll()
    final = {"round": 1, "counts": COUNTS, "ballots": 944}
    moments = ["sent"] * KILLS + ["heard"] * (KILLS // 3)
    chance.shuffle(moments)
    goals = sorted(chance.sample(range(20, 700), len(moments)))
    async with readers(child.url, f"polls/{poll}") as watchers:
        crowd = Crowd(child.url, poll, chance)
        killer = Killer(child, crowd)
        casting = asyncio.ensure_future(crowd.cast())
        try:
            for number, (moment, goal) in enumerate(zip(moments, goals, strict=True), 1):
                await crowd.until(lambda goal=goal: crowd.acknowledged >= goal)  # type: ignore[misc]
                lost = crowd.lost
                await killer.strike(moment, chance.randint(1, 9))
                acknowledged, held = crowd.receipts(), set(stored(child.data, poll))
                assert acknowledged <= held, f"acknowledged and not in the database: {acknowledged - held}"
                start = time.monotonic()
                await asyncio.to_thread(child.start)
                say(
                    f"kill {number}, one {moment}: {len(acknowledged)} acknowledged, {killer.under_way} under way, "
                    f"{crowd.lost - lost} unanswered, {len(held - crowd.receipts())} of these were committed; "
                    f"ready again after {time.monotonic() - start:.2f} s"
                )
                assert crowd.lost > lost or moment == "heard", "no ballot was in flight"
            await casting
        finally:
            casting.cancel()
        for watcher in watchers:
            await watcher.until(lambda c: c.state["tally"] == final)
        # All came back to where they were: one snapshot, at the start.
        assert [w.checker.resets for w in watchers[:3]] == [1, 1, 1]
        assert all(w.connections > len(goals) for w in watchers)
        await crowd.check_receipts()
        await crowd.cast_again(every=40)
    assert child.recounted(poll) == final
    assert query(child.database, "SELECT COUNT(*), COUNT(DISTINCT voter) FROM ballots") == [(944, 944)]
    assert set(stored(child.data, poll)) == crowd.receipts()
