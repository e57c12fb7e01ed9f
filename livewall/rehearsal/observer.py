"""What somebody in the hall has before them: the wall, the poll on its stage, and whether it came without a hole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from livewall.rehearsal.checks import Chain, Fault
from livewall.rehearsal.run import Run

RETURNING = 3.0  # seconds after which a reset has other reasons than that somebody came back


class Observer(ABC):
    """Takes the wire's messages, however they came, and follows the wall to its active poll."""

    def __init__(self, hall: Run, name: str) -> None:
        self.hall = hall
        self.name = name
        self.wall = f"walls/{hall.wall}"
        self.poll: str | None = None
        """The stream of the poll on stage."""
        self.staged_at = 0.0
        """Since when it is followed."""
        self.live_since = 0.0
        self.chains: dict[str, Chain] = {self.wall: Chain(self.wall)}
        self.claimed: set[str] = set()
        """Streams with whose position somebody came back; a reset of one says that it did not do."""
        self.unanswered: dict[str, str] = {}
        """Streams that the server was asked for, by the asking: until it answers, what comes is of an earlier one."""

    @property
    def picture(self) -> dict[str, Any] | None:
        """The tally that is shown of the poll on stage."""
        chain = self.chains.get(self.poll or "")
        return chain.held.entries.get("tally") if chain and chain.held.synced else None

    def hear(self, message: Any) -> None:
        """A message of a connection that stays: events, heartbeats, an error that ends it."""
        if "heartbeat" in message:
            for stream, pos in message["heartbeat"].items():
                chain = self.chains.get(stream)
                if chain is not None and stream not in self.unanswered.values() and not chain.heartbeat(pos):
                    self._broken(chain)
        elif "error" in message and "stream" not in message:
            self.drop()
        else:
            self.take(message)

    def take(self, message: dict[str, Any]) -> None:
        self.hall.figures.messages += 1
        stream = message.get("stream", "")
        chain = self.chains.get(stream)
        if chain is None or stream in self.unanswered.values():
            return  # of a stream that was left a moment ago
        if stream in self.claimed and ("pos" in message or message.get("reset")):
            self.claimed.discard(stream)  # what comes first tells whether the position did
            if message.get("reset") and self.hall.now() < self.live_since + RETURNING:
                self.hall.figures.resets += 1
                self.claimed.clear()
        if not chain.take(message):
            self._broken(chain)
            return
        if chain.faults:
            self._tell(chain)
        if chain.held.synced and chain.held.resume_at is not None:
            if stream == self.wall:
                self._look_at_wall(chain)
            elif message.get("key") == "poll" or message.get("synced"):
                poll = chain.held.entries.get("poll")
                if poll is not None:
                    self.look_at_poll(poll)

    @abstractmethod
    def look_at_poll(self, poll: dict[str, Any]) -> None:
        """The poll on stage, whenever it may have changed."""

    @abstractmethod
    def move(self, left: str | None) -> None:
        """Another poll is on stage, `self.poll`; `left` is not followed any more."""

    @abstractmethod
    def drop(self) -> None:
        """Come back, by position."""

    def _broken(self, chain: Chain) -> None:
        self._tell(chain)
        self.drop()

    def _tell(self, chain: Chain) -> None:
        for fault in chain.faults:
            self.hall.fault(Fault(fault.kind, f"{self.name}: {fault.text}"))
        chain.faults.clear()

    def _look_at_wall(self, chain: Chain) -> None:
        active = (chain.held.entries.get("wall") or {}).get("active")
        wanted = active if active and active.startswith("polls/") else None
        if wanted == self.poll:
            return
        left, self.poll = self.poll, wanted
        if left is not None:
            self.chains.pop(left, None)
        if wanted is not None:
            self.chains[wanted] = Chain(wanted)
            self.staged_at = self.hall.now()
        self.move(left)
