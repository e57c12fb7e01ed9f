"""A room of 2,000 people: from a message to the last reader's bytes, at 50 messages a second, and the memory.

Every reader is a voter of its own, so that the server also tells who is there. Messages go over HTTP, each of another
voter. The time is taken when the load client has read the bytes, and counts from when the message was due to be sent.
Idle event loops beside it, one on each core, note how late their own timers fire.
"""

from __future__ import annotations

import json
from contextlib import ExitStack

from .clients import BEARER, HTTPVoters, Readers
from .latency import Idle, arrivals, percentile, settle
from .machine import CLIENT_CORE, SERVER_CORE
from .plan import Plan, table
from .spread import Spread
from .target import Livewall

RATE = 50
CONNECTIONS = 16
BODY = json.dumps({"text": "The next vote begins in five minutes, right after the coffee that waits outside."})


def run(plan: Plan) -> str:
    people, seconds, many = plan.size(2000, 100), plan.seconds(10, 2), plan.size(10_000, 500)
    count = int(RATE * seconds)
    p50, p99, most, answer50, answer99 = [], [], [], [], []
    idle: dict[int, tuple[list[float], list[float]]] = {SERVER_CORE: ([], []), CLIENT_CORE: ([], [])}
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
                readers.open(people)
                speakers.open(CONNECTIONS)
                readers.ask(f"track {count}")
                probes = {core: Idle(core) for core in idle}
                answer = speakers.go(rate=RATE, count=count)
                lates = {core: probe.late_us() for core, probe in probes.items()}
                settle(readers, count)
                took = arrivals(readers, speakers, count, people)
            if not turn:
                continue
            p50.append(percentile(took, 0.5))
            p99.append(percentile(took, 0.99))
            most.append(max(took))
            answer50.append(answer["p50_us"] / 1000)
            answer99.append(answer["p99_us"] / 1000)
            for core, late in lates.items():
                idle[core][0].append(percentile(late, 0.5) / 1000)
                idle[core][1].append(percentile(late, 0.99) / 1000)
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
    rows = [
        ["message to the last reader's bytes", Spread.of(p50).text(1), Spread.of(p99).text(1), Spread.of(most).text(1)],
        ["message to its own acknowledgement", Spread.of(answer50).text(1), Spread.of(answer99).text(1), ""],
        ["idle loop on the server's core: timer late by", *(Spread.of(late).text(2) for late in idle[SERVER_CORE]), ""],
        ["idle loop on the clients' core: timer late by", *(Spread.of(late).text(2) for late in idle[CLIENT_CORE]), ""],
    ]
    head = [f"{people:,} people, {RATE} messages a second", "p50, ms", "p99, ms", "longest, ms"]
    aim = f"p99 to the last reader: aim < 200 ms, {'met' if Spread.of(p99).median < 200 else 'MISSED'}."
    memory = f"Over {many:,} more messages to {people // 10:,} people, the server grew by {grown:,.0f} KiB."
    return f"{table(head, rows)}\n\n{aim} {memory}"
