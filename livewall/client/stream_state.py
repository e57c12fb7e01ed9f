"""The state that a reader has of a stream, and the rule that detects missing events. No I/O, no clock.

A message is a JSON object of the wire, as a dict. `StreamState.apply` returns whether it was applied, is a duplicate,
or proves that events are missing; the reader then resumes from `StreamState.resume_at`.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

Message = dict[str, Any]


class Verdict(Enum):
    APPLIED = "taken"
    DUPLICATE = "known"
    GAP = "hole"


class Position(NamedTuple):
    """A position `EPOCH.N`. The epoch may include the mark of a view, and is compared for equality only."""

    epoch: str
    number: int


def parse(text: str) -> Position:
    """Parse a position. Raises ValueError."""
    epoch, dot, n = text.rpartition(".")
    if not dot or not epoch or not n.isdecimal():
        raise ValueError(f"{text!r} is not a position")
    return Position(epoch, int(n))


def verdict_on(at: str | None, prev: str, pos: str) -> Verdict:
    """Return the verdict of a reader at `at` on an event that leads from `prev` to `pos`; None is the start of a
    snapshot.
    """
    before, after = parse(prev), parse(pos)
    current = parse(at) if at is not None else Position(before.epoch, 0)
    if not (current.epoch == before.epoch == after.epoch):
        return Verdict.GAP
    if after.number <= current.number:
        return Verdict.DUPLICATE
    return Verdict.APPLIED if before.number <= current.number else Verdict.GAP


class StreamState:
    """The state of one stream: the newest data of each key."""

    def __init__(self, stream: str, since: str | None = None) -> None:
        self.stream = stream
        self.entries: dict[str, Any] = {}
        self.synced = since is not None  # whether the state is complete and may be shown
        self.error: Message | None = None  # why the stream ended
        self._at = since
        self._in_snapshot = False
        self._next_entries: dict[str, Any] = {}

    @property
    def resume_at(self) -> str | None:
        """The position to resume from. It is None within a snapshot, which must be read again from its start."""
        return None if self._in_snapshot else self._at

    def apply(self, message: Message) -> Verdict:
        """Apply a message of this stream. Raises ValueError or KeyError when it breaks the grammar."""
        if message.get("reset"):
            self._in_snapshot, self._at = True, None
            self._next_entries = {}
            return Verdict.APPLIED
        if message.get("synced"):
            return self._end_snapshot(message["pos"])
        if "error" in message:
            self.error = message["error"]
            return Verdict.APPLIED
        if "pos" not in message:
            return Verdict.APPLIED  # a volatile message is not part of the state
        if self._at is None and not self._in_snapshot:
            return Verdict.GAP  # an event without a snapshot before it
        verdict = verdict_on(self._at, message["prev"], message["pos"])
        if verdict is Verdict.APPLIED:
            self._apply(message["key"], message.get("data"))
            self._at = message["pos"]
        return verdict

    def heartbeat(self, pos: str) -> Verdict:
        """Compare the state with the position at which the server believes the reader to be; less means missing
        events."""
        if self._in_snapshot:
            return Verdict.DUPLICATE
        if self._at is None:
            return Verdict.GAP
        own, server = parse(self._at), parse(pos)
        return Verdict.DUPLICATE if own.epoch == server.epoch and own.number >= server.number else Verdict.GAP

    def _end_snapshot(self, pos: str) -> Verdict:
        if not self._in_snapshot:
            return Verdict.DUPLICATE
        parse(pos)
        self.entries = self._next_entries
        self._in_snapshot, self.synced, self._at = False, True, pos
        return Verdict.APPLIED

    def _apply(self, key: str, data: Any) -> None:
        entries = self._next_entries if self._in_snapshot else self.entries
        if data is None:
            entries.pop(key, None)
            if key.startswith("message/"):  # all messages of a conversation
                for each in [each for each in entries if each.startswith(f"{key}/")]:
                    del entries[each]
        else:
            entries[key] = data
