"""What follows from the needs of steps: circles in them, and everything that comes before a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

Needs = Mapping[str, Sequence[str]]
MOST_NEEDS = 20_000
"""Needs of all steps of a task together: each is an edge of its chart, and looked at whenever a step ends."""


def circle(needs: Needs) -> list[str] | None:
    """Steps that need one another in a circle, the first again at the end, or None."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as cycle:
        found: list[str] = cycle.args[1]
        return found
    return None


def reach(needs: Needs) -> dict[str, frozenset[str]]:
    """Of each step all that it needs, directly or not. Needs that are no step are left out; circles do no harm."""
    bits = {name: 1 << place for place, name in enumerate(needs)}
    found = {name: 0 for name in needs}
    moved = True
    while moved:  # once for needs in the order of the file, more often for those against it
        moved = False
        for name, wanted in needs.items():
            now = found[name]
            for need in wanted:
                if need in bits:
                    now |= bits[need] | found[need]
            if now != found[name]:
                found[name], moved = now, True
    names = list(needs)
    return {
        name: frozenset(names[place] for place in range(mask.bit_length()) if mask >> place & 1)
        for name, mask in found.items()
    }
