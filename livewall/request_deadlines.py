"""How long a connection may take for a request and for its answer. Pure; times are monotonic seconds and passed in."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Terms(NamedTuple):
    """The limits in seconds."""

    header: float = 15.0
    """The time for a first request and its header, and for the header of a later one once it has begun."""
    idle: float = 300.0
    """The time between two requests of one connection."""
    body: float = 5.0
    """The time that a body has at its beginning. Each `rate` bytes earn another second, up to `credit` seconds."""
    rate: int = 1000
    credit: float = 20.0
    answer: float = 60.0
    """The time for a peer that reads nothing of a complete answer."""


MAX_AT_ONCE = 2.0
"""The most seconds of waiting for a body that one check counts: if the server itself is late, its peer is not to blame.
"""


class Phase(Enum):
    HEADER = "header"
    IDLE = "idle"
    BODY = "body"
    WORK = "work"
    """The server's turn: an answer is being made or sent."""


def credit_left(before: float, came: int, seconds: float, terms: Terms) -> float:
    """Return the seconds that a body may still take, after another `seconds` in which `came` bytes arrived."""
    return min(terms.credit, before + came / terms.rate) - seconds


class Patience:
    """The deadline of one connection. The server changes `phase` by the methods, and asks `is_over` about once a
    second."""

    __slots__ = ("_credit", "_mark", "_since", "phase")

    def __init__(self, now: float) -> None:
        self.phase = Phase.HEADER
        self._since = now
        self._mark = 0
        self._credit = 0.0

    def wait_for_next(self, now: float) -> None:
        self.phase, self._since = Phase.IDLE, now

    def expect_body(self, now: float, came: int, terms: Terms) -> None:
        """Begin a body. `came` is the number of bytes of the connection read so far."""
        self.phase, self._since, self._mark, self._credit = Phase.BODY, now, came, terms.body

    def work(self, now: float, sent: int) -> None:
        """Begin an answer. `sent` is the number of bytes of answers that the peer has read so far."""
        self.phase, self._since, self._mark = Phase.WORK, now, sent

    def waited(self, now: float) -> float:
        return now - self._since

    def is_over(self, now: float, *, came: int, begun: bool, sent: int, unsent: bool, terms: Terms) -> bool:
        """Return whether the peer took too long. `begun` says that part of a request has arrived, `unsent` that a
        complete answer has not been read whole."""
        match self.phase:
            case Phase.HEADER:
                return now - self._since >= terms.header
            case Phase.IDLE:
                if begun:
                    self.phase, self._since = Phase.HEADER, now
                    return False
                return now - self._since >= terms.idle
            case Phase.BODY:
                passed = min(now - self._since, MAX_AT_ONCE)
                self._credit = credit_left(self._credit, came - self._mark, passed, terms)
                self._since, self._mark = now, came
                return self._credit <= 0
            case Phase.WORK:
                if not unsent or sent != self._mark:
                    self._since, self._mark = now, sent
                    return False
                return now - self._since >= terms.answer
