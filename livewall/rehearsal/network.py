"""A simulated network between phones and the server: delays and disturbances.

This module does no I/O and reads no clock. Each reader has a `Link` with a random generator of its own, so that
the same seed gives the same network again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

Span = tuple[float, float]


class Network(NamedTuple):
    """The properties of a wireless network. Times are in seconds, rates in bytes per second."""

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
    """A disturbance of a connection: `after` seconds from the end of the last one, for `seconds`."""

    kind: str  # "cut" (the connection ends), "vanished" (nobody tells the server), "asleep" (nothing is read)
    after: float
    seconds: float


class Link:
    """The link between one reader and the server."""

    def __init__(self, network: Network, chance: random.Random) -> None:
        self.network = network
        self.clear = network.rate is None
        self._chance = chance
        self._latency = chance.uniform(*network.latency) / 2
        self._rate = chance.uniform(*network.rate) if network.rate else 0.0
        self._sleeper = chance.random() < network.sleepers

    def arrival(self, now: float, size: int, last: float) -> float:
        """Return when `size` bytes that are sent at `now` arrive, after those that arrive at `last`."""
        if self.clear:
            return now
        delay = self._latency + self._chance.uniform(0.0, self.network.jitter)
        if self._chance.random() < self.network.stalls:
            delay += self._chance.uniform(*self.network.stall)
        # Earlier bytes occupy the link, so these arrive after them, at the link's rate.
        return max(now + delay, last) + size / self._rate

    def disturbances(self) -> Iterator[Disturbance]:
        """Yield disturbances without end."""
        while True:
            after = self._chance.expovariate(1 / self.network.cut_every)
            if self._sleeper and self._chance.random() < 0.5:
                yield Disturbance("asleep", after, self._chance.uniform(*self.network.sleep))
            else:
                kind = "vanished" if not self.clear and self._chance.random() < 0.5 else "cut"
                yield Disturbance(kind, after, self._chance.uniform(*self.network.cut))
