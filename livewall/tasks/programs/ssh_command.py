"""The program of steps of kind `ssh`: a command on a far host.

What the command prints is the log, to the byte, however often a connection is cut or a process killed on the way. Its
exit status is that of this program, 128 and the number of a signal included.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from livewall.tasks.programs import StepFailed
from livewall.tasks.programs.remote import CLAIMED, Attempt, Conversation

WHY = {
    "cwd": "the working folder does not exist on {name}",
    "program": "the program was not found on {name}",
}


def run(given: dict[str, Any]) -> None:
    """Run the command, or go on with it. Exits with its status; raises StepFailed."""
    attempt = Attempt()
    conversation = Conversation(given, attempt)
    name = conversation.name
    printed = 0
    claimed = attempt.has(CLAIMED)

    def request() -> dict[str, Any]:
        command = {key: given[key] for key in ("argv", "env", "cwd", "grace")}
        return {"op": "run", **command, "offset": printed, "claimed": claimed}

    def on_data(data: bytes) -> None:
        nonlocal printed
        printed += len(data)
        left = memoryview(data)
        while left:
            left = left[os.write(1, left) :]

    def on_event(event: dict[str, Any]) -> bool:
        nonlocal claimed
        match event["event"]:
            case "started":
                if not claimed:
                    attempt.write(CLAIMED, "")
                    claimed = True
                conversation.say("")
            case "lost":
                attempt.lost(event["reason"])
            case "end":
                if event["why"] in WHY:
                    raise StepFailed(WHY[event["why"]].format(name=name))
                if event["why"] == "full" and not event["status"]:
                    raise StepFailed(f"the disk of {name} is full: the output is not complete")
                sys.exit(event["status"])
        return False

    conversation.hold(request, on_data, on_event)
