"""944 real answers, cast by 944 voters over two transports and watched on four."""

from __future__ import annotations

import random

from child_server import Server
from crowd import COUNTS, Crowd, query, readers

pytest_plugins = ("server_fixtures",)


async def test_944_real_answers_end_at_551_and_393_on_every_transport(child: Server, chance: random.Random) -> None:
    poll = child.poll()
    final = {"round": 1, "counts": COUNTS, "ballots": 944}
    async with readers(child.url, f"polls/{poll}") as watchers:
        crowd = Crowd(child.url, poll, chance)
        await crowd.cast()
        for watcher in watchers:
            await watcher.until(lambda c: c.state["tally"] == final)
        await crowd.check_receipts()
        # Nobody was moved to another place or had to come back; plain polling is nothing but coming back.
        assert [w.checker.resets for w in watchers[:3]] == [1, 1, 1]
        assert [w.connections for w in watchers[:2]] == [1, 1]
    assert child.recounted(poll) == final
    assert child.json("recount", poll)["agree"] is True
    assert query(child.database, "SELECT COUNT(*), COUNT(DISTINCT voter) FROM ballots") == [(944, 944)]
    assert crowd.lost == 0 and len(crowd.receipts()) == 944
