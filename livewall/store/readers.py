"""Reading a SQLite database in worker threads, each with a connection of its own, beside the thread that writes."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from livewall.errors import Busy
from livewall.store.sqlite import roll_back

T = TypeVar("T")


class Readers:
    """At most `threads` readers of one database. `connect` opens a connection, in the thread that uses it."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], *, threads: int, name: str, unavailable: str) -> None:
        """`unavailable` is the message of the refusal while the database cannot be read."""
        self._connect = connect
        self._unavailable = unavailable
        self._loop = asyncio.get_running_loop()
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run `query` in a thread, within one snapshot of the database, and return its result. Raises Busy
        (`unavailable`)."""
        return await self._loop.run_in_executor(self._pool, self._run, query)

    def _run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        try:
            if connection is None:
                connection = self._local.connection = self._connect()
                self._connections.append(connection)
            connection.execute("BEGIN")
            return query(connection)
        except sqlite3.OperationalError as error:
            raise Busy("unavailable", self._unavailable) from error
        except SystemExit as error:  # on the loop it would end the server
            raise RuntimeError(f"a query ended with {error!r}") from error
        finally:
            if connection is not None:
                roll_back(connection)

    async def close(self) -> None:
        """Wait for the queries under way, and close all connections."""
        await self._loop.run_in_executor(None, self._pool.shutdown)
        for connection in self._connections:
            connection.close()
