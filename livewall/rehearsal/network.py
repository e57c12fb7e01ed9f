"""The network between a phone and the server: how long bytes take, and what goes wrong. No I/O, no clock.

A `Link` is one person's; everything it decides comes from its own chance, so that a seed gives a hall's weather again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

Span = tuple[float, float]


class Network(NamedTuple):
    """What a hall's wifi is like. Times in seconds, rates in bytes a second."""

    name: str
    latency: Span = (0.0, 0.0)  # there and back
    jitter: float = 0.0
    rate: Span | None = None
    stalls: float = 0.0  # the share of packets that are lost once, and come late
    stall: Span = (0.0, 0.0)
    cut_every: float = 120.0  # on average, for one person
    cut: Span = (0.5, 3.0)
    sleepers: float = 0.0  # the share of phones that stop reading for a while
    sleep: Span = (5.0, 12.0)


GOOD = Network("good")
POOR = Network(
    "poor",
    latency=(0.05, 0.4),
    jitter=0.1,
    rate=(8_000, 32_000),  # 64 to 256 kbit/s
    stalls=0.02,
    stall=(0.2, 1.0),
    cut_every=30.0,
    cut=(2.0, 10.0),
    sleepers=0.1,
)
BY_NAME = {network.name: network for network in (GOOD, POOR)}


class Disturbance(NamedTuple):
    """Something that befalls a connection: `after` seconds from the end of the last one, for so many `seconds`."""

    kind: str  # "cut" (the connection ends), "vanished" (nobody tells the server), "asleep" (nothing is read)
    after: float
    seconds: float


class Link:
    """One person's way to the server and back."""

    def __init__(self, network: Network, chance: random.Random) -> None:
        self.network = network
        self.clear = network.rate is None
        self._chance = chance
        self._latency = chance.uniform(*network.latency) / 2
        self._rate = chance.uniform(*network.rate) if network.rate else 0.0
        self._sleeper = chance.random() < network.sleepers

    def arrival(self, now: float, size: int, last: float) -> float:
        """When `size` bytes given to the network at `now` come out of it; after those that come out at `last`."""
        if self.clear:
            return now
        delay = self._latency + self._chance.uniform(0.0, self.network.jitter)
        if self._chance.random() < self.network.stalls:
            delay += self._chance.uniform(*self.network.stall)
        # What is still on its way occupies the air: bytes come out one after the other.
        return max(now + delay, last) + size / self._rate

    def disturbances(self) -> Iterator[Disturbance]:
        """Without end."""
        while True:
            after = self._chance.expovariate(1 / self.network.cut_every)
            if self._sleeper and self._chance.random() < 0.5:
                yield Disturbance("asleep", after, self._chance.uniform(*self.network.sleep))
            else:
                kind = "vanished" if not self.clear and self._chance.random() < 0.5 else "cut"
                yield Disturbance(kind, after, self._chance.uniform(*self.network.cut))
