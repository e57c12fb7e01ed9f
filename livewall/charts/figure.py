"""A figure: one option in one round, as it is drawn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One option in one round. An abstention has no share: it is not in the base."""

    id: str
    label: str
    number: int
    colour: int
    pattern: int
    count: int
    share: float
    percent: str
    first: bool
    abstain: bool
