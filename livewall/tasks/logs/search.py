"""Searching a log for a text: which lines have it where they are seen, and how many do. A chunk at a time.

What is searched is what a reader sees, escapes and redraws resolved, in one Unicode form; the numbers and offsets are
those of the log's bytes.
"""

from __future__ import annotations

import codecs
import sqlite3
from collections.abc import Iterable
from typing import Any, AnyStr

from livewall.ansi.escapes import MOVING, SPECIAL, Kind, tokens
from livewall.ansi.screen import seen
from livewall.ansi.transcript import Excerpt, Transcript
from livewall.tasks.logs.chunks import CHUNK
from livewall.tasks.logs.folding import folded, place_in
from livewall.tasks.logs.reading import View, chunks

AT_ONCE = 16 * CHUNK
"""What is searched without a pause, in bytes."""
BEFORE, BEHIND = 256, 768
"""What is shown around a match: bytes of its line, or characters of what is seen of it."""
NOTING = "livewall.noting"
EXACT = 64 << 10
"""In a line that is longer than this, the place of a match is only as exact as its bytes tell."""


class Search:
    """The lines that have `q`, each counted once; the first `limit` from line `first` on are kept.

    Without `case`, upper and lower case are the same. It ends where the log ended when it began.
    """

    def __init__(self, q: str, first: int, limit: int, *, case: bool) -> None:
        """`q` is not empty and has no newline."""
        self._case = case
        self._needle = folded("".join([span.text for span in seen(q)]), case=case)
        self._first = first
        self._limit = limit
        self._end: int | None = None
        self._at = 0
        self._passage: Transcript | None = None
        self._counted = 0
        """The line that was counted last: a long line comes in pieces."""
        self._found: list[tuple[int, int, str]] = []
        self.count = 0
        self.next: int | None = None

    def go_on(self, c: sqlite3.Connection, task: str, step: str) -> dict[str, Any] | None:
        """Search on, within one snapshot; the answer once all has been searched."""
        view = View.of(c, task, step)
        if view is None or not self._needle:
            return self._answer(view)
        if self._end is None:
            self._end = view.log.bytes
        searched = 0
        for chunk in chunks(c, view.log.id, self._at):
            if chunk.start >= self._end:
                break
            if searched >= AT_ONCE:
                return None
            if self._passage is None or chunk.start > self._at:  # at the beginning, or behind a gap
                self._close()
                segment = view.numbering.segments[view.numbering.of_offset(chunk.start)]
                self._at = chunk.start
                self._passage = Transcript(chunk.before + segment.shift + 1, chunk.start)
            data = chunk.data[self._at - chunk.start : self._end - chunk.start]
            self._at += len(data)
            self._look(self._passage.add(data))
            searched += len(chunk.data)
        self._close()
        return self._answer(view)

    def _close(self) -> None:
        if self._passage is not None:
            self._look(self._passage.close())

    def _look(self, stretches: Iterable[Excerpt]) -> None:
        for stretch in stretches:
            hay = folded(stretch.text, case=self._case)
            at = last = passed = 0
            while (found := hay.find(self._needle, at)) >= 0:
                passed += hay.count("\n", last, found)
                last = found
                if stretch.n + passed != self._counted:
                    self._counted = stretch.n + passed
                    self.count += 1
                    self._keep(stretch, passed, found - (hay.rfind("\n", 0, found) + 1))
                at = hay.find("\n", found) + 1
                if not at:
                    break

    def _keep(self, stretch: Excerpt, passed: int, at: int) -> None:
        """Keep a hit in the line that comes after `passed` others, at place `at` of it, folded."""
        n = stretch.n + passed
        if n < self._first:
            return
        if len(self._found) >= self._limit:
            self.next = self.next or n
            return
        begin, text_begin = _line(stretch.raw, b"\n", passed), _line(stretch.text, "\n", passed)
        raw = stretch.raw[begin : _end(stretch.raw, b"\n", begin)]
        text = stretch.text[text_begin : _end(stretch.text, "\n", text_begin)]
        whole = len(text) <= EXACT
        place = place_in(text, at, case=self._case) if whole else at
        end = place_in(text, at + len(self._needle), case=self._case) if whole else at + len(self._needle)
        offset = stretch.offset + begin + _offset(raw, text, place, max(end, place + 1))
        self._found.append((n, offset, text[max(0, place - BEFORE) : place + BEHIND]))

    def _answer(self, view: View | None) -> dict[str, Any]:
        items = []
        for n, offset, shown in self._found if view is not None else []:
            assert view is not None
            item: dict[str, Any] = {"n": n, "offset": offset, "text": view.excerpt(offset, BEFORE, BEHIND)}
            if SPECIAL.search(item["text"]):
                item["shown"] = shown
            items.append(item)
        return {"items": items, "count": self.count, "next": None if self.next is None else str(self.next)}


def _line(text: AnyStr, newline: AnyStr, passed: int) -> int:
    at = 0
    for _ in range(passed):
        at = text.index(newline, at) + 1
    return at


def _end(text: AnyStr, newline: AnyStr, begin: int) -> int:
    end = text.find(newline, begin)
    return len(text) if end < 0 else end


def _offset(raw: bytes, text: str, place: int, end: int) -> int:
    """Return where in the bytes of a line is what is seen of it from `place` to `end`; 0 where no one place is."""
    whole = raw.decode("utf-8", "replace") if len(raw) <= EXACT else ""
    match = text[place:end].encode()
    if SPECIAL.search(whole) is None:
        return max(0, raw.find(match))
    if MOVING.search(whole.rstrip("\r")):
        return max(0, raw.rfind(match))  # the last that was drawn
    seen_so_far = offset = 0
    for token in tokens(whole):
        shows = token.kind in (Kind.TEXT, Kind.SIGN)
        if shows and seen_so_far + len(token.value) > place:
            inside = token.source[: place - seen_so_far] if token.kind is Kind.TEXT else ""
            return bytes_before(raw, offset + len(inside))
        seen_so_far += len(token.value) if shows else 0
        offset += len(token.source)
    return 0


def bytes_before(raw: bytes, characters: int) -> int:
    """Return how many bytes the first `characters` of `raw` are, decoded with replacements: a replacement stands for
    one to three bytes, whatever it takes itself."""
    wrong: list[int] = []

    def note(problem: UnicodeError) -> tuple[str, int]:
        assert isinstance(problem, UnicodeDecodeError)
        wrong.append(problem.end - problem.start)
        return "\ud800", problem.end  # a surrogate is in no decoded text, so that what was replaced is known again

    codecs.register_error(NOTING, note)
    text = raw.decode("utf-8", NOTING)[:characters]
    replaced = text.count("\ud800")
    return len(text.encode("utf-8", "surrogatepass")) - 3 * replaced + sum(wrong[:replaced])
