"""Group commit on a real database: what one write of a group does to the others."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from livewall.errors import Busy, LivewallError, Refused
from livewall.store.folder import Folder
from livewall.store.sqlite import connect
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.store.writer import Commit, Writer


class Group:
    """Writes that share a commit: they are queued while the writer is held up by one before them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = connect(path, writer=True)
        self.connection.execute("PRAGMA busy_timeout = 50")
        self.connection.execute("CREATE TABLE t (name TEXT PRIMARY KEY, size BLOB)")
        self.commits: queue.SimpleQueue[Commit[Transaction]] = queue.SimpleQueue()
        self.writer = Writer(
            self.connection,
            Transaction,
            self.commits.put,
            name="writer",
            database="the database",
            unavailable="try again",
            before_commit=Transaction.run_before_commit,
        )

    def run(self, *writes: Callable[[Transaction], Any]) -> tuple[list[Any], list[int]]:
        """What each write came to, its result or its error, and the sizes of the commits."""
        here, go = threading.Event(), threading.Event()
        self.writer.submit(lambda tx: here.set() or go.wait(10), lambda result, error: None)
        assert here.wait(10)
        outcomes: dict[int, Any] = {}
        for number, write in enumerate(writes):
            self.writer.submit(write, lambda result, error, n=number: outcomes.__setitem__(n, error or result))  # type: ignore[misc]
        go.set()
        self.commits.get(timeout=10).acknowledge()
        sizes = []
        while len(outcomes) < len(writes):
            commit = self.commits.get(timeout=10)
            sizes.append(len(commit.outcomes))
            commit.acknowledge()
        return [outcomes[n] for n in range(len(writes))], sizes

    def rows(self) -> list[str]:
        """As another connection sees them."""
        other = sqlite3.connect(self.path)
        try:
            return [name for (name,) in other.execute("SELECT name FROM t ORDER BY name")]
        finally:
            other.close()


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    made = Group(tmp_path / "t.db")
    yield made
    made.writer.close()
    made.connection.close()


def insert(name: str, size: int = 0) -> Callable[[Transaction], str]:
    def write(tx: Transaction) -> str:
        tx.execute("INSERT INTO t VALUES (:name, :size)", {"name": name, "size": b"x" * size})
        return name

    return write


def refuse(tx: Transaction) -> None:
    raise Refused("closed", "no")


def change_and(problem: Exception) -> Callable[[Transaction], None]:
    def write(tx: Transaction) -> None:
        insert("half")(tx)
        raise problem

    return write


def test_writes_that_came_together_share_a_commit(group: Group) -> None:
    assert group.run(insert("a"), insert("b"), insert("c")) == (["a", "b", "c"], [3])
    assert group.rows() == ["a", "b", "c"]


def test_a_refusal_before_any_change_leaves_the_group_whole(group: Group) -> None:
    (first, refusal, last), sizes = group.run(insert("a"), refuse, insert("b"))
    assert (first, refusal.code, last) == ("a", "closed", "b") and sizes == [3]
    assert group.rows() == ["a", "b"]


@pytest.mark.parametrize("problem", [ValueError("broken"), Refused("conflict", "too late"), RuntimeError()])
def test_a_write_that_fails_after_a_change_takes_only_its_own_change_along(
    group: Group, problem: Exception, expected_logs: list[str]
) -> None:
    expected_logs.append("a write failed")
    (first, error, last), sizes = group.run(insert("a"), change_and(problem), insert("b"))
    assert (first, last) == ("a", "b") and error is problem and sizes == [1, 1, 1]
    assert group.rows() == ["a", "b"]


def test_a_row_that_may_not_be_there_twice_hurts_only_its_own_write(group: Group, expected_logs: list[str]) -> None:
    expected_logs.append("a write failed")
    (first, error, last), _ = group.run(insert("a"), insert("a"), insert("b"))
    assert (first, last) == ("a", "b") and isinstance(error, sqlite3.IntegrityError)
    assert group.rows() == ["a", "b"]


