"""The whole audience: when each voter joins, over which transport, and what the host does meanwhile.

`plan` and `arrivals` are pure; `Crowd` carries them out.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from livewall.client.calls import Server, segment
from livewall.rehearsal.checks import Fault, difference
from livewall.rehearsal.people import Person
from livewall.rehearsal.run import Run
from livewall.rehearsal.test_wall import TestWall
from livewall.rehearsal.viewer import Viewer

JOINING_SHARE = 0.3  # of the duration, within which nine of ten voters join
MAX_JOINS_PER_SECOND = 50.0  # voters
JOIN_TIMEOUT = 30.0  # seconds that the host waits for voters who are joining
SETTLE_TIMEOUT = 40.0  # seconds that the last ballots may take to be decided
COMPARE_TIMEOUT = 25.0  # seconds that readers may take to show the final tally
SSE_SHARE, POLLING_SHARE = 0.08, 0.06
SCREEN_TRANSPORTS = ("websocket", "sse")


class HostAction(NamedTuple):
    """An action of the host: `at` seconds after the start, for the poll with the index `poll`."""

    at: float
    action: str  # "stage", "open", "close", "publish", "reset"
    poll: int


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


def plan(voters: int, seconds: float) -> list[HostAction]:
    """Return the host's actions for four polls.

    These are a plain question, one with several choices whose results appear after closing, one whose results are
    published, and another round of that one.
    """
    begin = joining_seconds(voters, seconds)
    scene = max(seconds - begin, seconds * 0.5) / 4
    acts = []
    for number, (poll, shape) in enumerate([(0, "plain"), (1, "plain"), (2, "reveal"), (2, "again")]):
        start = begin + number * scene
        if shape == "again":
            acts.append(HostAction(start - 0.05 * scene, "reset", poll))
        acts.append(HostAction(start - 0.1 * scene, "stage", poll))
        acts.append(HostAction(start, "open", poll))
        if shape == "reveal":
            acts.append(HostAction(start + 0.65 * scene, "publish", poll))
        acts.append(HostAction(start + 0.8 * scene, "close", poll))
        if shape == "again":
            acts.append(HostAction(start + 0.9 * scene, "publish", poll))
    return sorted(acts)


def reaction(voters: int, seconds: float) -> float:
    """Return the seconds within which the voters answer: a few, and less than the question is open."""
    acts = plan(voters, seconds)
    opened, closed = (next(act.at for act in acts if act.action == action) for action in ("open", "close"))
    return min(6.0, 0.6 * (closed - opened))


class Crowd:
    """The voters and screens of a rehearsal, and its host."""

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
        self.plan = plan(voters, seconds)
        self.phase = "voters join"
        self.arrivals = arrivals(voters, seconds, chance)
        self.people = [Person(run, f"voter {n + 1}", each.transport) for n, each in enumerate(self.arrivals)]
        self.screens = [
            Viewer(run, f"screen {n + 1}", SCREEN_TRANSPORTS[n % len(SCREEN_TRANSPORTS)], audience=True)
            for n in range(screens)
        ]

    async def perform(self, at_begin: Callable[[], Awaitable[None]]) -> Mapping[str, Any]:
        """Run the rehearsal; return the server's final results of each poll (results.json), by id.

        `at_begin` is awaited when the voters have joined. Raises Refusal, NotReached.
        """
        async with self._running_readers():
            start = self.run.now()
            await self._sleep_until(start + self.plan[0].at)
            start += await self._wait_for_joins()
            await at_begin()
            for act in self.plan:
                await self._sleep_until(start + act.at)
                await self._perform_action(act)
            self.run.over.set()
            self.phase = "the last ballots are decided"
            await self._wait_until(lambda: not any(person.busy for person in self.people), SETTLE_TIMEOUT)
            results = {poll["id"]: await self._results(poll["id"]) for poll in self.test_wall.polls}
            for poll in self.test_wall.polls:
                await self._compare_readers(poll["id"], results[poll["id"]]["rounds"][-1])
            return results

    async def _wait_for_joins(self) -> float:
        """Wait until nearly all voters that tried have joined; return how long that took."""
        figures, started = self.run.figures, self.run.now()
        await self._wait_until(lambda: figures.joined >= 0.95 * figures.joining, JOIN_TIMEOUT)
        return self.run.now() - started

    async def _compare_readers(self, poll_id: str, truth: Mapping[str, Any]) -> None:
        """Activate a poll again, and check that every connected screen and phone shows its final tally."""
        self.phase = "the tallies of all readers are compared"
        stream = f"polls/{poll_id}"
        await self._activate(stream)

        def wrong(viewer: Viewer) -> str | None:
            if viewer.poll != stream:
                return f"it shows {viewer.poll}"
            return difference(viewer.tally, truth)

        def all_match() -> bool:
            watching = [*self.screens, *(person for person in self.people if person.is_live.is_set())]
            return not any(wrong(viewer) for viewer in watching)

        started = self.run.now()
        await self._wait_until(all_match, COMPARE_TIMEOUT)
        for screen in self.screens:
            if problem := wrong(screen):
                self.run.fault(Fault("screen", f"{screen.name}, {stream}: {problem}"))
        for person in self.people:
            stayed = person.is_live.is_set() and person.live_since <= started
            if stayed and (problem := wrong(person)):
                self.run.fault(Fault("phone", f"{person.name}, {stream}: {problem}"))

    async def _perform_action(self, act: HostAction) -> None:
        poll = self.test_wall.polls[act.poll]
        path = f"/api/polls/{segment(poll['id'])}"
        self.phase = f"{act.action}: {poll['title']}"
        if act.action == "stage":
            await self._activate(f"polls/{poll['id']}")
            return
        self.run.figures.acts[act.action] += 1
        phase = {"open": "open", "close": "closed", "reset": "draft"}.get(act.action, poll["phase"])
        published = act.action == "publish" or (poll["published"] and act.action != "reset")
        self.run.record_host_action(poll["id"], phase, poll["round"], published)
        body: dict[str, Any] = {"round": poll["round"]} if act.action == "reset" else {}
        self.test_wall.polls[act.poll] = await self.server.post(f"{path}/{act.action}", body, repeat=True)

    async def _activate(self, stream: str) -> None:
        await self.server.put(f"/api/walls/{segment(self.test_wall.wall)}", {"active": stream})

    async def _results(self, poll_id: str) -> Any:
        return await self.server.get(f"/api/polls/{segment(poll_id)}/results.json")

    async def _wait_until(self, done: Callable[[], bool], seconds: float) -> None:
        end = self.run.now() + seconds
        while not done() and self.run.now() < end:
            await asyncio.sleep(0.1)

    async def _sleep_until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, at - self.run.now()))

    @asynccontextmanager
    async def _running_readers(self) -> AsyncIterator[None]:
        """Run the voters and screens while the block runs."""
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
