"""A rehearsal of questions: people ask and vote up, a host shows, pins, answers and hides, and readers follow."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

from livewall.client.calls import segment
from livewall.rehearsal.checks import Fault
from livewall.rehearsal.talk import FollowingCrowd
from livewall.rehearsal.talk_checks import Saying, compare_said, compare_votes, wrong_entries
from livewall.rehearsal.viewer import Viewer
from livewall.rehearsal.visitor import Visitor

ASKING_SHARE = 0.1  # of the people
MAX_QUESTIONS = 300
VOTES = 5  # up-votes of one person, at most
VISIBLE = ("shown", "pinned", "answered")


class Asker(Visitor):
    """Somebody who may ask something, and votes questions of others up."""

    def __init__(self, crowd: AskingCrowd, name: str, transport: str) -> None:
        super().__init__(crowd.run, name, transport, more=[crowd.stream])
        self._crowd = crowd
        self._asks = self.chance.random() < min(ASKING_SHARE, MAX_QUESTIONS / crowd.size)
        self._own: set[int] = set()
        self._votes: set[int] = set()

    async def take_part(self) -> None:
        crowd = self._crowd
        await crowd.begun.wait()
        votes = self.chance.randint(0, VOTES)
        moments = sorted(self.chance.uniform(0, 0.9 * crowd.lasting) for _ in range(votes + self._asks))
        asks_at = self.chance.randrange(len(moments)) if self._asks else -1
        begun = self.run.now()
        for place, moment in enumerate(moments):
            await asyncio.sleep(max(0.0, begun + moment - self.run.now()))
            if self.run.over.is_set():
                return
            self.busy = True
            await (self._ask() if place == asks_at else self._vote())
            self.busy = False

    async def _ask(self) -> None:
        crowd, id = self._crowd, f"{self.name.replace(' ', '-')}-{secrets.token_urlsafe(6)}"
        saying = crowd.ledger.said[id] = Saying(self.name, f"What about {secrets.token_hex(8)}?")
        given = {"text": saying.text, "id": id, "anonymous": self.chance.random() < 0.3}
        act = {"do": "ask", "wall": self.run.wall, **given}
        answer, unclear = await self.act_until_known("asked", act, "POST", crowd.path, given)
        if "error" not in answer:
            saying.number = answer["n"]
            self._own.add(answer["n"])
        elif not unclear:
            saying.refused = True

    async def _vote(self) -> None:
        shown = [
            data["n"]
            for key, data in self.chains[self._crowd.stream].state.entries.items()
            if key.startswith("question/") and data["state"] in ("shown", "pinned")
        ]
        numbers = [number for number in shown if number not in self._own | self._votes]
        if not numbers:
            return
        number, ledger = self.chance.choice(numbers), self._crowd.ledger
        self._votes.add(number)
        ledger.maybe.setdefault(number, set()).add(self.name)
        act = {"do": "upvote", "wall": self.run.wall, "n": number}
        path = f"{self._crowd.path}/{number}/vote"
        answer, unclear = await self.act_until_known("voted up", act, "PUT", path, {})
        if "error" not in answer:
            ledger.votes.setdefault(number, set()).add(self.name)
        elif not unclear:
            ledger.maybe[number].discard(self.name)

    def heard(self, stream: str, message: dict[str, Any]) -> None:
        self.told_of(message)


class AskingCrowd(FollowingCrowd):
    acts = "questions and votes"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.size: int = options["voters"]
        self.lasting: float = options["seconds"]
        wall: str = arguments[2].wall
        self.path, self.stream = f"/api/walls/{segment(wall)}/questions", f"questions/{wall}"
        super().__init__(*arguments, **options)

    def person(self, name: str, transport: str) -> Asker:
        return Asker(self, name, transport)

    async def take_place(self, start: float) -> None:
        self.phase = "people ask and vote"
        await self.activate(self.stream)
        self.begun.set()
        end = start + self.seconds
        while self.run.now() < end:
            await asyncio.sleep(0.5)
            items = (await self.server.get(self.path))["items"]
            for question in [each for each in items if each["state"] == "pending"][:20]:
                hidden = self.run.chance.random() < 0.1
                await self._decide(question, "hidden" if hidden else "shown")
            pinned = [each for each in items if each["state"] == "pinned"]
            shown = [each for each in items if each["state"] == "shown"]
            if pinned and self.run.chance.random() < 0.2:
                await self._decide(pinned[0], "answered")
            elif shown and not pinned:
                await self._decide(shown[0], "pinned")

    async def _decide(self, question: Mapping[str, Any], state: str) -> None:
        self.run.figures.acts[state] += 1
        if state == "shown":  # people see a moderated question from then on
            self.run.record_host_action(question["id"], "said", 0, False)
        await self.server.put(f"{self.path}/{question['n']}", {"state": state})

    async def check(self) -> list[Fault]:
        self.phase = "the questions of all readers are compared"
        found = sorted((await self.server.get(self.path))["items"], key=lambda each: each["n"])
        truth = {f"question/{each['n']}": each for each in found if each["state"] in VISIBLE}

        def wrong(viewer: Viewer) -> str | None:
            return wrong_entries(viewer.chains[self.stream].state.entries, truth)

        await self.compare(wrong, self.stream)
        return [*compare_said(self.ledger, found, ()), *compare_votes(self.ledger, found)]
