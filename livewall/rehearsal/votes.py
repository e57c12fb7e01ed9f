"""A rehearsal of voting: what the host does, and whether every ballot and every tally is right. `plan` is pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, NamedTuple

from livewall.client.calls import segment
from livewall.rehearsal.checks import Counted, Fault, compare_ballots, difference
from livewall.rehearsal.crowd import Crowd, joining_seconds
from livewall.rehearsal.people import Person
from livewall.rehearsal.viewer import Viewer


class HostAction(NamedTuple):
    """An action of the host: `at` seconds after the start, for the poll with the index `poll`."""

    at: float
    action: str  # "stage", "open", "close", "publish", "reset"
    poll: int


def plan(voters: int, seconds: float) -> list[HostAction]:
    """Return the host's actions for four polls.

    These are a plain question, one with several choices whose results appear after closing, one whose results are
    published, and another round of that one.
    """
    begin = joining_seconds(voters, seconds)
    scene = max(seconds - begin, seconds * 0.5) / 4
    acts = []
    for number, (poll, shape) in enumerate([(0, "plain"), (1, "plain"), (2, "reveal"), (2, "again")]):
        start = begin + number * scene
        if shape == "again":
            acts.append(HostAction(start - 0.05 * scene, "reset", poll))
        acts.append(HostAction(start - 0.1 * scene, "stage", poll))
        acts.append(HostAction(start, "open", poll))
        if shape == "reveal":
            acts.append(HostAction(start + 0.65 * scene, "publish", poll))
        acts.append(HostAction(start + 0.8 * scene, "close", poll))
        if shape == "again":
            acts.append(HostAction(start + 0.9 * scene, "publish", poll))
    return sorted(acts)


def reaction(voters: int, seconds: float) -> float:
    """Return the seconds within which the voters answer: a few, and less than the question is open."""
    acts = plan(voters, seconds)
    opened, closed = (next(act.at for act in acts if act.action == action) for action in ("open", "close"))
    return min(6.0, 0.6 * (closed - opened))


class VotingCrowd(Crowd):
    """Voters, and a host who asks them."""

    acts = "ballots"

    def person(self, name: str, transport: str) -> Person:
        return Person(self.run, name, transport)

    @property
    def unknown(self) -> int:
        return self.run.ledger.unknown

    async def take_place(self, start: float) -> None:
        for act in plan(len(self.people), self.seconds):
            await self.sleep_until(start + act.at)
            await self._perform_action(act)

    async def check(self) -> list[Fault]:
        polls = [poll["id"] for poll in self.test_wall.polls]
        results = {poll_id: await self._results(poll_id) for poll_id in polls}
        for poll_id in polls:
            await self._compare_readers(poll_id, results[poll_id]["rounds"][-1])
        ballots = [row for poll_id in polls for row in await self._read_ballots(poll_id)]
        tallies = {
            (poll_id, tally["round"]): tally for poll_id, exported in results.items() for tally in exported["rounds"]
        }
        return compare_ballots(self.run.ledger, ballots, tallies)

    async def _compare_readers(self, poll_id: str, truth: Mapping[str, Any]) -> None:
        """Activate a poll again, and check that every connected screen and phone shows its final tally."""
        self.phase = "the tallies of all readers are compared"
        stream = f"polls/{poll_id}"
        await self.activate(stream)

        def wrong(viewer: Viewer) -> str | None:
            return f"it shows {viewer.poll}" if viewer.poll != stream else difference(viewer.tally, truth)

        await self.compare(wrong, stream)

    async def _perform_action(self, act: HostAction) -> None:
        poll = self.test_wall.polls[act.poll]
        path = f"/api/polls/{segment(poll['id'])}"
        self.phase = f"{act.action}: {poll['title']}"
        if act.action == "stage":
            await self.activate(f"polls/{poll['id']}")
            return
        self.run.figures.acts[act.action] += 1
        phase = {"open": "open", "close": "closed", "reset": "draft"}.get(act.action, poll["phase"])
        published = act.action == "publish" or (poll["published"] and act.action != "reset")
        self.run.record_host_action(poll["id"], phase, poll["round"], published)
        body: dict[str, Any] = {"round": poll["round"]} if act.action == "reset" else {}
        self.test_wall.polls[act.poll] = await self.server.post(f"{path}/{act.action}", body, repeat=True)

    async def _results(self, poll_id: str) -> Any:
        return await self.server.get(f"/api/polls/{segment(poll_id)}/results.json")

    async def _read_ballots(self, poll_id: str) -> list[Counted]:
        text = (await self.server.raw(f"/api/polls/{segment(poll_id)}/ballots.csv")).decode()
        return [
            Counted(poll_id, int(row["round"]), row["receipt"], frozenset(row["choices"].split()))
            for row in csv.DictReader(io.StringIO(text))
        ]
