"""Times as they stand on the wire: ISO 8601 in UTC, to the millisecond. `server.py` passes the clock in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """The text of a moment in UTC; such texts sort like the moments they name."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def later(now: datetime, seconds: float) -> str:
    return iso(now + timedelta(seconds=seconds))
