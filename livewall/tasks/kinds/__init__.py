"""Kinds of steps: one module each, behind a small interface. The key of a kind in a step's table chooses it.

An installed package adds a kind of its own through the entry point group `livewall.step_kinds`: the entry's name is the
kind's key, its value a class that follows `Kind`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, Literal, Protocol

import msgspec

from livewall import entry_points
from livewall.settings import environment_with
from livewall.tasks.programs import STANDARD_ONLY
from livewall.tasks.template import HostValues, Outputs, Params, fill
from livewall.toml_lines import Path
from livewall.toml_problems import Place

GROUP = "livewall.step_kinds"
_PROGRAMS = FilePath(__file__).resolve().parent.parent / "programs" / "__main__.py"


class Values(msgspec.Struct, frozen=True):
    """The values that are filled into the texts of a step."""

    params: Params
    outputs: Outputs
    previous: Callable[[], Mapping[str, str]] = dict
    """Returns the outputs of this step in the last task of the pipeline that succeeded."""
    host: HostValues | None = None
    """The host for which the texts are filled in, in a step with `hosts`."""

    def fill(self, text: str) -> str:
        """Return a text with all values filled in. Raises MissingOutput."""
        return fill(text, self.params, self.outputs, self.host)


class RunSpec(msgspec.Struct, frozen=True):
    """A command to run, with all values filled in; no text of it is interpreted again.

    `program` and `folder` name the first argument and `cwd` in reasons, which are public: as they stand in the
    definition, without the values of parameters. None means that the values themselves may be shown.
    """

    argv: list[str]
    cwd: str | None
    env: dict[str, str]
    program: str | None = None
    folder: str | None = None
    input: dict[str, Any] | None = None
    """What a program of Livewall is to do (`livewall/tasks/programs`)."""
    builtin: str | None = None
    """The name of that program, which runs without an interpreter of its own where that is possible."""
    remote: bool = False
    """Whether the program does it on a host, through the connector of its task (`livewall/tasks/connector`)."""
    again: Literal["", "replay", "again"] = ""
    """What happens if its supervisor was killed: the step is lost; or the command, which can be run again without doing
    anything twice, is run again. With `replay`, it prints the same output from the start, so that what the log has
    already is left out of it; with `again`, its output is appended."""


class GatePoll(msgspec.Struct, frozen=True, kw_only=True):
    """A poll to wait for. `passes` is the label of the option that opens the gate; the rest is as polls have it."""

    wall: str
    title: str
    options: list[str]
    passes: str
    majority: str | None = None
    quorum: int | None = None
    closes_in: int | None = None
    results: str = "live"
    assurance: str = "open"


class WaitSpec(msgspec.Struct, frozen=True):
    """Instead of a command: a decision to wait for, with all values filled in.

    It is made by the `approvers`, names and `role:ROLE`, or by a `poll`. After `within` seconds without a decision, or
    if the poll does not pass, the state `otherwise` follows.
    """

    approvers: list[str]
    within: float | None
    otherwise: str
    poll: GatePoll | None = None


def program(
    name: str, given: dict[str, Any], *, again: Literal["", "replay", "again"] = "", remote: bool = False
) -> RunSpec:
    """Return the command that runs a program of `livewall/tasks/programs` with this input."""
    # A Python outside the system's folders may need LD_LIBRARY_PATH to start.
    return RunSpec(
        argv=[sys.executable, "-I", str(_PROGRAMS), name],
        cwd=None,
        env=environment_with("LD_LIBRARY_PATH"),
        program=f"livewall's {name}",
        input=given,
        builtin=name if name in STANDARD_ONLY else None,
        remote=remote,
        again=again,
    )


class Kind(Protocol):
    """A kind of step. Its `check` returns a `body`, which is stored with the task as JSON and passed to the others."""

    key: str
    """The key in a step's table that selects this kind."""
    keys: frozenset[str]
    """All keys in a step's table that belong to this kind."""
    # A kind whose steps run no command also has `runs = False`; one whose steps may run on several hosts has
    # `hosts = "may"`, or "must" if they cannot do without. One whose steps need variables of the server has
    # `variables(body)`, which returns the name for each key: the pipeline must list them as secrets.

    def check(self, table: Mapping[str, Any], where: Place) -> dict[str, Any]:
        """Return the body of a step. Problems are reported at their place; the body is not used if there are any."""

    def texts(self, body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        """Yield every text with values to fill in, and its path in the step's table."""

    def spec(self, step: Mapping[str, Any], values: Values) -> RunSpec | WaitSpec:
        """Return the command of a step with this body, or what it waits for. Raises MissingOutput."""


@functools.cache
def kinds() -> Mapping[str, Kind]:
    """Return every kind by its key: those of Livewall, then those of installed packages.

    Raises LivewallError if an installed kind cannot be loaded, or has the key of another.
    """
    from livewall.tasks.kinds.celery import Celery
    from livewall.tasks.kinds.gate import Gate
    from livewall.tasks.kinds.git import Git
    from livewall.tasks.kinds.http import Http
    from livewall.tasks.kinds.run import Run
    from livewall.tasks.kinds.ssh import Ssh
    from livewall.tasks.kinds.upload import Upload

    builtin: tuple[Kind, ...] = (Run(), Git(), Ssh(), Upload(), Http(), Gate(), Celery())
    return entry_points.load(GROUP, {kind.key: kind for kind in builtin})
