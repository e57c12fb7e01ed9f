"""The names of attempts and logs: a step, or STEP@HOST for a step on one of its hosts."""

from __future__ import annotations


def unit_of(step: str, host: str | None) -> str:
    """Return the name of the attempts and of the log of a step, on a host if one is given."""
    return step if host is None else f"{step}@{host}"


def parts_of(unit: str) -> tuple[str, str | None]:
    """Return the step of an attempt or a log, and its host, if it is that of a host."""
    step, sign, host = unit.partition("@")
    return step, host if sign else None
