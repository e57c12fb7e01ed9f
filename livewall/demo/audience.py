"""The audience, a process that knows only the address of the server and the poll.

`python -m livewall.demo.audience URL POLL SECONDS` casts the 944 answers, each by its own voter, half over HTTP and
half over WebSocket, and prints how many are in, one JSON object a line.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter

from livewall.client.ballots import cast, new_voter
from livewall.client.calls import ClientError, NotReached, Refusal, Server
from livewall.client.poll_socket import PollSocket
from livewall.demo.answers import votes
from livewall.demo.arrivals import Arrival, arrivals

RETRY_SECONDS = 120.0


class Audience:
    """All voters, and how many of their ballots were acknowledged."""

    def __init__(self, url: str, poll: str, round_number: int, options: list[str]) -> None:
        self.url, self.poll, self.round, self.options = url, poll, round_number, options
        self.cast: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.changed = asyncio.Event()

    async def answer(self, people: list[Arrival]) -> None:
        start = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for person in people:
                await asyncio.sleep(max(0.0, start + person.at - time.monotonic()))
                group.create_task(self._vote(person))

    async def _vote(self, person: Arrival) -> None:
        try:
            token = await new_voter(Server(self.url, patience=RETRY_SECONDS))
            server = Server(self.url, token, patience=RETRY_SECONDS)
            choices = [self.options[person.vote]]
            if person.transport == "websocket":
                await self._vote_by_websocket(server, choices, person.stay)
            else:
                await cast(server, self.poll, choices, self.round)
                self._count("http")
        except Refusal as problem:
            self.refused[problem.code] += 1
        except ClientError:
            self.refused["not reached"] += 1
        self.changed.set()

    async def _vote_by_websocket(self, server: Server, choices: list[str], stay: float) -> None:
        try:
            async with PollSocket(server, self.poll) as socket:
                await socket.vote(choices, self.round)
                self._count("websocket")
                await asyncio.sleep(stay)
        except NotReached:
            # The ballot may have been counted, but the same choices again are the same ballot.
            await cast(server, self.poll, choices, self.round)
            self._count("http")

    def _count(self, how: str) -> None:
        self.cast[how] += 1
        self.changed.set()

    def report(self) -> None:
        total = self.cast.total()
        print(json.dumps({"cast": total, **self.cast, "refused": dict(self.refused)}), flush=True)

    async def report_often(self) -> None:
        while True:
            await self.changed.wait()
            self.changed.clear()
            self.report()
            await asyncio.sleep(0.5)


async def main(url: str, poll: str, seconds: float) -> None:
    state = await Server(url, patience=RETRY_SECONDS).get(f"/api/polls/{poll}")
    audience = Audience(url, poll, state["round"], [option["id"] for option in state["options"]])
    # Exit without cleaning up: closing hundreds of connections properly would take seconds.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os._exit, 0)
    reporting = asyncio.ensure_future(audience.report_often())
    try:
        await audience.answer(arrivals(votes(), seconds))
    finally:
        reporting.cancel()
    audience.report()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
