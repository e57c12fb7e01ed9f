"""kill -9 while programs report their tasks: a report that was answered stands, and one that is repeated is one."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from typing import Any

from child_server import Server
from crowd import Line, Lost
from killer import KILLS, Killer
from watchers import TRANSPORTS, Watcher

pytest_plugins = ("server_fixtures",)

STEPS = [{"name": "fetch"}, {"name": "build", "needs": ["fetch"]}, {"name": "check", "needs": ["build"]}]


class Reporters:
    """Programs that report task after task, each call until it is answered."""

    def __init__(self, server: Server, chance: random.Random) -> None:
        self.server = server
        self.chance = chance
        self.under_way: set[object] = set()
        self.sent: Callable[[], None] = lambda: None
        self.heard: Callable[[], None] = lambda: None
        self.acts = 0
        self.over = False
        self.ended: dict[str, str] = {}
        self.token = str(server.host("POST", "/api/tokens", {"role": "reporter", "name": "builds"})["token"])

    async def call(self, line: Line, method: str, path: str, body: Any) -> Any:
        this = object()

        def leave() -> None:
            self.under_way.add(this)
            self.sent()

        while True:
            try:
                status, found = await line.ask(method, path, body, token=self.token, sent=leave)
                assert status in (200, 201), (status, found)
                self.acts += 1
                self.under_way.discard(this)
                self.heard()
                return found
            except (Lost, OSError):
                await asyncio.sleep(self.chance.uniform(0.01, 0.05))
            finally:
                self.under_way.discard(this)

    async def report(self, name: str) -> None:
        line = Line(self.server.url)
        try:
            for number in range(10_000):
                if self.over:
                    return
                task = f"{name}-{number}"
                await self.call(line, "POST", "/api/tasks", {"title": f"Task {task}", "steps": STEPS, "id": task})
                end = self.chance.choice(["succeeded", "failed"])
                for step in STEPS:
                    path, last = f"/api/tasks/{task}/steps/{step['name']}", step is STEPS[-1]
                    for progress in (0.2, 0.8):
                        found = await self.call(line, "PUT", path, {"state": "running", "progress": progress})
                        assert (found["state"], found["progress"]) == ("running", progress)
                    state = end if last else "succeeded"
                    assert (await self.call(line, "PUT", path, {"state": state}))["state"] == state
                self.ended[task] = end
        finally:
            line.close()


async def test_tasks_are_followed_through_kills_to_their_ends(
    child: Server, chance: random.Random, say: Callable[[str], None]
) -> None:
    reporters = Reporters(child, chance)
    killer = Killer(child, reporters)
    watchers = [Watcher(child.url, each, "tasks", token=child.admin) for each in TRANSPORTS]
    people = [asyncio.ensure_future(reporters.report(name)) for name in ("a", "b", "c")]
    try:
        for watcher in watchers:
            watcher.pause = 0.05
            watcher.start()
        for number in range(1, KILLS + 1):
            goal = reporters.acts + chance.randint(20, 80)
            while reporters.acts < goal:
                await asyncio.sleep(0.01)
                for person in people:
                    if person.done():
                        person.result()
            await killer.strike(chance.choice(["sent", "heard"]), chance.randint(1, 2))
            start = time.monotonic()
            await asyncio.to_thread(child.start)
            say(f"kill {number}: {reporters.acts} reports; ready again after {time.monotonic() - start:.2f} s")
        reporters.over = True
        await asyncio.gather(*people)
        # The list holds the last hundred that ended.
        recent = {f"task/{id}": state for id, state in list(reporters.ended.items())[-50:]}
        for watcher in watchers:
            await watcher.until(
                lambda c: all(c.state.get(key, {}).get("state") == state for key, state in recent.items())
            )
        for id, state in reporters.ended.items():
            found = child.host("GET", f"/api/tasks/{id}")
            assert found["state"] == state
            assert [step["state"] for step in found["steps"]] == ["succeeded", "succeeded", state]
            assert [step["attempt"] for step in found["steps"]] == [1, 1, 1], "a repeated report is no new attempt"
    finally:
        for person in people:
            person.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await person
        for watcher in watchers:
            await watcher.stop()
