"""Which rounds are due, also those that ended before their end was noted; and rows deleted some at a time."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.store.sqlite import MIGRATIONS, migrate
from livewall.store.transaction import Transaction
from livewall.voting import erasure

BEFORE, LATER = "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:", isolation_level=None)
    yield made
    made.close()


def add_poll(connection: sqlite3.Connection, id: str, phase: str, round: int = 1, archived: int = 0) -> None:
    connection.execute(
        """INSERT INTO polls (id, title, kind, options, phase, round, results, published, assurance, allow_change,
            max_choices, archived, version, created_at)
        VALUES (?, 'T', 'single', '[]', ?, ?, 'live', 0, 'open', 1, 1, ?, 1, ?)""",
        (id, phase, round, archived, BEFORE),
    )
    for each in range(1, round + 1):
        values = "(poll, round, ballots, changed, told) VALUES (?, ?, 1, 1, 1)"
        connection.execute(f"INSERT INTO rounds {values}", (id, each))


def test_rounds_that_ended_before_it_was_noted_count_from_their_last_tally(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    for path in sorted(MIGRATIONS.glob("*.sql"))[:4]:
        shutil.copy(path, tmp_path)
    assert migrate(connection, tmp_path) == 4
    for id, phase, round, archived in (
        ("closed", "closed", 1, 0),
        ("open", "open", 2, 0),
        ("draft", "draft", 1, 0),
        ("gone", "open", 1, 1),
    ):
        add_poll(connection, id, phase, round, archived)
    connection.execute("INSERT INTO kept VALUES ('polls/closed', 3, 1, 'tally', '{}', ?)", (LATER,))
    migrate(connection)
    assert dict(connection.execute("SELECT poll || round, closed_at FROM rounds")) == {
        "closed1": LATER,
        "open1": BEFORE,
        "open2": None,
        "draft1": None,
        "gone1": BEFORE,
    }
    assert sorted(erasure.due(connection, "2026-01-15")) == ["gone", "open"]
    assert sorted(erasure.due(connection, "2026-03-01")) == ["closed", "gone", "open"]


@given(st.lists(st.integers(0, 12), min_size=1, max_size=4), st.integers(1, 5), st.sets(st.integers(1, 4)))
def test_every_batch_is_bounded_and_only_what_is_erased_goes(rounds: list[int], batch: int, marked: set[int]) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(connection)
        add_poll(connection, "p", "closed", len(rounds))
        for round, ballots in enumerate(rounds, 1):
            for n in range(ballots):
                receipt = f"{round}.{n}"
                voter = receipt.encode()
                connection.execute("INSERT INTO ballots VALUES ('p', ?, ?, ?)", (round, voter, receipt))
                connection.executemany("INSERT INTO choices VALUES (?, ?)", [(receipt, "1"), (receipt, "2")])
            if round in marked:
                connection.execute("UPDATE rounds SET erased_at = ? WHERE round = ?", (LATER, round))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(erasure, "BATCH", batch)
            left = sum(rounds)
            while erasure.remove_some(Transaction(connection), "p"):
                now = connection.execute("SELECT COUNT(*) FROM ballots").fetchone()[0]
                assert 0 < left - now <= batch
                left = now
        kept = {round: n for round, n in enumerate(rounds, 1) if n and round not in marked}
        assert dict(connection.execute("SELECT round, COUNT(*) FROM ballots GROUP BY round")) == kept
        assert connection.execute("SELECT COUNT(*) FROM choices").fetchone()[0] == 2 * sum(kept.values())
        assert erasure.unfinished(connection) == []
    finally:
        connection.close()
