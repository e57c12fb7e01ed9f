"""The lines of a log, as static/js/log draws them on a live page."""

from __future__ import annotations

from msgspec import UNSET

from livewall.tasks.logs.lines import LogLine


def log_parts(line: LogLine, length: int) -> list[tuple[str, str]]:
    """Return the visible text of a line in parts, each with its CSS classes, and at most `length` characters of it."""
    parts: list[tuple[str, str]] = []
    visible = line.text if line.shown is UNSET else line.shown
    for text, style in line.spans or [(visible or "", "")]:
        if length > 0:
            parts.append((text[:length], " ".join([f"a-{name}" for name in style.split()])))
        length -= len(text)
    return parts
