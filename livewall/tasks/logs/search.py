"""Searches a log for a text, chunk by chunk: finds the lines whose visible text contains it, and counts them.

The visible text has escapes and redraws resolved and is in one Unicode form. Line numbers and offsets are those of the
log's bytes.
"""

from __future__ import annotations

import codecs
import sqlite3
from collections.abc import Iterable
from typing import AnyStr

from msgspec import UNSET

from livewall.ansi.escapes import MOVING, SPECIAL, Kind, tokens
from livewall.ansi.screen import render_line
from livewall.ansi.transcript import Excerpt, Transcript
from livewall.tasks.logs.chunks import CHUNK_BYTES
from livewall.tasks.logs.folding import folded, place_in
from livewall.tasks.logs.lines import Match, Matches
from livewall.tasks.logs.reading import View, chunks

SLICE_BYTES = 16 * CHUNK_BYTES
"""How many bytes one read of the database searches."""
BEFORE, AFTER = 256, 768
"""How much is shown around a match: bytes of its line, or characters of its visible text."""
ERROR_HANDLER = "livewall.noting"
MAX_EXACT_BYTES = 64 << 10
"""The longest line, in bytes or characters, in which the offset of a match is computed exactly."""


class Search:
    """A search for the lines that contain `text`. It counts all, and collects the first `limit` from line `first` on.

    Without `case`, upper and lower case are the same. Output that arrives after the start is not searched.
    """

    def __init__(self, text: str, first: int, limit: int, *, case: bool) -> None:
        """`text` is not empty and has no newline."""
        self._case = case
        self._needle = folded("".join([span.text for span in render_line(text)]), case=case)
        self._first = first
        self._limit = limit
        self._end: int | None = None
        self._at = 0
        self._transcript: Transcript | None = None
        self._counted = 0
        """The line that was counted last, since a long line arrives in several parts."""
        self._matches: list[tuple[int, int, str]] = []
        self.count = 0
        self.next: int | None = None

    def resume(self, c: sqlite3.Connection, task: str, step: str) -> Matches | None:
        """Continue within one snapshot of the database; return the answer, or None while there is more to search."""
        view = View.of(c, task, step)
        if view is None or not self._needle:
            return self._answer(view)
        if self._end is None:
            self._end = view.log.bytes
        searched = 0
        for chunk in chunks(c, view.log.id, self._at):
            if chunk.start >= self._end:
                break
            if searched >= SLICE_BYTES:
                return None
            if self._transcript is None or chunk.start > self._at:  # at the beginning, or behind a gap
                self._close()
                segment = view.numbering.segments[view.numbering.of_offset(chunk.start)]
                self._at = chunk.start
                self._transcript = Transcript(chunk.before + segment.shift + 1, chunk.start)
            data = chunk.data[self._at - chunk.start : self._end - chunk.start]
            self._at += len(data)
            self._search_excerpts(self._transcript.add(data))
            searched += len(chunk.data)
        self._close()
        return self._answer(view)

    def _close(self) -> None:
        if self._transcript is not None:
            self._search_excerpts(self._transcript.close())

    def _search_excerpts(self, excerpts: Iterable[Excerpt]) -> None:
        for excerpt in excerpts:
            hay = folded(excerpt.text, case=self._case)
            at = last = passed = 0
            while (position := hay.find(self._needle, at)) >= 0:
                passed += hay.count("\n", last, position)
                last = position
                if excerpt.n + passed != self._counted:
                    self._counted = excerpt.n + passed
                    self.count += 1
                    self._add_match(excerpt, passed, position - (hay.rfind("\n", 0, position) + 1))
                at = hay.find("\n", position) + 1
                if not at:
                    break

    def _add_match(self, excerpt: Excerpt, passed: int, at: int) -> None:
        """Collect a match at position `at` of a folded line, which comes after `passed` others of the excerpt."""
        n = excerpt.n + passed
        if n < self._first:
            return
        if len(self._matches) >= self._limit:
            self.next = self.next or n
            return
        begin, text_begin = _line(excerpt.raw, b"\n", passed), _line(excerpt.text, "\n", passed)
        raw = excerpt.raw[begin : _end(excerpt.raw, b"\n", begin)]
        text = excerpt.text[text_begin : _end(excerpt.text, "\n", text_begin)]
        is_exact = len(text) <= MAX_EXACT_BYTES
        start = place_in(text, at, case=self._case) if is_exact else at
        end = place_in(text, at + len(self._needle), case=self._case) if is_exact else at + len(self._needle)
        offset = excerpt.offset + begin + _offset(raw, text, start, max(end, start + 1))
        self._matches.append((n, offset, text[max(0, start - BEFORE) : start + AFTER]))

    def _answer(self, view: View | None) -> Matches:
        items = []
        for n, offset, shown in self._matches if view is not None else []:
            assert view is not None
            text = view.excerpt(offset, BEFORE, AFTER)
            items.append(Match(n, offset, text, shown if SPECIAL.search(text) else UNSET))
        return Matches(items, self.count, None if self.next is None else str(self.next))


def _line(text: AnyStr, newline: AnyStr, passed: int) -> int:
    at = 0
    for _ in range(passed):
        at = text.index(newline, at) + 1
    return at


def _end(text: AnyStr, newline: AnyStr, begin: int) -> int:
    end = text.find(newline, begin)
    return len(text) if end < 0 else end


def _offset(raw: bytes, text: str, start: int, end: int) -> int:
    """Return the offset in the bytes of a line of its visible text from `start` to `end`; 0 if there is no single
    one."""
    line = raw.decode("utf-8", "replace") if len(raw) <= MAX_EXACT_BYTES else ""
    match = text[start:end].encode()
    if SPECIAL.search(line) is None:
        return max(0, raw.find(match))
    if MOVING.search(line.rstrip("\r")):
        return max(0, raw.rfind(match))  # the last occurrence was drawn last
    seen_so_far = offset = 0
    for token in tokens(line):
        shows = token.kind in (Kind.TEXT, Kind.SIGN)
        if shows and seen_so_far + len(token.value) > start:
            inside = token.source[: start - seen_so_far] if token.kind is Kind.TEXT else ""
            return bytes_before(raw, offset + len(inside))
        seen_so_far += len(token.value) if shows else 0
        offset += len(token.source)
    return 0


def bytes_before(raw: bytes, characters: int) -> int:
    """Return how many bytes of `raw` decode to its first `characters`.

    A replacement character stands for one to three bytes, so its own length in UTF-8 does not tell.
    """
    invalid_sizes: list[int] = []

    def replace(problem: UnicodeError) -> tuple[str, int]:
        assert isinstance(problem, UnicodeDecodeError)
        invalid_sizes.append(problem.end - problem.start)
        return "\ud800", problem.end  # no decoded text has surrogates, so one marks each replacement

    codecs.register_error(ERROR_HANDLER, replace)
    text = raw.decode("utf-8", ERROR_HANDLER)[:characters]
    replaced = text.count("\ud800")
    return len(text.encode("utf-8", "surrogatepass")) - 3 * replaced + sum(invalid_sizes[:replaced])
