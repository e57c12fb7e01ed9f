"""Medians with their spread, and ratios of interleaved pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """The median of several windows, the least and the most of them."""

    median: float
    least: float
    most: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(median(values), min(values), max(values), len(values))

    def text(self, digits: int = 2, scale: float = 1.0) -> str:
        return f"{self.median * scale:.{digits}f} ({self.least * scale:.{digits}f}–{self.most * scale:.{digits}f})"


def ratios(over: Sequence[float], under: Sequence[float]) -> Spread:
    """Each pair divided first, so that what slowed both does not count."""
    return Spread.of([a / b for a, b in zip(over, under, strict=True)])


def verdict(value: float, aim: float) -> str:
    return f"aim ≤ {aim:g}: {'met' if value <= aim else 'missed'}"
