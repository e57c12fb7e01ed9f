"""Kinds of polls and of steps that installed packages add, found by their entry points."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from typing import TypeVar

from livewall.errors import LivewallError

T = TypeVar("T")


def load(group: str, builtin: Mapping[str, T]) -> dict[str, T]:
    """Return `builtin` and what the entry points of `group` name, each made without arguments.

    Raises LivewallError if one cannot be loaded, or has a name that is taken.
    """
    known = dict(builtin)
    for entry in importlib.metadata.entry_points(group=group):
        if entry.name in known:
            raise LivewallError(
                "conflict", f"two entry points of {group} are named {entry.name!r}; one is {entry.value}: uninstall one"
            )
        try:
            known[entry.name] = entry.load()()
        except (Exception, SystemExit) as error:
            raise LivewallError(
                "conflict",
                f"{entry.name!r} ({entry.value}), which a package adds to {group}, cannot be loaded: {error}",
            ) from error
    return known
