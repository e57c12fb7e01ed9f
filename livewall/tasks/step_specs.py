"""What a step runs or waits for, and the action that starts an attempt of it. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from livewall.tasks import rows
from livewall.tasks.actions import StartAttempt
from livewall.tasks.definitions import definition_of, params_of
from livewall.tasks.hosts.inventory import Host
from livewall.tasks.hosts.units import unit_of
from livewall.tasks.kinds import RunSpec, Values, WaitSpec, kinds
from livewall.tasks.pipelines.pipeline import Pipeline, StepDef
from livewall.tasks.rows import TaskRow

DEFAULT_TIMEOUT = 24 * 3600.0
"""The timeout, in seconds, of a step that defines none."""


class StepSpecs:
    """Reads definitions and what a task has so far.

    `prepare(task, unit, attempt)` makes the folder of an attempt before the database says that it runs, so that a
    folder that is missing later must have been deleted. It may be called again. It raises OSError.
    """

    def __init__(self, prepare: Callable[[str, str, int], None]) -> None:
        self.prepare = prepare

    def spec(self, db: Any, row: TaskRow, definition: StepDef, host: Host | None = None) -> RunSpec | WaitSpec:
        """Return the command of a step, on a host if there is one, or what it waits for. Raises MissingOutput."""
        values = Values(
            params_of(row),
            rows.outputs(db, row.task.id),
            lambda: rows.previous_outputs(db, row.task.pipeline or "", definition.name),
            None if host is None else {"name": host.name, "address": host.address},
        )
        return kinds()[definition.kind].spec(definition.body, values)

    def wait_spec(self, db: Any, row: TaskRow, name: str) -> WaitSpec | None:
        """Return what a step waits for, or None if it is not a gate of a task that runs here."""
        definition = step_definition(definition_of(row), name) if row.local else None
        if definition is None or definition.hosts is not None:
            return None
        spec = self.spec(db, row, definition)
        return spec if isinstance(spec, WaitSpec) else None

    def attempt(
        self, db: Any, row: TaskRow, definition: StepDef, number: int, base: int, host: Host | None = None
    ) -> StartAttempt:
        """Return the action that starts an attempt of a step that runs a command. Raises MissingOutput."""
        run = self.spec(db, row, definition, host)
        assert isinstance(run, RunSpec), "a step that waits is not running"
        unit = unit_of(definition.name, None if host is None else host.name)
        return self.start(db, row, definition, unit, number, run, base, host)

    def start(
        self, db: Any, row: TaskRow, definition: StepDef, unit: str, number: int, run: RunSpec, base: int,
        host: Host | None = None,
    ) -> StartAttempt:  # fmt: skip
        """Return the action that starts `run` as an attempt of a step, or of a target, whose log begins at `base`."""
        pipeline, timeout = definition_of(row), definition.timeout or DEFAULT_TIMEOUT
        inherits = _inherits(db, row.task.id, pipeline)
        return StartAttempt(
            row.task.id, row.root, unit, number, run, timeout, pipeline.secrets, base, inherits,
            pipeline.webhook_secrets, host, pipeline.ssh if run.remote else None,
            len({each.name for group in pipeline.inventory.values() for each in group}) or 1,
        )  # fmt: skip


def step_definition(pipeline: Pipeline, name: str) -> StepDef:
    """Return the definition of a step."""
    return next(s for s in pipeline.steps if s.name == name)


def runs_command(definition: StepDef) -> bool:
    """Return whether a step runs a command, and does not wait for a decision instead."""
    return bool(getattr(kinds()[definition.kind], "runs", True))


def log_base(db: Any, task: str, step: str) -> int:
    """Return how many bytes the log of a step had before its present attempt."""
    row = db.execute(
        "SELECT log_base FROM steps WHERE task = :task AND name = :name", {"task": task, "name": step}
    ).fetchone()
    return int(row[0])


def _inherits(db: Any, task: str, pipeline: Pipeline) -> bool:
    """Return whether a step that runs a command succeeded, in this task or in one that it retries. Gates use no
    folder."""
    found = db.execute("SELECT name FROM steps WHERE task = :task AND state = 'succeeded'", {"task": task})
    succeeded = {name for (name,) in found}
    return any(runs_command(step) for step in pipeline.steps if step.name in succeeded)
