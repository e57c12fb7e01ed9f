"""A rehearsal from beginning to end: make a wall, run the audience, check everything, and remove the wall."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from livewall.client.calls import ClientError, NotReached, Server
from livewall.rehearsal import test_wall
from livewall.rehearsal.asking import AskingCrowd
from livewall.rehearsal.channel import resolve
from livewall.rehearsal.crowd import Crowd
from livewall.rehearsal.machine import OwnUsage, ProcessUsage, server_usage
from livewall.rehearsal.network import Network
from livewall.rehearsal.report import Limits, Report
from livewall.rehearsal.run import Run
from livewall.rehearsal.talk import TalkCrowd
from livewall.rehearsal.test_wall import Kind
from livewall.rehearsal.votes import VotingCrowd, reaction

Say = Callable[[str], None]

CALL_TIMEOUT = 120.0  # seconds for each call of the host: an overloaded server is measured, not given up


class Plan(NamedTuple):
    """The parameters of a rehearsal."""

    voters: int
    seconds: float
    screens: int
    network: Network
    seed: int
    limits: Limits
    kind: Kind = "votes"


CROWDS: dict[Kind, type[Crowd]] = {"votes": VotingCrowd, "chat": TalkCrowd, "questions": AskingCrowd}


async def rehearse(server: Server, plan: Plan, *, say: Say, started: Callable[[Crowd], None]) -> Report:
    """Run a rehearsal and return its report. Raises Refusal, NotReached.

    Whatever happens, the wall is removed, or `say` gets a message that it was left behind. `started` is called with the
    crowd when it begins.
    """
    for left in await test_wall.leftovers(server):
        say(f"The wall {left['code']}, {left['title']!r}, was left behind or is still in use. --clean removes it.")
    server.patience = max(server.patience, CALL_TIMEOUT)
    try:
        address = await resolve(server.url)
    except OSError as problem:
        raise NotReached(f"{server.url} cannot be reached: {problem}.") from None
    chance = random.Random(plan.seed)
    before = await server_usage(server)
    async with _own_wall(server, test_wall.title_of(plan.seed, datetime.now(UTC)), plan.kind, say) as wall:
        run = Run(address, wall.wall, plan.network, chance, reaction_seconds=reaction(plan.voters, plan.seconds))
        crowd = CROWDS[plan.kind](
            run, server, wall, voters=plan.voters, seconds=plan.seconds, screens=plan.screens, chance=chance
        )
        when_joined: list[tuple[ProcessUsage | None, int, int]] = []

        async def record_joined() -> None:
            when_joined.append((await server_usage(server), run.figures.joined, run.figures.acknowledged_ballots))

        started(crowd)
        async with OwnUsage() as own_usage:
            faults = await crowd.perform(record_joined)
        after = await server_usage(server)
        faults += run.faults
        return Report(plan, run.figures, faults, crowd.unknown, (before, *when_joined[0], after), own_usage)


async def clean(server: Server, say: Say) -> int:
    """Remove the walls that earlier rehearsals left; return how many these were. Raises Refusal, NotReached."""
    walls = await test_wall.leftovers(server)
    for wall in walls:
        await _clear(server, wall, say)
    return len(walls)


@asynccontextmanager
async def _own_wall(server: Server, title: str, kind: Kind, say: Say) -> AsyncIterator[test_wall.TestWall]:
    try:
        yield await test_wall.build(server, title, kind)
    finally:
        await _remove_wall(server, title, say)


async def _remove_wall(server: Server, title: str, say: Say) -> None:
    """Remove a wall by its title, because the answer to the call that made it may have been lost."""
    try:
        for wall in await test_wall.leftovers(server):
            if wall["title"] == title:
                await _clear(server, wall, say)
    except ClientError as problem:
        say(f"The wall of this rehearsal could not be removed: {problem} Try again with: livewall rehearse --clean")
    except asyncio.CancelledError:
        say("The wall of this rehearsal was left behind. Remove it later with: livewall rehearse --clean")
        raise


async def _clear(server: Server, wall: dict[str, Any], say: Say) -> None:
    erased = await test_wall.remove(server, wall)
    say(
        f"The wall {wall['code']} was removed with all that it had"
        + (", and their ballots erased." if erased else ". This server cannot erase ballots: they stay in its archive.")
    )
