"""The service for the logs of steps: append, follow, read, search and delete. No SQL runs on the event loop.

A log is a sequence of bytes whose offsets never change. What is acknowledged is on disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

from livewall.clock import Clock
from livewall.errors import BadInput, Busy, NotFound, Refused
from livewall.store.readers import Readers
from livewall.store.writer import Commit, Writer, call_on_loop, settle
from livewall.tasks.logs import retention, rows
from livewall.tasks.logs.chunks import End, Mark
from livewall.tasks.logs.followed import FollowedFiles
from livewall.tasks.logs.follower import AttemptFiles, Follower, Truncation
from livewall.tasks.logs.lines import LogLines, Matches
from livewall.tasks.logs.reading import View, read_bytes
from livewall.tasks.logs.schema import open_database
from livewall.tasks.logs.search import Search
from livewall.tasks.logs.transaction import Key, LogTransaction

T = TypeVar("T")
READERS = 3
SEARCHES = 2
"""How many searches run at once; the others wait."""
PART_BYTES = 256 << 10
MAX_LOG_BYTES = 256 << 20
"""The maximum size of a log that is appended to, in bytes."""
NOTIFY_SECONDS = 0.25
MAX_GROUP = 256
"""How many appends share a commit; each may be large."""

OnMove = Callable[[dict[Key, End]], None]


class Span(NamedTuple):
    """A range of bytes without a gap. `total` is the end of the log."""

    start: int
    end: int
    total: int


class Logs:
    """All logs. `on_move` is called on the loop with the new ends of logs, at most four times a second."""

    def __init__(self, path: Path, *, hole: Truncation, clock: Clock, on_move: OnMove = lambda ends: None) -> None:
        """Open the database, on the loop that `on_move` is called on.

        It blocks. Raises NewerDatabase, sqlite3.Error.
        """
        self._hole = hole
        self._clock = clock
        self.on_move = on_move
        self._loop = asyncio.get_running_loop()
        self._connection = open_database(path, writer=True)
        self._readers = Readers(
            lambda: open_database(path, writer=False),
            threads=READERS,
            name="livewall-log-reader",
            unavailable="the logs cannot be read at the moment; try again",
        )
        self._searches = asyncio.Semaphore(SEARCHES)
        self._moved: dict[Key, End] = {}
        self._notify_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._followed = FollowedFiles(self._loop)
        self._writer = Writer(
            self._connection,
            lambda connection: LogTransaction(connection, milliseconds(clock())),
            self._hand_over,
            name="livewall-logs",
            database="the logs' database",
            unavailable="the logs cannot be written at the moment; nothing was changed, try again",
            turns=self._followed,
            max_group=MAX_GROUP,
        )
        self._purge()

    # -- writing

    async def append(self, task: str, step: str, offset: int | None, data: bytes, at: datetime | None = None) -> End:
        """Append `data` at `offset`, or at the end; return the end of the log once it is on disk.

        Bytes that the log has already are dropped. `at` is the time of the data, by default now. Raises Refused
        (`conflict`) for a gap, with the end of the log in its fields, and if a file is followed; BadInput
        (`too_large`); Busy.
        """
        ms = milliseconds(at or self._clock())

        def write(tx: LogTransaction) -> End:
            c = tx.connection
            if self._followed.follows_step((task, step)):
                raise Refused("conflict", "the log of this step is written here, from what its command prints")
            log = rows.find(c, task, step)
            end = log.bytes if log else 0
            begin = end if offset is None else offset
            if begin > end:
                raise Refused(
                    "conflict",
                    f"the log ends at {end}: send what follows from there",
                    fields={"offset": f"the log ends at {end}", "end": str(end)},
                )
            new = data[end - begin :]
            if end + len(new) > MAX_LOG_BYTES:
                raise BadInput("too_large", f"a log has at most {MAX_LOG_BYTES} bytes")
            if new:
                log = rows.append(c, log or rows.find_or_insert(c, task, step), new, [Mark(end + len(new), ms)])
                rows.save(c, log, ms)
            # Also if nothing is new: the server may have been killed before it published this end.
            moved = tx.moved[task, step] = log.end if log else End(0, 0)
            return moved

        return await self._write(write)

    def follow(self, task: str, step: str, files: AttemptFiles, base: int) -> None:
        """Begin to read the output of an attempt, whose first byte is at offset `base` of the log.

        An earlier attempt of this step that is still followed is read to its end first.
        """
        follower = Follower(task, step, files, base, self._hole)
        self._writer.call(lambda: self._followed.follow(follower))

    async def finish(self, task: str, step: str) -> End:
        """Read the output to its end and stop following, since the attempt is over; return the end. Raises Busy."""

        def close(tx: LogTransaction) -> End:
            log = rows.find(tx.connection, task, step)
            if log is None:
                return End(0, 0)
            closed = rows.close(tx.connection, log)
            if closed != log:
                rows.save(tx.connection, closed, tx.now)
            return closed.end

        def finish() -> None:
            if not self._followed.finish((task, step), done):
                self._writer.submit(close, done)

        self._check()
        future: asyncio.Future[End] = self._loop.create_future()
        done = settle(future)
        self._writer.call(finish)
        return await future

    async def give_up(self, task: str, step: str, size: int) -> None:
        """Put a gap in the place of what a log lacks of its `size`, because it cannot be read any more. Raises Busy."""

        def write(tx: LogTransaction) -> None:
            log = rows.find_or_insert(tx.connection, task, step)
            if log.bytes < size:
                log = rows.add_gap(tx.connection, log, log.bytes, size)
                rows.save(tx.connection, log, tx.now)
            tx.moved[task, step] = log.end

        await self._write(write)

    async def forget(self, task: str) -> None:
        """Delete the logs of a task."""
        self._writer.call(lambda: self._followed.drop(task))
        await self._write(lambda tx: retention.mark_deleted(tx.connection, [task]))
        self._purge()

    async def delete_expired(
        self, now: datetime, *, days: float | None, size: int | None, running: Collection[str]
    ) -> list[str]:
        """Delete logs that are older than `days`, and the oldest ones until all fit into `size` bytes.

        Return the tasks whose logs were deleted. Those of `running` tasks are kept.
        """
        before = None if days is None else milliseconds(now - timedelta(days=days))
        tasks = await self._read(lambda c: retention.expired_tasks(c, before=before, size=size, running=running))

        def delete(tx: LogTransaction, part: list[str]) -> list[str]:
            expired = [task for task in part if not self._followed.follows(task)]
            retention.mark_deleted(tx.connection, expired)
            return expired

        deleted: list[str] = []
        for at in range(0, len(tasks), 100):
            part = tasks[at : at + 100]
            deleted += await self._write(lambda tx, part=part: delete(tx, part))  # type: ignore[misc]
        self._purge()
        return deleted

    # -- reading

    async def end(self, task: str, step: str) -> End | None:
        """Return the end of a log, or None if there is none."""
        log = await self._read(lambda c: rows.find(c, task, step))
        return log.end if log else None

    async def ends(self, task: str) -> dict[str, End]:
        """Return the ends of the logs of a task, by step."""
        return await self._read(lambda c: {log.step: log.end for log in rows.all_of(c, task)})

    async def tasks(self) -> list[str]:
        """Return the tasks that have logs. After a restore, the main database may not know all of them."""
        return await self._read(lambda c: [row[0] for row in c.execute("SELECT DISTINCT task FROM logs")])

    async def span(self, task: str, step: str, offset: int = 0, limit: int | None = None) -> Span:
        """Return the range from `offset`, or from the end of the gap it is in, up to the next gap."""

        def read(c: sqlite3.Connection) -> Span:
            view = View.of(c, task, step)
            return Span(0, 0, 0) if view is None else Span(*view.numbering.span(offset, limit), view.log.bytes)

        return await self._read(read)

    async def read(
        self, task: str, step: str, offset: int = 0, limit: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of `span`, in parts. Raises NotFound if they are deleted meanwhile."""
        start, end, _ = await self.span(task, step, offset, limit)
        async for part in self.parts(task, step, start, end):
            yield part

    async def parts(self, task: str, step: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from `start` to `end`, a range without a gap, in parts of at most 256 KiB.

        Raises Busy, and NotFound if bytes are missing or are deleted meanwhile.
        """
        while start < end:
            data = await self._read(lambda c, at=start: read_part(c, task, step, at, min(PART_BYTES, end - at)))  # type: ignore[misc]
            if not data:
                raise NotFound(message="this part of the log is no longer kept")
            yield data
            start += len(data)

    async def lines(self, task: str, step: str, first: int, count: int) -> LogLines:
        """Return `count` lines from line `first` on; a negative number counts from the end.

        See `reading.View.lines`.
        """

        def read(c: sqlite3.Connection) -> LogLines:
            view = View.of(c, task, step)
            return LogLines([], 0, 0, None) if view is None else view.lines(first, count)

        return await self._read(read)

    async def search(
        self, task: str, step: str, text: str, first: int = 1, limit: int = 100, *, case: bool = False
    ) -> Matches:
        """Return the lines from line `first` on that contain `text`, and how many of all lines do. May be cancelled."""
        async with self._searches:
            search = Search(text, first, limit, case=case)
            while True:
                answer = await self._read(lambda c: search.resume(c, task, step))
                if answer is not None:
                    return answer

    # -- the end

    async def close(self) -> None:
        """Commit queued writes and stop following. Later calls are refused with `draining`."""
        self._closed = True
        await self._loop.run_in_executor(None, self._writer.close)
        await asyncio.sleep(0)  # let the callback of the last commit run
        if self._timer is not None:
            self._timer.cancel()
            self._notify()
        await self._readers.close()
        self._connection.close()

    # -- parts

    def _check(self) -> None:
        if self._closed:
            raise Busy("draining", "the server is stopping; try again in a moment")

    async def _write(self, write: Callable[[LogTransaction], T]) -> T:
        self._check()
        future: asyncio.Future[T] = self._loop.create_future()
        self._writer.submit(write, settle(future))
        return await future

    def _purge(self) -> None:
        def done(more: bool | None, error: BaseException | None) -> None:
            if more and not self._closed:
                self._purge()

        self._writer.submit(lambda tx: retention.purge(tx.connection), done)

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        self._check()
        return await self._readers.read(query)

    def _hand_over(self, commit: Commit[LogTransaction]) -> None:
        """Called in the thread, also for turns in which nothing was found."""
        if commit.outcomes or (commit.transaction is not None and commit.transaction.moved):
            call_on_loop(self._loop, self._deliver, commit)

    def _deliver(self, commit: Commit[LogTransaction]) -> None:
        commit.acknowledge()
        if commit.transaction is not None:
            self._moved |= commit.transaction.moved
        if self._moved and self._timer is None:
            self._timer = self._loop.call_at(self._notify_at, self._notify)

    def _notify(self) -> None:
        self._timer = None
        self._notify_at = self._loop.time() + NOTIFY_SECONDS
        moved, self._moved = self._moved, {}
        self.on_move(moved)


def read_part(c: sqlite3.Connection, task: str, step: str, offset: int, limit: int) -> bytes:
    log = rows.find(c, task, step)
    return b"" if log is None else read_bytes(c, log.id, offset, limit)


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
