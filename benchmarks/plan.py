"""How long and how often to measure: in full for the record, or quickly to see that it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    quick: bool = False
    step: Callable[[str], None] = lambda text: None
    """Called with what begins now, where that takes longer than two seconds."""

    @property
    def pairs(self) -> int:
        """Interleaved pairs; their median is what is reported."""
        return 2 if self.quick else 7

    def seconds(self, full: float, quick: float = 1.0) -> float:
        return quick if self.quick else full

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)
