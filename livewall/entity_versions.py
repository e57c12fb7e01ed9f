"""Versions of polls and walls: a change may name the version it was made for."""

from __future__ import annotations

from collections.abc import Set

from livewall.errors import Stale

Wanted = int | Set[int] | None
"""The version that a change was made for, or several of which one must match; None for any."""


def check_version(version: int, wanted: Wanted) -> None:
    """Raise Stale (`conflict`) unless `version` is one of `wanted`."""
    if wanted is not None and version not in (wanted if isinstance(wanted, Set) else {wanted}):
        raise Stale("conflict", "somebody else changed this in between; read it again, then make your change")
