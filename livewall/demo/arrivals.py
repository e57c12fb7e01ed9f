"""When the members of an audience vote: most in the first third of the time, and some until the end. No I/O."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal, NamedTuple

Transport = Literal["http", "websocket"]


class Arrival(NamedTuple):
    at: float  # seconds after the poll was opened
    vote: int
    transport: Transport
    stay: float  # seconds for which a voter on a WebSocket stays connected


def arrivals(votes: Sequence[int], seconds: float, seed: int = 1996) -> list[Arrival]:
    """Return an arrival for each vote, in order of time; every second one is over WebSocket."""
    chance = random.Random(seed)
    times = sorted(seconds * chance.betavariate(1.5, 3.2) for _ in votes)
    shuffled = list(votes)
    chance.shuffle(shuffled)
    return [
        Arrival(at, vote, "websocket" if index % 2 else "http", chance.uniform(1, 8))
        for index, (at, vote) in enumerate(zip(times, shuffled, strict=True))
    ]
