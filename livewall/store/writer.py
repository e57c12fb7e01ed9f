"""Group commit: one thread with one connection to a database, in which all waiting writes share a transaction.

A write is acknowledged after its commit, never before. If one write of a group fails after it has changed something,
the group is rolled back and its writes run one by one. If the transaction itself fails, every write of it gets
`unavailable`. The writer knows neither the
schema nor the type of transaction that it passes to writes.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from livewall.errors import Busy, LivewallError
from livewall.store.sqlite import roll_back

log = logging.getLogger(__name__)

MAX_GROUP = 512
REPEAT_LOG_SECONDS = 60.0
"""Seconds for which the same refusal by the database is not logged again."""

T = TypeVar("T")
"""What the writes of a group get: an object that lives as long as their transaction."""
Done = Callable[[Any, BaseException | None], None]


class Job(NamedTuple, Generic[T]):
    write: Callable[[T], Any]
    """It may run twice, because a group is rolled back if another write in it fails."""
    done: Done
    """Called with the result of the write or with its error, after the commit."""


Outcome = tuple[Job[T], Any, BaseException | None]


class Commit(NamedTuple, Generic[T]):
    """The results of the queued writes of a group. `transaction` is None if it was rolled back."""

    outcomes: list[Outcome[T]]
    transaction: T | None
    seconds: float

    def acknowledge(self) -> None:
        """Pass each result to the `done` of its write. An error in one must not keep the others from being called."""
        for job, result, error in self.outcomes:
            try:
                job.done(result, error)
            except Exception:
                log.exception("the result of a write could not be delivered")


class Turns(Generic[T]):
    """Work done between the groups; the base class does nothing.

    What is due shares the transaction of the queued writes. All methods are called in the thread, and so is the `done`
    of the jobs that `take` returns.
    """

    def wait(self) -> float | None:
        """Return the seconds until something may be due, or None if nothing will be."""
        return None

    def take(self) -> list[Job[T]]:
        """Return the jobs that are due."""
        return []

    def must_go_on(self) -> bool:
        """Return whether a writer that is being closed must wait for more turns."""
        return False

    def end(self) -> None:
        """Give up what is left, because the thread ends."""


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


def call_on_loop(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: Any) -> None:
    """Call `callback` on the loop, from the thread. If the loop is closed, nobody waits for the call."""
    try:
        loop.call_soon_threadsafe(callback, *arguments)
    except RuntimeError:
        pass


class Writer(Generic[T]):
    """Runs the thread that writes. It calls `deliver` with each Commit, which must pass it to the loop."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        begin: Callable[[sqlite3.Connection], T],
        deliver: Callable[[Commit[T]], None],
        *,
        name: str,
        database: str,
        unavailable: str,
        before_commit: Callable[[T], None] = lambda transaction: None,
        turns: Turns[T] | None = None,
        max_group: int = MAX_GROUP,
        gather: float = 0.0,
    ) -> None:
        """Start the thread `name`.

        `begin` creates the object passed to each write, and `before_commit` is called with it when all have run.
        `database` is what the log calls the database, and `unavailable` the message of the refusal while the database
        refuses commits. A group waits `gather` seconds for more writes.
        """
        self._connection = connection
        self._begin = begin
        self._deliver = deliver
        self._before_commit = before_commit
        self._turns = turns or Turns()
        self._max_group = max_group
        self._gather = gather
        self._database = database
        self._unavailable = unavailable
        self._last_refusal, self._quiet_until, self._suppressed = "", 0.0, 0
        self._entries: queue.SimpleQueue[Job[T] | Callable[[], None]] = queue.SimpleQueue()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, write: Callable[[T], Any], done: Done) -> None:
        """Queue a write; its commit will have `done`, to be called with the result or the error."""
        self._entries.put(Job(write, done))

    def call(self, function: Callable[[], None]) -> None:
        """Call `function` in the thread, outside a transaction. It must not raise."""
        self._entries.put(function)

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def waiting(self) -> int:
        return self._entries.qsize()

    def close(self) -> None:
        """Commit queued writes, continue with turns while they must, and end the thread."""
        self._entries.put(self._stop)
        self._thread.join()

    # -- in the thread

    def _stop(self) -> None:
        self._stopping = True

    def _run(self) -> None:
        while True:
            group = self._take()
            turns = self._turns.take()
            if group or turns:
                self._commit(group, turns)
            if self._stopping and not group and not self._turns.must_go_on():
                break
        self._turns.end()

    def _take(self) -> list[Job[T]]:
        """Return the queued writes, at most `max_group`; wait for one until a turn may be due."""
        group: list[Job[T]] = []
        wait = 0 if self._stopping else self._turns.wait()
        while len(group) < self._max_group:
            try:
                entry = self._entries.get_nowait() if group else self._entries.get(wait != 0, wait)
            except queue.Empty:
                break
            if isinstance(entry, Job):
                group.append(entry)
                if self._gather and len(group) == 1:
                    time.sleep(self._gather)
            else:
                entry()
                wait = 0
        return group

    def _commit(self, group: list[Job[T]], turns: list[Job[T]]) -> None:
        """Run queued writes and turns in one transaction, or each in its own, and pass their results on."""
        start = time.perf_counter()
        jobs = [*group, *turns] if turns else group
        transaction: T | None = None
        try:
            transaction, outcomes = self._commit_together(jobs)
        except _RunAlone as stop:
            roll_back(self._connection)
            if len(jobs) > 1:
                for job in group:
                    self._commit([job], [])
                for job in turns:
                    self._commit([], [job])
                return
            assert stop.__cause__ is not None
            self._log_failed_write(stop.__cause__)
            outcomes = self._failures(jobs, stop.__cause__)
        except Exception as error:
            roll_back(self._connection)
            if isinstance(error, sqlite3.Error):
                self._log_refusal(str(error))
            else:
                log.exception("a commit failed")
            outcomes = self._failures(jobs, error)
        self._deliver(Commit(outcomes[: len(group)] if turns else outcomes, transaction, time.perf_counter() - start))
        if turns:
            for job, result, problem in outcomes[len(group) :]:
                job.done(result, problem)

    def _commit_together(self, jobs: list[Job[T]]) -> tuple[T, list[Outcome[T]]]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        transaction = self._begin(connection)
        outcomes: list[Outcome[T]] = []
        for job in jobs:
            changes = connection.total_changes
            try:
                outcomes.append((job, job.write(transaction), None))
            except LivewallError as refusal:
                if connection.total_changes != changes:
                    raise _RunAlone from refusal
                outcomes.append((job, None, refusal))
            except BaseException as error:  # also SystemExit, which would end this thread in silence
                raise _RunAlone from error
        try:
            self._before_commit(transaction)
        except BaseException as error:
            raise _RunAlone from error
        connection.execute("COMMIT")
        return transaction, outcomes

    def _failures(self, jobs: list[Job[T]], error: BaseException) -> list[Outcome[T]]:
        reported = error
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.IntegrityError):
            reported = Busy("unavailable", self._unavailable)
            reported.__cause__ = error
        elif not isinstance(error, Exception):  # on the loop, SystemExit would end the server
            reported = LivewallError("internal", repr(error)[:200])
        return [(job, None, reported) for job in jobs]

    def _log_failed_write(self, error: BaseException) -> None:
        if isinstance(error, sqlite3.OperationalError):
            self._log_refusal(str(error))
        elif not isinstance(error, LivewallError):
            log.error("a write failed: %s: %s", type(error).__name__, error)

    def _log_refusal(self, reason: str) -> None:
        """Log a refusal by the database, but not for every commit: with a full disk there are hundreds a second."""
        now = time.monotonic()
        if reason == self._last_refusal and now < self._quiet_until:
            self._suppressed += 1
            return
        suffix = f" ({self._suppressed} more since the last such line)" if self._suppressed else ""
        log.error("%s refused a commit: %s%s", self._database, reason, suffix)
        self._last_refusal, self._quiet_until, self._suppressed = reason, now + REPEAT_LOG_SECONDS, 0
