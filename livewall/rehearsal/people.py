"""A voter: votes when a poll opens, and sometimes changes the ballot."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from livewall.client.calls import segment
from livewall.rehearsal.run import Run
from livewall.rehearsal.visitor import Visitor
from livewall.voting.kinds import Rules, kind_of


class Intention(NamedTuple):
    """A ballot to cast, or without choices to retract, `after` seconds from the last acknowledgement."""

    after: float
    choices: tuple[str, ...]


def intentions(poll: Mapping[str, Any], chance: random.Random, reaction_seconds: float) -> list[Intention]:
    """Return what a voter does about a poll that has just opened: most vote within `reaction_seconds`."""
    if chance.random() < 0.03:
        return []  # a few do not vote
    plan = [Intention(reaction_seconds * chance.betavariate(1.5, 3.2), _choice(poll, chance))]
    if poll["allow_change"] and chance.random() < 0.2:
        plan.append(Intention(chance.uniform(0.2, 1.5), _choice(poll, chance)))
        if chance.random() < 0.2:
            plan += [Intention(chance.uniform(0.2, 1.0), ()), Intention(0.5, _choice(poll, chance))]
    return plan


def _choice(poll: Mapping[str, Any], chance: random.Random) -> tuple[str, ...]:
    rules = Rules(tuple(option["id"] for option in poll["options"]), poll["max_choices"], abstain=None)
    return kind_of(poll["kind"]).sample(rules, chance)


class Person(Visitor):
    def __init__(self, run: Run, name: str, transport: str) -> None:
        super().__init__(run, name, transport)
        self._polls_seen: set[tuple[str, int]] = set()
        self._questions: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def poll_changed(self, poll: dict[str, Any]) -> None:
        super().poll_changed(poll)
        key = (poll["id"], poll["round"])
        if poll["phase"] == "open" and key not in self._polls_seen:
            self._polls_seen.add(key)
            self._questions.put_nowait(poll)

    async def take_part(self) -> None:
        while True:
            poll = await self._questions.get()
            for intention in intentions(poll, self.chance, self.run.reaction_seconds):
                await asyncio.sleep(intention.after)
                if self.run.over.is_set():
                    break
                self.busy = True
                counted = await self._cast(poll, intention.choices)
                self.busy = False
                if not counted:
                    break

    async def _cast(self, poll: Mapping[str, Any], choices: Sequence[str]) -> bool:
        """Cast a ballot, repeated until the server decides; return whether it was acknowledged."""
        ledger, poll_id, round_number = self.run.ledger, poll["id"], poll["round"]
        ledger.sent(self.name, poll_id, round_number, choices)
        act = {"poll": poll_id, "round": round_number}
        act |= {"do": "vote", "choices": list(choices)} if choices else {"do": "retract"}
        body = {"choices": list(choices), "round": round_number} if choices else {"round": round_number}
        path = f"/api/polls/{segment(poll_id)}/ballot"
        kind, method = ("cast", "PUT") if choices else ("retracted", "DELETE")
        answer, unclear = await self.act_until_known(kind, act, method, path, body)
        if "error" not in answer:
            ledger.acknowledged(self.name, poll_id, round_number, choices, answer["receipt"])
            return True
        # A repetition of a counted ballot is acknowledged even when the poll has closed, so this ballot was not
        # counted. For a retraction, or after the round is over, a refusal does not tell that.
        if not unclear or (choices and answer["error"].get("code") != "round_over"):
            ledger.refused(self.name, poll_id, round_number)
        return False
