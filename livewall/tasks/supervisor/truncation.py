"""Which bytes of a long output are left out. The supervisor punches the hole, the server reads around it. Pure."""

from __future__ import annotations

STEP = 1 << 20
"""The hole begins and ends at multiples of this many bytes."""


def truncation(size: int, cap: int) -> tuple[int, int] | None:
    """Return the bytes [begin, end) to leave out of an output of `size` bytes, or None.

    At least half of `cap` is kept at either end, and at most `cap` + 2 · STEP in all. The hole of a longer output
    contains that of a shorter one. A reader of a growing output must therefore read the size again afterwards: only
    bytes outside the hole of that size are valid.
    """
    half = cap // 2
    begin = -(-half // STEP) * STEP
    end = (size - half) // STEP * STEP
    return (begin, end) if end > begin else None
