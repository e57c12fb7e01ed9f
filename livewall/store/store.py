"""The store: writes with group commit, reads that do not wait for writes, and the sequence of each stream.

SQL here and in the modules that use the store has `:name` parameters, and keeps to what SQLite and PostgreSQL share.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from typing import TypeVar

from livewall.errors import Busy
from livewall.hub.load_requests import Loaded
from livewall.hub.log import Event
from livewall.hub.position import View
from livewall.store.folder import Folder
from livewall.store.readers import Readers
from livewall.store.sqlite import connect, set_meta
from livewall.store.transaction import CHANGED, Transaction, Write
from livewall.store.upgrade import upgrade
from livewall.store.writer import Commit, Done, Writer, call_on_loop, settle

log = logging.getLogger(__name__)

T = TypeVar("T")
MIN_FREE_BYTES = 128 << 10
"""The free space, in bytes, below which the disk counts as full."""
PROBE_BYTES = 64 << 10
"""The size of the write that tests whether the database accepts writes again."""
READERS = 3
BACKFILL = 500

Publish = Callable[[str, list[Event]], None]


class Store:
    """The database of a data folder. Make it on the loop on which the results of writes are wanted."""

    def __init__(self, folder: Folder, *, gather: float = 0.0) -> None:
        """Open and migrate the database, and determine its epoch. It blocks. Raises LivewallError, sqlite3.Error."""
        self.folder = folder
        connection = connect(folder.create_database(), writer=True)
        try:
            upgrade(connection, folder)
            self.epoch = settle_epoch(connection, folder)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._readers = Readers(
            lambda: connect(folder.database, writer=False),
            threads=READERS,
            name="livewall-reader",
            unavailable="the database cannot be read at the moment; try again",
        )
        self._loop = asyncio.get_running_loop()
        self._publish: Publish = lambda name, events: None
        self._observe: Callable[[int, float], None] = lambda size, seconds: None
        self._writer = Writer(
            connection,
            Transaction,
            lambda commit: call_on_loop(self._loop, self._deliver, commit),
            name="livewall-writer",
            database="the database",
            unavailable="the database cannot be written to at the moment; nothing was changed, try again",
            before_commit=Transaction.run_before_commit,
            gather=gather,
        )
        self._closed = False
        self._ended = False
        self._refused = False

    def on_commit(self, publish: Publish, observe: Callable[[int, float], None]) -> None:
        """Set the callbacks of commits.

        `publish(stream, events)` is called before writes are acknowledged and must not raise. `observe(size, seconds)`
        gets the number of writes of each commit, and how long it took.
        """
        self._publish = publish
        self._observe = observe

    # -- writes

    def submit(self, write: Write, done: Done) -> None:
        """Queue a write; `done(result, error)` is called on the loop after its commit. It costs less than a future."""
        if self._closed:
            raise Busy("draining", "the server is stopping; try again in a moment")
        self._writer.submit(write, done)

    def write(self, write: Callable[[Transaction], T]) -> asyncio.Future[T]:
        """Queue a write; return a future with its result, or with the error that it raised, or Busy."""
        future: asyncio.Future[T] = self._loop.create_future()
        self.submit(write, settle(future))
        return future

    def _deliver(self, commit: Commit[Transaction]) -> None:
        """Pass the results of a commit on. An error in one callback must not keep the others from being called."""
        if commit.transaction is not None:
            for name, events in commit.transaction.events.items():
                self._publish(name, events)
            for callback in commit.transaction.callbacks:
                try:
                    callback()
                except Exception:
                    log.exception("a callback after a commit failed")
        if commit.outcomes:
            self._refused = all(isinstance(error, Busy) for _, _, error in commit.outcomes)
        commit.acknowledge()
        self._observe(len(commit.outcomes), commit.seconds)

    # -- reads

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run `query` in a thread, within one snapshot of the database, and return its result. Raises Busy."""
        if self._ended:
            raise Busy("draining", "the server is stopping; try again in a moment")
        return await self._readers.read(query)

    # -- streams

    async def load(self, name: str) -> Loaded | None:
        """Return the state of a stream, or None if there is no such stream. The list of tasks always exists."""
        return await self.read(lambda connection: load(connection, name))

    async def since(self, name: str, view: View, n: int) -> list[Event] | None:
        """Return the events of a view after `n`, oldest first, at most `BACKFILL`; None if `n` is below the floor."""
        return await self.read(lambda connection: since(connection, name, view, n))

    async def close(self) -> None:
        """Commit queued writes and close the database. Later calls are refused with `draining`."""
        self._closed = True
        await self._loop.run_in_executor(None, self._writer.close)
        await asyncio.sleep(0)  # let the callback of the last commit run
        self._ended = True
        await self._readers.close()
        self._connection.close()

    async def check_ready(self) -> None:
        """Raise Busy (`unavailable`) while the database cannot be read or written.

        After a refused write, another one is made here to find out whether writes are accepted again.
        """

        def free_bytes(connection: sqlite3.Connection) -> int:
            connection.execute("SELECT 1 FROM meta LIMIT 1").fetchone()
            disk = os.statvfs(self.folder.path)
            return disk.f_bavail * disk.f_frsize

        if not self._writer.is_alive():
            raise Busy("unavailable", "the thread that writes has ended; restart the server")
        if await self.read(free_bytes) < MIN_FREE_BYTES:
            raise Busy("unavailable", "the disk of the data folder is full")
        if self._refused:
            await self.write(probe)

    def waiting(self) -> int:
        """Return how many writes wait for a commit."""
        return self._writer.waiting()


def probe(tx: Transaction) -> None:
    """A write that needs space on the disk, and leaves nothing behind."""
    tx.execute("INSERT INTO meta VALUES ('probe', zeroblob(:size))", {"size": PROBE_BYTES})
    tx.execute("DELETE FROM meta WHERE name = 'probe'", {})


def new_epoch() -> str:
    return secrets.token_hex(4)


def settle_epoch(connection: sqlite3.Connection, folder: Folder) -> str:
    """Return the epoch of this database: a new one unless the nonce in it is one of those beside the file.

    A nonce that differs means that the database was copied or restored. While a new nonce is committed, both are in the
    file, so that a server that is killed in between does not seem to have been restored.
    """
    meta: Mapping[str, str] = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    epoch, stored_nonce = meta.get("epoch"), meta.get("nonce")
    nonce = secrets.token_hex(16)
    if epoch is None or stored_nonce is None or stored_nonce not in folder.nonces():
        epoch = new_epoch()
    else:
        folder.write_nonces(stored_nonce, nonce)
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
        earlier = events.get(number)
        events[number] = _event(number, key, data, view | (earlier.view if earlier else 0))
    ordered = [events[number] for number in sorted(events)]
    return Loaded(seq, {View.FULL: full, View.MASKED: masked}, ordered, floor)


def since(connection: sqlite3.Connection, name: str, view: View, n: int) -> list[Event] | None:
    row = connection.execute("SELECT floor FROM streams WHERE name = :name", {"name": name}).fetchone()
    if row is None or n < row[0]:
        return None
    rows = connection.execute(
        """
        SELECT seq, key, data, view FROM latest WHERE stream = :name AND view = :view AND seq > :n
        ORDER BY seq LIMIT :limit
        """,
        {"name": name, "view": int(view), "n": n, "limit": BACKFILL},
    )
    return [_event(*event) for event in rows]


def _event(seq: int, key: str, data: str | None, view: int) -> Event:
    return Event(seq, key.removesuffix(CHANGED), data, view, key.endswith(CHANGED))
