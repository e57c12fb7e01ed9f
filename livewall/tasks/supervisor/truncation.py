"""Which bytes of a long output are left out. Pure; the supervisor makes the hole, the server reads around it."""

from __future__ import annotations

STEP = 1 << 20
"""The hole begins and ends at multiples of this many bytes."""


def truncation(size: int, cap: int) -> tuple[int, int] | None:
    """The bytes [begin, end) that are left out of an output of `size` bytes of which `cap` are to be kept, or None.

    At least half of `cap` is kept at either end, and at most `cap` + 2 · STEP in all. The hole of a longer output
    contains that of a shorter one. While the output grows, a reader looks at the size again after it has read: what
    it got is true where the hole of that size does not reach.
    """
    half = cap // 2
    begin = -(-half // STEP) * STEP
    end = (size - half) // STEP * STEP
    return (begin, end) if end > begin else None
