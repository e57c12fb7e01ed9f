"""Programs of Livewall's own kinds of steps, run as a supervisor runs them, without a server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from livewall.tasks.kinds import program
from livewall.tasks.supervisor.folder import INPUT, INPUT_VARIABLE, REASON


class Finished(NamedTuple):
    status: int
    log: str
    reason: str
    outputs: dict[str, str]


def run_program(folder: Path, name: str, given: dict[str, Any], *, timeout: float = 30, **environment: str) -> Finished:
    """Run a program in the working folder `folder`/work, with its files in `folder`/attempt."""
    attempt, work = folder / "attempt", folder / "work"
    attempt.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    for left in attempt.iterdir():
        left.unlink()
    (attempt / INPUT).write_text(json.dumps(given))
    values = attempt / "values"
    spec = program(name, given)
    env = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        **spec.env,
        INPUT_VARIABLE: str(attempt / INPUT),
        "LIVEWALL_OUTPUT": str(values),
        **environment,
    }
    done = subprocess.run(
        spec.argv, cwd=work, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=timeout,
    )  # fmt: skip
    reason = (attempt / REASON).read_text() if (attempt / REASON).exists() else ""
    lines = values.read_text().splitlines() if values.exists() else []
    outputs = dict(line.split("=", 1) for line in lines)
    return Finished(done.returncode, done.stdout.decode(), reason, outputs)
