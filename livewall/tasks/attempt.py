"""The server's side of one attempt of a step: start its supervisor, find it again, and cancel it.

Every call is a few system calls on the attempt's folder. Nothing is kept in memory, so a server that was restarted sees
the same as the one before it. The supervisor itself is `livewall.tasks.supervisor`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from livewall.errors import BadInput, invalid
from livewall.tasks.process_lock import holder, pidfd_of_holder
from livewall.tasks.spawner.process import Spawner
from livewall.tasks.supervisor import folder as files
from livewall.tasks.target_rows import HostKey

OUTPUT_CAP = 256 << 20
MAX_OUTPUTS = 64 << 10
"""The maximum size of a step's outputs, in bytes."""

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


class Spec(msgspec.Struct, kw_only=True):
    """The specification of a run. It is passed through a pipe and never stored, since `env` may hold secrets."""

    argv: list[str]
    cwd: str
    env: dict[str, str]
    """The complete environment of the command."""
    program: str | None = None
    folder: str | None = None
    """Names for `argv[0]` and `cwd` in messages, where the values themselves must not be shown."""
    umask: int | None = None
    """The umask of the command; None keeps that of the supervisor."""
    secrets: list[str] = []
    timeout: float | None = None
    grace: float = 10.0
    """Seconds between SIGTERM and SIGKILL."""
    cap: int = OUTPUT_CAP
    """Bytes of output that are kept; `supervisor.truncation` says which."""
    disk_wait: float = 60.0
    """Seconds to wait for a full disk."""
    builtin: str | None = None
    """The program of Livewall that `argv` runs, if a fork of the spawner may run it instead."""
    replay: bool = False
    """The command prints the same again when it is run again, and only follows what goes on elsewhere.

    A supervisor that finds the attempt claimed, without a result and without a supervisor, runs the command again, and
    leaves out of its output what the log has already. The same is done when a signal of somebody else ends the command.
    The command starts with SIGTERM blocked, and must unblock it once it can handle it.
    """
    again: bool = False
    """As `replay`, for a command whose output differs each time: it is appended to the log."""

    def __repr__(self) -> str:
        return "Spec(…)"  # a log line or a traceback must not show secrets


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an attempt. Secrets in `message` are replaced."""

    why: Literal["exit", "signal", "timeout", "cancelled", "error"]
    status: int | None = None
    """The command's exit status, unless a signal ended it."""
    signal: int | None = None
    message: str = ""
    bytes: int = 0
    """The length of the output, including what was left out of its middle."""
    seconds: float = 0.0
    at: float = 0.0
    """When it ended, in seconds of the wall clock since 1970."""


class Absent(msgspec.Struct, frozen=True):
    """The attempt was never claimed. It may be started, also a second time."""


class Running(msgspec.Struct, frozen=True):
    """The supervisor with this pid holds the lock."""

    pid: int


class Ended(msgspec.Struct, frozen=True):
    """The attempt has ended with a result."""

    exit: Exit


class Lost(msgspec.Struct, frozen=True):
    """The attempt ended without a result, or cannot be found. `reason` is for people."""

    reason: str


Probe = Absent | Running | Ended | Lost

_FOLDER_MISSING = "its folder is gone; processes that it started may still be running"
_NO_RESULT = "its supervisor ended without a result; processes that it started may still be running"
_DAMAGED = "its folder cannot be read; processes that it started may still be running"


