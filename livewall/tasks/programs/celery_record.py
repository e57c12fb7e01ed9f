"""The record of a Celery task that a step sends: its id is on the disk before the task is sent.

A record stands in the folder of its attempt. A second name for it in the folder of the step's task, which all retries
share, leads later attempts to the newest one. How the task ended is recorded as well: the program may be killed after
it has learned that, and before the supervisor has.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec

from livewall.atomic_file import keep_as, write_whole

RECORD = "celery"


class Fields(msgspec.Struct):
    """`id` is that of the Celery task, or empty. `sent` says that the broker has confirmed it.

    `unclear_in` names the Livewall task in which an attempt has found out that nobody knows whether it was sent.
    `ended` is the state in which it ended, once that is known, and `result` its result.
    """

    id: str = ""
    task: str = ""
    sent: bool = False
    unclear_in: str = ""
    ended: str = ""
    result: str = ""


class Record:
    """The newest record of a step. `attempt` is the folder of this attempt, `shared` that of the task and its
    retries.
    """

    def __init__(self, attempt: Path, shared: Path) -> None:
        """Raises OSError, and ValueError if the file is damaged."""
        self._own = attempt / RECORD
        self._newest = shared / RECORD / attempt.name.rpartition(".")[0]
        self.livewall_task = attempt.parent.parent.name
        self._fields = Fields()
        try:
            self._fields = msgspec.convert(json.loads(self._newest.read_bytes()), Fields)
        except FileNotFoundError:
            pass

    @property
    def found(self) -> Fields:
        """What is recorded."""
        return self._fields

    def choose(self, id: str, task: str) -> None:
        """Store the id of a Celery task that is about to be sent, in the place of an earlier one. Raises OSError."""
        self._write(Fields(id, task))

    def confirm(self) -> None:
        """Note that the task was sent. Raises OSError."""
        self._write(msgspec.structs.replace(self._fields, sent=True))

    def note_unclear(self) -> None:
        """Note that it could not be found out whether the task was sent. Raises OSError."""
        self._write(msgspec.structs.replace(self._fields, unclear_in=self.livewall_task))

    def end(self, state: str, result: str = "") -> None:
        """Note how the task ended. Raises OSError."""
        self._write(msgspec.structs.replace(self._fields, ended=state, result=result))

    def _write(self, fields: Fields) -> None:
        self._fields = fields
        write_whole(self._own, msgspec.json.encode(fields))
        os.makedirs(self._newest.parent, mode=0o700, exist_ok=True)
        keep_as(self._own, self._newest)
