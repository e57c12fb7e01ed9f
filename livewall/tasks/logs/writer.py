"""The one thread that writes to the logs' database: what is appended, and what the files that are followed have new.

Whatever has come together shares a commit. When the database refuses it (a full disk, a lock), those who append are
told so, and the files are read again later: nothing of them is lost.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

from livewall.errors import Busy, LivewallError
from livewall.tasks.logs.chunks import End
from livewall.tasks.logs.follower import PIECE, Follower, Turn
from livewall.tasks.logs.jobs import Done, Followed, Job, Key, Outcome

log = logging.getLogger(__name__)

BUDGET = 4 * PIECE
"""About what one commit takes in from files, in bytes."""
MOST_JOBS = 256
FAST, SLOW = 0.1, 0.25
"""Seconds between two looks at the files, while they grow and while they do not."""
PATIENCE = 2.0
"""The most seconds between two attempts while the database refuses."""
FILE_PATIENCE = 0.5
TRIES = 10
"""How often a file that cannot be read is tried once its attempt is over."""

Tell = Callable[[list[Outcome], dict[Key, End]], None]


class LogWriter:
    """`tell(outcomes, moved)` is called from the thread after each commit and must hand both to the loop."""

    def __init__(self, connection: sqlite3.Connection, tell: Tell, now: Callable[[], int]) -> None:
        """`now` is in ms since 1970."""
        self._connection = connection
        self._tell = tell
        self._now = now
        self._entries: queue.SimpleQueue[Job | Callable[[], None]] = queue.SimpleQueue()
        self._followed: dict[Key, list[Followed]] = {}
        """The attempts of each step in their order; only the first is read."""
        self._behind: dict[Key, Followed] = {}
        """Those with something to read, whose turn it is first."""
        self._look_at = 0.0
        self._pause = FAST
        self._faults = 0
        self._resume_at = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="livewall-logs", daemon=True)
        self._thread.start()

    # -- from any thread

    def submit(self, job: Job) -> None:
        self._entries.put(job)

    def follow(self, follower: Follower) -> None:
        """Begin to read an attempt; one before it is read to its end first."""
        self._entries.put(lambda: self._begin(follower))

    def finish(self, key: Key, otherwise: Job) -> None:
        """Settle the future of `otherwise` once all that is followed under `key` is in; do it when nothing is."""
        self._entries.put(lambda: self._finish(key, otherwise))

    def drop(self, task: str) -> None:
        """Follow nothing of a task any more."""
        self._entries.put(lambda: self._drop(task))

    def close(self) -> None:
        """Commit what is queued, read to its end what is to be finished, unless the database refuses; then end."""
        self._entries.put(self._stop)
        self._thread.join()

    # -- in the thread

    def follows(self, task: str) -> bool:
        return any(key[0] == task for key in self._followed)

    def follows_step(self, key: Key) -> bool:
        return key in self._followed

    def _run(self) -> None:
        while True:
            jobs = self._take()
            now = time.monotonic()
            if now >= self._look_at:
                self._look(now)
            turns = [f for f in self._behind.values() if f.not_before <= now] if now >= self._resume_at else []
            if jobs or turns:
                self._commit(jobs, turns)
            if self._stopping and not jobs and not self._may_finish():
                break
        for followed in self._followed.values():
            self._abandon(followed)

    def _may_finish(self) -> bool:
        """Whether something is still to be read to its end, and can be."""
        return not self._faults and any(f[-1].last and not f[0].tries for f in self._followed.values())

    def _take(self) -> list[Job]:
        """What is queued; waited for until it is time for something else."""
        jobs: list[Job] = []
        wait = self._wait()
        while len(jobs) < MOST_JOBS:
            try:
                entry = self._entries.get(wait != 0, wait) if not jobs else self._entries.get_nowait()
            except queue.Empty:
                break
            if isinstance(entry, Job):
                jobs.append(entry)
            else:
                entry()
                wait = 0
        return jobs

    def _wait(self) -> float | None:
        """Seconds until something is due; None where nothing is."""
        if self._stopping:
            return 0
        if not self._followed:
            return None
        now = time.monotonic()
        due = self._look_at
        if self._behind:
            due = min(due, max(self._resume_at, min(f.not_before for f in self._behind.values())))
        return max(0.0, due - now)

    def _look(self, now: float) -> None:
        """See which files have news."""
        news = False
        for key, followed in self._followed.items():
            if key not in self._behind and (followed[0].last or self._has_news(followed[0])):
                self._behind[key] = followed[0]
                news = True
        self._pause = FAST if news or self._behind else min(SLOW, self._pause * 1.5)
        self._look_at = now + self._pause

    @staticmethod
    def _has_news(followed: Followed) -> bool:
        try:
            return followed.follower.has_news()
        except OSError:
            return True  # its turn says what is wrong

    def _commit(self, jobs: list[Job], turns: list[Followed]) -> None:
        try:
            done = self._together(jobs, turns)
        except sqlite3.Error as error:
            self._rollback()
            self._refused(error)
            busy = Busy("unavailable", "the logs cannot be written at the moment; nothing was changed, try again")
            self._deliver([Outcome(job.future, None, busy) for job in jobs if job.future], {})
        except Exception as error:
            self._rollback()
            if len(jobs) + len(turns) > 1:
                for job in jobs:
                    self._commit([job], [])
                for followed in turns:
                    self._commit([], [followed])
                return
            log.exception("a write to the logs failed")
            for followed in turns:
                followed.not_before = time.monotonic() + PATIENCE
            self._deliver([Outcome(job.future, None, error) for job in jobs if job.future], {})
        else:
            self._committed(done)

    def _together(self, jobs: list[Job], turns: list[Followed]) -> Done:
        connection, now = self._connection, self._now()
        outcomes: list[Outcome] = []
        after: list[tuple[Job, Any]] = []
        taken: list[tuple[Followed, Turn]] = []
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            try:
                result = job.run(connection)
            except LivewallError as refusal:
                if job.future:
                    outcomes.append(Outcome(job.future, None, refusal))
                continue
            after.append((job, result))
            if job.future:
                outcomes.append(Outcome(job.future, result, None))
        left = BUDGET
        for followed in turns:
            if left <= 0:
                break
            try:
                turn = followed.follower.turn(connection, now, last=followed.last)
            except OSError as error:
                self._unreadable(followed, error)
                continue
            left -= turn.read
            taken.append((followed, turn))
        connection.execute("COMMIT")
        return Done(outcomes, after, taken)

    def _committed(self, done: Done) -> None:
        if self._faults:
            self._faults, self._resume_at = 0, 0.0
            log.info("the logs' database takes writes again")
        moved = {job.key: result for job, result in done.jobs if job.key}
        moved |= {followed.key: turn.end for followed, turn in done.turns if turn.moved}
        for followed, turn in done.turns:
            self._settle(followed, turn, done.outcomes)
        for job, result in done.jobs:
            job.then(result)
        self._deliver(done.outcomes, moved)

    def _settle(self, followed: Followed, turn: Turn, outcomes: list[Outcome]) -> None:
        followed.follower.settle(turn)
        followed.tries = 0
        key = followed.key
        del self._behind[key]
        if not turn.ended:
            self._behind[key] = followed  # behind the others
        elif followed.last:
            followed.follower.close()
            outcomes += [Outcome(future, turn.end, None) for future in followed.waiting]
            rest = self._followed[key]
            del rest[0]
            if not rest:
                del self._followed[key]
            self._look_at = 0.0

    def _deliver(self, outcomes: list[Outcome], moved: dict[Key, End]) -> None:
        if outcomes or moved:
            self._tell(outcomes, moved)

    def _refused(self, error: sqlite3.Error) -> None:
        """The database does not take writes: said once, tried again."""
        if not self._faults:
            log.error("the logs' database refused a commit, which is tried again: %s", error)
        self._faults += 1
        self._resume_at = time.monotonic() + min(PATIENCE, FAST * 2 ** min(self._faults, 8))

    def _unreadable(self, followed: Followed, error: OSError) -> None:
        if not followed.tries:
            log.error("the output of %s/%s cannot be read: %s", *followed.key, error.strerror)
        followed.tries += 1
        followed.not_before = time.monotonic() + FILE_PATIENCE
        if followed.last and followed.tries >= TRIES:
            followed.follower.give_up()

    def _rollback(self) -> None:
        # A full disk rolls the whole transaction back by itself, others leave it open.
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                log.error("a rollback of the logs failed: %s", error)

    # -- what was asked for

    def _begin(self, follower: Follower) -> None:
        followed = self._followed.setdefault((follower.task, follower.step), [])
        if any(f.follower.files == follower.files for f in followed):
            return
        if followed:
            followed[-1].last = True
        followed.append(Followed(follower))
        self._look_at = 0.0

    def _finish(self, key: Key, otherwise: Job) -> None:
        followed = self._followed.get(key)
        if not followed:
            self._entries.put(otherwise)
            return
        followed[-1].last = True
        if otherwise.future:
            followed[-1].waiting.append(otherwise.future)
        self._look_at = 0.0

    def _drop(self, task: str) -> None:
        for key in [key for key in self._followed if key[0] == task]:
            self._behind.pop(key, None)
            self._abandon(self._followed.pop(key))

    def _abandon(self, followed: list[Followed]) -> None:
        gone = Busy("unavailable", "the log was not read to its end")
        for each in followed:
            each.follower.close()
            self._deliver([Outcome(future, None, gone) for future in each.waiting], {})

    def _stop(self) -> None:
        self._stopping = True
