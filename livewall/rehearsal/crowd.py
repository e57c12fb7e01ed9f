"""Everybody in the hall at once: when each comes in, on which transport, and what the host does meanwhile.

`plan` and `arrivals` are pure; `Crowd` runs them.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from livewall.client.calls import Server, segment
from livewall.rehearsal.checks import Fault, wrong_picture
from livewall.rehearsal.people import Person
from livewall.rehearsal.run import Run
from livewall.rehearsal.test_wall import TestWall
from livewall.rehearsal.viewer import Viewer

JOINING = 0.3  # of the time: within it nine of ten come in
FASTEST_JOINING = 50.0  # people a second
PATIENT_SECONDS = 30.0  # that a host waits for those who are coming in
SETTLE_SECONDS = 40.0  # that the last ballots may take to be decided
PICTURE_SECONDS = 25.0  # that a screen may take to show what is true
SSE_SHARE, POLLING_SHARE = 0.08, 0.06
SCREEN_TRANSPORTS = ("websocket", "sse")


class Act(NamedTuple):
    """Something the host does, so many seconds after the beginning, to the poll of that place."""

    at: float
    what: str  # "stage", "open", "close", "publish", "reset"
    poll: int


class Arrival(NamedTuple):
    at: float
    transport: str


def arrivals(voters: int, seconds: float, chance: random.Random) -> list[Arrival]:
    """Most come while the hall fills, some late; some phones are behind something that lets no WebSocket through."""
    filling = joining_seconds(voters, seconds)
    made = []
    for _ in range(voters):
        late = chance.random() < 0.1
        at = chance.uniform(filling, seconds * 0.6) if late else filling * chance.betavariate(1.5, 2.0)
        kind = chance.random()
        sse = kind < SSE_SHARE
        transport = "sse" if sse else "long-polling" if kind < SSE_SHARE + POLLING_SHARE else "websocket"
        made.append(Arrival(at, transport))
    return sorted(made)


def joining_seconds(voters: int, seconds: float) -> float:
    return max(seconds * JOINING, voters / FASTEST_JOINING)


def plan(voters: int, seconds: float) -> list[Act]:
    """Four scenes: a plain question; several answers, shown after the end; one that is revealed; and that one again."""
    begin = joining_seconds(voters, seconds)
    scene = max(seconds - begin, seconds * 0.5) / 4
    acts = []
    for number, (poll, shape) in enumerate([(0, "plain"), (1, "plain"), (2, "reveal"), (2, "again")]):
        start = begin + number * scene
        if shape == "again":
            acts.append(Act(start - 0.05 * scene, "reset", poll))
        acts.append(Act(start - 0.1 * scene, "stage", poll))
        acts.append(Act(start, "open", poll))
        if shape == "reveal":
            acts.append(Act(start + 0.65 * scene, "publish", poll))
        acts.append(Act(start + 0.8 * scene, "close", poll))
        if shape == "again":
            acts.append(Act(start + 0.9 * scene, "publish", poll))
    return sorted(acts)


def reaction(voters: int, seconds: float) -> float:
    """Seconds within which a hall answers: a few, and never longer than the question is open."""
    acts = plan(voters, seconds)
    opened, closed = (next(act.at for act in acts if act.what == what) for what in ("open", "close"))
    return min(6.0, 0.6 * (closed - opened))


class Crowd:
    def __init__(
        self, hall: Run, server: Server, stage: TestWall, *, voters: int, seconds: float, screens: int,
        chance: random.Random,
    ) -> None:
        self.hall = hall
        self.server = server
        self.stage = stage
        self.seconds = seconds
        self.plan = plan(voters, seconds)
        self.phase = "the hall fills"
        self.coming = arrivals(voters, seconds, chance)
        self.people = [Person(hall, f"voter {n + 1}", each.transport) for n, each in enumerate(self.coming)]
        self.screens = [
            Viewer(hall, f"screen {n + 1}", SCREEN_TRANSPORTS[n % len(SCREEN_TRANSPORTS)], audience=True)
            for n in range(screens)
        ]

    async def perform(self, at_begin: Callable[[], Awaitable[None]]) -> Mapping[str, Any]:
        """The whole evening; answers what the server says of each poll in the end (results.json, by id).

        `at_begin` is awaited when the hall has filled. Raises Refusal, NotReached.
        """
        async with self._everybody():
            start = self.hall.now()
            await self._sleep_until(start + self.plan[0].at)
            start += await self._hall_is_full()
            await at_begin()
            for act in self.plan:
                await self._sleep_until(start + act.at)
                await self._act(act)
            self.hall.over.set()
            self.phase = "the last ballots are decided"
            await self._settle(lambda: not any(person.busy for person in self.people), SETTLE_SECONDS)
            results = {poll["id"]: await self._results(poll["id"]) for poll in self.stage.polls}
            for poll in self.stage.polls:
                await self._show_again(poll["id"], results[poll["id"]]["rounds"][-1])
            return results

    async def _hall_is_full(self) -> float:
        """A host begins when nearly everybody who came is in; how long that was waited for."""
        figures, begun = self.hall.figures, self.hall.now()
        await self._settle(lambda: figures.joined >= 0.95 * figures.joining, PATIENT_SECONDS)
        return self.hall.now() - begun

    async def _show_again(self, poll_id: str, truth: Mapping[str, Any]) -> None:
        """Put a poll on stage once more: every screen and every phone that is there must show what is true."""
        self.phase = "every picture is compared"
        stream = f"polls/{poll_id}"
        await self._put_on_stage(stream)

        def wrong(viewer: Viewer) -> str | None:
            if viewer.poll != stream:
                return f"it shows {viewer.poll}"
            return wrong_picture(viewer.picture, truth)

        def all_right() -> bool:
            watching = [*self.screens, *(person for person in self.people if person.is_live.is_set())]
            return not any(wrong(viewer) for viewer in watching)

        begun = self.hall.now()
        await self._settle(all_right, PICTURE_SECONDS)
        for screen in self.screens:
            if problem := wrong(screen):
                self.hall.fault(Fault("screen", f"{screen.name}, {stream}: {problem}"))
        for person in self.people:
            stayed = person.is_live.is_set() and person.live_since <= begun
            if stayed and (problem := wrong(person)):
                self.hall.fault(Fault("phone", f"{person.name}, {stream}: {problem}"))

    async def _act(self, act: Act) -> None:
        poll = self.stage.polls[act.poll]
        path = f"/api/polls/{segment(poll['id'])}"
        self.phase = f"{act.what}: {poll['title']}"
        if act.what == "stage":
            await self._put_on_stage(f"polls/{poll['id']}")
            return
        self.hall.figures.acts[act.what] += 1
        phase = {"open": "open", "close": "closed", "reset": "draft"}.get(act.what, poll["phase"])
        published = act.what == "publish" or (poll["published"] and act.what != "reset")
        self.hall.host_acts(poll["id"], phase, poll["round"], published)
        body: dict[str, Any] = {"round": poll["round"]} if act.what == "reset" else {}
        self.stage.polls[act.poll] = await self.server.post(f"{path}/{act.what}", body, repeat=True)

    async def _put_on_stage(self, stream: str) -> None:
        await self.server.put(f"/api/walls/{segment(self.stage.wall)}", {"active": stream})

    async def _results(self, poll_id: str) -> Any:
        return await self.server.get(f"/api/polls/{segment(poll_id)}/results.json")

    async def _settle(self, done: Callable[[], bool], seconds: float) -> None:
        end = self.hall.now() + seconds
        while not done() and self.hall.now() < end:
            await asyncio.sleep(0.1)

    async def _sleep_until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, at - self.hall.now()))

    @asynccontextmanager
    async def _everybody(self) -> AsyncIterator[None]:
        """People and screens, for as long as this lasts."""
        life = [
            asyncio.ensure_future(each)
            for each in (
                *(person.run(coming.at) for person, coming in zip(self.people, self.coming, strict=True)),
                *(screen.watch() for screen in self.screens),
            )
        ]
        try:
            yield
        finally:
            for one in life:
                one.cancel()
            ended = await asyncio.gather(*life, return_exceptions=True)
            for ghost in self.hall.ghosts:
                ghost.close()
            for problem in ended:
                if isinstance(problem, Exception):
                    raise problem
