"""The visible text of a log from its beginning to its end, line by line, from bytes that arrive in parts.

Most lines are visible as they are, apart from colours, and are returned many at a time. Where lines draw over others,
rows are returned one by one. At most `REACH` lines and a part of a long line are in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from livewall.ansi.escapes import HIDDEN, MOVING, VERTICAL, VERTICAL_BYTES
from livewall.ansi.screen import REACH, Screen, render_line

MAX_LINE_BYTES = 1 << 20
"""The length from which a line is returned in parts, in bytes."""
OVERLAP_BYTES = 4 << 10
"""How many bytes of a part are repeated at the beginning of the next."""
_STYLING = re.compile(r"\x1b\[[0-9;:]*m|\r+(?=\n|\Z)")
"""Matches sequences that do not change the text of a line."""
_CONTROL = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{HIDDEN}]")


class Excerpt(NamedTuple):
    """Lines from number `n` on, or one row that was drawn: the visible text, the bytes, and their offset."""

    n: int
    text: str
    offset: int
    raw: bytes


class Transcript:
    """The transcript of a log from line `n` on, which begins at `offset`.

    Each part of a long line begins with the last `overlap` bytes of the one before.
    """

    def __init__(self, n: int, offset: int, *, overlap: int = OVERLAP_BYTES) -> None:
        self._overlap = overlap
        self._n = n
        self._offset = offset
        self._pending = b""
        """Bytes of lines that were not returned yet: they may be drawn over, or are incomplete."""
        self._searched = 0
        """How many of these bytes were searched for vertical movements."""
        self._block: _Block | None = None

    def add(self, data: bytes) -> Iterator[Excerpt]:
        """Add bytes, and yield the lines that can no longer be drawn over."""
        self._pending += data
        while True:
            if self._block is None:
                yield from self._plain()
                if self._block is None:
                    return
            if self._block is not None:
                yield from self._drawn(self._block)
                if self._block is not None:
                    return

    def close(self) -> Iterator[Excerpt]:
        """Yield the remaining lines at the end of the log."""
        if self._block is None and VERTICAL_BYTES.search(self._pending):
            yield from self._begin_block(VERTICAL_BYTES.search(self._pending))
        if self._block is None:
            if self._pending:
                yield self._emit(len(self._pending))
            return
        yield from self._drawn(self._block, end=True)
        if self._pending:
            self._block.draw(self._n, self._offset, self._pending, ended=False)
        yield from self._block.remaining_rows()
        self._pending, self._block = b"", None

    # -- parts

    def _plain(self) -> Iterator[Excerpt]:
        complete = self._pending.rfind(b"\n") + 1
        if (movement := VERTICAL_BYTES.search(self._pending, self._searched)) is not None:
            yield from self._begin_block(movement)
            return
        self._searched = max(0, len(self._pending) - 32)
        if len(self._pending) - complete > MAX_LINE_BYTES:
            piece = self._pending[complete:]
            if MOVING.search(piece[: 16 * OVERLAP_BYTES].decode("utf-8", "replace")):
                yield from self._begin_block_at(complete)
                return
            yield self._emit(complete) if complete else self._emit(self._boundary(len(self._pending)), keep=True)
            return
        if (start := self._back(complete, REACH)) > 0:
            yield self._emit(start)

    def _begin_block(self, movement: re.Match[bytes] | None) -> Iterator[Excerpt]:
        """Yield the lines that a vertical movement cannot reach, and begin to draw the others."""
        assert movement is not None
        yield from self._begin_block_at(self._back(self._pending.rfind(b"\n", 0, movement.start()) + 1, REACH))

    def _begin_block_at(self, start: int) -> Iterator[Excerpt]:
        if start:
            yield self._emit(start)
        self._block = _Block()

    def _drawn(self, block: _Block, *, end: bool = False) -> Iterator[Excerpt]:
        """Draw complete lines, and stop drawing when `REACH` lines in a row have not moved the cursor vertically."""
        at = 0
        while (newline := self._pending.find(b"\n", at)) >= 0:
            block.draw(self._n, self._offset, self._pending[at:newline], ended=True)
            self._n += 1
            self._offset += newline + 1 - at
            at = newline + 1
            yield from block.completed_rows()
            if block.quiet > REACH and not end:
                yield from block.remaining_rows(without=REACH)
                first = block.lines[self._n - REACH]
                self._pending = b"\n".join(block.last(REACH)) + b"\n" + self._pending[at:]
                self._n, self._offset, self._searched, self._block = self._n - REACH, first[0], 0, None
                return
        self._pending = self._pending[at:]
        if len(self._pending) > MAX_LINE_BYTES:
            cut = self._boundary(len(self._pending))
            block.draw(self._n, self._offset, self._pending[:cut], ended=False)
            self._offset += cut
            self._pending = self._pending[cut:]

    def _emit(self, end: int, *, keep: bool = False) -> Excerpt:
        """Return the lines up to `end`, or with `keep` a part of one line, whose end is repeated in the next."""
        raw = self._pending[:end]
        excerpt = Excerpt(self._n, _render(raw), self._offset, raw)
        consumed = self._boundary(end - self._overlap) if keep else end
        self._n += self._pending.count(b"\n", 0, consumed)
        self._offset += consumed
        self._pending = self._pending[consumed:]
        self._searched = max(0, self._searched - consumed)
        return excerpt

    def _back(self, at: int, lines: int) -> int:
        """Return the beginning of the line that is `lines` before the one that begins at `at`."""
        for _ in range(lines):
            if at <= 0:
                return 0
            at = self._pending.rfind(b"\n", 0, at - 1) + 1
        return at

    def _boundary(self, at: int) -> int:
        """Return a position near `at` that is neither within a character nor within an escape sequence."""
        escape = self._pending.rfind(b"\x1b", max(0, at - 128), at)
        at = escape if escape > 0 else at
        while at > 0 and at < len(self._pending) and self._pending[at] & 0xC0 == 0x80:
            at -= 1
        return at


class _Block:
    """Lines that draw over each other, on a screen, with their bytes."""

    def __init__(self) -> None:
        self._screen = Screen()
        self.lines: dict[int, tuple[int, bytes]] = {}
        self.quiet = 0
        """How many lines in a row began at the bottom and did not move vertically."""

    def draw(self, n: int, offset: int, raw: bytes, *, ended: bool) -> None:
        text = raw.decode("utf-8", "replace")
        self.quiet = self.quiet + 1 if ended and self._screen.at_bottom and not VERTICAL.search(text) else 0
        self.lines.setdefault(n, (offset, raw))
        self._screen.line(n, text, ended=ended)
        if len(self.lines) > 4 * REACH:
            numbers = self._screen.numbers()
            recent = n - REACH
            self.lines = {n: line for n, line in self.lines.items() if n > recent or n in numbers}

    def last(self, count: int) -> list[bytes]:
        return [raw for _, raw in list(self.lines.values())[-count:]]

    def completed_rows(self) -> Iterator[Excerpt]:
        for row in self._screen.completed_rows():
            offset, raw = self.lines.get(row.number, (0, b""))
            yield Excerpt(row.number, row.text + "\n", offset, raw)

    def remaining_rows(self, without: int = 0) -> Iterator[Excerpt]:
        """Yield all remaining rows, except those of the last `without` lines."""
        last = max(self.lines, default=0) - without
        for row in self._screen.remaining_rows():
            if row.number <= last:
                offset, raw = self.lines.get(row.number, (0, b""))
                yield Excerpt(row.number, row.text + "\n", offset, raw)


def _render(raw: bytes) -> str:
    """Return the visible text of lines that do not draw over others."""
    text = raw.decode("utf-8", "replace")
    if _CONTROL.search(text) is None:
        return text
    text = _STYLING.sub("", text)
    if _CONTROL.search(text) is None:
        return text
    return "\n".join(
        [
            "".join([span.text for span in render_line(line)]) if _CONTROL.search(line) else line
            for line in text.split("\n")
        ]
    )
