"""The lines of a log, as static/js/log draws them on a live page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def log_parts(line: Mapping[str, Any], length: int) -> list[tuple[str, str]]:
    """Return the visible text of a line in parts, each with its CSS classes, and at most `length` characters of it."""
    parts: list[tuple[str, str]] = []
    for text, style in line.get("spans") or [(line.get("shown", line["text"]), "")]:
        if length > 0:
            parts.append((text[:length], " ".join([f"a-{name}" for name in style.split()])))
        length -= len(text)
    return parts
