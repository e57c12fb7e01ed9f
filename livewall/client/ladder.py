"""The ladder of transports: which one to use next, and when. Pure: time and chance are arguments.

Level 0 is the best transport; each further level asks less of the proxies between the client and the server. The rules
are those of the pages (`static/js/net/ladder.js`), and `tests/vectors/ladder.json` holds both to the same results.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

LEVELS = ("websocket", "sse", "longpoll", "poll")

GOOD_LIFETIME = 10.0  # seconds; a connection that lasted this long proves that its transport works here
FIRST_WAIT = 0.5
LONGEST_WAIT = 15.0
FIRST_CLIMB = 30.0
LONGEST_CLIMB = 600.0
SENT_AWAY = 2  # the failures whose wait applies when the server closes a connection and does not name a wait

Random = Callable[[], float]  # returns a number from 0 to 1


@dataclass(frozen=True)
class LadderState:
    """The state of the ladder.

    `best` is the best level that ever had a good lifetime here. `misses` counts the failures of this level in a row,
    and `attempts` those of any level: the exponent of the wait. `climbs` counts the climbs that were tried since the
    last good lifetime.
    """

    level: int = 0
    best: int | None = None
    misses: int = 0
    attempts: int = 0
    climbs: int = 0

    @property
    def transport(self) -> str:
        return LEVELS[self.level]


@dataclass(frozen=True)
class Ending:
    """How a transport ended.

    `delivered` says whether anything arrived, and `lasted` for how many seconds the transport was in use. `silent` says
    that it was given up because nothing arrived, and `sent_away` that the server itself closed it, so that the
    transport works. `retry` is after how many seconds the server asks the client to reconnect.
    """

    delivered: bool
    lasted: float
    silent: bool = False
    sent_away: bool = False
    retry: float | None = None


class Climb(NamedTuple):
    """The better level to try beside the one in use, and after how many seconds."""

    target: int
    wait: float


def backoff(attempts: int, random: Random) -> float:
    """Return the seconds to wait after so many failures. Half of the wait is random, so that the clients of a server
    that was away do not all reconnect at the same moment.
    """
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempts, 10))
    return longest * (0.5 + random() / 2)


def after_ending(state: LadderState, ending: Ending, random: Random) -> tuple[LadderState, float]:
    """Return the state after a transport ended, and how many seconds to wait before the next one is opened."""
    good = ending.delivered and not ending.silent and ending.lasted >= GOOD_LIFETIME
    best = state.best
    if good:
        best = state.level if best is None else min(best, state.level)
    if ending.retry is not None or ending.sent_away:
        wait = backoff(SENT_AWAY, random) if ending.retry is None else ending.retry
        return replace(state, best=best, misses=0, attempts=0), wait
    if good:
        return replace(state, best=best, misses=0, attempts=1, climbs=0), backoff(0, random)
    misses = state.misses + 1
    attempts = 1 if ending.delivered else state.attempts + 1
    wait = backoff(attempts - 1, random)
    if misses < _tolerated_misses(state, ending):
        return replace(state, misses=misses, attempts=attempts), wait
    is_lowest = state.level == len(LEVELS) - 1
    level = (state.best or 0) if is_lowest else state.level + 1
    # On the first way down nothing is known to work yet, so the next level is tried at once. Later the server itself
    # may be away, and then every level waits.
    if state.best is None and not is_lowest and state.attempts < len(LEVELS):
        attempts, wait = state.attempts + 1, 0.0
    return replace(state, level=level, misses=0, attempts=attempts), wait


def _tolerated_misses(state: LadderState, ending: Ending) -> int:
    """Return how many failures in a row make the client step down."""
    if state.best == state.level:
        return 3
    return 2 if ending.delivered else 1


def plan_climb(state: LadderState, random: Random) -> Climb | None:
    """Return which better transport to try beside the one in use, or None at the top."""
    if state.level == 0:
        return None
    known = state.best if state.best is not None and state.best < state.level else None
    first = FIRST_CLIMB if known is None else FIRST_CLIMB / 6
    wait = min(LONGEST_CLIMB, first * 2.0 ** min(state.climbs, 10))
    # Every other climb goes one level up only: what blocks WebSocket may let server-sent events through.
    target = (known or 0) if state.climbs % 2 == 0 else state.level - 1
    return Climb(target, wait * (0.75 + random() / 2))


def climb_failed(state: LadderState) -> LadderState:
    return replace(state, climbs=state.climbs + 1)


def climb_succeeded(state: LadderState, target: int) -> LadderState:
    return replace(state, level=target, misses=0, attempts=0, climbs=state.climbs + 1)
