"""Figures go into the document between two comments, with the command and the machine beside them."""

from __future__ import annotations

import re
import time
from pathlib import Path


def header(command: str, facts: str, started: float, seconds: float, load: float) -> str:
    day = time.strftime("%Y-%m-%d %H:%M", time.gmtime(started))
    return f"`{command}` on {day} UTC, {seconds:.0f} s, load average {load:.1f} at its start. {facts}."


def last_seconds(document: str, name: str) -> int | None:
    """Return how long a benchmark took when its figures were kept last, or None if the document does not say so."""
    found = re.search(rf"^`python -m benchmarks {name}` on [^,\n]*, (\d+) s,", document, re.MULTILINE)
    return int(found[1]) if found else None


def has_place(document: str, name: str) -> bool:
    """Return whether the document has a place for the figures of a benchmark."""
    return _place(name).search(document) is not None


def keep(document: Path, name: str, text: str) -> None:
    """Replace the text between `<!-- NAME -->` and `<!-- /NAME -->`."""
    old = document.read_text(encoding="utf-8")
    document.write_text(_place(name).sub(lambda m: f"{m[1]}{text}\n{m[2]}", old), encoding="utf-8")


def _place(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
