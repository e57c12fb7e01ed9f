"""What a task that runs here was started with: the definition of its pipeline, and its parameters."""

from __future__ import annotations

import msgspec

from livewall.tasks.pipelines.pipeline import Pipeline
from livewall.tasks.rows import TaskRow
from livewall.tasks.template import Params


def definition_of(row: TaskRow) -> Pipeline:
    """Return the pipeline as it was when the task was started."""
    assert row.definition is not None
    return msgspec.json.decode(row.definition, type=Pipeline)


def params_of(row: TaskRow) -> Params:
    """Return the parameters of a task."""
    params: Params = msgspec.json.decode(row.params or "{}")
    return params