def test_a_write_that_finds_the_disk_full_hurts_only_itself(group: Group, expected_logs: list[str]) -> None:
    """SQLite rolls the whole transaction back by itself then, with what the others wrote before."""
    expected_logs.append("the database refused a commit")
    group.connection.execute("PRAGMA max_page_count = 40")
    (first, error, last), _ = group.run(insert("a"), insert("huge", 1 << 20), insert("b"))
    assert (first, last) == ("a", "b")
    assert isinstance(error, Busy) and error.code == "unavailable"
    assert isinstance(error.__cause__, sqlite3.OperationalError) and "full" in str(error.__cause__)
    assert group.rows() == ["a", "b"] and not group.connection.in_transaction


def test_a_full_disk_is_said_once_and_not_for_each_write(
    group: Group, expected_logs: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    expected_logs.append("the database refused a commit")
    group.connection.execute("PRAGMA max_page_count = 40")
    for _ in range(3):
        group.run(insert("huge", 1 << 20), insert("huge", 1 << 20))
    assert [record.getMessage() for record in caplog.records if "refused" in record.getMessage()] == [
        "the database refused a commit: database or disk is full"
    ]


def test_a_failure_of_what_is_written_last_is_told_to_whoever_caused_it(group: Group, expected_logs: list[str]) -> None:
    expected_logs.append("a write failed")

    def late(tx: Transaction) -> str:
        tx.before_commit(lambda tx: insert("a")(tx) and None)
        return "late"

    (first, error), _ = group.run(insert("a"), late)
    assert first == "a" and isinstance(error, sqlite3.IntegrityError)
    assert group.rows() == ["a"]


def test_a_transaction_that_fails_is_told_to_all_and_the_next_goes_well(group: Group, expected_logs: list[str]) -> None:
    expected_logs.append("the database refused a commit")
    other = sqlite3.connect(group.path, isolation_level=None, timeout=10)
    other.execute("BEGIN IMMEDIATE")
    done: list[Any] = []
    for name in ("a", "b"):
        group.writer.submit(insert(name), lambda result, error: done.append(error))
    while len(done) < 2:
        group.commits.get(timeout=10).acknowledge()
    assert [error.code for error in done] == ["unavailable", "unavailable"]
    other.execute("ROLLBACK")
    other.close()
    assert group.run(insert("a"), insert("b"))[0] == ["a", "b"]
    assert group.rows() == ["a", "b"]


def test_what_is_queued_is_committed_when_the_writer_closes(group: Group) -> None:
    for n in range(1000):
        group.writer.submit(insert(f"{n:04}"), lambda result, error: None)
    group.writer.close()
    assert len(group.rows()) == 1000


async def test_nobody_waits_because_somebody_else_could_not_be_told(
    io_loop: IOLoop, tmp_path: Path, expected_logs: list[str]
) -> None:
    expected_logs += ["a callback after a commit failed", "could not be delivered"]
    store = Store(Folder(tmp_path / "data"))
    try:

        def deaf(result: Any, error: BaseException | None) -> None:
            raise RuntimeError("gone")

        hold = threading.Event()
        first = store.write(lambda tx: hold.wait(10))
        store.submit(lambda tx: tx.after_commit(lambda: deaf(None, None)), deaf)
        second = store.write(lambda tx: 2)
        hold.set()
        assert (await first, await second) == (True, 2)
    finally:
        await store.close()


async def test_a_store_that_is_closed_says_so_to_readers_and_writers(io_loop: IOLoop, tmp_path: Path) -> None:
    store = Store(Folder(tmp_path / "data"))
    assert await store.read(lambda c: c.execute("SELECT 1").fetchone()) == (1,)
    await store.close()
    for call in (lambda: store.write(lambda tx: 1), lambda: store.read(lambda c: 1)):
        with pytest.raises(LivewallError) as caught:
            await call()
        assert caught.value.code == "draining"
