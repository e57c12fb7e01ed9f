"""Matches values against patterns in a separate process.

A regular expression may backtrack almost endlessly, and `re` holds the interpreter's lock while it matches, so that a
thread would stop the whole server.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from livewall.errors import Busy

CPU_SECONDS = 0.25
"""Seconds of CPU time for all patterns of one request together."""
TIMEOUT = 10.0
"""Seconds after which the process is ended, even if the machine gave it little CPU time."""
_CHILD = """
import json, re, signal, sys
signal.setitimer(signal.ITIMER_VIRTUAL, float(sys.argv[1]))
for pattern, value in json.load(sys.stdin):
    print(int(re.fullmatch(pattern, value) is not None), flush=True)
"""


def match_in_process(pairs: Sequence[tuple[str, str]]) -> list[bool | None]:
    """Return for each pattern and value whether the whole value matches, or None if the time was up.

    It blocks, so call it in a thread. Raises Busy if no process can be started.
    """
    if not pairs:
        return []
    command = [sys.executable, "-I", "-S", "-c", _CHILD, str(CPU_SECONDS)]
    try:
        process = subprocess.run(
            command, input=json.dumps(pairs), capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        output = process.stdout
    except OSError as error:
        raise Busy("unavailable", "the parameters cannot be checked at the moment; try again") from error
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode()
    results: list[bool | None] = [line == "1" for line in output.split()]
    return results + [None] * (len(pairs) - len(results))
