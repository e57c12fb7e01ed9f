"""The ladder of transports: which one to use next, and when. Time is an argument; nothing here waits or connects.

The rungs are WebSocket, server-sent events, long polling and plain polling. A rung on which the server is reached but
delivers nothing is left for the next one; a server that is not reached tells nothing about the rung. From time to time,
the ladder is tried from the top again.
"""

from __future__ import annotations

from dataclasses import dataclass

RUNGS = ("websocket", "sse", "long-polling", "polling")

SHORT_CONNECTION = 10.0  # seconds; a proxy probably cuts connections if two in a row end sooner
FIRST_CLIMB = 30.0
LAST_CLIMB = 300.0
FIRST_PAUSE = 0.2
LAST_PAUSE = 5.0


@dataclass
class Ladder:
    """The state of the ladder."""

    rung: int = 0
    failures: int = 0
    short_connections: int = 0
    opened_at: float = 0.0
    climb_at: float = float("inf")
    climb_after: float = FIRST_CLIMB
    delivered: bool = False

    @property
    def transport(self) -> str:
        return RUNGS[self.rung]

    def opening(self, now: float) -> None:
        """Note that a connection on this rung is about to be tried."""
        self.opened_at, self.delivered = now, False

    def deliver(self, now: float) -> None:
        """Note that something arrived on this rung."""
        self.delivered = True
        self.failures = 0
        if self.rung == 0:
            self.climb_at, self.climb_after = float("inf"), FIRST_CLIMB
        elif self.climb_at == float("inf"):
            self.climb_at = now + self.climb_after
            self.climb_after = min(self.climb_after * 2, LAST_CLIMB)

    def failed(self, now: float, *, reached: bool, hint: float | None = None) -> float:
        """Return after how many seconds to try `transport` again: the connection has ended.

        `transport` may be another one now. `hint` is the delay that the server asked for when it closed the connection,
        which is no failure of the rung.
        """
        if hint is not None:
            self.failures += 1
            return hint
        if not reached:
            return self._pause()
        if self.delivered:
            self.short_connections = self.short_connections + 1 if now - self.opened_at < SHORT_CONNECTION else 0
            if self.short_connections < 2:
                return self._pause()
        return self._step_down()

    def climb(self, now: float) -> bool:
        """Return whether it is time to try the ladder from the top; `transport` is the top one then."""
        if now < self.climb_at:
            return False
        self.rung, self.short_connections, self.climb_at = 0, 0, float("inf")
        return True

    def _step_down(self) -> float:
        self.short_connections = 0
        if self.rung == len(RUNGS) - 1:
            return self._pause()
        self.rung += 1
        return 0.0

    def _pause(self) -> float:
        self.failures += 1
        return float(min(FIRST_PAUSE * 2 ** (self.failures - 1), LAST_PAUSE))
