"""How far the log is read behind the lines that are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from livewall.tasks.logs import rendered_lines
from livewall.tasks.logs.lines import TextLine
from livewall.tasks.logs.rendered_lines import AFTER, AHEAD, Line


@pytest.mark.parametrize(("text", "limit"), [("plain", AFTER), ("\x1b[1Aup", AHEAD)], ids=["plain", "moving"])
def test_no_more_is_read_behind_the_lines_than_the_limit(
    monkeypatch: pytest.MonkeyPatch, text: str, limit: int
) -> None:
    length, read = limit // 4, []

    def after(*_: Any) -> Iterator[tuple[Line, int]]:
        for n in range(2, 1000):
            read.append(n)
            yield Line(n, "x"), length

    monkeypatch.setattr(rendered_lines, "_after", after)
    monkeypatch.setattr(rendered_lines, "_before", lambda *_: iter(()))
    segment: Any = type("Segment", (), {"first": 1})
    item = TextLine(1, 0, text, "2026-01-01T00:00:00.000Z", False)
    rendered_lines.add_rendered(None, segment, [item], 10, 100)  # type: ignore[arg-type]
    assert len(read) == 5
