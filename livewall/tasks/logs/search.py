"""Searching a log for a text, literally: which lines have it, and how many do. A chunk at a time."""

from __future__ import annotations

import sqlite3
from typing import Any

from livewall.tasks.logs.chunks import CHUNK
from livewall.tasks.logs.numbering import Segment
from livewall.tasks.logs.reading import View, chunks

AT_ONCE = 16 * CHUNK
"""What is searched without a pause, in bytes."""
BEFORE, BEHIND = 256, 768
"""What is shown around a match, in bytes of its line."""


class Search:
    """The lines that have `q`, each counted once; the first `limit` from line `first` on are kept.

    Without `case` the letters A to Z match in either case. It ends where the log ended when it began.
    """

    def __init__(self, q: str, first: int, limit: int, *, case: bool) -> None:
        """`q` is not empty and has no newline."""
        needle = q.encode()
        self._needle = needle if case else needle.lower()
        self._case = case
        self._first = first
        self._limit = limit
        self._end: int | None = None
        self._at = 0
        self._tail = b""
        """The end of the text before `_at`, in which a match may begin; of one line."""
        self._counted = False
        """Whether the line that is not at its end at `_at` was counted."""
        self._found: list[tuple[int, int]] = []
        self.count = 0
        self.next: int | None = None

    def go_on(self, c: sqlite3.Connection, task: str, step: str) -> dict[str, Any] | None:
        """Search on, within one snapshot; the answer once all has been searched."""
        view = View.of(c, task, step)
        if view is None:
            return self._answer(None)
        if self._end is None:
            self._end = view.log.bytes
        searched = 0
        for chunk in chunks(c, view.log.id, self._at):
            if chunk.start >= self._end:
                break
            if searched >= AT_ONCE:
                return None
            if chunk.start > self._at:  # behind a gap
                self._at, self._tail, self._counted = chunk.start, b"", False
            at = self._at - chunk.start
            segment = view.numbering.segments[view.numbering.of_offset(self._at)]
            self._feed(chunk.data[at : self._end - chunk.start], chunk.before + chunk.data.count(b"\n", 0, at), segment)
            searched += len(chunk.data)
        return self._answer(view)

    def _feed(self, data: bytes, newlines: int, segment: Segment) -> None:
        """Search what follows at `_at`, before which there are so many newlines."""
        start, at = self._at - len(self._tail), 0
        text = self._tail + data
        hay = text if self._case else text.lower()
        self._at += len(data)
        if self._counted:
            at = text.find(b"\n") + 1
            if not at:
                return
            newlines += 1
        self._counted = False
        last = at
        while (found := hay.find(self._needle, at)) >= 0:
            self.count += 1
            newlines += text.count(b"\n", last, found)
            last = found
            self._keep(newlines + segment.shift + 1, start + found)
            at = text.find(b"\n", found) + 1
            if not at:
                self._counted, self._tail = True, b""
                return
        self._tail = text[max(at, len(text) - len(self._needle) + 1) :].rpartition(b"\n")[2]

    def _keep(self, n: int, offset: int) -> None:
        if n < self._first:
            return
        if len(self._found) < self._limit:
            self._found.append((n, offset))
        elif self.next is None:
            self.next = n

    def _answer(self, view: View | None) -> dict[str, Any]:
        items = [
            {"n": n, "offset": offset, "text": view.excerpt(offset, BEFORE, BEHIND)} for n, offset in self._found
        ] if view is not None else []
        return {"items": items, "count": self.count, "next": None if self.next is None else str(self.next)}
