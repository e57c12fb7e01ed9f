"""When the people of a hall answer: nobody at once, most within the first third, stragglers to the end. No I/O."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal, NamedTuple

Transport = Literal["http", "websocket"]


class Arrival(NamedTuple):
    at: float  # seconds after the question was put
    vote: int
    transport: Transport
    stay: float  # seconds for which somebody on a WebSocket goes on watching


def arrivals(votes: Sequence[int], seconds: float, seed: int = 1996) -> list[Arrival]:
    """One for each vote, in the order of time; every second one over WebSocket."""
    chance = random.Random(seed)
    times = sorted(seconds * chance.betavariate(1.5, 3.2) for _ in votes)
    shuffled = list(votes)
    chance.shuffle(shuffled)
    return [
        Arrival(at, vote, "websocket" if index % 2 else "http", chance.uniform(1, 8))
        for index, (at, vote) in enumerate(zip(times, shuffled, strict=True))
    ]
