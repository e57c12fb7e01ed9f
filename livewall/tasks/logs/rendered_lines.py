"""What a terminal would show of the lines of a log, after later lines have drawn over earlier ones.

A cursor reaches back a limited number of rows. The look of some lines therefore depends only on themselves and on
`REACH` lines at either end, however long the log is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET

from livewall.ansi.escapes import MOVING, SPECIAL, VERTICAL
from livewall.ansi.screen import REACH, Screen, Span, render_line
from livewall.tasks.logs.lines import TextLine
from livewall.tasks.logs.numbering import Segment

if TYPE_CHECKING:
    from livewall.tasks.logs.reading import View

TAIL = 256 << 10
"""How many bytes at the end of a long line that moves the cursor are drawn. Earlier ones are drawn over."""
BEFORE, AFTER = 64 << 10, 64 << 10
"""Bytes before and after the lines that are searched for vertical movements of the cursor."""
AHEAD = 4 << 20
"""The most bytes that are drawn after the lines."""


class Line(NamedTuple):
    n: int
    text: str
    ended: bool = True


def render(lines: Sequence[Line], *, below: bool) -> dict[int, list[Span]]:
    """Return what is visible of consecutive lines, by their numbers; lines that were drawn over are missing.

    `below` says that there are other lines above them.
    """
    if not any(VERTICAL.search(line.text) for line in lines):
        return {line.n: render_line(line.text) for line in lines}
    screen = Screen(below=below)
    for line in lines:
        screen.line(line.n, line.text, ended=line.ended)
    spans_by_line: dict[int, list[Span]] = {}
    for row in [*screen.completed_rows(), *screen.remaining_rows()]:
        spans = spans_by_line.setdefault(row.number, row.spans)
        if spans is not row.spans:  # the line left text on two rows, and another line ended on each
            spans_by_line[row.number] = [*spans, Span(" ", ""), *row.spans]
    return spans_by_line


def add_rendered(view: View, segment: Segment, items: Sequence[TextLine], end: int, limit: int) -> bool:
    """Add what is visible to items, which are consecutive lines of a segment and end at `end`.

    `shown` is the visible text if it differs from `text`, `spans` its parts with their styles if it has any, and `over`
    is true for a line that was drawn over. At most `limit` characters of a line are shown. Return whether lines here
    draw over others, so that later output may still change what is visible.
    """
    first, last = items[0], items[-1]
    lines = [Line(item.n, _full_text(view, item)) for item in items]
    before = list(_before(view, segment, first.n, first.offset))
    after: list[Line] = []
    size = 0
    moving = any(VERTICAL.search(line.text) for line in [*before, *lines])
    for line, length in _after(view, segment, last.n + 1, end):
        size += length
        moving = moving or VERTICAL.search(line.text) is not None
        after.append(line)
        if len(after) >= REACH or size > (AHEAD if moving else AFTER):
            break
    if moving:
        lines[-1] = lines[-1]._replace(ended=bool(after) or _has_ended(view, last.n))
        spans_by_line = render([*before, *lines, *after], below=bool(before) or first.n > segment.first)
    else:
        spans_by_line = {line.n: render_line(line.text) for line in lines if SPECIAL.search(line.text)}
    for item in items:
        spans = spans_by_line.get(item.n)
        if spans is not None:
            _set_rendered(item, spans, limit)
        elif moving:
            item.over = True
    return moving


def _set_rendered(item: TextLine, spans: list[Span], limit: int) -> None:
    text = "".join([span.text for span in spans])
    if text != item.text and not (item.cut and text.startswith(item.text)):
        item.shown = text[:limit]
    if any(span.style for span in spans):
        kept: list[tuple[str, str]] = []
        room = limit
        for span in spans:
            if room > 0:
                kept.append((span.text[:room], span.style))
            room -= len(span.text)
        item.spans = kept


def _full_text(view: View, item: TextLine) -> str:
    """Return the text of a line, or the end of a long line that draws over itself."""
    if item.size is UNSET or MOVING.search(item.text) is None:
        return item.text
    start, size = item.offset, item.size
    kept = view.slice(start + max(0, size - TAIL), start + size).decode("utf-8", "replace")
    return kept if size <= TAIL else kept[kept.find("\r") + 1 :]


def _before(view: View, segment: Segment, n: int, offset: int) -> Iterator[Line]:
    start = max(segment.start, offset - BEFORE)
    data = view.slice(start, offset)
    if not data:
        return
    texts = data.decode("utf-8", "replace").split("\n")[:-1]
    if start > segment.start:
        texts = texts[1:]
    texts = texts[-REACH:]
    for line_number, text in enumerate(texts, n - len(texts)):
        yield Line(line_number, text)


def _after(view: View, segment: Segment, n: int, start: int) -> Iterator[tuple[Line, int]]:
    while n <= segment.last:
        item, following = view.line_at(segment, n, start)
        text = _full_text(view, item)
        yield Line(n, text, ended=n < segment.last or _has_ended(view, n)), len(text)
        n, start = n + 1, following


def _has_ended(view: View, n: int) -> bool:
    return n < view.numbering.lines or not view.log.partial
