"""Durations as people read them; `static/js/ui/duration.js` has the same rule for the pages."""

from __future__ import annotations

import math


def format_duration(seconds: float) -> str:
    """Return a duration as a clock shows it: 65 is "1:05" and 3665 is "1:01:05". It is never negative."""
    minutes, remainder = divmod(max(0, math.ceil(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{remainder:02}" if hours else f"{minutes}:{remainder:02}"
