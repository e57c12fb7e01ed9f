"""The interface of a write to its transaction: read and change rows, append events, and register callbacks.

A write is a function of a Transaction. It may run twice, because the group is rolled back if another write in it fails,
so it must have no effects outside the transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from livewall.hub.log import MAX_LEFT_OUT, Event
from livewall.hub.position import View

_SEQUENCE = """
INSERT INTO streams (name, seq, full_head, masked_head, floor) VALUES (:name, 1, :full, :masked, 0)
ON CONFLICT (name) DO UPDATE SET seq = streams.seq + 1,
    full_head = CASE WHEN :full = 1 THEN streams.seq + 1 ELSE streams.full_head END,
    masked_head = CASE WHEN :masked = 1 THEN streams.seq + 1 ELSE streams.masked_head END
RETURNING seq
"""
_LATEST = """
INSERT INTO latest (stream, view, key, seq, data) VALUES (:stream, :view, :key, :seq, :data)
ON CONFLICT (stream, view, key) DO UPDATE SET seq = excluded.seq, data = excluded.data
"""
_CHANGE = """
UPDATE latest SET data = :data WHERE stream = :stream AND view = :view AND key = :key
"""
CHANGED = " changed"
"""What follows the name of a key where the newest change of it is stored."""
_KEEP = """
INSERT INTO kept (stream, seq, view, key, data, at) VALUES (:stream, :seq, :view, :key, :data, :at)
"""

Params = Mapping[str, Any]


class Transaction:
    """The transaction of a group of writes. `memo` lives as long, and caches what the next write may need again."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.events: dict[str, list[Event]] = {}
        self.callbacks: list[Callable[[], None]] = []
        self.at_end: list[Callable[[Transaction], None]] = []
        self.memo: dict[Any, Any] = {}

    def execute(self, sql: str, params: Params | tuple[()] = ()) -> sqlite3.Cursor:
        return self.connection.execute(sql, params)

    def one(self, sql: str, params: Params) -> Any:
        """Return the first row, or None."""
        return self.connection.execute(sql, params).fetchone()

    def all(self, sql: str, params: Params | tuple[()] = ()) -> list[Any]:
        return self.connection.execute(sql, params).fetchall()

    def append(
        self,
        stream: str,
        key: str,
        data: str | None,
        *,
        view: View = View.BOTH,
        keep_at: str | None = None,
        change: bool = False,
    ) -> int:
        """Append an event to a stream; return its sequence number.

        `data` is JSON text; None deletes the key. An event with `keep_at` (its time) stays in the history when a newer
        event of its key follows. `change` says that it changes a numbered key (livewall/hub/log.py).
        """
        row = self.one(
            _SEQUENCE, {"name": stream, "full": int(bool(view & View.FULL)), "masked": int(bool(view & View.MASKED))}
        )
        seq = int(row[0])
        for each in (View.FULL, View.MASKED) if view is View.BOTH else (view,):
            params = {"stream": stream, "view": int(each), "key": key, "seq": seq, "data": data}
            if change:
                self.connection.execute(_CHANGE, params)
                params["key"] = f"{key}{CHANGED}"
            self.connection.execute(_LATEST, params)
        if keep_at is not None:
            self.connection.execute(
                _KEEP, {"stream": stream, "seq": seq, "view": int(view), "key": key, "data": data, "at": keep_at}
            )
        self.events.setdefault(stream, []).append(Event(seq, key, data, int(view), change))
        return seq

    def forget_deletions(self, stream: str, keep: int = MAX_LEFT_OUT) -> None:
        """Forget all but the last `keep` deletions of a stream.

        The floor rises to the last forgotten one, so that a reader with an earlier position starts from a snapshot.
        """
        self._forget_oldest(stream, "data IS NULL", keep)

    def forget_changes(self, stream: str, keep: int = MAX_LEFT_OUT) -> None:
        """Forget all but the last `keep` changes of numbered keys, as `forget_deletions` does with deletions."""
        if ("changes", stream) not in self.memo:  # once for all changes of a group
            self.memo["changes", stream] = True
            self.before_commit(lambda tx: tx._forget_oldest(stream, f"key LIKE '%{CHANGED}'", keep))

    def forget_oldest(self, stream: str, begin: str, keep: int) -> None:
        """Forget all but the last `keep` events whose keys begin with a text, as `forget_deletions` does with
        deletions."""
        self._forget_oldest(stream, "substr(key, 1, length(:begin)) = :begin", keep, {"begin": begin})

    def delete_group(self, stream: str, group: str, *, view: View) -> None:
        """Delete all numbered keys of a group (livewall/hub/log.py)."""
        self.execute(
            "DELETE FROM latest WHERE stream = :stream AND view = :view AND key > :begin AND key < :end",
            {"stream": stream, "view": int(view), "begin": f"{group}/", "end": f"{group}0"},  # 0 follows /
        )
        self.append(stream, group, None, view=view)

    def _forget_oldest(self, stream: str, which: str, keep: int, params: Params = MappingProxyType({})) -> None:
        row = self.one(
            f"SELECT seq FROM latest WHERE stream = :stream AND {which} ORDER BY seq DESC LIMIT 1 OFFSET :keep",
            {**params, "stream": stream, "keep": keep},
        )
        if row is None:
            return
        params = {**params, "stream": stream, "seq": row[0]}
        self.execute(f"DELETE FROM latest WHERE stream = :stream AND {which} AND seq <= :seq", params)
        self.execute("UPDATE streams SET floor = :seq WHERE name = :stream AND floor < :seq", params)

    def forget_number(self, stream: str, group: str, number: int) -> None:
        """Forget the event of a numbered key (livewall/hub/log.py) that nobody resumes over any more.

        The floor rises to it, so that a reader with an earlier position starts from a snapshot.
        """
        params = {"stream": stream, "key": f"{group}/{number}"}
        rows = self.all("DELETE FROM latest WHERE stream = :stream AND key = :key RETURNING seq", params)
        if rows:
            params = {"stream": stream, "seq": max(seq for (seq,) in rows)}
            self.execute("UPDATE streams SET floor = :seq WHERE name = :stream AND floor < :seq", params)

    def end_stream(self, stream: str) -> None:
        """Forget what a stream holds, deletions aside. A stream of the same name may begin anew.

        The hub holds it, too, and is told by `Hub.abandon` after the commit.
        """
        self.execute("DELETE FROM latest WHERE stream = :stream AND data IS NOT NULL", {"stream": stream})
        self.execute("UPDATE streams SET floor = seq WHERE name = :stream", {"stream": stream})

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` on the loop after the commit, when the events of this group have been published."""
        self.callbacks.append(callback)

    def before_commit(self, callback: Callable[[Transaction], None]) -> None:
        """Call `callback` once before the commit, after every write of the group."""
        self.at_end.append(callback)

    def run_before_commit(self) -> None:
        for callback in self.at_end:
            callback(self)


Write = Callable[[Transaction], Any]
