"""A release that reports its steps as a script elsewhere would. The work is simulated, the reports are real."""

from __future__ import annotations

import asyncio
import secrets

from livewall.client.calls import Server
from livewall.client.tasks import Task

TITLE = "Release 1.4 to the hall's machines"
LEASE = 30.0  # seconds after which the server marks a step lost if the demonstration is killed
FLUSH = 3.0  # seconds that the last reports may take when the demonstration ends

# name, needs, seconds, messages on the way
STEPS: list[tuple[str, list[str], float, list[str]]] = [
    ("fetch", [], 4, ["receiving objects", "checking out"]),
    ("build", ["fetch"], 14, ["compiling", "linking", "packing"]),
    ("test", ["build"], 12, ["unit tests", "browser tests"]),
    ("upload-stage", ["build"], 8, ["copying to stage-1", "copying to stage-2"]),
    ("upload-foyer", ["build"], 11, ["copying to foyer-1", "copying to foyer-2", "copying to foyer-3"]),
    ("restart", ["test", "upload-stage", "upload-foyer"], 5, ["restarting one after the other"]),
    ("check", ["restart"], 4, ["asking each for its health"]),
]


async def create(server: Server) -> str:
    """Create the task, so that a wall can show it before its first report; return its id."""
    steps = [{"name": name, "needs": needs} for name, needs, _, _ in STEPS]
    body = {"title": TITLE, "steps": steps, "id": f"release-{secrets.token_hex(3)}"}
    return str((await server.post("/api/tasks", body, repeat=True))["id"])


async def run(server: Server, task_id: str) -> None:
    """Simulate every step as soon as its needs are done. When this is cancelled, the remaining steps are, too."""
    names = [f"{name}:{','.join(needs)}" for name, needs, _, _ in STEPS]
    done = {name: asyncio.Event() for name, *_ in STEPS}
    async with Task(TITLE, names, id=task_id, url=server.url, token=server.token, lease=LEASE, flush=FLUSH) as task:

        async def play(name: str, needs: list[str], seconds: float, messages: list[str]) -> None:
            for need in needs:
                await done[need].wait()
            with task.step(name) as step:
                ticks = round(seconds / 0.5)
                for tick in range(ticks):
                    step.progress(tick / ticks, messages[tick * len(messages) // ticks])
                    await asyncio.sleep(0.5)
                step.progress(1.0, "")
            done[name].set()

        async with asyncio.TaskGroup() as work:
            for each in STEPS:
                work.create_task(play(*each))
