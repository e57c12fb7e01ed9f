"""What is seen of the lines of a log: each with the rows that it left, after all that was drawn over it.

How a line looks depends on those around it only as far as a cursor reaches, so a stretch of a log is shown from the
lines in it and `REACH` lines at both its ends, however long the log is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from livewall.ansi.escapes import MOVING, SPECIAL, VERTICAL
from livewall.ansi.screen import REACH, Screen, Span, seen
from livewall.tasks.logs.numbering import Segment

if TYPE_CHECKING:
    from livewall.tasks.logs.reading import View

TAIL = 256 << 10
"""Of a longer line that moves the cursor, only so many bytes at its end are drawn: what came before is drawn over."""
BEFORE, AFTER = 64 << 10, 64 << 10
"""Bytes around a stretch in which movements over lines are looked for."""
AHEAD = 4 << 20
"""Bytes that are drawn behind a stretch at most."""


class Line(NamedTuple):
    n: int
    text: str
    ended: bool = True


def rows(lines: Sequence[Line], *, below: bool) -> dict[int, list[Span]]:
    """Return what is seen of consecutive lines by their numbers, without those that were drawn over.

    `below` says that other lines stand above them.
    """
    if not any(VERTICAL.search(line.text) for line in lines):
        return {line.n: seen(line.text) for line in lines}
    screen = Screen(below=below)
    for line in lines:
        screen.line(line.n, line.text, ended=line.ended)
    found: dict[int, list[Span]] = {}
    for row in [*screen.take(), *screen.rest()]:
        held = found.setdefault(row.number, row.spans)
        if held is not row.spans:  # a line that left text on two rows, and ended on neither
            found[row.number] = [*held, Span(" ", ""), *row.spans]
    return found


def add_shown(view: View, segment: Segment, items: Sequence[dict[str, Any]], end: int, most: int) -> bool:
    """Add to items, which are consecutive lines of a segment and end at `end`, what is seen of them.

    `shown` is the text where it is not `text`, `spans` its parts with their looks where it has any, and `over` is true
    for a line that was drawn over. `most` is the most of a line that is shown, in characters. Returns whether lines
    here draw over others: then what is seen of them may still change when the log goes on.
    """
    first, last = items[0], items[-1]
    lines = [Line(item["n"], _whole(view, item)) for item in items]
    before = list(_before(view, segment, first["n"], first["offset"]))
    after: list[Line] = []
    size = 0
    moving = any(VERTICAL.search(line.text) for line in [*before, *lines])
    for line, size in _after(view, segment, last["n"] + 1, end):
        size += size
        moving = moving or VERTICAL.search(line.text) is not None
        after.append(line)
        if len(after) >= REACH or size > (AHEAD if moving else AFTER):
            break
    if moving:
        lines[-1] = lines[-1]._replace(ended=bool(after) or _has_ended(view, last["n"]))
        found = rows([*before, *lines, *after], below=bool(before) or first["n"] > segment.first)
    else:
        found = {line.n: seen(line.text) for line in lines if SPECIAL.search(line.text)}
    for item in items:
        spans = found.get(item["n"])
        if spans is not None:
            _show(item, spans, most)
        elif moving:
            item["over"] = True
    return moving


def _show(item: dict[str, Any], spans: list[Span], most: int) -> None:
    text = "".join([span.text for span in spans])
    if text != item["text"] and not (item["cut"] and text.startswith(item["text"])):
        item["shown"] = text[:most]
    if any(span.look for span in spans):
        kept, room = [], most
        for span in spans:
            if room > 0:
                kept.append([span.text[:room], span.look])
            room -= len(span.text)
        item["spans"] = kept


def _whole(view: View, item: dict[str, Any]) -> str:
    """The text of a line; the end of one that is too long and draws over itself."""
    text: str = item["text"]
    if not item["cut"] or MOVING.search(text) is None:
        return text
    start, size = item["offset"], item["size"]
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
    for place, text in enumerate(texts, n - len(texts)):
        yield Line(place, text)


def _after(view: View, segment: Segment, n: int, start: int) -> Iterator[tuple[Line, int]]:
    while n <= segment.last:
        item, following = view.line_at(segment, n, start)
        text = _whole(view, item)
        yield Line(n, text, ended=n < segment.last or _has_ended(view, n)), len(text)
        n, start = n + 1, following


def _has_ended(view: View, n: int) -> bool:
    return n < view.numbering.lines or not view.log.partial
