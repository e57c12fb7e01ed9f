"""Two polls that differ in their hidden figures only, and people who may not see those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from clients import ADMIN, Client
from eavesdropper import Line, Tap, figures

import server
from livewall.store.transaction import Transaction
from livewall.voting.counts import count

PHASES = ((2741, 1307), (2640, 1704), (3547, 1409))
"""Ballots that each phase adds for one option and for the other: no sum or share of them comes by chance or
twice."""
Told = tuple[int, bytes]
"""Status and body."""


@dataclass
class Poll:
    """A poll alone on its wall; `order` is the options, the one that gets the most first."""

    id: str
    wall: str
    order: tuple[str, str]
    codes: list[str]
    counts: dict[str, int] = field(default_factory=dict)
    ballots: int = 0
    receipt: str = ""

    def stands_for(self, task: str) -> dict[str, str]:
        return {
            "polls": self.id,
            "walls": self.wall,
            "w": self.wall,
            "tasks": task,
            "steps": "a",
            "hosts": "web1",
            "logs": "a",
            "receipts": self.receipt,
            "codes": "1",
            "login": "nobodys",
            "tokens": "1",
            "pipelines": "none",
            "screens": "abcdefgh",
            "rooms": "none",
            "messages": "1",
            "people": "abcdefghijkl",
            "questions": "1",
            "inbox": "cabcdefgh",
        }


@dataclass
class Scene:
    client: Client
    running: server.Running
    tap: Tap
    line: Line
    polls: list[Poll]
    """Twins: what the one's first option has, the other's second has."""
    task: str
    people: dict[str, dict[str, str]]
    """Who may not see a hidden tally, by the headers with which they ask."""
    voters: dict[str, str] = field(default_factory=dict)
    phases: Iterator[tuple[int, int]] = field(default_factory=lambda: iter(PHASES))

    @property
    def everyone(self) -> list[tuple[dict[str, str], str]]:
        """Headers and query of each who may not see a hidden tally; a host, too, who asks as the audience."""
        host = {"Authorization": f"Bearer {ADMIN}"}
        return [*((headers, "") for headers in self.people.values()), (host, "&as=audience")]

    @property
    def knows_most(self) -> str:
        return "voted" if "voted" in self.people else "voter"

    async def all(self, method: str, act: str, body: Any = None) -> None:
        for poll in self.polls:
            await self.client.host(method, f"/api/polls/{poll.id}{act}", body)

    async def vote(self, poll: Poll, choice: str, voter: str) -> str:
        code = {"code": poll.codes.pop()} if poll.codes else {}
        answer = await self.client.vote(poll.id, choice, voter, **code)
        assert answer.status in (200, 201), answer.body
        return str(answer.json["receipt"])

    async def pour(self) -> list[str]:
        """Ballots by the thousand, told of by one that is cast as any other is; gives the figures to look for."""
        added = next(self.phases)
        for poll in self.polls:
            round = (await self.client.host("GET", f"/api/polls/{poll.id}"))["round"]
            marks = [option for option, n in zip(poll.order, added, strict=True) for _ in range(n)]

            def write(tx: Transaction, poll: Poll = poll, round: int = round, marks: Any = marks) -> None:
                count(tx, poll.id, round, marks, (), ballots=len(marks))

            await self.running.services.store.write(write)
            await self.vote(poll, "3", await self.client.voter())
            tally = (await self.client.host("GET", f"/api/polls/{poll.id}"))["tally"]
            poll.counts, poll.ballots = {o: n for o, n in tally["counts"].items() if n > 999}, tally["ballots"]
            assert set(poll.counts) == {"1", "2"}
        return figures(self.polls[0].counts, self.polls[0].ballots)

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Told:
        return await self.line.ask(method, path, {"Sec-Fetch-Site": "same-origin", **headers}, body)


async def staged(client: Client, running: server.Running, tap: Tap, kind: Mapping[str, Any]) -> Scene:
    made = []
    for order in (("1", "2"), ("2", "1")):
        wall = (await client.host("POST", "/api/walls", {"title": "Wall"}))["code"]
        codes = (await client.host("POST", f"/api/walls/{wall}/codes", {"count": 9}))["codes"]
        id = (await client.poll(options=["A", "B", "C"], wall=wall, **kind))["id"]
        await client.host("PUT", f"/api/walls/{wall}", {"active": f"polls/{id}"})
        made.append(Poll(id, wall, order, codes if kind.get("assurance") == "code" else []))
    task = (await client.host("POST", "/api/tasks", {"title": "T", "steps": [{"name": "a"}]}))["id"]
    cookie = f"livewall_voter_{running.services.secrets.folder_id}"
    voters = {name: await client.voter() for name in ("voter", "voted")}
    people = {"nobody": {}} | {name: {"Cookie": f"{cookie}={token}"} for name, token in voters.items()}
    for role in ("operator", "reporter"):
        people[role] = {"Authorization": f"Bearer {await client.token(role)}"}
    scene = Scene(client, running, tap, Line(tap), made, task, people, voters)
    for poll in made:
        poll.receipt = await scene.vote(poll, "3", voters["voted"])
    if kind["results"] == "after_vote":
        del people["voted"]
    return scene


async def host_cookie(client: Client) -> dict[str, str]:
    link = (await client.host("POST", "/api/logins", {"role": "admin"}))["link"]
    own = {"Sec-Fetch-Site": "same-origin"}
    answer = await client.ask("POST", f"/login/{link.rpartition('/')[2]}", raw=b"", headers=own)
    return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
