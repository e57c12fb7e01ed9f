"""Reads bytes and lines of a log. Every function is called within one snapshot of the database.

However long a log or a line is, only a few chunks and the answer are in memory.
"""

from __future__ import annotations

import codecs
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

from msgspec import UNSET

from livewall.clock import iso
from livewall.tasks.logs.chunks import Mark, nth_newline, time_at, unpack, unpack_marks
from livewall.tasks.logs.lines import LogLine, LogLines, TextLine
from livewall.tasks.logs.numbering import Numbering, Segment
from livewall.tasks.logs.rendered_lines import add_rendered
from livewall.tasks.logs.rows import Log, find, gaps

MAX_LINE_BYTES = 16 << 10
"""The most bytes of a line in an answer; the rest is cut off."""
MAX_ANSWER_BYTES = 1 << 20
"""The size of an answer's text, in bytes, after which no further line is added."""


class Chunk:
    """A row of a log, decompressed."""

    __slots__ = ("_marks", "_times", "before", "data", "end", "start")

    def __init__(self, start: int, before: int, packed: int, marks: bytes, data: bytes) -> None:
        self.start = start
        self.before = before
        self._marks = marks
        self._times: list[Mark] | None = None
        self.data = unpack(packed, data)
        self.end = start + len(self.data)

    def time_at(self, offset: int) -> int:
        """Return when the byte at `offset` arrived, in ms since 1970."""
        if self._times is None:
            self._times = unpack_marks(self._marks, self.start)
        return time_at(self._times, offset)


_CHUNK = "start, before, packed, marks, data"


def chunks(c: sqlite3.Connection, log: int, offset: int) -> Iterator[Chunk]:
    """Yield the chunks that end after `offset`, in order."""
    rows = c.execute(
        f"""SELECT {_CHUNK} FROM chunks WHERE log = :log AND start >= COALESCE(
            (SELECT MAX(start) FROM chunks WHERE log = :log AND start <= :offset), 0)
        ORDER BY start""",
        {"log": log, "offset": offset},
    )
    for row in rows:
        chunk = Chunk(*row)
        if chunk.end > offset:
            yield chunk


def read_bytes(c: sqlite3.Connection, log: int, offset: int, limit: int) -> bytes:
    """Return at most `limit` bytes from `offset` on, up to the next gap; nothing if the offset is in a gap."""
    parts: list[bytes] = []
    end = offset + limit
    for chunk in chunks(c, log, offset):
        if chunk.start > offset:
            break
        part = chunk.data[offset - chunk.start : end - chunk.start]
        parts.append(part)
        offset += len(part)
        if offset >= end:
            break
    return b"".join(parts)


