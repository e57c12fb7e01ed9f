"""Tasks that ended long ago, put straight into the database of a server that is not running.

What each leaves behind is what the server leaves: the rows of the task and its steps, the stream with the newest event
of each key, and its place in the list's stream while it is one of the last hundred.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

LISTED = 100
FULL, NONE = 1, 0
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def chain(count: int) -> list[tuple[str, list[str]]]:
    """A few steps, one after the other."""
    return [(f"step-{n}", [f"step-{n - 1}"] if n else []) for n in range(count)]


def mesh(count: int, width: int = 25) -> list[tuple[str, list[str]]]:
    """Many steps in columns: each needs its neighbours of the column before, and now and then one far back."""
    steps: list[tuple[str, list[str]]] = []
    for n in range(count):
        column, row = divmod(n, width)
        needs = {(column - 1) * width + r for r in (row, (row + 1) % width)} if column else set()
        if column > 3 and row % 5 == 0:
            needs.add((column - 4) * width + row)
        steps.append((f"step-{n}", [f"step-{need}" for need in sorted(needs)]))
    return steps


def add(database: Path, count: int, steps: Sequence[tuple[str, list[str]]]) -> None:
    """`count` more tasks with these steps, all succeeded. The server must not be running."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        first = connection.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM tasks").fetchone()[0]
        tasks = [_task(first + n) for n in range(count)]
        _tables(connection, tasks, steps)
        _streams(connection, tasks, steps)
        _list(connection, tasks[-LISTED:])
        connection.execute("COMMIT")
    finally:
        connection.close()


def _task(number: int) -> dict[str, Any]:
    began = _BEGAN + timedelta(minutes=number)
    return {
        "id": str(number), "pipeline": "release", "title": f"Release {number}", "state": "succeeded", "reason": "",
        "retry_of": None, "created_at": _iso(began), "started_at": _iso(began),
        "ended_at": _iso(began + timedelta(seconds=40)), "eta": None, "started_by": "somebody",
    }  # fmt: skip


def _step(task: dict[str, Any], name: str, needs: list[str]) -> dict[str, Any]:
    return {
        "name": name, "needs": needs, "state": "succeeded", "reason": "", "attempt": 1, "progress": 1.0, "message": "",
        "started_at": task["started_at"], "ended_at": task["ended_at"], "eta": None, "targets": [],
    }  # fmt: skip


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + "000Z"


def _tables(
    connection: sqlite3.Connection, tasks: list[dict[str, Any]], steps: Sequence[tuple[str, list[str]]]
) -> None:
    definition = json.dumps({"name": "release", "title": "Release", "steps": []})
    connection.executemany(
        """INSERT INTO tasks (id, number, pipeline, title, state, reason, retry_of, owner, started_by, cancelled,
            created_at, started_at, ended_at, definition, params, admitted, root)
        VALUES (:id, CAST(:id AS INTEGER), :pipeline, :title, :state, :reason, :retry_of, 'admin', :started_by, 0,
            :created_at, :started_at, :ended_at, :definition, '{"ref":"main"}', 1, :id)""",
        ({**task, "definition": definition} for task in tasks),
    )
    connection.executemany(
        """INSERT INTO steps (task, place, name, needs, state, reason, attempt, progress, message, started_at, ended_at)
        VALUES (?, ?, ?, ?, 'succeeded', '', 1, 1.0, '', ?, ?)""",
        (
            (task["id"], place, name, json.dumps(needs), task["started_at"], task["ended_at"])
            for task in tasks
            for place, (name, needs) in enumerate(steps)
        ),
    )


def _streams(
    connection: sqlite3.Connection, tasks: list[dict[str, Any]], steps: Sequence[tuple[str, list[str]]]
) -> None:
    def latest() -> Iterator[tuple[str, int, str, int, str]]:
        for task in tasks:
            name = f"tasks/{task['id']}"
            yield name, NONE, "owner", 1, '{"credential":"admin"}'
            yield name, FULL, "task", 2, json.dumps(task)
            for n, (step, needs) in enumerate(steps, 3):
                yield name, FULL, f"step/{step}", n, json.dumps(_step(task, step, needs))

    end = 2 + len(steps)
    connection.executemany(
        "INSERT INTO streams (name, seq, full_head, masked_head, floor) VALUES (?, ?, ?, 0, 0)",
        ((f"tasks/{task['id']}", end, end) for task in tasks),
    )
    connection.executemany("INSERT INTO latest (stream, view, key, seq, data) VALUES (?, ?, ?, ?, ?)", latest())


def _list(connection: sqlite3.Connection, tasks: list[dict[str, Any]]) -> None:
    """The newest of them are those that the list's stream has; what it had is gone from it."""
    row = connection.execute("SELECT seq FROM streams WHERE name = 'tasks'").fetchone()
    seq = before = row[0] if row else 0
    connection.execute("DELETE FROM latest WHERE stream = 'tasks'")
    for seq, task in enumerate(tasks, before + 1):
        connection.execute(
            "INSERT INTO latest (stream, view, key, seq, data) VALUES ('tasks', ?, ?, ?, ?)",
            (FULL, f"task/{task['id']}", seq, json.dumps(task)),
        )
    connection.execute(
        """INSERT INTO streams (name, seq, full_head, masked_head, floor) VALUES ('tasks', :seq, :seq, 0, 0)
        ON CONFLICT (name) DO UPDATE SET seq = :seq, full_head = :seq, floor = :seq""",
        {"seq": seq},
    )
