"""The graph of the needs of steps: find cycles, and all steps that come before a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

Needs = Mapping[str, Sequence[str]]
MAX_NEEDS = 20_000
"""The most needs of all steps of a task together. Each is an edge of the chart, and is examined when a step ends."""


def find_cycle(needs: Needs) -> list[str] | None:
    """Return steps that need one another in a cycle, the first repeated at the end, or None."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as cycle:
        steps: list[str] = cycle.args[1]
        return steps
    return None


def all_needs(needs: Needs) -> dict[str, frozenset[str]]:
    """Return for each step all steps that it needs, directly or not.

    Unknown needs are ignored, and cycles are allowed.
    """
    bits = {name: 1 << index for index, name in enumerate(needs)}
    masks = {name: 0 for name in needs}
    changed = True
    while changed:  # one pass is enough if every step stands after its needs
        changed = False
        for name, direct in needs.items():
            reached = masks[name]
            for need in direct:
                if need in bits:
                    reached |= bits[need] | masks[need]
            if reached != masks[name]:
                masks[name], changed = reached, True
    names = list(needs)
    return {
        name: frozenset(names[index] for index in range(mask.bit_length()) if mask >> index & 1)
        for name, mask in masks.items()
    }
