"""A release that reports its steps, as a script elsewhere would: the work is played, the reports are real."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from livewall.client.calls import Server

TITLE = "Release 1.4 to the hall's machines"

# name, needs, seconds, what it says on the way
STEPS: list[tuple[str, list[str], float, list[str]]] = [
    ("fetch", [], 4, ["receiving objects", "checking out"]),
    ("build", ["fetch"], 14, ["compiling", "linking", "packing"]),
    ("test", ["build"], 12, ["unit tests", "browser tests"]),
    ("upload-stage", ["build"], 8, ["copying to stage-1", "copying to stage-2"]),
    ("upload-foyer", ["build"], 11, ["copying to foyer-1", "copying to foyer-2", "copying to foyer-3"]),
    ("restart", ["test", "upload-stage", "upload-foyer"], 5, ["restarting one after the other"]),
    ("check", ["restart"], 4, ["asking each for its health"]),
]


async def create(server: Server) -> dict[str, Any]:
    steps = [{"name": name, "needs": needs} for name, needs, _, _ in STEPS]
    body = {"title": TITLE, "steps": steps, "id": f"release-{secrets.token_hex(3)}"}
    made: dict[str, Any] = await server.post("/api/tasks", body, repeat=True)
    return made


async def run(server: Server, task: str) -> None:
    """Every step, each as soon as what it needs is done."""
    done = {name: asyncio.Event() for name, *_ in STEPS}

    async def step(name: str, needs: list[str], seconds: float, messages: list[str]) -> None:
        for need in needs:
            await done[need].wait()
        ticks = round(seconds / 0.5)
        for tick in range(ticks):
            message = messages[tick * len(messages) // ticks]
            await report(server, task, name, state="running", progress=round(tick / ticks, 2), message=message)
            await asyncio.sleep(0.5)
        await report(server, task, name, state="succeeded", progress=1.0, message="")
        done[name].set()

    async with asyncio.TaskGroup() as work:
        for each in STEPS:
            work.create_task(step(*each))


async def report(server: Server, task: str, step: str, **fields: Any) -> None:
    await server.put(f"/api/tasks/{task}/steps/{step}", fields)
