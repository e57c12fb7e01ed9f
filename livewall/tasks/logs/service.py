"""The logs of steps, for the loop: appended to, followed, read, searched, kept. No SQL is run on the loop.

A log is bytes with offsets that stay true. What is acknowledged is on the disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncGenerator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from livewall.clock import Clock
from livewall.errors import BadInput, Busy, NotFound, Refused
from livewall.tasks.logs import retention, rows
from livewall.tasks.logs.chunks import End, Mark
from livewall.tasks.logs.follower import AttemptFiles, Follower, Truncation
from livewall.tasks.logs.jobs import Job, Key, Outcome
from livewall.tasks.logs.reading import View, stretch
from livewall.tasks.logs.schema import open_database
from livewall.tasks.logs.search import Search
from livewall.tasks.logs.writer import LogWriter

T = TypeVar("T")
READERS = 3
SEARCHES = 2
"""Searches that run at once; the others wait."""
PIECE = 256 << 10
MOST = 256 << 20
"""The most of a log that is appended to, in bytes."""
TELL_SECONDS = 0.25

Told = Callable[[dict[Key, End]], None]


class Span(NamedTuple):
    """Bytes that are there without a gap between them. `total` is where the log ends."""

    start: int
    end: int
    total: int


class Logs:
    """`told` is called on the loop with where the logs that moved end now, at most four times a second."""

    def __init__(self, path: Path, *, hole: Truncation, clock: Clock, told: Told = lambda ends: None) -> None:
        """Opens the database, on the loop that will be told. Blocking; raises NewerDatabase, sqlite3.Error."""
        self._path = path
        self._hole = hole
        self._clock = clock
        self.told = told
        self._loop = asyncio.get_running_loop()
        self._connection = open_database(path, writer=True)
        self._local = threading.local()
        self._open_readers: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="livewall-log-reader")
        self._searches = asyncio.Semaphore(SEARCHES)
        self._moved: dict[Key, End] = {}
        self._tell_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._writer = LogWriter(self._connection, self._hand_over, lambda: milliseconds(clock()))
        self._purge()

    # -- writing

    async def append(self, task: str, step: str, offset: int | None, data: bytes, at: datetime | None = None) -> End:
        """Where the log ends with `data` in it, at `offset` or at its end; on the disk. What is there already is
        dropped. `at` is when it was said.

        Raises Refused (`conflict`, with the end in its fields) for a gap and where a file is followed, BadInput
        (`too_large`), Busy.
        """
        ms = milliseconds(at or self._clock())

        def write(c: sqlite3.Connection) -> End:
            if self._writer.follows_step((task, step)):
                raise Refused("conflict", "the log of this step is written here, from what its command prints")
            log = rows.find(c, task, step)
            end = log.bytes if log else 0
            begin = end if offset is None else offset
            if begin > end:
                raise Refused(
                    "conflict", f"the log ends at {end}: send what follows from there",
                    fields={"offset": f"the log ends at {end}", "end": str(end)},
                )
            new = data[end - begin :]
            if end + len(new) > MOST:
                raise BadInput("too_large", f"a log has at most {MOST} bytes")
            if not new:
                return log.end if log else End(0, 0)
            log = rows.append(c, log or rows.make(c, task, step), new, [Mark(end + len(new), ms)])
            rows.save(c, log, ms)
            return log.end

        return await self._write(write, (task, step))

    def follow(self, task: str, step: str, files: AttemptFiles, base: int) -> None:
        """Read the output of an attempt, whose first byte is at `base` of the log, from where the log ends on.

        An attempt of this step that is followed still is read to its end first.
        """
        self._writer.follow(Follower(task, step, files, base, self._hole))

    async def finish(self, task: str, step: str) -> End:
        """Read all that is there of what is followed, and stop following: its attempt is over. Raises Busy."""

        def close(c: sqlite3.Connection) -> End:
            log = rows.find(c, task, step)
            if log is None:
                return End(0, 0)
            closed = rows.close(c, log)
            if closed != log:
                rows.save(c, closed, milliseconds(self._clock()))
            return closed.end

        self._check()
        future: asyncio.Future[End] = self._loop.create_future()
        self._writer.finish((task, step), Job(close, future))
        return await future

    async def forget(self, task: str) -> None:
        """Delete the logs of a task."""
        self._writer.drop(task)
        await self._write(lambda c: retention.mark_deleted(c, [task]))
        self._purge()

    async def tidy(
        self, now: datetime, *, days: float | None, size: int | None, running: Collection[str]
    ) -> list[str]:
        """Delete the logs of ended tasks that are older than `days`, and the oldest until all fit into `size` bytes.

        Returns the tasks whose logs are gone; never one that is `running`.
        """
        before = None if days is None else milliseconds(now - timedelta(days=days))
        tasks = await self._read(lambda c: retention.ended_before(c, before=before, size=size, running=running))

        def doom(c: sqlite3.Connection, part: list[str]) -> list[str]:
            gone = [task for task in part if not self._writer.follows(task)]
            retention.mark_deleted(c, gone)
            return gone

        gone: list[str] = []
        for at in range(0, len(tasks), 100):
            part = tasks[at : at + 100]
            gone += await self._write(lambda c, part=part: doom(c, part))  # type: ignore[misc]
        self._purge()
        return gone

    # -- reading

    async def end(self, task: str, step: str) -> End | None:
        """Where a log ends; None where there is none."""
        log = await self._read(lambda c: rows.find(c, task, step))
        return log.end if log else None

    async def ends(self, task: str) -> dict[str, End]:
        """Where the logs of a task end, by their steps."""
        return await self._read(lambda c: {log.step: log.end for log in rows.all_of(c, task)})

    async def tasks(self) -> list[str]:
        """The tasks that have logs: some may be unknown to a database that was put back."""
        return await self._read(lambda c: [row[0] for row in c.execute("SELECT DISTINCT task FROM logs")])

    async def span(self, task: str, step: str, offset: int = 0, limit: int | None = None) -> Span:
        """The bytes there are from `offset` on, or from behind the gap it is in, up to the next gap."""

        def ask(c: sqlite3.Connection) -> Span:
            view = View.of(c, task, step)
            return Span(0, 0, 0) if view is None else Span(*view.numbering.span(offset, limit), view.log.bytes)

        return await self._read(ask)

    async def read(
        self, task: str, step: str, offset: int = 0, limit: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of `span`, in pieces. Raises NotFound where they are deleted meanwhile."""
        start, end, _ = await self.span(task, step, offset, limit)
        async for part in self.pieces(task, step, start, end):
            yield part

    async def pieces(self, task: str, step: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` to `end`, which are there without a gap, in pieces of at most 256 KiB.

        Raises NotFound where they are not, or are deleted meanwhile; Busy.
        """
        while start < end:
            data = await self._read(lambda c, at=start: piece(c, task, step, at, min(PIECE, end - at)))  # type: ignore[misc]
            if not data:
                raise NotFound(message="this part of the log is not kept any more")
            yield data
            start += len(data)

    async def lines(self, task: str, step: str, first: int, count: int) -> dict[str, Any]:
        """`count` lines from line `first`, counted from the end where it is negative (tasks/ID/logs/NAME/lines)."""

        def ask(c: sqlite3.Connection) -> dict[str, Any]:
            view = View.of(c, task, step)
            return {"items": [], "lines": 0, "bytes": 0, "next": None} if view is None else view.lines(first, count)

        return await self._read(ask)

    async def search(
        self, task: str, step: str, q: str, first: int = 1, limit: int = 100, *, case: bool = False
    ) -> dict[str, Any]:
        """The lines from line `first` on that have `q`, and how many of all have it. It may be cancelled."""
        async with self._searches:
            search = Search(q, first, limit, case=case)
            while True:
                found = await self._read(lambda c: search.go_on(c, task, step))
                if found is not None:
                    return found

    # -- the end

    async def close(self) -> None:
        """Commit what is queued and stop following; what is refused afterwards gets `draining`."""
        self._closed = True
        await self._loop.run_in_executor(None, self._writer.close)
        await asyncio.sleep(0)  # let the last commit's message run
        if self._timer is not None:
            self._timer.cancel()
            self._say()
        await self._loop.run_in_executor(None, self._pool.shutdown)
        for connection in self._open_readers:
            connection.close()
        self._connection.close()

    # -- parts

    def _check(self) -> None:
        if self._closed:
            raise Busy("draining", "the server is stopping; try again in a moment")

    async def _write(self, write: Callable[[sqlite3.Connection], T], key: Key | None = None) -> T:
        self._check()
        future: asyncio.Future[T] = self._loop.create_future()
        self._writer.submit(Job(write, future, key=key))
        return await future

    def _purge(self) -> None:
        def then(more: bool) -> None:
            if more and not self._closed:
                self._purge()

        self._writer.submit(Job(retention.purge, then=then))

    async def _read(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        self._check()
        return await self._loop.run_in_executor(self._pool, self._ask, ask)

    def _ask(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        try:
            if connection is None:
                connection = self._local.connection = open_database(self._path, writer=False)
                self._open_readers.append(connection)
            connection.execute("BEGIN")
            try:
                return ask(connection)
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            raise Busy("unavailable", "the logs cannot be read at the moment; try again") from error

    def _hand_over(self, outcomes: list[Outcome], moved: dict[Key, End]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._tell, outcomes, moved)
        except RuntimeError:  # the loop is closed: nobody is left to be told
            pass

    def _tell(self, outcomes: list[Outcome], moved: dict[Key, End]) -> None:
        for future, result, error in outcomes:
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        self._moved |= moved
        if self._moved and self._timer is None:
            self._timer = self._loop.call_at(self._tell_at, self._say)

    def _say(self) -> None:
        self._timer = None
        self._tell_at = self._loop.time() + TELL_SECONDS
        moved, self._moved = self._moved, {}
        self.told(moved)


def piece(c: sqlite3.Connection, task: str, step: str, offset: int, most: int) -> bytes:
    log = rows.find(c, task, step)
    return b"" if log is None else stretch(c, log.id, offset, most)


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
