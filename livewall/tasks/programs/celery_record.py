"""The record of a Celery task that a step sends: its id is on the disk before the task is sent.

A record stands in the folder of its attempt. A second name for it in the folder of the step's task, which all retries
share, leads later attempts to the newest one. The record is removed when the end of the Celery task was seen, so what
is left belongs to an attempt that was killed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from livewall.atomic_file import keep_as, write_whole

RECORD = "celery"


class Record:
    """The newest record of a step. `attempt` is the folder of this attempt, `shared` that of the task and its
    retries.

    `id` is that of the Celery task, or empty. `sent` says that the broker has confirmed it. `unclear_in` names the
    Livewall task in which an attempt has found out that nobody knows whether it was sent.
    """

    def __init__(self, attempt: Path, shared: Path) -> None:
        self._own = attempt / RECORD
        self._newest = shared / RECORD / attempt.name.rpartition(".")[0]
        self.livewall_task = attempt.parent.parent.name
        self.id = ""
        self.task = ""
        self.sent = False
        self.unclear_in = ""
        try:
            found = json.loads(self._newest.read_bytes())
        except FileNotFoundError:
            return
        self.id, self.task = found["id"], found["task"]
        self.sent, self.unclear_in = found["sent"], found["unclear_in"]

    def choose(self, id: str, task: str) -> None:
        """Store the id of a Celery task that is about to be sent. Raises OSError."""
        self.id, self.task, self.sent, self.unclear_in = id, task, False, ""
        self._write()

    def confirm(self) -> None:
        """Note that the task was sent. Raises OSError."""
        self.sent = True
        self._write()

    def note_unclear(self) -> None:
        """Note that it could not be found out whether the task was sent. Raises OSError."""
        self.unclear_in = self.livewall_task
        self._write()

    def forget(self) -> None:
        """Remove the record: the end of the task is known, or it was not sent. Raises OSError."""
        self._newest.unlink(missing_ok=True)
        self._own.unlink(missing_ok=True)

    def _write(self) -> None:
        fields = {"id": self.id, "task": self.task, "sent": self.sent, "unclear_in": self.unclear_in}
        write_whole(self._own, json.dumps(fields).encode())
        os.makedirs(self._newest.parent, mode=0o700, exist_ok=True)
        keep_as(self._own, self._newest)
