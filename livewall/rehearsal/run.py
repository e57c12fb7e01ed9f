"""The state that all readers of a rehearsal share: the server, the ledger, the faults and the measurements."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from livewall.rehearsal.channel import Channel, ServerAddress
from livewall.rehearsal.checks import Fault, Ledger
from livewall.rehearsal.network import Network

VisibleState = tuple[str, str, int, bool]
"""A poll's id, phase, round and publication: what a reader sees of an action of the host."""

MAX_FAULTS = 1000


@dataclass
class Times:
    """Durations in seconds: as the voters experienced them, and the server's share, without simulated delays."""

    felt: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)

    def add(self, felt: float, server: float | None) -> None:
        self.felt.append(felt)
        if server is not None:
            self.server.append(server)


@dataclass
class Figures:
    """The measurements of a rehearsal."""

    joined: int = 0
    joining: int = 0
    join: Times = field(default_factory=Times)
    ack: Times = field(default_factory=Times)
    back: Times = field(default_factory=Times)
    to_screens: list[float] = field(default_factory=list)
    to_people: list[float] = field(default_factory=list)
    acts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    ballots: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    live: Counter[str] = field(default_factory=Counter)
    peak_live: dict[str, int] = field(default_factory=dict)
    returned: int = 0
    resets: int = 0
    messages: int = 0
    rate_limited: int = 0
    peak_ballots_per_second: int = 0
    """The most acknowledgements in one second."""
    waited: float = 0.0
    """The sum of the seconds that voters waited because of Retry-After."""
    _second: int = 0
    _in_second: int = 0

    def acknowledged(self, kind: str, felt: float, server: float | None, now: float) -> None:
        self.ballots[kind] += 1
        self.ack.add(felt, server)
        if int(now) != self._second:
            self._second, self._in_second = int(now), 0
        self._in_second += 1
        self.peak_ballots_per_second = max(self.peak_ballots_per_second, self._in_second)

    def is_live(self, transport: str, change: int) -> None:
        self.live[transport] += change
        self.peak_live[transport] = max(self.peak_live.get(transport, 0), self.live[transport])

    @property
    def acknowledged_ballots(self) -> int:
        return sum(self.ballots.values())


class Run:
    """One rehearsal under way."""

    def __init__(
        self, server: ServerAddress, wall: str, network: Network, chance: random.Random, *, reaction_seconds: float
    ) -> None:
        self.server = server
        self.wall = wall
        self.network = network
        self.chance = chance
        self.reaction_seconds = reaction_seconds
        """Seconds within which nearly all voters vote."""
        self.figures = Figures()
        self.ledger = Ledger()
        self.faults: list[Fault] = []
        self.over = asyncio.Event()
        """Set when no further ballot is cast and no connection is disturbed, so that the last checks test the server
        alone.
        """
        self.ghosts: set[Channel] = set()
        self._host_actions: dict[VisibleState, float] = {}
        self._loop = asyncio.get_running_loop()

    def now(self) -> float:
        return self._loop.time()

    def fault(self, fault: Fault) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)

    def record_host_action(self, poll: str, phase: str, round_number: int, published: bool) -> None:
        """Record when the host acts. The delay to each reader counts from here."""
        self._host_actions.setdefault((poll, phase, round_number, published), self.now())

    def forget_action(self, state: VisibleState) -> None:
        """Forget when something was done: nobody knows when it reached the server."""
        self._host_actions.pop(state, None)

    def record_seen(self, state: VisibleState, channel: Channel, since: float, *, screen: bool) -> None:
        """Record when a reader sees an action of the host.

        It counts if the reader has followed the poll since before the action, and read without a pause.
        """
        at = self._host_actions.get(state)
        if at is not None and since < at and channel.read_since(at):
            (self.figures.to_screens if screen else self.figures.to_people).append(channel.received_at - at)
