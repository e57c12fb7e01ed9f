"""One attempt of a step, as the server sees it: its folder. Starts its supervisor, finds it again, cancels it.

Everything here is a few system calls and blocks no longer than they do; nothing of it is kept in memory, so a server
that was restarted sees what the one before it saw. The supervisor itself is `livewall.tasks.supervisor`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from livewall.errors import BadInput, invalid
from livewall.settings import environment_with
from livewall.tasks.supervisor import folder as files

CAP = 256 << 20
VALUES = 64 << 10
"""Bytes of outputs that a step may leave."""

_PROGRAM = Path(__file__).resolve().parent / "supervisor"
_FLOCK = struct.Struct("@hhqqi0q")
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


class Spec(msgspec.Struct, kw_only=True):
    """What a supervisor is told to run. It goes through a pipe and is never written down: `env` may hold secrets."""

    argv: list[str]
    cwd: str
    env: dict[str, str]
    """All of the command's environment."""
    program: str | None = None
    folder: str | None = None
    """What `argv[0]` and `cwd` are called in a message, where that is something else."""
    umask: int | None = None
    """The command's; None for that of the supervisor."""
    secrets: list[str] = []
    timeout: float | None = None
    grace: float = 10.0
    """Seconds between SIGTERM and SIGKILL."""
    cap: int = CAP
    """Bytes of output that are kept: `hole` says which."""
    disk_wait: float = 60.0
    """Seconds a full disk is waited for."""

    def __repr__(self) -> str:
        return "Spec(…)"  # a log line or a traceback must not show what it holds


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended. `message` has its secrets replaced."""

    why: Literal["exit", "signal", "timeout", "cancelled", "error"]
    status: int | None = None
    """The command's exit status, where it ended by itself or in time after SIGTERM."""
    signal: int | None = None
    message: str = ""
    bytes: int = 0
    """Length of the output, what was left out of its middle included."""
    seconds: float = 0.0
    at: float = 0.0
    """The end, in seconds of the wall clock since 1970."""


class Absent(msgspec.Struct, frozen=True):
    """Never claimed: it may be started, again too."""


class Running(msgspec.Struct, frozen=True):
    pid: int
    """The supervisor's."""


class Ended(msgspec.Struct, frozen=True):
    exit: Exit


class Lost(msgspec.Struct, frozen=True):
    """It ended without saying how, or cannot be found. `reason` is for people."""

    reason: str


Probe = Absent | Running | Ended | Lost

_GONE = "its folder is gone; what it had started may live on"
_SILENT = "its supervisor ended without saying how; what it had started may live on"
_DAMAGED = "its folder cannot be read; what it had started may live on"


