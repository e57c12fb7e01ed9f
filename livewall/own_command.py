"""The command that started this program."""

from __future__ import annotations

import os
import shlex
import shutil
import sys


def this_command() -> str:
    """Return how this program was started, as a command that somebody can type: `livewall`, if the shell finds it."""
    started = sys.argv[0]
    name = os.path.basename(started)
    if name == "__main__.py":
        return f"{shlex.quote(sys.orig_argv[0])} -m livewall"
    program = shutil.which(name)
    return name if program and os.path.realpath(program) == os.path.realpath(started) else shlex.quote(started)
