"""What the programs share that work on far hosts: the conversation with the connector of their task.

The connector may be killed and started again at any time. The program then asks again, and says where it stands.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from livewall.settings import environment_with
from livewall.tasks.connector import frames
from livewall.tasks.programs import StepFailed
from livewall.tasks.supervisor.folder import HOST_KEY, INPUT_VARIABLE, LOST, REASON

if TYPE_CHECKING:
    from livewall.tasks.programs.reporting import Progress

CLAIMED = "claimed"
"""A file beside the input: the host has acknowledged the start, so a host that knows nothing of it has lost it."""
ASKED = "asked"
"""A file beside the input: the host may have received the command."""
CONNECT_SECONDS = 60.0
READ_BYTES = 1 << 18
SHORTEST, LONGEST = 0.02, 0.5
"""Seconds between two tries to reach the connector."""


class Lost(Exception):
    """The host does not know the attempt any more. The text says why."""


class Attempt:
    """The files of this attempt beside its input."""

    def __init__(self) -> None:
        file = environment_with(INPUT_VARIABLE).get(INPUT_VARIABLE)
        if not file:
            raise StepFailed("this program needs its input in a file")
        self.folder = Path(file).parent
        for left in (LOST, HOST_KEY, REASON):  # of a program before this one
            with suppress(OSError):
                (self.folder / left).unlink(missing_ok=True)

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def write(self, name: str, text: str) -> None:
        """Write a file that survives a power failure. Raises StepFailed."""
        try:
            new = self.folder / f"{name}.new"
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            new.rename(self.folder / name)
            place = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(place)
            finally:
                os.close(place)
        except OSError as error:
            raise StepFailed(f"the folder of the attempt cannot be written to: {error.strerror}") from None

    def lost(self, reason: str) -> NoReturn:
        """End as lost."""
        self.write(LOST, reason)
        sys.exit(1)


class Conversation:
    """One operation of the connector, asked for again whenever the connector is gone.

    `request` returns the fields of the request that change; `on_data` and `on_event` get what comes. An event for which
    `on_event` returns True is the last one.
    """

    def __init__(self, given: dict[str, Any], attempt: Attempt) -> None:
        self.name: str = given["host"]["name"]
        self.cancelled = False
        self.asked = attempt.has(ASKED)
        self._progress: Progress | None = None
        self._attempt = attempt
        self._said = ""
        self._folder = Path(given["connector"])
        self._report_every: float | None = given.get("report_every")
        self._common = {"id": given["id"], "host": given["host"], "ssh": given["ssh"], "folder": given["ssh"]["folder"]}
        self._until = time.monotonic() + given["ssh"].get("connect_within", CONNECT_SECONDS)
        self._wakeup, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._cancel)
        # The supervisor starts the program with SIGTERM blocked, so that a cancel is never missed.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def _cancel(self, *_: object) -> None:
        self.cancelled = True

    def hold(
        self,
        request: Callable[[], dict[str, Any]],
        on_data: Callable[[bytes], None],
        on_event: Callable[[dict[str, Any]], bool],
    ) -> None:
        """Hold the conversation to its end. Raises what the callbacks raise."""
        pause = SHORTEST
        while True:
            try:
                connection = frames.connect(self._folder)
            except OSError:
                if self.cancelled and not self.asked:
                    sys.exit(1)
                self.say(f"waiting for the connection to {self.name}")
                select.select([self._wakeup], [], [], pause)
                self._drain()
                pause = min(LONGEST, pause * 2)
                continue
            with connection:
                told = self.cancelled  # read once: a cancel may come between any two lines
                first = {**self._common, **request(), "sent": self.asked, "cancel": told}
                first["within"] = max(0.0, self._until - time.monotonic())
                if not self.asked:
                    self._attempt.write(ASKED, "")
                    self.asked = True
                with suppress(OSError, frames.FrameError):
                    connection.sendall(frames.event(**first))
                    if self._read(connection, told=told, on_data=on_data, on_event=on_event):
                        return
            pause = SHORTEST
            time.sleep(pause)

    def _read(
        self,
        connection: socket.socket,
        *,
        told: bool,
        on_data: Callable[[bytes], None],
        on_event: Callable[[dict[str, Any]], bool],
    ) -> bool:
        """Return whether the last event has come; otherwise the connector has gone."""
        divided = frames.Frames()
        while True:
            if self.cancelled and not told:
                connection.sendall(frames.event(op="cancel"))
                told = True
            ready, _, _ = select.select([connection.fileno(), self._wakeup], [], [])
            if self._wakeup in ready:
                self._drain()
            if connection.fileno() not in ready:
                continue
            data = connection.recv(READ_BYTES)
            if not data:
                return False
            for kind, payload in divided.feed(data):
                if kind == frames.DATA:
                    on_data(payload)
                    continue
                event = json.loads(payload)
                if self._usual(event) or on_event(event):
                    return True

    def _usual(self, event: dict[str, Any]) -> bool:
        """Handle the events that all operations have. Return whether it was the last one."""
        match event["event"]:
            case "failed":
                raise StepFailed(event["reason"])
            case "host_key":
                shown = {name: event[name] for name in ("fingerprint", "algorithm", "key")}
                self._attempt.write(HOST_KEY, json.dumps(shown))
                raise StepFailed(f"the host key of {self.name} is unknown: {event['fingerprint']}")
            case "waiting":
                self.say(event["reason"])
            case "left":
                self.say(f"{event['count']} processes on {self.name} could not be ended")
            case "cancelled":
                sys.exit(1)
        return False

    def say(self, message: str) -> None:
        """Report what the program is doing beside its log; an empty message takes back the last one."""
        if message != self._said:
            self._said = message
            self.report(None, message)

    def report(self, part: float | None, message: str) -> None:
        """Report how much is done. What that needs is imported late: most commands have nothing to report."""
        if self._progress is None:
            from livewall.tasks.programs.reporting import Progress

            self._progress = Progress(self._report_every)
        self._progress.report(part, message)

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wakeup, 4096)
