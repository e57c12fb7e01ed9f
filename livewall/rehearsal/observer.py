"""A reader that follows a wall and its active poll, and checks that it misses no events."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from livewall.rehearsal.checks import Chain, Fault
from livewall.rehearsal.run import Run

RESUME_SECONDS = 3.0  # seconds after reconnecting in which a reset means that resuming failed


class Observer(ABC):
    """Applies messages of any transport, and follows the wall to its active poll."""

    def __init__(self, run: Run, name: str, more: Iterable[str] = ()) -> None:
        self.run = run
        self.name = name
        self.wall = f"walls/{run.wall}"
        self.poll: str | None = None
        """The stream of the active poll."""
        self.followed_since = 0.0
        """Since when the active poll is followed."""
        self.live_since = 0.0
        self.chains: dict[str, Chain] = {stream: Chain(stream) for stream in (self.wall, *more)}
        self.resuming: set[str] = set()
        """Streams that were resumed by position. A reset of one means that the position was too old."""
        self.unanswered_requests: dict[str, str] = {}
        """Streams of subscribe requests without an answer, by `ref`.

        Messages before the answer belong to an earlier one.
        """

    @property
    def tally(self) -> dict[str, Any] | None:
        """The tally of the active poll, as this reader shows it."""
        chain = self.chains.get(self.poll or "")
        return chain.state.entries.get("tally") if chain and chain.state.synced else None

    def receive(self, message: Any) -> None:
        """Handle a message of a long-lived connection: an event, a heartbeat, or the error that ends it."""
        if "heartbeat" in message:
            for stream, pos in message["heartbeat"].items():
                chain = self.chains.get(stream)
                if chain is not None and stream not in self.unanswered_requests.values() and not chain.heartbeat(pos):
                    self._gap_found(chain)
        elif "error" in message and "stream" not in message:
            self.reconnect()
        else:
            self.apply(message)

    def apply(self, message: dict[str, Any]) -> None:
        self.run.figures.messages += 1
        stream = message.get("stream", "")
        chain = self.chains.get(stream)
        if chain is None or stream in self.unanswered_requests.values():
            return  # a late message of a stream that was unsubscribed
        if stream in self.resuming and ("pos" in message or message.get("reset")):
            self.resuming.discard(stream)  # the first message shows whether resuming worked
            if message.get("reset") and self.run.now() < self.live_since + RESUME_SECONDS:
                self.run.figures.resets += 1
                self.resuming.clear()
        if not chain.apply(message):
            self._gap_found(chain)
            return
        if chain.faults:
            self._record_faults(chain)
        if chain.state.synced and chain.state.resume_at is not None:
            if stream == self.wall:
                self._follow_wall(chain)
            elif stream != self.poll:
                self.heard(stream, message)
            elif message.get("key") == "poll" or message.get("synced"):
                poll = chain.state.entries.get("poll")
                if poll is not None:
                    self.poll_changed(poll)

    def heard(self, stream: str, message: dict[str, Any]) -> None:
        """Handle a message of a stream that is followed beside the wall. Most readers only keep its state."""
        return

    @abstractmethod
    def poll_changed(self, poll: dict[str, Any]) -> None:
        """Handle the active poll, whenever it may have changed."""

    @abstractmethod
    def active_poll_changed(self, previous: str | None) -> None:
        """Follow the new active poll, `self.poll`, in place of `previous`."""

    @abstractmethod
    def reconnect(self) -> None:
        """Close the connection, so that the reader connects again and resumes."""

    def _gap_found(self, chain: Chain) -> None:
        self._record_faults(chain)
        self.reconnect()

    def _record_faults(self, chain: Chain) -> None:
        for fault in chain.faults:
            self.run.fault(Fault(fault.kind, f"{self.name}: {fault.text}"))
        chain.faults.clear()

    def _follow_wall(self, chain: Chain) -> None:
        active = (chain.state.entries.get("wall") or {}).get("active")
        active_poll = active if active and active.startswith("polls/") else None
        if active_poll == self.poll:
            return
        previous, self.poll = self.poll, active_poll
        if previous is not None:
            self.chains.pop(previous, None)
        if active_poll is not None:
            self.chains[active_poll] = Chain(active_poll)
            self.followed_since = self.run.now()
        self.active_poll_changed(previous)
