"""kill -9 while voters change and retract their ballots and a host opens, closes, publishes and resets: what was
answered is done, what was not is done or not done, and the counts are those of the ballots."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Any

from child_server import Server
from crowd import Line, Lost
from killer import KILLS, Killer
from watchers import TRANSPORTS, Watcher

from livewall.identity import Secrets
from livewall.voting.recount import recount

pytest_plugins = ("server_fixtures",)

VOTERS = 16
Ballot = str | None


class Hall:
    """A host and voters who act one after the other, each until it is answered."""

    def __init__(self, server: Server, poll: str, chance: random.Random) -> None:
        self.server = server
        self.poll = poll
        self.chance = chance
        self.under_way: set[object] = set()
        self.sent: Callable[[], None] = lambda: None
        self.heard: Callable[[], None] = lambda: None
        self.round = 1
        self.acts = 0
        self.over = False
        self.tokens = [server.voter() for _ in range(VOTERS)]
        self.may_hold: dict[tuple[int, int], set[Ballot]] = {}
        """By voter and round: what its ballot is, as far as was answered."""

    async def act(self, line: Line, method: str, path: str, body: Any, token: str) -> tuple[int, Any, bool]:
        """Status, answer, and whether an earlier try may have been carried out."""
        unclear, this = False, object()
        while True:
            left: list[int] = []

            def leave(left: list[int] = left) -> None:
                left.append(1)
                self.under_way.add(this)
                self.sent()

            try:
                status, found = await line.ask(method, path, body, token=token, sent=leave)
                assert status < 500, (status, found)
                self.acts += 1
                self.under_way.discard(this)
                self.heard()
                return status, found, unclear
            except (Lost, OSError):
                unclear = unclear or bool(left)
                await asyncio.sleep(self.chance.uniform(0.01, 0.05))
            finally:
                self.under_way.discard(this)

    async def voter(self, number: int) -> None:
        line, path = Line(self.server.url), f"/api/polls/{self.poll}/ballot"
        try:
            while not self.over:
                round = self.round
                new: Ballot = self.chance.choice(["1", "2", None])
                held = self.may_hold.setdefault((number, round), {None})
                if new is None:
                    answer = await self.act(line, "DELETE", path, {"round": round}, self.tokens[number])
                else:
                    body = {"choices": [new], "round": round}
                    answer = await self.act(line, "PUT", path, body, self.tokens[number])
                status, found, unclear = answer
                if status in (200, 201):
                    assert found["choices"] == ([] if new is None else [new]) and found["round"] == round
                    self.may_hold[number, round] = {new}
                else:
                    assert found["error"]["code"] in ("closed", "round_over", "poll_not_open"), found
                    if unclear:
                        held.add(new)
                    await asyncio.sleep(0.005)
        finally:
            line.close()

    async def host(self) -> None:
        line, path = Line(self.server.url), f"/api/polls/{self.poll}"

        async def do(act: str, body: Any = None) -> None:
            status, found, _ = await self.act(line, "POST", f"{path}/{act}", body, self.server.admin)
            assert status == 200, (act, found)
            self.round = found["round"]

        try:
            while not self.over:
                await asyncio.sleep(self.chance.uniform(0.02, 0.1))
                match self.chance.choice(["close", "publish", "withdraw", "reset"]):
                    case "close":
                        await do("close")
                        await do("open")
                    case "publish":
                        await do("publish")
                    case "withdraw":
                        await do("publish", {"published": False})
                    case "reset":
                        leaving = self.round
                        await do("close")
                        await do("reset", {"round": leaving})
                        assert self.round == leaving + 1, "one reset leaves one round"
                        await do("open")
        finally:
            line.close()


@contextlib.contextmanager
def reading(server: Server) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(server.database, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


async def test_what_was_answered_holds_whatever_was_done(
    child: Server, chance: random.Random, say: Callable[[str], None]
) -> None:
    poll = child.poll(results="after_vote")
    hall = Hall(child, poll, chance)
    killer = Killer(child, hall)
    # On each transport somebody who has no vote, the host, and a voter whose view moves with its ballot.
    watchers = [
        Watcher(child.url, transport, f"polls/{poll}", token=token)
        for number, transport in enumerate(TRANSPORTS)
        for token in (None, child.admin, hall.tokens[number])
    ]
    for watcher in watchers:
        watcher.pause = 0.05
        watcher.start()
    people = [asyncio.ensure_future(hall.voter(number)) for number in range(VOTERS)]
    people.append(asyncio.ensure_future(hall.host()))
    try:
        for number in range(1, KILLS + 1):
            goal = hall.acts + chance.randint(20, 150)
            while hall.acts < goal:
                await asyncio.sleep(0.01)
                for person in people:
                    if person.done():
                        person.result()
            await killer.strike(chance.choice(["sent", "heard"]), chance.randint(1, VOTERS // 2))
            start = time.monotonic()
            await asyncio.to_thread(child.start)
            say(
                f"kill {number}: {hall.acts} acts, {killer.under_way} under way, round {hall.round}; "
                f"ready again after {time.monotonic() - start:.2f} s"
            )
            for each in await asyncio.to_thread(recount, child.database, poll):
                assert each.agrees, each
        hall.over = True
        await asyncio.gather(*people)
        # Who has a vote sees the tally, who has none sees how many voted.
        found = child.host("GET", f"/api/polls/{poll}")
        if not found["published"]:
            for number in range(len(TRANSPORTS)):
                ballot = child.ask("GET", f"/api/polls/{poll}", token=hall.tokens[number])[1]["ballot"]
                key = "tally" if ballot else "turnout"
                await watchers[3 * number + 2].until(lambda c, key=key: key in c.state)  # type: ignore[misc]
        child.host("POST", f"/api/polls/{poll}/close")
        tally, last = child.tally(poll), child.host("GET", f"/api/polls/{poll}")
        for watcher in watchers:
            await watcher.until(
                lambda c: c.state.get("tally") == tally and c.state["poll"]["phase"] == last["phase"] == "closed"
            )
    finally:
        for person in people:
            person.cancel()
        for watcher in watchers:
            await watcher.stop()
    check(child, poll, hall)


def check(server: Server, poll: str, hall: Hall) -> None:
    """Every ballot of every round is one that its voter may have, and there is one at most."""
    secrets = Secrets.load(server.data)
    stored = {}
    for number, token in enumerate(hall.tokens):
        voter = secrets.voter(token)
        assert voter is not None
        stored[secrets.stored_voter(poll, voter)] = number
    with reading(server) as connection:
        rows = connection.execute(
            "SELECT round, voter, group_concat(choice) FROM ballots LEFT JOIN choices USING (receipt) GROUP BY receipt"
        ).fetchall()
        (orphans,) = connection.execute(
            "SELECT COUNT(*) FROM choices WHERE receipt NOT IN (SELECT receipt FROM ballots)"
        ).fetchone()
    assert orphans == 0
    ballots = {(stored[voter], round): choice for round, voter, choice in rows}
    assert len(ballots) == len(rows)
    for place, held in hall.may_hold.items():
        assert ballots.get(place) in held, (place, ballots.get(place), held)
    assert set(ballots) <= set(hall.may_hold)
    counts = [{"1": 0, "2": 0} for _ in range(hall.round)]
    for (_, round), choice in ballots.items():
        counts[round - 1][choice] += 1
    assert [dict(each.counted.counts) for each in recount(server.database, poll)] == counts
