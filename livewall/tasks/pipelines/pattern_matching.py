"""Values compared with their patterns in a process of its own: a pattern may backtrack without end, and a thread that
matches holds the interpreter's lock, so that nothing else would run meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from livewall.errors import Busy

PATIENCE = 0.25
"""Seconds of CPU for all patterns of one start together."""
LONGEST = 10.0
"""Seconds after which a process is given up that has not got its CPU."""
_CHILD = """
import json, re, signal, sys
signal.setitimer(signal.ITIMER_VIRTUAL, float(sys.argv[1]))
for pattern, value in json.load(sys.stdin):
    print(int(re.fullmatch(pattern, value) is not None), flush=True)
"""


def beside(pairs: Sequence[tuple[str, str]]) -> list[bool | None]:
    """For each pattern and value whether the whole value matches; None from where the time was up. Blocks: to be called
    in a thread. Raises Busy where no process can be started."""
    if not pairs:
        return []
    command = [sys.executable, "-I", "-S", "-c", _CHILD, str(PATIENCE)]
    try:
        done = subprocess.run(
            command, input=json.dumps(pairs), capture_output=True, text=True, timeout=LONGEST, check=False
        )
        said = done.stdout
    except OSError as error:
        raise Busy("unavailable", "the parameters cannot be checked at the moment; try again") from error
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode()
    found: list[bool | None] = [line == "1" for line in said.split()]
    return found + [None] * (len(pairs) - len(found))
