"""The history of this project, said in a room while the server is killed: every reader ends with the same lines."""

from __future__ import annotations

import asyncio
import random
import subprocess
import urllib.error
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any

from child_server import Server
from crowd import query, readers
from killer import KILLS

pytest_plugins = ("server_fixtures",)

LINES = 300
ROOM = "/api/rooms/history"


def history() -> list[str]:
    """The subjects of the last commits, the oldest first."""
    command = ["git", "log", "--reverse", f"-{LINES}", "--format=%s"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


class Author:
    """Says the lines in their order, each once, however often the server is away."""

    def __init__(self, server: Server, lines: list[str], chance: random.Random) -> None:
        self.server, self.lines, self.chance = server, lines, chance
        self.voters = [server.voter() for _ in range(4)]
        self.said: list[dict[str, Any]] = []

    async def say_all(self) -> None:
        for number, line in enumerate(self.lines):
            given = {"text": line, "id": f"line-{number}"}
            token = self.voters[number % 4]
            while (answer := await asyncio.to_thread(self.ask, given, token)) is None:
                await asyncio.sleep(0.02)
            self.said.append(answer)
            if self.chance.random() < 0.1:  # as if the answer had been lost
                assert await asyncio.to_thread(self.ask, given, token) in (answer, None)

    def ask(self, given: dict[str, Any], token: str) -> dict[str, Any] | None:
        try:
            status, found = self.server.ask("POST", f"{ROOM}/messages", given, token=token)
        except (urllib.error.URLError, HTTPException, OSError):
            return None
        return found if status in (200, 201) else None


async def test_what_is_said_is_there_once_and_in_its_order_however_often_the_server_is_killed(
    child: Server, chance: random.Random, say: Callable[[str], None]
) -> None:
    child.host("POST", "/api/rooms", {"name": "history", "title": "History"})
    lines = history()
    goals = sorted(chance.sample(range(10, len(lines) - 10), KILLS))
    async with readers(child.url, "rooms/history") as watchers:
        author = Author(child, lines, chance)
        speaking = asyncio.ensure_future(author.say_all())
        try:
            for number, goal in enumerate(goals, 1):
                while len(author.said) < goal:
                    assert not speaking.done(), speaking.result()
                    await asyncio.sleep(0.002)
                await asyncio.to_thread(child.kill)
                acknowledged = list(author.said)
                held = query(child.database, "SELECT number, given, text FROM messages ORDER BY number")
                assert [row[0] for row in held] == list(range(1, len(held) + 1)), "numbers without holes"
                assert [(m["n"], m["id"]) for m in acknowledged] == [row[:2] for row in held[: len(acknowledged)]]
                assert len(held) - len(acknowledged) <= 1
                await asyncio.to_thread(child.start)
                say(f"kill {number}: {len(acknowledged)} acknowledged, {len(held)} stored")
            await speaking
        finally:
            speaking.cancel()
        assert [message["text"] for message in author.said] == lines
        for watcher in watchers:
            await watcher.until(lambda c: list(c.numbered)[-1:] == [len(lines)])
            held = watcher.checker.numbered
            assert list(held) == list(range(len(lines) - len(held) + 1, len(lines) + 1)) and len(held) >= 200
            assert list(held.values()) == author.said[-len(held) :]