class Attempt:
    """Call `prepare` before the intention to run it is committed: a missing folder means later that it was deleted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.output = self.folder / files.OUTPUT
        self.times = self.folder / files.TIMES
        self.values_file = self.folder / files.VALUES

    def prepare(self) -> None:
        """Make the folder; harmless when it is there. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def start(self, spec: Spec) -> subprocess.Popen[bytes]:
        """Start a supervisor and hand it `spec`. However often this is called, the command runs once.

        Blocks for milliseconds: call it in a thread. The process is to be reaped by the caller. Raises OSError.
        """
        # Python's own JSON: a path or a variable that is not UTF-8 goes through it as it is.
        text = json.dumps(msgspec.to_builtins(spec)).encode()
        self.prepare()
        # Of the server's environment only what its Python may need to start.
        env = environment_with("LD_LIBRARY_PATH")
        process = subprocess.Popen(
            [sys.executable, "-E", "-S", str(_PROGRAM), str(self.folder)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=env, cwd="/", close_fds=True, start_new_session=True,
        )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended at once: `probe` will say what became of it
            try:
                process.stdin.write(text)
            finally:
                process.stdin.close()
        return process

    def probe(self) -> Probe:
        """What became of it. Never raises."""
        try:
            if not self._claimed():
                # Who holds the lock is about to claim it.
                pid = self._holder()
                return Running(pid) if pid is not None else Absent() if self.folder.is_dir() else Lost(_GONE)
            # The lock first: a supervisor that let go of it has written its exit file before, or never will.
            pid = self._holder()
            if pid is not None:
                return Running(pid)
            try:
                text = (self.folder / files.EXIT).read_bytes()
            except FileNotFoundError:
                text = (self.folder / files.CLAIM).read_bytes()  # empty, unless it was cancelled before it started
                if not text:
                    return Lost(_SILENT)
            return Ended(msgspec.json.decode(text, type=Exit))
        except FileNotFoundError:
            return Lost(_GONE)
        except (OSError, ValueError, msgspec.DecodeError):
            return Lost(_DAMAGED)

    def pidfd(self) -> int | None:
        """A descriptor, to be closed by the caller, that becomes readable when the supervisor ends; None: none runs."""
        while (pid := self._holder()) is not None:
            try:
                process = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            if self._holder() == pid:  # else the pid may have become another's before it was opened
                return process
            os.close(process)
        return None

    def cancel(self) -> bool:
        """Ask the supervisor to end everything, or see to it that none ever starts. False: there is nothing to cancel.

        An attempt that was not claimed yet is claimed here and ends as cancelled. Raises OSError.
        """
        while True:
            process = self.pidfd()
            if process is not None:
                try:
                    return terminate(process)
                finally:
                    os.close(process)
            if self._claimed():
                if self._holder() is None:
                    return False
            elif self._forestall():
                return True

    def values(self, secrets: Sequence[str] = ()) -> dict[str, str]:
        """Return what the step left as outputs, as it wrote them; of two of one name the later. Raises BadInput.

        Nothing is masked: a later step needs the true value. `secrets` are looked at for one thing only: the lines of a
        secret that has several belong to one value.
        """
        text = self._read_values()
        before, nul, _ = text.partition("\0")
        if nul:
            number = 1 + before.count("\n")
            raise _bad(f"line {number} is not text: it holds a NUL character")
        long = sorted({found for secret in secrets if "\n" in (found := secret.rstrip())}, key=len, reverse=True)
        if long:
            text = re.sub("|".join(map(re.escape, long)), lambda secret: secret[0].replace("\n", "\0"), text)
        values: dict[str, str] = {}
        number = 1
        for line in text.split("\n"):
            name, equals, value = line.removesuffix("\r").partition("=")
            if line.removesuffix("\r"):
                if not equals or not _NAME.fullmatch(name):  # the line is never shown: it may be a secret
                    raise _bad(f"line {number} is not NAME=value, NAME being letters, digits and _")
                values[name] = value.replace("\0", "\n")
            number += 1 + line.count("\0")
        return values

    def _read_values(self) -> str:
        try:
            # Whatever the step put there: no other file through a link, and no pipe to wait at.
            file = os.open(self.values_file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise _bad("it is a link" if error.errno == errno.ELOOP else "it cannot be read") from None
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise _bad("it is not a file")
            with open(file, "rb", closefd=False) as values:
                data = values.read(VALUES + 1)
        except OSError:
            raise _bad("it cannot be read") from None
        finally:
            os.close(file)
        if len(data) > VALUES:
            raise _bad(f"it is longer than {VALUES} bytes")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise _bad("it is not UTF-8") from None

    def _claimed(self) -> bool:
        try:
            os.stat(self.folder / files.CLAIM)
        except FileNotFoundError:
            return False
        return True

    def _holder(self) -> int | None:
        """The pid of whoever holds the lock; None where nobody does, or there is none."""
        try:
            lock = os.open(self.folder / files.LOCK, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(lock, fcntl.F_GETLK, asked))
        finally:
            os.close(lock)
        return None if kind == fcntl.F_UNLCK else pid

    def _forestall(self) -> bool:
        """Take the claim away from a supervisor that may be on its way. False: that one was faster.

        The claim appears with the end written in it, so nobody sees the one without the other.
        """
        self.prepare()
        end = Exit(why="cancelled", message="cancelled before it started", at=time.time())
        handle, made = tempfile.mkstemp(prefix=files.CLAIM, dir=self.folder)
        try:
            with open(handle, "wb") as claim:
                claim.write(msgspec.json.encode(end))
            os.link(made, self.folder / files.CLAIM)
        except FileExistsError:
            return False
        finally:
            os.unlink(made)
        return True


def terminate(supervisor: int) -> bool:
    """SIGTERM to the supervisor behind a pidfd; False when it has ended. One that its step has stopped goes on first,
    or it would hear nothing."""
    try:
        for number in (signal.SIGTERM, signal.SIGCONT):
            signal.pidfd_send_signal(supervisor, number)
    except ProcessLookupError:
        return False
    return True


def _bad(why: str) -> BadInput:
    return invalid("LIVEWALL_OUTPUT", why)


def attempt_of(folder: Path, task: str, step: str, attempt: int) -> Attempt:
    """Where an attempt lives; `folder` is that of all tasks."""
    return Attempt(folder / task / "steps" / f"{step}.{attempt}")
