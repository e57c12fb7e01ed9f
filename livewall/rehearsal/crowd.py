"""The whole audience: when each person joins, over which transport, and what happens once most are there.

`arrivals` is pure; a `Crowd` carries out what its kind of rehearsal does.
"""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from livewall.client.calls import Server, segment
from livewall.rehearsal.checks import Fault
from livewall.rehearsal.run import Run
from livewall.rehearsal.test_wall import TestWall
from livewall.rehearsal.viewer import Viewer
from livewall.rehearsal.visitor import Visitor

JOINING_SHARE = 0.3  # of the duration, within which nine of ten people join
MAX_JOINS_PER_SECOND = 50.0  # people
JOIN_TIMEOUT = 30.0  # seconds that the host waits for people who are joining
SETTLE_TIMEOUT = 40.0  # seconds that the last acts may take to be decided
COMPARE_TIMEOUT = 25.0  # seconds that readers may take to show the final state
SSE_SHARE, POLLING_SHARE = 0.08, 0.06
SCREEN_TRANSPORTS = ("websocket", "sse")


class Arrival(NamedTuple):
    at: float
    transport: str


def arrivals(voters: int, seconds: float, chance: random.Random) -> list[Arrival]:
    """Return when each voter joins, and how: most at the start and some late, some behind proxies without
    WebSockets."""
    filling = joining_seconds(voters, seconds)
    arriving = []
    for _ in range(voters):
        late = chance.random() < 0.1
        at = chance.uniform(filling, seconds * 0.6) if late else filling * chance.betavariate(1.5, 2.0)
        draw = chance.random()
        sse = draw < SSE_SHARE
        transport = "sse" if sse else "long-polling" if draw < SSE_SHARE + POLLING_SHARE else "websocket"
        arriving.append(Arrival(at, transport))
    return sorted(arriving)


def joining_seconds(voters: int, seconds: float) -> float:
    return max(seconds * JOINING_SHARE, voters / MAX_JOINS_PER_SECOND)


class Crowd(ABC):
    """The people and screens of a rehearsal, and its host. `acts` is what people do, in words."""

    acts: str

    def __init__(
        self,
        run: Run,
        server: Server,
        test_wall: TestWall,
        *,
        voters: int,
        seconds: float,
        screens: int,
        chance: random.Random,
    ) -> None:
        self.run = run
        self.server = server
        self.test_wall = test_wall
        self.seconds = seconds
        self.phase = "people join"
        self.begin = joining_seconds(voters, seconds)
        self.arrivals = arrivals(voters, seconds, chance)
        self.people: Sequence[Visitor] = [
            self.person(f"voter {n + 1}", each.transport) for n, each in enumerate(self.arrivals)
        ]
        self.screens = [
            self.screen(f"screen {n + 1}", SCREEN_TRANSPORTS[n % len(SCREEN_TRANSPORTS)]) for n in range(screens)
        ]

    @abstractmethod
    def person(self, name: str, transport: str) -> Visitor:
        """Return somebody of the audience."""

    def screen(self, name: str, transport: str) -> Viewer:
        return Viewer(self.run, name, transport, audience=True)

    @abstractmethod
    async def take_place(self, start: float) -> None:
        """Let it happen, once most are there; `start` is when the first joined, put off by as long as people were
        waited for."""

    @property
    @abstractmethod
    def unknown(self) -> int:
        """How many acts people do not know the outcome of."""

    @abstractmethod
    async def check(self) -> list[Fault]:
        """Compare what people know, and what readers show, with what the server has, when nobody acts any longer."""

    async def perform(self, at_begin: Callable[[], Awaitable[None]]) -> list[Fault]:
        """Run the rehearsal; return what is wrong in the end.

        `at_begin` is awaited when people have joined. Raises Refusal, NotReached.
        """
        async with self._running_readers():
            start = self.run.now()
            await self.sleep_until(start + self.begin)
            start += await self._wait_for_joins()
            await at_begin()
            await self.take_place(start)
            self.run.over.set()
            self.phase = "the last acts are decided"
            await self.wait_until(lambda: not any(person.busy for person in self.people), SETTLE_TIMEOUT)
            return await self.check()

    async def compare(self, wrong: Callable[[Viewer], str | None], what: str) -> None:
        """Wait until every connected screen and phone is right, and record those that are not: `wrong` says why."""

        def all_match() -> bool:
            watching = [*self.screens, *(person for person in self.people if person.is_live.is_set())]
            return not any(wrong(viewer) for viewer in watching)

        started = self.run.now()
        await self.wait_until(all_match, COMPARE_TIMEOUT)
        for screen in self.screens:
            if problem := wrong(screen):
                self.run.fault(Fault("screen", f"{screen.name}, {what}: {problem}"))
        for person in self.people:
            stayed = person.is_live.is_set() and person.live_since <= started
            if stayed and (problem := wrong(person)):
                self.run.fault(Fault("phone", f"{person.name}, {what}: {problem}"))

    async def activate(self, stream: str) -> None:
        await self.server.put(f"/api/walls/{segment(self.test_wall.wall)}", {"active": stream})

    async def _wait_for_joins(self) -> float:
        """Wait until nearly all people that tried have joined; return how long that took."""
        figures, started = self.run.figures, self.run.now()
        await self.wait_until(lambda: figures.joined >= 0.95 * figures.joining, JOIN_TIMEOUT)
        return self.run.now() - started

    async def wait_until(self, done: Callable[[], bool], seconds: float) -> None:
        end = self.run.now() + seconds
        while not done() and self.run.now() < end:
            await asyncio.sleep(0.1)

    async def sleep_until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, at - self.run.now()))

    @asynccontextmanager
    async def _running_readers(self) -> AsyncIterator[None]:
        """Run the people and screens while the block runs."""
        tasks = [
            asyncio.ensure_future(each)
            for each in (
                *(person.attend(coming.at) for person, coming in zip(self.people, self.arrivals, strict=True)),
                *(screen.watch() for screen in self.screens),
            )
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            for ghost in self.run.ghosts:
                ghost.close()
            for problem in ended:
                if isinstance(problem, Exception):
                    raise problem
