"""The polls of gates and of failed tasks: asks them on their walls, and decides what follows when they end.

Polls know nothing of tasks, and tasks nothing of polls. Both are changed in one transaction, so that a gate has one
poll and is decided once, whoever closes it.
"""

from __future__ import annotations

import msgspec

from livewall import audit, wall_rows, wire
from livewall.errors import invalid
from livewall.names import wall_code
from livewall.store.transaction import Transaction
from livewall.tasks.gates import Asked
from livewall.tasks.kinds import GatePoll
from livewall.tasks.machine import StepState
from livewall.tasks.poll_gates import PollGates
from livewall.tasks.rows import asked_polls
from livewall.tasks.rows import stream_of as task_stream
from livewall.visible_text import readable
from livewall.voting import rows
from livewall.voting.poll import Phase, Poll, is_public
from livewall.voting.polls import Polls
from livewall.voting.verdict import verdict

ARCHIVED = "the poll was archived"
CLOSED = "the poll was closed"
WALL_DELETED = "the wall of the poll was deleted"


class GatePolls:
    """Asks and ends polls for the engine of tasks. After `connect`, the ends of polls decide gates."""

    def __init__(self, polls: Polls) -> None:
        self._polls = polls
        self._gates: PollGates | None = None

    def connect(self, gates: PollGates) -> None:
        self._gates = gates
        self._polls.on_end = self.poll_ended

    def ask(self, tx: Transaction, given: GatePoll, task: str, now: str) -> Asked:
        """Create a poll at the end of its wall, and open it. It becomes the active item if the wall shows nothing, this
        task, or an earlier question of this task that is closed.

        Raises BadInput and NotFound, always before the first change.
        """
        code = wall_code(given.wall)
        if not code:
            raise invalid("wall", "must not be empty")
        question = msgspec.to_builtins(given)
        del question["passes"]
        try:
            checked = msgspec.convert(question, wire.PollIn)
        except msgspec.ValidationError as error:
            raise wire.refused(error, wire.PollIn) from None
        poll = self._polls.ask(tx, checked, now, task=task)
        wall = wall_rows.find(tx, code).wall
        earlier = {rows.stream_of(asked): asked for asked in asked_polls(tx, task)}
        over = wall.active in earlier and rows.find(tx, earlier[wall.active]).poll.phase is Phase.CLOSED
        if over or wall.active in (None, task_stream(task)):
            item = rows.stream_of(poll.id)
            wall_rows.save(tx, wall, msgspec.structs.replace(wall, active=item))
            audit.note(tx, None, now, "wall.activate", wall_rows.stream_of(wall.code), item=item)
        return Asked(poll.id, wall.code, poll.closes_at)

    def end(self, tx: Transaction, poll: str, now: str) -> None:
        """Close a poll that decides nothing any more."""
        self._polls.end(tx, poll, now)

    def poll_ended(self, tx: Transaction, poll: Poll, now: str, *, archived: bool) -> None:
        """Decide what waits for a poll, if it has ended; otherwise say when it will."""
        gate = self._gates.find(tx, poll.id) if self._gates else None
        if gate is None or self._gates is None:
            return
        if archived:
            self._gates.end(tx, gate, gate.otherwise, ARCHIVED, now)
        elif poll.phase is Phase.CLOSED and gate.passes is None:
            self._gates.end(tx, gate, gate.otherwise, CLOSED, now)
        elif poll.phase is Phase.CLOSED and gate.passes is not None:
            decided = verdict(poll, rows.tally(tx, poll), readable(gate.passes, "passes", lines=True))
            state = StepState.SUCCEEDED if decided.passed else gate.otherwise
            self._gates.end(tx, gate, state, decided.words if is_public(poll) else decided.public_words, now)
        else:
            self._gates.move(tx, gate, poll.closes_at)

    def wall_deleted(self, tx: Transaction, poll: str, now: str) -> None:
        """End what waits for a poll whose wall is deleted: nobody would find the poll any more."""
        gate = self._gates.find(tx, poll) if self._gates else None
        if gate is not None and self._gates is not None:
            self._gates.end(tx, gate, StepState.FAILED, WALL_DELETED, now)
            self._polls.end(tx, poll, now)
