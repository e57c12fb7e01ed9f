"""A whole log from its beginning to its end as it is seen, in the order of its lines; fed with its bytes in pieces.

Most lines are seen as they stand, but for colours: they come many at a time. Where lines draw over others they come
row by row. No more is held than `REACH` lines and one piece of a long line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from livewall.ansi.escapes import HIDDEN, MOVING, VERTICAL, VERTICAL_BYTES
from livewall.ansi.screen import REACH, Screen, render_line

MAX_LINE_BYTES = 1 << 20
"""A longer line comes in pieces, in bytes."""
OVERLAP_BYTES = 4 << 10
"""Bytes of a piece that come again with the next."""
_STYLING = re.compile(r"\x1b\[[0-9;:]*m|\r+(?=\n|\Z)")
"""What leaves the text of a line as it is."""
_CONTROL = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{HIDDEN}]")


class Excerpt(NamedTuple):
    """Lines from number `n` on, or a row that was drawn: what is seen of them, their bytes, and where these begin."""

    n: int
    text: str
    offset: int
    raw: bytes


class Transcript:
    """Lines from the one with number `n`, which begins at `offset`, on. Of the pieces of a long line, each begins with
    `overlap` bytes of the one before."""

    def __init__(self, n: int, offset: int, *, overlap: int = OVERLAP_BYTES) -> None:
        self._overlap = overlap
        self._n = n
        self._offset = offset
        self._pending = b""
        """Lines that are not given out yet: they may be drawn over, or have not ended."""
        self._searched = 0
        """How far these were looked through for movements over lines."""
        self._block: _Block | None = None

    def add(self, data: bytes) -> Iterator[Excerpt]:
        """Take more of the log, and give out what cannot be drawn over any more."""
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
        """Give out what is left: the log ends here."""
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
        """A movement over lines was found: those it can reach are drawn, the others given out."""
        assert movement is not None
        yield from self._begin_block_at(self._back(self._pending.rfind(b"\n", 0, movement.start()) + 1, REACH))

    def _begin_block_at(self, start: int) -> Iterator[Excerpt]:
        if start:
            yield self._emit(start)
        self._block = _Block()

    def _drawn(self, block: _Block, *, end: bool = False) -> Iterator[Excerpt]:
        """Draw whole lines; go back to plain ones where nothing was drawn over for as long as a cursor reaches."""
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
        """The lines up to `end`; with `keep` a piece of one line, the end of which comes again."""
        raw = self._pending[:end]
        excerpt = Excerpt(self._n, _render(raw), self._offset, raw)
        consumed = self._boundary(end - self._overlap) if keep else end
        self._n += self._pending.count(b"\n", 0, consumed)
        self._offset += consumed
        self._pending = self._pending[consumed:]
        self._searched = max(0, self._searched - consumed)
        return excerpt

    def _back(self, at: int, lines: int) -> int:
        """Where so many lines before the one that begins at `at` begin."""
        for _ in range(lines):
            if at <= 0:
                return 0
            at = self._pending.rfind(b"\n", 0, at - 1) + 1
        return at

    def _boundary(self, at: int) -> int:
        """A place near `at` that is neither in a character nor in an escape."""
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
        """How many lines have come that moved nowhere and began at the bottom."""

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
        """All rows that are left, without those of the last lines."""
        last = max(self.lines, default=0) - without
        for row in self._screen.remaining_rows():
            if row.number <= last:
                offset, raw = self.lines.get(row.number, (0, b""))
                yield Excerpt(row.number, row.text + "\n", offset, raw)


def _render(raw: bytes) -> str:
    """What is seen of lines that do not draw over others."""
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
