"""Kinds of steps: one module each, behind a small interface. The key of a kind in a step's table chooses it.

An installed package adds a kind of its own through the entry point group `livewall.step_kinds`: the entry's name is the
kind's key, its value a class that follows `Kind`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

from livewall import entry_points
from livewall.tasks.template import Outputs, Params
from livewall.toml_lines import Path
from livewall.toml_problems import Place

GROUP = "livewall.step_kinds"


class Values(msgspec.Struct, frozen=True):
    """What the texts of a step are filled with."""

    params: Params
    outputs: Outputs


class RunSpec(msgspec.Struct, frozen=True):
    """A command to run, filled: no text of it is looked at again.

    `program` and `folder` are what the first argument and `cwd` are called where a reason names them, which a whole
    room may read: as the definition has them, with no parameter's value in them. None: they stand there as they are.
    """

    argv: list[str]
    cwd: str | None
    env: dict[str, str]
    program: str | None = None
    folder: str | None = None


class Kind(Protocol):
    """What a kind of step knows. `body` is what its `check` returned; it is kept with the task as JSON."""

    key: str
    """The key that chooses it."""
    keys: frozenset[str]
    """All keys of its own in a step's table."""

    def check(self, table: Mapping[str, Any], where: Place) -> dict[str, Any]:
        """The step's body. What is wrong is said of its place, and the body is not used then."""

    def texts(self, body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        """Every text that is filled, with the way to it in the step's table."""

    def spec(self, step: Mapping[str, Any], values: Values) -> RunSpec:
        """The command of a step with this body. Raises MissingOutput."""


@functools.cache
def kinds() -> Mapping[str, Kind]:
    """Return every kind by its key: those of Livewall, then those of installed packages.

    Raises LivewallError where an installed kind cannot be loaded, or has the key of another.
    """
    from livewall.tasks.kinds.run import Run

    builtin: tuple[Kind, ...] = (Run(),)
    return entry_points.load(GROUP, {kind.key: kind for kind in builtin})
