"""The store: writes through group commit, reads that do not wait for them, and the streams it sequences.

SQL here and in the modules that use it is written with `:name` and kept to what SQLite and PostgreSQL share.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from livewall.errors import Busy
from livewall.hub.load_requests import Loaded
from livewall.hub.log import MAX_UNKEYED, Event
from livewall.hub.position import View
from livewall.store.folder import Folder
from livewall.store.sqlite import connect, set_meta
from livewall.store.transaction import Transaction
from livewall.store.upgrade import upgrade
from livewall.store.writer import Commit, Done, Write, Writer, settle

log = logging.getLogger(__name__)

T = TypeVar("T")
LEAST_FREE = 128 << 10
"""Bytes of the disk below which it counts as full."""
PROBE = 64 << 10
"""Bytes of the write that finds out whether writes are taken again."""
READERS = 3
BACKFILL = 500

Publish = Callable[[str, list[Event]], None]


class Store:
    """One database. Made by `Store.open`, on the loop that will be told of commits."""

    def __init__(self, folder: Folder, *, gather: float = 0.0) -> None:
        """Opens and migrates the database, and settles the epoch. Blocking; raises LivewallError, sqlite3.Error."""
        self.folder = folder
        connection = connect(folder.touch(), writer=True)
        try:
            upgrade(connection, folder)
            self.epoch = settle_epoch(connection, folder)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._local = threading.local()
        self._open_readers: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="livewall-reader")
        self._loop = asyncio.get_running_loop()
        self._publish: Publish = lambda name, events: None
        self._observe: Callable[[int, float], None] = lambda size, seconds: None
        self._writer = Writer(connection, self._hand_over, gather=gather)
        self._closed = False
        self._ended = False
        self._refused = False

    def on_commit(self, publish: Publish, observe: Callable[[int, float], None]) -> None:
        """Whom to tell: `publish(stream, events)`, which must not raise, before anybody is acknowledged;
        `observe(size, seconds)`."""
        self._publish = publish
        self._observe = observe

    # -- writes

    def submit(self, write: Write, done: Done) -> None:
        """Queue a write; `done(result, error)` is called on the loop after its commit. The lean way for ballots."""
        if self._closed:
            raise Busy("draining", "the server is stopping; try again in a moment")
        self._writer.submit(write, done)

    def write(self, write: Callable[[Transaction], T]) -> asyncio.Future[T]:
        """The result of a write, after its commit; raises what the write raised, or Busy."""
        future: asyncio.Future[T] = self._loop.create_future()
        self.submit(write, settle(future))
        return future

    def _hand_over(self, commit: Commit) -> None:
        try:
            self._loop.call_soon_threadsafe(self._tell, commit)
        except RuntimeError:  # the loop is closed: nobody is left to be told
            pass

    def _tell(self, commit: Commit) -> None:
        """What stands is committed: whoever cannot be told must not keep the others waiting."""
        for name, events in commit.events.items():
            self._publish(name, events)
        for news in commit.news:
            try:
                news()
            except Exception:
                log.exception("the news of a commit could not be told")
        if commit.outcomes:
            self._refused = all(isinstance(error, Busy) for _, _, error in commit.outcomes)
        for job, result, error in commit.outcomes:
            try:
                job.done(result, error)
            except Exception:
                log.exception("somebody could not be told of a commit")
        self._observe(len(commit.outcomes), commit.seconds)

    # -- reads

    async def read(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        """The answer of `ask` within one snapshot of the database, on a thread of its own. Raises Busy."""
        if self._ended:
            raise Busy("draining", "the server is stopping; try again in a moment")
        return await self._loop.run_in_executor(self._pool, self._ask, ask)

    def _ask(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        try:
            if connection is None:
                connection = self._local.connection = connect(self.folder.database, writer=False)
                self._open_readers.append(connection)
            connection.execute("BEGIN")
            try:
                return ask(connection)
            finally:
                connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if connection is not None and connection.in_transaction:
                connection.execute("ROLLBACK")
            raise Busy("unavailable", "the database cannot be read at the moment; try again") from error

    # -- streams

    async def load(self, name: str) -> Loaded | None:
        """A stream as it stands; None where there is none (the list of tasks exists from the start)."""
        return await self.read(lambda connection: load(connection, name))

    async def since(self, name: str, view: View, n: int) -> list[Event] | None:
        """What follows `n` in a view, oldest first, at most `BACKFILL` events; None below the stream's floor."""
        return await self.read(lambda connection: since(connection, name, view, n))

    async def close(self) -> None:
        """Commit what is queued, then close. Afterwards everything is refused with `draining`."""
        self._closed = True
        await self._loop.run_in_executor(None, self._writer.close)
        await asyncio.sleep(0)  # let the last commit's message run
        self._ended = True
        await self._loop.run_in_executor(None, self._pool.shutdown)
        for connection in self._open_readers:
            connection.close()
        self._connection.close()

    async def check_ready(self) -> None:
        """Raises Busy (`unavailable`) while the database cannot be read, or takes no writes: the disk is full, or a
        write was refused and another one, made to find out, still is."""

        def look(connection: sqlite3.Connection) -> int:
            connection.execute("SELECT 1 FROM meta LIMIT 1").fetchone()
            disk = os.statvfs(self.folder.path)
            return disk.f_bavail * disk.f_frsize

        if await self.read(look) < LEAST_FREE:
            raise Busy("unavailable", "the disk of the data folder is full")
        if self._refused:
            await self.write(probe)

    def waiting(self) -> int:
        """Writes that no commit has taken yet."""
        return self._writer.waiting()


