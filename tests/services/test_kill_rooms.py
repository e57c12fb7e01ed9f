"""The history of this project, said in a room or in private while the server is killed: every reader ends with the same
lines."""

from __future__ import annotations

import asyncio
import os
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
from watchers import TRANSPORTS, Watcher

pytest_plugins = ("server_fixtures",)

LINES = 2_000 if os.environ.get("LIVEWALL_TORTURE") else 300
ROOM = "/api/rooms/history"


def history() -> list[str]:
    """The subjects of the last commits, the oldest first."""
    command = ["git", "log", "--reverse", f"-{LINES}", "--format=%s"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


class Author:
    """Says the lines in their order, each once, however often the server is away. `voices` are the voters who take
    turns, each with the address at which it speaks."""

    def __init__(self, server: Server, lines: list[str], chance: random.Random, voices: list[tuple[str, str]]) -> None:
        self.server, self.lines, self.chance, self.voices = server, lines, chance, voices
        self.said: list[dict[str, Any]] = []

    async def say_all(self) -> None:
        for number, line in enumerate(self.lines):
            given = {"text": line, "id": f"line-{number}"}
            voice = self.voices[number % len(self.voices)]
            while (answer := await asyncio.to_thread(self.ask, given, *voice)) is None:
                await asyncio.sleep(0.02)
            self.said.append(answer)
            if self.chance.random() < 0.1:  # as if the answer had been lost
                assert await asyncio.to_thread(self.ask, given, *voice) in (answer, None)

    def ask(self, given: dict[str, Any], token: str, path: str) -> dict[str, Any] | None:
        try:
            status, found = self.server.ask("POST", path, given, token=token)
        except (urllib.error.URLError, HTTPException, OSError):
            return None
        return found if status in (200, 201) else None


async def test_what_is_said_is_there_once_and_in_its_order_however_often_the_server_is_killed(
    child: Server, chance: random.Random, say: Callable[[str], None]
) -> None:
    child.host("POST", "/api/rooms", {"name": "history", "title": "History"})
    lines = history()
    async with readers(child.url, "rooms/history") as watchers:
        author = Author(child, lines, chance, [(child.voter(), f"{ROOM}/messages") for _ in range(4)])
        await killed_while_speaking(child, author, "messages", KILLS, say)
        for watcher in watchers:
            await watcher.until(lambda c: list(c.numbered)[-1:] == [len(lines)])
            held = watcher.checker.numbered
            assert list(held) == list(range(len(lines) - len(held) + 1, len(lines) + 1)) and len(held) >= 200
            assert list(held.values()) == author.said[-len(held) :]


async def killed_while_speaking(
    child: Server, author: Author, table: str, kills: int, say: Callable[[str], None]
) -> None:
    """Kill the server some times while the author speaks, and look at what was kept each time."""
    goals = sorted(author.chance.sample(range(10, len(author.lines) - 10), kills))
    speaking = asyncio.ensure_future(author.say_all())
    try:
        for number, goal in enumerate(goals, 1):
            while len(author.said) < goal:
                assert not speaking.done(), speaking.result()
                await asyncio.sleep(0.002)
            await asyncio.to_thread(child.kill)
            acknowledged = list(author.said)
            held = query(child.database, f"SELECT number, given, text FROM {table} ORDER BY number")
            assert [row[0] for row in held] == list(range(1, len(held) + 1)), "numbers without holes"
            assert [(m["n"], m["id"]) for m in acknowledged] == [row[:2] for row in held[: len(acknowledged)]]
            assert len(held) - len(acknowledged) <= 1
            await asyncio.to_thread(child.start)
            say(f"kill {number}: {len(acknowledged)} acknowledged, {len(held)} stored")
        await speaking
    finally:
        speaking.cancel()
    assert [message["text"] for message in author.said] == author.lines


async def test_private_messages_are_there_once_and_in_their_order_however_often_the_server_is_killed(
    child: Server, chance: random.Random, say: Callable[[str], None]
) -> None:
    child.host("POST", "/api/rooms", {"name": "history", "title": "History"})
    voters = [child.voter() for _ in range(2)]
    ids = [child.ask("POST", f"{ROOM}/messages", {"text": "hello"}, token=voter)[1]["from"] for voter in voters]
    lines = history()[-100:]
    paths = [f"{ROOM}/people/{id}/messages" for id in reversed(ids)]
    author = Author(child, lines, chance, list(zip(voters, paths, strict=True)))
    watchers = [Watcher(child.url, transport, "inbox/me", token=voter) for voter in voters for transport in TRANSPORTS]
    for watcher in watchers:
        watcher.start()
    await killed_while_speaking(child, author, "private_messages", max(3, KILLS // 4), say)
    for watcher in watchers:
        await watcher.until(lambda c: [d["messages"] for d in c.state.values() if "with" in d] == [len(lines)])
        held = {m["n"]: m for m in watcher.checker.state.values() if "text" in m}
        assert [held[n] for n in sorted(held)] == author.said
        await watcher.stop()
    unread = [child.ask("GET", "/api/inbox", token=voter)[1]["items"][0]["unread"] for voter in voters]
    assert unread == [len(lines) // 2] * 2
