"""Group commit: one thread, one connection, and whatever writes have come together share a transaction.

A write is acknowledged after the commit that holds it and never before. When one write of a group fails, the group is
rolled back and run one by one; when the transaction itself fails, every write of it gets `unavailable`.
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
from livewall.store.transaction import Transaction

log = logging.getLogger(__name__)

MAX_GROUP = 512
QUIET = 60.0
"""Seconds for which the same refusal of the database is not said again."""
Write = Callable[[Transaction], Any]
Done = Callable[[Any, BaseException | None], None]


class Job(NamedTuple):
    write: Write
    done: Done


class Commit(NamedTuple):
    """What a group came to: told to the loop as one message."""

    outcomes: list[tuple[Job, Any, BaseException | None]]
    events: Mapping[str, list[Event]]
    news: list[Callable[[], None]]
    seconds: float


class _RunAlone(Exception):
    """A write failed after it had changed something: the group cannot keep the rest."""


def settle(future: asyncio.Future[Any]) -> Done:
    """A `done(result, error)` that settles a future; for the loop on which it waits."""

    def done(result: Any, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    return done


class Writer:
    """The one thread that writes. `deliver` is called from it with each Commit and must hand it to the loop."""

    def __init__(
        self, connection: sqlite3.Connection, deliver: Callable[[Commit], None], *, gather: float = 0.0
    ) -> None:
        self._connection = connection
        self._deliver = deliver
        self._gather = gather
        self._why, self._quiet_until, self._unsaid = "", 0.0, 0
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="livewall-writer", daemon=True)
        self._thread.start()

    def submit(self, write: Write, done: Done) -> None:
        """Queue a write; `done(result, error)` is called on the loop after the commit."""
        self._jobs.put(Job(write, done))

    def waiting(self) -> int:
        return self._jobs.qsize()

    def close(self) -> None:
        """Commit what is queued and end the thread."""
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
            return [self._together(group, start)]
        except _RunAlone:
            self._rollback()
            return [self._alone(job) for job in group]
        except Exception as error:
            self._rollback()
            if not isinstance(error, sqlite3.Error):
                log.exception("a commit failed")
            else:
                self._refused(str(error))
            return [_failed(group, error, time.perf_counter() - start)]

    def _refused(self, why: str) -> None:
        """One line for a while, not one a commit: on a full disk there are hundreds a second."""
        now = time.monotonic()
        if why == self._why and now < self._quiet_until:
            self._unsaid += 1
            return
        more = f" ({self._unsaid} more since the last such line)" if self._unsaid else ""
        log.error("the database refused a commit: %s%s", why, more)
        self._why, self._quiet_until, self._unsaid = why, now + QUIET, 0

    def _alone(self, job: Job) -> Commit:
        start = time.perf_counter()
        try:
            return self._together([job], start)
        except _RunAlone as stop:
            self._rollback()
            error = stop.__cause__
            assert error is not None
        except Exception as problem:
            self._rollback()
            error = problem
        if isinstance(error, sqlite3.OperationalError):
            self._refused(str(error))
        elif not isinstance(error, LivewallError):
            log.error("a write failed: %s: %s", type(error).__name__, error)
        return _failed([job], error, time.perf_counter() - start)

    def _together(self, group: list[Job], start: float) -> Commit:
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
            except Exception as error:
                raise _RunAlone from error
        try:
            for last in tx.last:
                last(tx)
        except Exception as error:
            raise _RunAlone from error
        connection.execute("COMMIT")
        return Commit(outcomes, tx.events, tx.news, time.perf_counter() - start)

    def _rollback(self) -> None:
        # A full disk rolls the whole transaction back by itself, others leave it open.
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                log.error("a rollback failed: %s", error)


def _failed(group: list[Job], error: BaseException, seconds: float) -> Commit:
    told: BaseException = error
    if isinstance(error, sqlite3.OperationalError | sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.IntegrityError
    ):
        told = Busy("unavailable", "the database cannot be written to at the moment; nothing was changed, try again")
        told.__cause__ = error
    return Commit([(job, None, told) for job in group], {}, [], seconds)
