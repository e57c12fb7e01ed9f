"""A room of 2,000 people: from a message to the last reader's bytes, at 50 messages a second, and the memory.

Every reader is a voter of its own, so that the server also tells who is there. Messages go over HTTP, each of another
voter. The time is taken when the load client has read the bytes, and counts from when the message was due to be sent.
Idle event loops beside it, one on each core, note how late their own timers fire.
"""

from __future__ import annotations

import json
from contextlib import ExitStack

from .clients import BEARER, HTTPVoters, Readers
from .latency import CONNECTIONS, Latency, settle
from .plan import Plan
from .spread import Spread
from .target import Livewall

RATE = 50
BODY = json.dumps({"text": "The next vote begins in five minutes, right after the coffee that waits outside."})


def run(plan: Plan) -> str:
    people, many = plan.size(2000, 100), plan.size(10_000, 500)
    figures = Latency(RATE, int(RATE * plan.seconds(10, 2)))
    with ExitStack() as stack:
        server: Livewall = stack.enter_context(Livewall())
        tokens = server.voters(people)
        for turn in range(plan.pairs + 1):  # the first warms up
            room = server.room(f"hall{turn}")
            plan.step(f"{people:,} people talk, turn {turn} of {plan.pairs}")
            with (
                Readers(server.port, f"/ws/rooms/{room}", tokens=tokens, headers=BEARER) as readers,
                HTTPVoters(server.port, "POST", f"/api/rooms/{room}/messages", BODY, tokens=tokens) as speakers,
            ):
                figures.turn(readers, speakers, people, kept=turn > 0)
        plan.step(f"{many:,} messages to {people // 10:,} people")
        room = server.room("long")
        path = f"/api/rooms/{room}/messages"
        with (
            Readers(server.port, f"/ws/rooms/{room}", tokens=tokens, headers=BEARER) as readers,
            HTTPVoters(server.port, "POST", path, BODY, tokens=tokens) as speakers,
        ):
            readers.open(people // 10)
            speakers.open(CONNECTIONS)
            speakers.go(count=many // 5)
            before = server.rss()
            speakers.go(count=many)
            settle(readers, many + many // 5)
            grown = (server.rss() - before) / 1024
    aim = f"p99 to the last reader: aim < 200 ms, {'met' if Spread.of(figures.p99).median < 200 else 'MISSED'}."
    memory = f"Over {many:,} more messages to {people // 10:,} people, the server grew by {grown:,.0f} KiB."
    return f"{figures.table(f'{people:,} people, {RATE} messages a second', 'message')}\n\n{aim} {memory}"
