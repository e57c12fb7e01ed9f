"""The program of steps of kind `upload`: a file or a folder of the task's working folder, put on a far host."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from livewall.tasks.programs import StepFailed, say
from livewall.tasks.programs.remote import Attempt, Conversation


def run(given: dict[str, Any]) -> None:
    """Upload, or go on with it. Raises StepFailed."""
    attempt = Attempt()
    path = source_in(Path.cwd(), given["from"])
    conversation = Conversation(given, attempt)
    say(f"{given['from']} to {conversation.name}:{given['to']}")
    request = {"op": "upload", "path": str(path), "to": given["to"], "mode": given["mode"]}

    def on_event(event: dict[str, Any]) -> bool:
        match event["event"]:
            case "log":
                say(event["line"])
            case "progress":
                conversation.report(event["part"], event["message"])
            case "done":
                return True
        return False

    conversation.hold(lambda: request, lambda _: None, on_event)


def source_in(work: Path, name: str) -> Path:
    """Return the file or folder `name` of a working folder. Raises StepFailed if it would be elsewhere."""
    real = Path(os.path.realpath(work / name))
    if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name:
        raise StepFailed("what is to be uploaded must be inside the task's working folder")
    if not real.is_relative_to(os.path.realpath(work)):
        raise StepFailed("what is to be uploaded is a link that leads out of the task's working folder")
    if not real.exists():
        raise StepFailed("what is to be uploaded does not exist")
    return real