class View:
    """A log in one snapshot of the database."""

    def __init__(self, c: sqlite3.Connection, log: Log) -> None:
        self._c = c
        self.log = log
        self.numbering = Numbering(gaps(c, log.id), log.bytes, log.newlines, bool(log.partial))
        self._cached_chunks: dict[int, Chunk] = {}

    @classmethod
    def of(cls, c: sqlite3.Connection, task: str, step: str) -> View | None:
        log = find(c, task, step)
        return None if log is None else cls(c, log)

    def lines(self, first: int, count: int, *, line: int = MAX_LINE_BYTES, answer: int = MAX_ANSWER_BYTES) -> LogLines:
        """Return `count` lines from number `first` on; a negative number counts from the end.

        `add_rendered` adds what a terminal would show of each line. `redraws` says that later output may change that.
        """
        total = self.numbering.lines
        n = max(1, first if first > 0 else total + first + 1)
        items: list[LogLine] = []
        stretches: dict[int, list[TextLine]] = {}
        ends: dict[int, int] = {}
        size = 0
        index = self.numbering.of_line(n)
        offset: int | None = None
        while n <= total and len(items) < count and size < answer:
            segment = self.numbering.segments[index]
            if n > segment.last:
                index, offset = index + 1, None
                if n == segment.last + 1 and segment.gap is not None:
                    items.append(LogLine(n, gap=segment.gap))
                n = max(n, self.numbering.segments[index].first)
                continue
            start = self._line_start(segment, n) if offset is None else offset
            item, offset = self.line_at(segment, n, start, line)
            size += min(offset - start, line)
            items.append(item)
            stretches.setdefault(index, []).append(item)
            ends[index] = offset
            n += 1
        redraws = [
            add_rendered(self, self.numbering.segments[index], lines, ends[index], line)
            for index, lines in stretches.items()
        ]
        following = str(n) if n <= total else None
        return LogLines(items, total, self.log.bytes, following, redraws=True if any(redraws) else UNSET)

    def excerpt(self, offset: int, before: int, behind: int) -> str:
        """Return the text around `offset`, at most so many bytes before and after it, within its line."""
        segment = self.numbering.segments[self.numbering.of_offset(offset)]
        offset = max(offset, segment.start)
        start = max(segment.start, offset - before)
        data = self.slice(start, min(segment.end, offset + behind))
        at = offset - start
        head, tail = data[:at].rpartition(b"\n")[2], data[at:].partition(b"\n")[0]
        whole = len(head) < at or start == segment.start
        if not whole:  # skip the rest of a UTF-8 character that was cut
            head = head[next((i for i, byte in enumerate(head[:4]) if byte & 0xC0 != 0x80), 0) :]
        return text_of(head + tail, whole=len(tail) < len(data) - at)

    # -- parts

    def line_at(self, segment: Segment, n: int, start: int, limit: int = MAX_LINE_BYTES) -> tuple[TextLine, int]:
        """Return line `n`, which begins at `start`, and the offset of the next line."""
        chunk = self._chunk(start)
        assert chunk is not None
        at = chunk.data.find(b"\n", start - chunk.start)
        if at >= 0:
            end = chunk.start + at
        elif chunk.end >= segment.end:
            end = segment.end
        else:
            end = self._next_newline(chunk, segment.end)
        shown_end = min(end, start + limit)
        data = chunk.data[start - chunk.start : shown_end - chunk.start]
        if shown_end > chunk.end:
            data = self.slice(start, shown_end)
        cut = shown_end < end
        line = TextLine(
            n,
            start,
            text_of(data, whole=not cut),
            _iso(chunk.time_at(start)),
            cut,
            size=end - start if cut else UNSET,
        )
        return line, end + 1

    def _line_start(self, segment: Segment, n: int) -> int:
        newline = n - 1 - segment.shift
        if newline == segment.newlines:
            return segment.start
        row = self._c.execute(
            f"""SELECT {_CHUNK} FROM chunks WHERE log = :log AND before < :newline
            ORDER BY before DESC, start DESC LIMIT 1""",
            {"log": self.log.id, "newline": newline},
        ).fetchone()
        chunk = self._cache(Chunk(*row))
        return chunk.start + nth_newline(chunk.data, newline - chunk.before) + 1

    def _next_newline(self, chunk: Chunk, end: int) -> int:
        """Return the first newline after a chunk, or `end`. Chunks without newlines are not decompressed."""
        row = self._c.execute(
            f"""SELECT {_CHUNK} FROM chunks WHERE log = :log AND start >= :start AND start < :end AND newlines > 0
            ORDER BY start LIMIT 1""",
            {"log": self.log.id, "start": chunk.end, "end": end},
        ).fetchone()
        if row is None:
            return end
        chunk_with_newline = self._cache(Chunk(*row))
        return chunk_with_newline.start + chunk_with_newline.data.index(b"\n")

    def _chunk(self, offset: int) -> Chunk | None:
        for cached in self._cached_chunks.values():
            if cached.start <= offset < cached.end:
                return cached
        chunk = next(chunks(self._c, self.log.id, offset), None)
        return None if chunk is None else self._cache(chunk)

    def _cache(self, chunk: Chunk) -> Chunk:
        while len(self._cached_chunks) > 1:
            del self._cached_chunks[next(iter(self._cached_chunks))]
        self._cached_chunks[chunk.start] = chunk
        return chunk

    def slice(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` to `end`, up to the next gap."""
        return read_bytes(self._c, self.log.id, start, end - start)


def text_of(data: bytes, *, whole: bool) -> str:
    """Decode text with replacement characters. Unless it is `whole`, an incomplete character at its end is dropped."""
    if whole:
        return data.decode("utf-8", "replace")
    return codecs.getincrementaldecoder("utf-8")("replace").decode(data)


@lru_cache(256)  # many lines have the same time
def _iso(ms: int) -> str:
    return iso(datetime.fromtimestamp(ms / 1000, UTC))
