"""The thread that writes to the logs' database: appended data, and new bytes of the files that are followed.

Everything that waits shares a commit. If the database refuses it (for example because of a full disk or a lock), the
appends fail with Busy and the files are read again later, so that no output is lost.
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
from livewall.store.sqlite import roll_back
from livewall.tasks.logs.chunks import End
from livewall.tasks.logs.follower import READ_BYTES, Follower, ReadResult
from livewall.tasks.logs.jobs import CommitResult, Followed, Job, Key, Outcome

log = logging.getLogger(__name__)

COMMIT_BYTES = 4 * READ_BYTES
"""About how many bytes of files one commit includes."""
MAX_JOBS = 256
FAST, SLOW = 0.1, 0.25
"""Seconds between two checks of the files, while they grow and while they do not."""
MAX_RETRY_SECONDS = 2.0
"""The longest time, in seconds, between two attempts while the database refuses writes."""
FILE_RETRY_SECONDS = 0.5
MAX_TRIES = 10
"""How often reading a file is tried after its attempt is over."""

Deliver = Callable[[list[Outcome], dict[Key, End]], None]


class LogWriter:
    """Runs the thread. It calls `tell(outcomes, moved)` after each commit, which must pass both to the loop."""

    def __init__(self, connection: sqlite3.Connection, tell: Deliver, now: Callable[[], int]) -> None:
        """Start the thread. `now` returns milliseconds since 1970."""
        self._connection = connection
        self._on_commit = tell
        self._now = now
        self._entries: queue.SimpleQueue[Job | Callable[[], None]] = queue.SimpleQueue()
        self._followed: dict[Key, list[Followed]] = {}
        """The attempts of each step, in order. Only the first one is read."""
        self._behind: dict[Key, Followed] = {}
        """The attempts with unread bytes, in the order of their turns."""
        self._poll_at = 0.0
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
        """Begin to read an attempt. An earlier one of the step is read to its end first."""
        self._entries.put(lambda: self._begin(follower))

    def finish(self, key: Key, otherwise: Job) -> None:
        """Settle the future of `otherwise` when all files of `key` are read; if none is followed, run the job instead.
        """
        self._entries.put(lambda: self._finish(key, otherwise))

    def drop(self, task: str) -> None:
        """Stop following the files of a task."""
        self._entries.put(lambda: self._drop(task))

    def close(self) -> None:
        """Commit queued jobs, read files to be finished to their ends unless the database refuses, and end the thread.
        """
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
            if now >= self._poll_at:
                self._poll_files(now)
            turns = [f for f in self._behind.values() if f.not_before <= now] if now >= self._resume_at else []
            if jobs or turns:
                self._commit(jobs, turns)
            if self._stopping and not jobs and not self._may_finish():
                break
        for followed in self._followed.values():
            self._abandon(followed)

    def _may_finish(self) -> bool:
        """Return whether a file must still be read to its end, and can be."""
        return not self._faults and any(f[-1].last and not f[0].tries for f in self._followed.values())

    def _take(self) -> list[Job]:
        """Return the queued jobs; wait for one until something else is due."""
        jobs: list[Job] = []
        wait = self._wait()
        while len(jobs) < MAX_JOBS:
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
        """Return the seconds until something is due, or None if nothing is."""
        if self._stopping:
            return 0
        if not self._followed:
            return None
        now = time.monotonic()
        due = self._poll_at
        if self._behind:
            due = min(due, max(self._resume_at, min(f.not_before for f in self._behind.values())))
        return max(0.0, due - now)

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

    def _commit(self, jobs: list[Job], turns: list[Followed]) -> None:
        try:
            done = self._commit_together(jobs, turns)
        except sqlite3.Error as error:
            roll_back(self._connection)
            self._refused(error)
            busy = Busy("unavailable", "the logs cannot be written at the moment; nothing was changed, try again")
            self._deliver([Outcome(job.future, None, busy) for job in jobs if job.future], {})
        except Exception as error:
            roll_back(self._connection)
            if len(jobs) + len(turns) > 1:
                for job in jobs:
                    self._commit([job], [])
                for followed in turns:
                    self._commit([], [followed])
                return
            log.exception("a write to the logs failed")
            for followed in turns:
                followed.not_before = time.monotonic() + MAX_RETRY_SECONDS
            self._deliver([Outcome(job.future, None, error) for job in jobs if job.future], {})
        else:
            self._committed(done)

    def _commit_together(self, jobs: list[Job], turns: list[Followed]) -> CommitResult:
        connection, now = self._connection, self._now()
        outcomes: list[Outcome] = []
        after: list[tuple[Job, Any]] = []
        reads: list[tuple[Followed, ReadResult]] = []
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
        budget = COMMIT_BYTES
        for followed in turns:
            if budget <= 0:
                break
            try:
                turn = followed.follower.read(connection, now, last=followed.last)
            except OSError as error:
                self._unreadable(followed, error)
                continue
            budget -= turn.read
            reads.append((followed, turn))
        connection.execute("COMMIT")
        return CommitResult(outcomes, after, reads)

    def _committed(self, done: CommitResult) -> None:
        if self._faults:
            self._faults, self._resume_at = 0, 0.0
            log.info("the logs' database takes writes again")
        moved = {job.key: result for job, result in done.jobs if job.key}
        moved |= {followed.key: turn.end for followed, turn in done.turns if turn.grown}
        for followed, turn in done.turns:
            self._settle(followed, turn, done.outcomes)
        for job, result in done.jobs:
            job.then(result)
        self._deliver(done.outcomes, moved)

    def _settle(self, followed: Followed, turn: ReadResult, outcomes: list[Outcome]) -> None:
        followed.follower.settle(turn)
        followed.tries = 0
        key = followed.key
        del self._behind[key]
        if not turn.ended:
            self._behind[key] = followed  # at the end of the queue
        elif followed.last:
            followed.follower.close()
            outcomes += [Outcome(future, turn.end, None) for future in followed.waiting]
            rest = self._followed[key]
            del rest[0]
            if not rest:
                del self._followed[key]
            self._poll_at = 0.0

    def _deliver(self, outcomes: list[Outcome], moved: dict[Key, End]) -> None:
        if outcomes or moved:
            self._on_commit(outcomes, moved)

    def _refused(self, error: sqlite3.Error) -> None:
        """Schedule another attempt after the database refused a commit. Only the first refusal is logged."""
        if not self._faults:
            log.error("the logs' database refused a commit, which is tried again: %s", error)
        self._faults += 1
        self._resume_at = time.monotonic() + min(MAX_RETRY_SECONDS, FAST * 2 ** min(self._faults, 8))

    def _unreadable(self, followed: Followed, error: OSError) -> None:
        if not followed.tries:
            log.error("the output of %s/%s cannot be read: %s", *followed.key, error.strerror)
        followed.tries += 1
        followed.not_before = time.monotonic() + FILE_RETRY_SECONDS
        if followed.last and followed.tries >= MAX_TRIES:
            followed.follower.give_up()

    # -- requests, run in the thread

    def _begin(self, follower: Follower) -> None:
        followed = self._followed.setdefault((follower.task, follower.step), [])
        if any(f.follower.files == follower.files for f in followed):
            return
        if followed:
            followed[-1].last = True
        followed.append(Followed(follower))
        self._poll_at = 0.0

    def _finish(self, key: Key, otherwise: Job) -> None:
        followed = self._followed.get(key)
        if not followed:
            self._entries.put(otherwise)
            return
        followed[-1].last = True
        if otherwise.future:
            followed[-1].waiting.append(otherwise.future)
        self._poll_at = 0.0

    def _drop(self, task: str) -> None:
        for key in [key for key in self._followed if key[0] == task]:
            self._behind.pop(key, None)
            self._abandon(self._followed.pop(key))

    def _abandon(self, followed: list[Followed]) -> None:
        error = Busy("unavailable", "the log was not read to its end")
        for entry in followed:
            entry.follower.close()
            self._deliver([Outcome(future, None, error) for future in entry.waiting], {})

    def _stop(self) -> None:
        self._stopping = True