def probe(tx: Transaction) -> None:
    """A write that needs room, and leaves nothing."""
    tx.execute("INSERT INTO meta VALUES ('probe', zeroblob(:size))", {"size": PROBE})
    tx.execute("DELETE FROM meta WHERE name = 'probe'", {})


def new_epoch() -> str:
    return secrets.token_hex(4)


def settle_epoch(connection: sqlite3.Connection, folder: Folder) -> str:
    """The epoch of this database: a new one when the nonce inside is not one of those beside the file.

    Both nonces stand beside it while the new one is committed: whoever is killed in between made no copy.
    """
    meta: Mapping[str, str] = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    epoch, held = meta.get("epoch"), meta.get("nonce")
    nonce = secrets.token_hex(16)
    if epoch is None or held is None or held not in folder.nonces():
        epoch = new_epoch()
    else:
        folder.write_nonces(held, nonce)
    connection.execute("BEGIN IMMEDIATE")
    set_meta(connection, "epoch", epoch)
    set_meta(connection, "nonce", nonce)
    connection.execute("COMMIT")
    folder.write_nonces(nonce)
    return epoch


def load(connection: sqlite3.Connection, name: str) -> Loaded | None:
    row = connection.execute(
        "SELECT seq, full_head, masked_head, floor FROM streams WHERE name = :name", {"name": name}
    ).fetchone()
    if row is None:
        return Loaded(0, {}, []) if name == "tasks" else None
    seq, full, masked, floor = row
    events: dict[int, Event] = {}
    for view, key, number, data in connection.execute(
        "SELECT view, key, seq, data FROM latest WHERE stream = :name", {"name": name}
    ):
        held = events.get(number)
        events[number] = Event(number, key, data, view | (held.view if held else 0))
    unkeyed = connection.execute(
        "SELECT seq, view, data FROM kept WHERE stream = :name AND key IS NULL ORDER BY seq DESC LIMIT :limit",
        {"name": name, "limit": MAX_UNKEYED + 1},
    ).fetchall()
    base = floor
    if len(unkeyed) > MAX_UNKEYED:
        base = max(floor, unkeyed.pop()[0])
    for number, view, data in unkeyed:
        events[number] = Event(number, None, data, view)
    ordered = [events[number] for number in sorted(events)]
    # A floor that rose with forgotten deletions says nothing of older events: only those without key are missed.
    return Loaded(seq, {View.FULL: full, View.MASKED: masked}, ordered, base, base > 0 and bool(unkeyed))


def since(connection: sqlite3.Connection, name: str, view: View, n: int) -> list[Event] | None:
    row = connection.execute("SELECT floor FROM streams WHERE name = :name", {"name": name}).fetchone()
    if row is None or n < row[0]:
        return None
    rows = connection.execute(
        """
        SELECT seq, key, data, view FROM latest WHERE stream = :name AND view = :view AND seq > :n
        UNION ALL
        SELECT seq, key, data, view FROM kept WHERE stream = :name AND key IS NULL AND (view & :view) <> 0 AND seq > :n
        ORDER BY seq LIMIT :limit
        """,
        {"name": name, "view": int(view), "n": n, "limit": BACKFILL},
    )
    return [Event(*found) for found in rows]

