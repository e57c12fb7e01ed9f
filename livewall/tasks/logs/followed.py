"""The files that are followed: they are checked now and then, and read in turns by the thread that writes the logs.

If the database refuses a turn (for example because of a full disk or a lock), the file is read again later, so that no
output is lost.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial

from livewall.errors import Busy, LivewallError
from livewall.store.writer import Done, Job, Turns, call_on_loop
from livewall.tasks.logs.follower import Follower, ReadResult
from livewall.tasks.logs.transaction import Key, LogTransaction

log = logging.getLogger(__name__)

FAST, SLOW = 0.1, 0.25
"""Seconds between two checks of the files, while they grow and while they do not."""
MAX_RETRY_SECONDS = 2.0
"""The longest time, in seconds, between two attempts while the database refuses turns."""
FILE_RETRY_SECONDS = 0.5
MAX_TRIES = 10
"""How often reading a file is tried after its attempt is over."""


class Unreadable(LivewallError):
    """A file cannot be read at the moment."""


class Followed:
    """A file that is being read, and those who wait for its end."""

    __slots__ = ("follower", "last", "not_before", "tries", "waiting")

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.last = False
        """Whether the attempt is over, so that the file no longer grows."""
        self.waiting: list[Done] = []
        self.not_before = 0.0
        self.tries = 0

    @property
    def key(self) -> Key:
        return self.follower.task, self.follower.step


class FollowedFiles(Turns[LogTransaction]):
    """The attempts whose output is read. All methods are called in the writer's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Those who wait for the end of a file are answered on `loop`."""
        self._loop = loop
        self._followed: dict[Key, list[Followed]] = {}
        """The attempts of each step, in order. Only the first one is read."""
        self._behind: dict[Key, Followed] = {}
        """The attempts with unread bytes, in the order of their turns."""
        self._poll_at = 0.0
        self._pause = FAST
        self._refusals = 0
        self._resume_at = 0.0
        self._taken_at = 0.0

    def follow(self, follower: Follower) -> None:
        """Begin to read an attempt. An earlier one of the step is read to its end first."""
        followed = self._followed.setdefault((follower.task, follower.step), [])
        if any(f.follower.files == follower.files for f in followed):
            return
        if followed:
            followed[-1].last = True
        followed.append(Followed(follower))
        self._poll_at = 0.0

    def finish(self, key: Key, done: Done) -> bool:
        """Call `done` on the loop with the end of the log when all files of `key` are read.

        Return False if none is followed, and do not call it then.
        """
        followed = self._followed.get(key)
        if not followed:
            return False
        followed[-1].last = True
        followed[-1].waiting.append(done)
        self._poll_at = 0.0
        return True

    def drop(self, task: str) -> None:
        """Stop following the files of a task."""
        for key in [key for key in self._followed if key[0] == task]:
            self._behind.pop(key, None)
            self._abandon(self._followed.pop(key))

    def follows(self, task: str) -> bool:
        return any(key[0] == task for key in self._followed)

    def follows_step(self, key: Key) -> bool:
        return key in self._followed

    # -- turns

    def wait(self) -> float | None:
        if not self._followed:
            return None
        now = time.monotonic()
        due = self._poll_at
        if self._behind:
            due = min(due, max(self._resume_at, min(f.not_before for f in self._behind.values())))
        return max(0.0, due - now)

    def take(self) -> list[Job[LogTransaction]]:
        now = self._taken_at = time.monotonic()
        if now >= self._poll_at:
            self._poll_files(now)
        if now < self._resume_at:
            return []
        due = [followed for followed in self._behind.values() if followed.not_before <= now]
        return [Job(partial(self._read, followed), partial(self._after_read, followed)) for followed in due]

    def must_go_on(self) -> bool:
        """Return whether a file must still be read to its end, and can be."""
        return not self._refusals and any(f[-1].last and not f[0].tries for f in self._followed.values())

    def end(self) -> None:
        for followed in self._followed.values():
            self._abandon(followed)

    def _poll_files(self, now: float) -> None:
        """Find the files with unread bytes."""
        any_news = False
        for key, followed in self._followed.items():
            if key not in self._behind and (followed[0].last or self._has_news(followed[0])):
                self._behind[key] = followed[0]
                any_news = True
        self._pause = FAST if any_news or self._behind else min(SLOW, self._pause * 1.5)
        self._poll_at = now + self._pause

    @staticmethod
    def _has_news(followed: Followed) -> bool:
        try:
            return followed.follower.has_news()
        except OSError:
            return True  # reading it reports the error

    def _read(self, followed: Followed, tx: LogTransaction) -> ReadResult | None:
        """Read what is new in a file. Return None if its turn comes later: enough is read, or the database refuses."""
        if tx.budget <= 0 or self._resume_at > self._taken_at:
            return None
        try:
            turn = followed.follower.read(tx.connection, tx.now, last=followed.last)
        except OSError as error:
            raise Unreadable(message=error.strerror or str(error)) from error
        tx.budget -= turn.read
        if turn.grown:
            tx.moved[followed.key] = turn.end
        return turn

    def _after_read(self, followed: Followed, turn: ReadResult | None, error: BaseException | None) -> None:
        if isinstance(error, Busy):
            self._retry_later()
        elif error is not None:
            self._failed(followed, error)
        elif turn is not None:
            self._settle(followed, turn)

    def _settle(self, followed: Followed, turn: ReadResult) -> None:
        if self._refusals:
            self._refusals, self._resume_at = 0, 0.0
            log.info("the logs' database takes writes again")
        followed.follower.settle(turn)
        followed.tries = 0
        key = followed.key
        del self._behind[key]
        if not turn.ended:
            self._behind[key] = followed  # at the end of the queue
        elif followed.last:
            followed.follower.close()
            self._answer(followed, turn.end, None)
            attempts = self._followed[key]
            del attempts[0]
            if not attempts:
                del self._followed[key]
            self._poll_at = 0.0

    def _retry_later(self) -> None:
        """Schedule another attempt after the database refused a turn, later for every group with a refusal."""
        if self._resume_at <= self._taken_at:
            self._refusals += 1
            self._resume_at = time.monotonic() + min(MAX_RETRY_SECONDS, FAST * 2 ** min(self._refusals, 8))

    def _failed(self, followed: Followed, error: BaseException) -> None:
        if not followed.tries:
            log.error("the output of %s/%s cannot be read: %s", *followed.key, error)
        followed.tries += 1
        seconds = FILE_RETRY_SECONDS if isinstance(error, Unreadable) else MAX_RETRY_SECONDS
        followed.not_before = time.monotonic() + seconds
        if followed.last and followed.tries >= MAX_TRIES:
            followed.follower.give_up()

    def _abandon(self, followed: list[Followed]) -> None:
        for entry in followed:
            entry.follower.close()
            self._answer(entry, None, Busy("unavailable", "the log was not read to its end"))

    def _answer(self, followed: Followed, end: object, error: BaseException | None) -> None:
        for done in followed.waiting:
            call_on_loop(self._loop, done, end, error)
