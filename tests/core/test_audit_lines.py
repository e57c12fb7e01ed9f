"""The lines of the audit: how they are written, read in pages and let go, against a database in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from livewall import audit
from livewall.clock import later, moment
from livewall.identity import Who
from livewall.store.sqlite import migrate
from livewall.store.transaction import Transaction

NOW = "2026-01-02T03:04:05.000Z"
HOST = Who(role="host", name="lin", credential="c1")


@pytest.fixture
def tx() -> Iterator[Transaction]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    yield Transaction(connection)
    connection.close()


def acts(tx: Transaction, **asked: Any) -> list[str]:
    return [line.act for line in audit.page(tx, **{"limit": 50, "before": None, **asked})[0]]


def test_a_line_says_who_did_what_to_what(tx: Transaction) -> None:
    audit.note(tx, HOST, NOW, "poll.edit", "polls/7Q4F", fields=["title"])
    assert audit.page(tx, limit=1, before=None) == (
        [audit.Line(NOW, "lin", "host", "c1", "poll.edit", "polls/7Q4F", {"fields": ["title"]})],
        None,
    )


def test_what_happens_by_itself_has_the_role_system(tx: Transaction) -> None:
    audit.note(tx, None, NOW, "poll.close", "polls/7Q4F")
    (line,), _ = audit.page(tx, limit=1, before=None)
    assert (line.who, line.role, line.credential, line.detail) == ("livewall", "system", "", {})


def test_pages_go_back_from_the_newest_and_end(tx: Transaction) -> None:
    for number in range(7):
        audit.note(tx, HOST, NOW, str(number), "")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        lines, cursor = audit.page(tx, limit=3, before=cursor)
        seen += [line.act for line in lines]
        if cursor is None:
            break
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


@pytest.mark.parametrize("before", ["", "x", "-3", "1e9", "9" * 40, "٣"])
def test_a_cursor_that_is_none_of_ours_begins_at_the_newest(tx: Transaction, before: str) -> None:
    audit.note(tx, HOST, NOW, "one", "")
    assert acts(tx, before=before) == ["one"]


def test_no_more_than_the_newest_lines_are_kept(tx: Transaction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "KEPT_LINES", 5)
    for number in range(12):
        audit.note(tx, HOST, NOW, str(number), "")
    assert acts(tx) == ["11", "10", "9", "8", "7"]


def test_what_is_older_than_the_days_is_let_go(tx: Transaction) -> None:
    def at(days: float) -> str:
        return later(moment(NOW), days * 86400)

    for days in (-500, -401, -399, -1):
        audit.note(tx, HOST, at(days), str(days), "")
    assert acts(tx)[:2] == ["-1", "-399"]
    audit.note(tx, HOST, NOW, "now", "")
    assert acts(tx) == ["now", "-1", "-399"]