class Attempt:
    """The folder of one attempt.

    Call `prepare` before the database says that the attempt runs: a missing folder then means that it was deleted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.output = self.folder / files.OUTPUT
        self.times = self.folder / files.TIMES
        self.values_file = self.folder / files.VALUES
        self.input_file = self.folder / files.INPUT

    def prepare(self) -> None:
        """Make the folder, unless it exists. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def renew(self) -> None:
        """Make the folder, empty. What an attempt left that only found a host key to confirm goes. Raises OSError."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.prepare()

    def write_input(self, data: bytes) -> None:
        """Write the input of a program of Livewall, for its user alone. Raises OSError."""
        self.prepare()
        with open(os.open(self.input_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)

    def start(self, spec: Spec, spawner: Spawner) -> int:
        """Start a supervisor with this specification; return a pidfd of it, which the caller must close.

        However often this is called, the command runs once. It blocks for milliseconds, so call it in a thread. Raises
        OSError.
        """
        # The standard library's JSON preserves surrogate escapes: paths and variables need not be UTF-8.
        text = json.dumps(msgspec.to_builtins(spec)).encode()
        self.prepare()
        return spawner.spawn(self.folder, text)

    def probe(self) -> Probe:
        """Return the state of the attempt. Never raises."""
        try:
            if not self._claimed():
                # The lock is taken first: its holder is about to make the claim.
                pid = self._lock_holder()
                return Running(pid) if pid is not None else Absent() if self.folder.is_dir() else Lost(_FOLDER_MISSING)
            # Look at the lock before the exit file: a supervisor that released it has written the file, or never will.
            pid = self._lock_holder()
            if pid is not None:
                return Running(pid)
            try:
                text = (self.folder / files.EXIT).read_bytes()
            except FileNotFoundError:
                # Holds a result if the attempt was cancelled before it started.
                text = (self.folder / files.CLAIM).read_bytes()
                if not text:
                    return Lost(_NO_RESULT)
            return Ended(msgspec.json.decode(text, type=Exit))
        except FileNotFoundError:
            return Lost(_FOLDER_MISSING)
        except (OSError, ValueError, msgspec.DecodeError):
            return Lost(_DAMAGED)

    def is_orphaned(self) -> bool:
        """Return whether the supervisor was killed: the attempt is claimed, nobody holds it, and it has no result."""
        try:
            claimed = (self.folder / files.CLAIM).stat().st_size == 0
        except OSError:
            return False
        return claimed and self._lock_holder() is None and not (self.folder / files.EXIT).exists()

    def host_key(self) -> HostKey | None:
        """Return the key that a host has shown and that is not known, or None."""
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode((self.folder / files.HOST_KEY).read_bytes(), type=HostKey)
        return None

    def lost(self) -> str:
        """Return why a program says that its host has forgotten what it did there, or an empty text."""
        return self._text(files.LOST)

    def pidfd(self) -> int | None:
        """Return a pidfd of the supervisor, which the caller must close, or None if no supervisor runs."""
        return pidfd_of_holder(self.folder / files.LOCK)

    def cancel(self) -> bool:
        """Make the supervisor end the command, or prevent it from starting. Return False if there is nothing to cancel.

        An attempt that is not claimed yet is claimed here, with a result that says it was cancelled. Raises OSError.
        """
        while True:
            process = self.pidfd()
            if process is not None:
                try:
                    return terminate(process)
                finally:
                    os.close(process)
            if self._claimed():
                if self._lock_holder() is None:
                    return False
            elif self._claim_as_cancelled():
                return True

    def reason(self) -> str:
        """Return why a program of Livewall says that it failed, or an empty text."""
        return self._text(files.REASON)

    def _text(self, name: str) -> str:
        try:
            with (self.folder / name).open("rb") as file:
                return file.read(4 * files.MAX_MESSAGE).decode(errors="replace")[: files.MAX_MESSAGE]
        except OSError:
            return ""

    def outputs(self, secrets: Sequence[str] = ()) -> dict[str, str]:
        """Return the outputs that the step wrote; where a name occurs twice, the later one counts. Raises BadInput.

        Values are not masked, because later steps need them. `secrets` serve only to keep a secret of several lines
        together in one value.
        """
        text = self._read_outputs()
        before, nul, _ = text.partition("\0")
        if nul:
            number = 1 + before.count("\n")
            raise _invalid_outputs(f"line {number} is not text: it holds a NUL character")
        multiline = sorted({lines for secret in secrets if "\n" in (lines := secret.rstrip())}, key=len, reverse=True)
        if multiline:
            text = re.sub("|".join(map(re.escape, multiline)), lambda secret: secret[0].replace("\n", "\0"), text)
        values: dict[str, str] = {}
        number = 1
        for line in text.split("\n"):
            name, equals, value = line.removesuffix("\r").partition("=")
            if line.removesuffix("\r"):
                if not equals or not _NAME.fullmatch(name):  # never show the line: it may be a secret
                    raise _invalid_outputs(f"line {number} is not NAME=value, NAME being letters, digits and _")
                values[name] = value.replace("\0", "\n")
            number += 1 + line.count("\0")
        return values

    def _read_outputs(self) -> str:
        try:
            # The step controls this path: follow no link to another file, and do not block on a pipe.
            file = os.open(self.values_file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise _invalid_outputs("it is a link" if error.errno == errno.ELOOP else "it cannot be read") from None
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise _invalid_outputs("it is not a file")
            with open(file, "rb", closefd=False) as values:
                data = values.read(MAX_OUTPUTS + 1)
        except OSError:
            raise _invalid_outputs("it cannot be read") from None
        finally:
            os.close(file)
        if len(data) > MAX_OUTPUTS:
            raise _invalid_outputs(f"it is longer than {MAX_OUTPUTS} bytes")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise _invalid_outputs("it is not UTF-8") from None

    def _claimed(self) -> bool:
        try:
            os.stat(self.folder / files.CLAIM)
        except FileNotFoundError:
            return False
        return True

    def _lock_holder(self) -> int | None:
        return holder(self.folder / files.LOCK)

    def _claim_as_cancelled(self) -> bool:
        """Claim the attempt before a supervisor that may be starting does. Return False if that one was faster.

        Linking the file makes the claim and the result in it appear together.
        """
        self.prepare()
        end = Exit(why="cancelled", message="cancelled before it started", at=time.time())
        handle, temporary = tempfile.mkstemp(prefix=files.CLAIM, dir=self.folder)
        try:
            with open(handle, "wb") as claim:
                claim.write(msgspec.json.encode(end))
            os.link(temporary, self.folder / files.CLAIM)
        except FileExistsError:
            return False
        finally:
            os.unlink(temporary)
        return True


def terminate(supervisor: int) -> bool:
    """Send SIGTERM to the supervisor behind a pidfd. Return False if it has ended.

    SIGCONT follows, because a supervisor that its step has stopped would not handle SIGTERM.
    """
    try:
        for number in (signal.SIGTERM, signal.SIGCONT):
            signal.pidfd_send_signal(supervisor, number)
    except ProcessLookupError:
        return False
    return True


def _invalid_outputs(why: str) -> BadInput:
    return invalid("LIVEWALL_OUTPUT", why)


def attempt_of(folder: Path, task: str, step: str, attempt: int) -> Attempt:
    """Return an attempt; `folder` is the folder of all tasks."""
    return Attempt(folder / task / "steps" / f"{step}.{attempt}")
