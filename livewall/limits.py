"""Rate limits: token buckets as functions of the given time. A bucket that is full again is forgotten."""

from __future__ import annotations

from livewall.errors import Busy, LivewallError
from livewall.names import wall_code

LONGEST_DELAY = 3.0
"""The longest time in seconds for which the answer to a wrong wall code is delayed."""
LONGEST_TURN = 15.0
"""The longest time in seconds for which a voting code waits for its turn."""


def is_guess(error: LivewallError) -> bool:
    """Return whether a code was refused in a way that could have been a guess."""
    return error.code in ("bad_code", "code_used")


def full_at(before: float, now: float, *, rate: float, burst: float) -> float | None:
    """Return when a bucket that is full at `before` is full again once a token is taken at `now`; None if it has no
    token."""
    at = max(before, now) + 1 / rate
    return at if at - now <= burst / rate + 1e-9 else None


class Limit:
    """At most `rate` a second for each key, `burst` at once. Holds the keys of the last `burst / rate` seconds."""

    def __init__(self, rate: float, burst: float, *, most: int = 100_000) -> None:
        self.rate = rate
        self.burst = burst
        self._most = most
        self._full_at: dict[str, float] = {}

    def take(self, key: str, now: float, cost: float = 1) -> float:
        """Take `cost` tokens of `key` at `now` (monotonic seconds). Return 0, or the seconds until they are there."""
        full_at = max(self._full_at.get(key, now), now)
        wait = full_at - now + cost / self.rate - self.burst / self.rate
        if wait > 1e-9:
            return wait
        self._note(key, full_at + cost / self.rate, now)
        return 0.0

    def _note(self, key: str, full_at: float, now: float) -> None:
        if len(self._full_at) >= self._most:
            self._full_at = {k: t for k, t in self._full_at.items() if t > now}
        self._full_at[key] = full_at

    def reserve(self, key: str, now: float, longest: float) -> float:
        """Take a token, a later one if necessary; return the seconds until it is there. Raises Busy beyond
        `longest`."""
        full_at = max(self._full_at.get(key, now), now) + 1 / self.rate
        wait = full_at - now - self.burst / self.rate
        if wait > longest + 1e-9:
            raise Busy("rate", "too many requests at once; try again shortly", retry_after=longest / 3)
        self._note(key, full_at, now)
        return max(0.0, wait)

    def give_back(self, key: str) -> None:
        """Undo the taking of one token."""
        if key in self._full_at:
            self._full_at[key] -= 1 / self.rate

    def check(self, key: str, now: float, cost: float = 1) -> None:
        """Take tokens. Raises Busy, with the time after which to try again."""
        wait = self.take(key, now, cost)
        if wait:
            raise Busy("rate", "too many requests at once; try again shortly", retry_after=wait)

    def __len__(self) -> int:
        return len(self._full_at)


class Limits:
    """The limits on voters and addresses. With `on=False` (tests, trusted networks) nothing is limited."""

    def __init__(self, *, on: bool = True) -> None:
        self.on = on
        self._acts = Limit(10, 30)
        self._messages = Limit(1, 5)
        self._edits = Limit(1, 5)
        self._rooms = Limit(100, 400)
        self._searches = Limit(1, 5)
        self._questions = Limit(20 / 3600, 20)
        self._questions_of_wall = Limit(5, 60)
        self._reactions = Limit(2, 2)
        self._new_voters = Limit(300, 3000)
        self._sign_ins = Limit(5, 20)
        self._wrong_codes = Limit(0.2, 10)
        self._wrong_codes_here = Limit(5, 50)
        self._late = Limit(15, 40)
        self._turns = Limit(20, 50)
        self._in_line: set[str] = set()

    def message(self, before: float, now: float) -> float | None:
        """Count a message that no other limit counts: 50 a second for each connection, 400 at once. `before` is its
        bucket."""
        return full_at(before, now, rate=50, burst=400) if self.on else before

    def act(self, voter: str, now: float) -> None:
        if self.on:
            self._acts.check(voter, now)

    def say(self, person: str, now: float, *, room: str | None = None, size: int = 0) -> None:
        """Count a message of a person: five at once, one a second. Raises Busy (`rate`).

        In a `room`, the `size` characters go to everybody there: it takes 100 short messages a second and 400 at once,
        whoever says them, and of 4,000 characters a ninth of that.
        """
        if self.on:
            self._messages.check(person, now)
            if room is not None:
                self._rooms.check(room, now, cost=1 + size // 500)

    def edit(self, person: str, now: float) -> None:
        """Count a change of a message: as many as messages, and apart from them. Raises Busy (`rate`)."""
        if self.on:
            self._edits.check(person, now)

    def search(self, client: str, now: float) -> None:
        """Count a search of a room by a person or, without one, an address: five at once, one a second. Raises Busy
        (`rate`)."""
        if self.on:
            self._searches.check(client, now)

    def ask(self, person: str, wall: str, now: float, *, host: bool) -> None:
        """Count a question: of a person 20 an hour on all walls, and on a wall 60 at once and five a second, apart from
        those of hosts. One that is refused counts for neither. Raises Busy (`rate`)."""
        if not self.on:
            return
        self._questions.check(person, now)
        if host:
            return
        try:
            self._questions_of_wall.check(wall_code(wall)[:12], now)
        except Busy:
            self._questions.give_back(person)
            raise

    def react(self, person: str, now: float) -> None:
        """Count a reaction of a person: two a second. Raises Busy (`rate`)."""
        if self.on:
            self._reactions.check(person, now)

    def new_voter(self, address: str, now: float) -> None:
        if self.on:
            self._new_voters.check(address, now)

    def code_delay(self, voter: str, address: str, now: float) -> float:
        """Return the seconds that a voting code waits before it is checked.

        Of one address 50 invalid codes are checked at once, then 20 a second, over all its connections and voters; a
        voter has one code waiting at a time. Must be followed by `code_checked`. Raises Busy (`rate`) if too many wait
        already, and nothing must follow then.
        """
        if not self.on:
            return 0.0
        if voter in self._in_line:
            raise Busy("rate", "another code of yours is being checked; wait for the answer")
        wait = self._turns.reserve(address, now, LONGEST_TURN)
        if wait:
            self._in_line.add(voter)
        return wait

    def code_checked(self, voter: str, address: str, now: float, *, wrong: bool) -> None:
        """Count a code that was checked; a right one is not counted. Raises Busy (`rate`) for a voter's eleventh wrong
        code at once, beyond one in five seconds."""
        if not self.on:
            return
        self._in_line.discard(voter)
        if not wrong:
            self._turns.give_back(address)
        else:
            self._wrong_codes.check(voter, now)

    def wrong_code(self, voter: str, address: str, now: float) -> float:
        """Count a wrong wall code; return the seconds to wait before it is answered, if many come from one address.

        A valid code is neither counted nor refused, because a hall shares an address. Raises Busy (`rate`) for a
        voter's eleventh invalid code at once, beyond one in five seconds.
        """
        if not self.on:
            return 0.0
        self._wrong_codes.check(voter, now)
        if not self._wrong_codes_here.take(address, now):
            return 0.0
        self._late.check(address, now)
        return LONGEST_DELAY

    def wrong_sign_in(self, address: str, now: float) -> None:
        """Count an invalid code of a link or token. Raises Busy (`rate`) beyond 20 at once and 5 a second."""
        if self.on:
            self._sign_ins.check(address, now)
