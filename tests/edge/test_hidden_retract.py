"""A voter who saw the tally because it had a ballot takes the ballot back: from then on it sees what others see."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from clients import Client
from eavesdropper import Tap, figures, seen
from tornado.ioloop import IOLoop
from watchers import TRANSPORTS, Watcher

import server
from livewall.store.transaction import Transaction
from livewall.store.writer import settle
from livewall.voting.counts import count


@pytest.fixture
def tap(io_loop: IOLoop, running: server.Running) -> Iterator[Tap]:
    made = Tap(running.port)
    io_loop.run_sync(made.start)
    yield made
    io_loop.run_sync(made.stop)


@pytest.mark.parametrize("over", ["the socket", "the API"])
async def test_who_takes_a_ballot_back_is_sent_nothing_that_came_after_it(
    client: Client, running: server.Running, tap: Tap, over: str
) -> None:
    """The act that takes the sight away and the ballots that follow it may share a commit and a publication."""
    booth, store = running.services.booth, running.services.store
    for _ in range(4):
        poll, voter = await client.poll(results="after_vote"), await client.voter()
        stream = f"polls/{poll['id']}"
        await client.vote(poll["id"], "1", voter)
        socket = await Client(tap.url, client.http).socket(f"/ws/{stream}", token=voter)
        readers = [Watcher(tap.url, transport, stream, token=voter) for transport in TRANSPORTS]
        for each in readers:
            each.start()
        for each in readers:
            await each.until(lambda c: "tally" in c.state)
        known = running.services.secrets.voter(voter)
        assert known is not None
        after: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def more(tx: Transaction, id: str = poll["id"]) -> None:
            count(tx, id, 1, ["2"] * 2741 + ["1"] * 1307, (), ballots=4048)

        if over == "the socket":
            await socket.send({"do": "retract", "ref": "1", "round": 1})
            await socket.until(lambda m: m.get("ref") == "1")
        else:
            booth.retract(poll["id"], known, 1, lambda cast, error: None)
        store.submit(more, settle(after))
        await after
        assert (await client.vote(poll["id"], "1")).status == 201
        for each in readers:
            await each.until(lambda c: (c.state.get("turnout") or {}).get("ballots") == 4049)
            await each.stop()
        await socket.until(lambda m: m.get("key") == "turnout" and m["data"]["ballots"] == 4049)
        socket.close()
        await socket.closed()
        assert not (found := seen(tap.sent, figures({"1": 1308, "2": 2741}, 4049))), found
