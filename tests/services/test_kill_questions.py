"""Questions and their votes survive kill -9: none is lost or counted twice, and every reader ends with the same."""

from __future__ import annotations

import asyncio
import random
import urllib.error
from collections.abc import Callable
from http.client import HTTPException
from typing import Any

from child_server import Server
from crowd import query, readers
from killer import KILLS

pytest_plugins = ("server_fixtures",)

ACTS = 240


class Audience:
    """Asks and votes up, each act repeated until it is answered."""

    def __init__(self, server: Server, wall: str, chance: random.Random) -> None:
        self.server, self.chance = server, chance
        self.path = f"/api/walls/{wall}/questions"
        self.voters = [server.voter() for _ in range(8)]
        self.asked: dict[int, str] = {}
        self.votes: set[tuple[str, int]] = set()
        self.acts = 0

    async def act_all(self) -> None:
        for number in range(ACTS):
            voter = self.chance.choice(self.voters)
            if number % 4 == 0:
                given = {"text": f"Question {number}?", "id": f"q-{number}"}
                found = await self.until_answered("POST", self.path, given, voter)
                assert self.asked.get(found["n"], given["id"]) == given["id"]
                self.asked[found["n"]] = given["id"]
                self.votes.add((voter, found["n"]))
            else:
                n = self.chance.choice(list(self.asked))
                taken_back = self.chance.random() < 0.2
                await self.until_answered("DELETE" if taken_back else "PUT", f"{self.path}/{n}/vote", {}, voter)
                (self.votes.discard if taken_back else self.votes.add)((voter, n))
            self.acts += 1

    async def until_answered(self, method: str, path: str, given: dict[str, Any], voter: str) -> Any:
        while (answer := await asyncio.to_thread(self.ask, method, path, given, voter)) is None:
            await asyncio.sleep(0.02)
        if self.chance.random() < 0.1:  # as if the answer had been lost
            await asyncio.to_thread(self.ask, method, path, given, voter)
        return answer

    def ask(self, method: str, path: str, given: dict[str, Any], voter: str) -> Any:
        try:
            status, found = self.server.ask(method, path, given, token=voter)
        except (urllib.error.URLError, HTTPException, OSError):
            return None
        return found if status in (200, 201) else None

    def counts(self) -> dict[int, int]:
        return {n: sum(1 for _, number in self.votes if number == n) for n in self.asked}


async def test_votes_are_those_of_the_people_however_often_the_server_is_killed(
    child: Server, chance: random.Random, say: Callable[[str], None]
) -> None:
    code = child.host("POST", "/api/walls", {"title": "Forum"})["code"]
    child.host("PUT", f"/api/walls/{code}", {"questions": "open"})
    audience = Audience(child, code, chance)
    goals = sorted(chance.sample(range(10, ACTS - 10), KILLS))
    async with readers(child.url, f"questions/{code}") as watchers:
        acting = asyncio.ensure_future(audience.act_all())
        try:
            for kill, goal in enumerate(goals, 1):
                while audience.acts < goal:
                    assert not acting.done(), acting.result()
                    await asyncio.sleep(0.002)
                await asyncio.to_thread(child.kill)
                asked = dict(audience.asked)
                rows = query(child.database, "SELECT number, given, votes FROM questions ORDER BY number")
                assert [row[0] for row in rows] == list(range(1, len(rows) + 1)), "numbers without holes"
                held = {number: given for number, given, _ in rows}
                assert asked.items() <= held.items() and len(held) - len(asked) <= 1
                counted = dict(query(child.database, "SELECT number, COUNT(*) FROM question_votes GROUP BY number"))
                assert {n: votes for n, _, votes in rows} == {n: counted.get(n, 0) for n in held}
                say(f"kill {kill}: {audience.acts} acts acknowledged, {len(held)} questions stored")
                await asyncio.to_thread(child.start)
            await acting
        finally:
            acting.cancel()
        wanted = audience.counts()
        listed = child.ask("GET", audience.path, token=audience.voters[0])[1]["items"]
        assert {each["n"]: each["votes"] for each in listed} == wanted
        for watcher in watchers:
            await watcher.until(
                lambda c: {d["n"]: d["votes"] for key, d in c.state.items() if key.startswith("question/")} == wanted
            )
