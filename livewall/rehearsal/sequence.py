"""A rehearsal from beginning to end: a wall is built, a hall comes, everything is checked, all of it is taken away."""

from __future__ import annotations

import asyncio
import csv
import io
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from livewall.client.calls import ClientError, NotReached, Server, segment
from livewall.rehearsal import test_wall
from livewall.rehearsal.channel import find_place
from livewall.rehearsal.checks import Counted, uncounted
from livewall.rehearsal.crowd import Crowd, reaction
from livewall.rehearsal.machine import OwnUsage, ProcessUsage, taken
from livewall.rehearsal.network import Network
from livewall.rehearsal.report import Limits, Report
from livewall.rehearsal.run import Run

Say = Callable[[str], None]

PATIENCE = 120.0  # seconds for each call of the host: a server that can do no more is to be measured, not given up


class Plan(NamedTuple):
    """What is asked for."""

    voters: int
    seconds: float
    screens: int
    network: Network
    seed: int
    limits: Limits


async def rehearse(server: Server, wanted: Plan, *, say: Say, began: Callable[[Crowd], None]) -> Report:
    """Raises Refusal, NotReached; whatever happens, the wall is taken away, or it is said where it is.

    `began` is told when there is something to look at.
    """
    for wall in await test_wall.leftovers(server):
        say(f"Left over, or one that still runs: wall {wall['code']}, {wall['title']!r}. --clean takes it away.")
    server.patience = max(server.patience, PATIENCE)
    try:
        place = await find_place(server.url)
    except OSError as problem:
        raise NotReached(f"{server.url} cannot be reached: {problem}.") from None
    chance = random.Random(wanted.seed)
    before = await taken(server)
    async with _own_wall(server, test_wall.title_of(wanted.seed, datetime.now(UTC)), say) as ours:
        hall = Run(place, ours.wall, wanted.network, chance, react=reaction(wanted.voters, wanted.seconds))
        crowd = Crowd(
            hall, server, ours, voters=wanted.voters, seconds=wanted.seconds, screens=wanted.screens, chance=chance
        )
        filled: list[tuple[ProcessUsage | None, int, int]] = []

        async def note() -> None:
            filled.append((await taken(server), hall.figures.joined, hall.figures.acknowledged_ballots))

        began(crowd)
        async with OwnUsage() as ourselves:
            results = await crowd.perform(note)
        after = await taken(server)
        ballots = [row for poll_id in results for row in await counted(server, poll_id)]
        tallies = {(poll_id, tally["round"]): tally for poll_id, found in results.items() for tally in found["rounds"]}
        faults = [*uncounted(hall.ledger, ballots, tallies), *hall.faults]
        return Report(wanted, hall.figures, faults, hall.ledger.unknown, (before, *filled[0], after), ourselves)


async def clean(server: Server, say: Say) -> int:
    """Take away what rehearsals left; how many walls that were. Raises Refusal, NotReached."""
    left = await test_wall.leftovers(server)
    for wall in left:
        await _clear(server, wall, say)
    return len(left)


async def counted(server: Server, poll_id: str) -> list[Counted]:
    text = (await server.raw(f"/api/polls/{segment(poll_id)}/ballots.csv")).decode()
    return [
        Counted(poll_id, int(row["round"]), row["receipt"], frozenset(row["choices"].split()))
        for row in csv.DictReader(io.StringIO(text))
    ]


@asynccontextmanager
async def _own_wall(server: Server, title: str, say: Say) -> AsyncIterator[test_wall.TestWall]:
    try:
        yield await test_wall.build(server, title)
    finally:
        await _take_away(server, title, say)


async def _take_away(server: Server, title: str, say: Say) -> None:
    """By its title: it may have been made by a call whose answer never came."""
    try:
        for wall in await test_wall.leftovers(server):
            if wall["title"] == title:
                await _clear(server, wall, say)
    except ClientError as problem:
        say(f"The wall of this rehearsal could not be taken away ({problem}) Later: livewall rehearse --clean")
    except asyncio.CancelledError:
        say("The wall of this rehearsal is left. Later: livewall rehearse --clean")
        raise


async def _clear(server: Server, wall: dict[str, Any], say: Say) -> None:
    erased = await test_wall.clear(server, wall)
    say(
        f"The wall {wall['code']} and its polls are taken away"
        + (", its ballots erased." if erased else "; this server cannot erase ballots, so theirs stay in its archive.")
    )
