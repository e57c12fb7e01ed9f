"""Group commit: one thread with one connection, in which all waiting writes share a transaction.

A write is acknowledged after its commit, never before. If one write of a group fails after it has changed something,
the group is rolled back and its writes run one by one. If the transaction itself fails, every write of it gets
`unavailable`.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from livewall.errors import Busy, LivewallError
from livewall.hub.log import Event
from livewall.store.sqlite import roll_back
from livewall.store.transaction import Transaction

log = logging.getLogger(__name__)

MAX_GROUP = 512
REPEAT_LOG_SECONDS = 60.0
"""Seconds for which the same refusal by the database is not logged again."""
Write = Callable[[Transaction], Any]
Done = Callable[[Any, BaseException | None], None]


class Job(NamedTuple):
    write: Write
    done: Done


class Commit(NamedTuple):
    """The results of a group, passed to the loop in one call."""

    outcomes: list[tuple[Job, Any, BaseException | None]]
    events: Mapping[str, list[Event]]
    after_commit: list[Callable[[], None]]
    seconds: float


class _RunAlone(Exception):
    """A write failed after it had changed something, so the group must be rolled back."""


def settle(future: asyncio.Future[Any]) -> Done:
    """Return a `done(result, error)` that settles a future. Call it on the future's loop."""

    def done(result: Any, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    return done


class Writer:
    """Runs the thread that writes. It calls `deliver` with each Commit, which must pass it to the loop."""

    def __init__(
        self, connection: sqlite3.Connection, deliver: Callable[[Commit], None], *, gather: float = 0.0
    ) -> None:
        self._connection = connection
        self._deliver = deliver
        self._gather = gather
        self._last_refusal, self._quiet_until, self._suppressed = "", 0.0, 0
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="livewall-writer", daemon=True)
        self._thread.start()

    def submit(self, write: Write, done: Done) -> None:
        """Queue a write; `done(result, error)` is called on the loop after the commit."""
        self._jobs.put(Job(write, done))

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def waiting(self) -> int:
        return self._jobs.qsize()

    def close(self) -> None:
        """Commit queued writes and end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            job = self._jobs.get()
            if job is None:
                return
            if self._gather:
                time.sleep(self._gather)
            group = [job]
            while len(group) < MAX_GROUP:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    stopping = True
                    break
                group.append(job)
            for commit in self._commit(group):
                self._deliver(commit)

    def _commit(self, group: list[Job]) -> list[Commit]:
        start = time.perf_counter()
        try:
            return [self._commit_together(group, start)]
        except _RunAlone:
            roll_back(self._connection)
            return [self._commit_alone(job) for job in group]
        except Exception as error:
            roll_back(self._connection)
            if not isinstance(error, sqlite3.Error):
                log.exception("a commit failed")
            else:
                self._log_refusal(str(error))
            return [_failed_commit(group, error, time.perf_counter() - start)]

    def _log_refusal(self, reason: str) -> None:
        """Log a refusal by the database, but not for every commit: with a full disk there are hundreds a second."""
        now = time.monotonic()
        if reason == self._last_refusal and now < self._quiet_until:
            self._suppressed += 1
            return
        suffix = f" ({self._suppressed} more since the last such line)" if self._suppressed else ""
        log.error("the database refused a commit: %s%s", reason, suffix)
        self._last_refusal, self._quiet_until, self._suppressed = reason, now + REPEAT_LOG_SECONDS, 0

    def _commit_alone(self, job: Job) -> Commit:
        start = time.perf_counter()
        try:
            return self._commit_together([job], start)
        except _RunAlone as stop:
            roll_back(self._connection)
            error = stop.__cause__
            assert error is not None
        except Exception as problem:
            roll_back(self._connection)
            error = problem
        if isinstance(error, sqlite3.OperationalError):
            self._log_refusal(str(error))
        elif not isinstance(error, LivewallError):
            log.error("a write failed: %s: %s", type(error).__name__, error)
        return _failed_commit([job], error, time.perf_counter() - start)

    def _commit_together(self, group: list[Job], start: float) -> Commit:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        tx = Transaction(connection)
        outcomes: list[tuple[Job, Any, BaseException | None]] = []
        for job in group:
            changes = connection.total_changes
            try:
                outcomes.append((job, job.write(tx), None))
            except LivewallError as refusal:
                if connection.total_changes != changes:
                    raise _RunAlone from refusal
                outcomes.append((job, None, refusal))
            except BaseException as error:  # also SystemExit, which would end this thread in silence
                raise _RunAlone from error
        try:
            for callback in tx.at_end:
                callback(tx)
        except Exception as error:
            raise _RunAlone from error
        connection.execute("COMMIT")
        return Commit(outcomes, tx.events, tx.callbacks, time.perf_counter() - start)


def _failed_commit(group: list[Job], error: BaseException, seconds: float) -> Commit:
    # On the loop, SystemExit would end the server.
    reported: BaseException = error if isinstance(error, Exception) else LivewallError("internal", repr(error)[:200])
    if isinstance(error, sqlite3.OperationalError | sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.IntegrityError
    ):
        reported = Busy(
            "unavailable", "the database cannot be written to at the moment; nothing was changed, try again"
        )
        reported.__cause__ = error
    return Commit([(job, None, reported) for job in group], {}, [], seconds)
