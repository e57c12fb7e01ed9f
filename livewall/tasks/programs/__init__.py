"""The programs of those kinds of steps that are more than a command of the operator.

Each runs under the supervisor of its step, as any command does: what it prints is the log, its exit status is the end
of the step. Its input is a JSON file, not an argument, because every user of a machine can read arguments. Why it
failed is written to a file beside the input.
"""

from __future__ import annotations

import importlib
import json
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from livewall.settings import environment_with
from livewall.tasks.programs.lifetime import end_with_supervisor
from livewall.tasks.supervisor.folder import INPUT_VARIABLE, MAX_MESSAGE, REASON

STANDARD_ONLY = ("git_checkout", "git_refs", "http_check", "ssh_command", "ssh_upload")
"""The programs that import no package but this one, so that they can run without the folders of installed packages."""

HANDLE_SIGTERM = ("ssh_command", "ssh_upload")
"""The programs that end something elsewhere when they are asked to end, and unblock the signal when they can."""


class StepFailed(Exception):
    """The step has failed. The text is its reason, which is public: it holds no value of a parameter."""


def main(name: str) -> NoReturn:
    """Run the program `name` with the input in its file or on stdin, and exit: 0, or 1 after writing the reason."""
    file = environment_with(INPUT_VARIABLE).get(INPUT_VARIABLE)
    if file:
        end_with_supervisor(Path(file).parent)
    if name not in HANDLE_SIGTERM:  # a supervisor starts what it may run again with SIGTERM blocked
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    given = Path(file).read_bytes() if file else sys.stdin.buffer.read()
    try:
        run(name, json.loads(given))
    except StepFailed as failure:
        reason = str(failure)[:MAX_MESSAGE]
        say(reason)
        if file:
            with suppress(OSError):  # the disk may be full, which is often the reason
                Path(file).with_name(REASON).write_text(reason)
        sys.exit(1)
    sys.exit(0)


def run(name: str, given: dict[str, Any]) -> None:
    """Run a program in this process. Raises StepFailed."""
    importlib.import_module(f"livewall.tasks.programs.{name}").run(given)


def say(line: str) -> None:
    """Print a line to the log at once."""
    print(line, flush=True)


def write_outputs(values: Mapping[str, str]) -> None:
    """Write outputs of the step. A line break in a value becomes a blank."""
    with open(environment_with("LIVEWALL_OUTPUT")["LIVEWALL_OUTPUT"], "a", encoding="utf-8", errors="replace") as file:
        for name, value in values.items():
            file.write(f"{name}={' '.join(value.splitlines())}\n")
