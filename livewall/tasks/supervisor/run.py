"""One attempt of a step, from its specification to its exit file: one loop over the output and the signals.

Why it ended: `exit` and `signal` as the command did; `timeout`, `cancelled` where it was ended; `error` where it could
not be started or its output not be kept. Times are monotonic: a clock that is set ends nothing.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import time

from livewall.tasks.supervisor import children
from livewall.tasks.supervisor.folder import MESSAGE, VALUES, ExitFile, Folder
from livewall.tasks.supervisor.mask import Masker, masked
from livewall.tasks.supervisor.output import FULL, RETRY, Output
from livewall.tasks.supervisor.system import become_subreaper

LEFT_BEHIND = 2.0
"""Seconds of grace, at most, for what a command that ended by itself left behind."""
KILL_AGAIN = 0.05
"""Seconds between two looks for what still lives after SIGKILL."""
KILL_PATIENCE = 30.0
"""Seconds after which what SIGKILL does not end is left alone: another user's process, or one stuck in the kernel."""
CHUNK = 1 << 16


def main(path: str) -> None:
    """Run the attempt of this folder unless it was taken before; ends this process."""
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    try:
        # Whole, before anything is claimed: a server that died while it wrote has started nothing.
        with open(0, "rb", closefd=False) as stdin:
            spec = Spec(stdin.read())
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.chdir("/")
        folder = Folder(path)
        signals = Signals()  # before the lock: by its holder the server knows whom to send a cancel
        if folder.claim():
            Run(spec, folder, signals).to_the_end()
    except (OSError, ValueError):
        os._exit(1)  # no specification, or no folder any more: the server sees what became of it
    os._exit(0)


class Spec:
    """What is to be run, as the server wrote it: `livewall.tasks.attempt.Spec`."""

    def __init__(self, text: bytes) -> None:
        given = json.loads(text)
        self.argv: list[str] = given["argv"]
        self.cwd: str = given["cwd"]
        self.env: dict[str, str] = given["env"]
        self.names: tuple[str | None, str | None] = given["program"], given["folder"]
        self.umask: int | None = given.get("umask")
        self.secrets: list[str] = given["secrets"]
        self.timeout: float | None = given["timeout"]
        self.grace: float = given["grace"]
        self.cap: int = given["cap"]
        self.disk_wait: float = given["disk_wait"]


class Signals:
    """SIGTERM and SIGCHLD wake the loop through a pipe; others that a supervisor might be sent are ignored."""

    def __init__(self) -> None:
        self.cancelled = False
        self.awake, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._cancel)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def _cancel(self, *_: object) -> None:
        self.cancelled = True

    def drain(self) -> None:
        try:
            os.read(self.awake, 4096)
        except BlockingIOError:
            pass


class Run:
    """The attempt under way."""

    def __init__(self, spec: Spec, folder: Folder, signals: Signals) -> None:
        self._spec = spec
        self._signals = signals
        self._exit = ExitFile(folder)
        os.close(folder.create(VALUES))  # the step appends to it; nobody else may read what it hands on
        self._masker = Masker([secret.encode(errors="surrogateescape") for secret in spec.secrets])
        self._output = Output(folder, spec.cap, spec.disk_wait)
        self._pipe = -1
        self._patience_ends = 0.0
        self._begin = time.monotonic()
        self._why = ""
        """Empty while the command runs and nothing is to end it."""
        self._message = ""
        self._command = 0
        self._status: int | None = None
        """The command's wait status."""
        self._kill_at: float | None = None
        """When SIGKILL follows SIGTERM; None while nothing is being ended."""
        self._alone = False
        """No descendant is left, or none that could be ended."""
        self._drained = False
        """All that was printed has been read."""

    def to_the_end(self) -> None:
        """Run the command and write the exit file, whatever happens. Raises OSError where that cannot be written."""
        try:
            if not self._exit.reserve():
                self._why, self._message = "error", FULL
            elif self._signals.cancelled:
                self._why = "cancelled"
            elif self._start():
                while not (self._alone and self._drained and not self._output.blocked):
                    self._turn()
        except Exception as error:  # a fault of ours must leave neither the command running nor the attempt without end
            self._why, self._message = "error", f"the supervisor failed: {type(error).__name__}: {error}"
            children.kill_all()
        self._output.close()
        self._write_exit()

    def _start(self) -> bool:
        become_subreaper()
        self._pipe, write = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._pipe, False)
        try:
            self._command = children.start(
                self._spec.argv, self._spec.cwd, self._spec.env, write, self._spec.names, self._spec.umask
            )
        except children.CannotStart as error:
            self._why, self._message = "error", str(error)
            return False
        finally:
            os.close(write)
        return True

    def _turn(self) -> None:
        """Wait until something happened, and do what follows from it."""
        poll = select.poll()
        poll.register(self._signals.awake, select.POLLIN)
        if not self._drained and not self._output.blocked:
            poll.register(self._pipe, select.POLLIN)
        due = self._due()
        poll.poll(None if due is None else max(0.0, due - time.monotonic()) * 1000 + 1)
        self._signals.drain()
        # First who ended, then what is in the pipe: of a process that is gone, all is in it that it will ever print.
        self._reap()
        self._read()
        now = time.monotonic()
        self._output.tick(now)
        self._decide(now)

    def _due(self) -> float | None:
        if self._alone and not self._output.blocked:
            return 0.0
        times = [self._output.due()]
        if not self._alone:
            times.append(self._kill_at)
        if not self._why and self._spec.timeout is not None:
            times.append(self._begin + self._spec.timeout)
        return min((at for at in times if at is not None), default=None)

    def _reap(self) -> None:
        try:
            for pid, status in children.reap():
                if pid == self._command:
                    self._status = status
        except ChildProcessError:
            self._alone = True

    def _read(self) -> None:
        """Read what is there, at most as much as keeps signals and times in sight; all of it once nobody can write."""
        for _ in range(16):
            if self._drained or self._output.blocked:
                return
            try:
                data = os.read(self._pipe, CHUNK)
            except BlockingIOError:
                if not self._alone:
                    return
                data = b""  # who holds the other end now is no descendant
            self._drained = not data
            masked = self._masker.feed(data) if data else self._masker.end()
            self._output.write(masked, time.monotonic())

    def _decide(self, now: float) -> None:
        if not self._why:
            self._judge(now)
        if self._kill_at is None or self._alone or now < self._kill_at:
            return
        left = children.kill_all()
        self._kill_at = now + KILL_AGAIN
        if left and now >= self._patience_ends:
            self._message = f"{left} of the processes that were started could not be ended"
            self._alone = True

    def _judge(self, now: float) -> None:
        """Whether the command has ended, or is to be ended now, and why."""
        if self._output.error:
            self._end("error", self._spec.grace, now)
        elif self._status is not None:
            self._end("signal" if os.WIFSIGNALED(self._status) else "exit", min(self._spec.grace, LEFT_BEHIND), now)
        elif self._signals.cancelled:
            self._end("cancelled", self._spec.grace, now)
        elif self._spec.timeout is not None and now >= self._begin + self._spec.timeout:
            self._message = f"not done after {self._spec.timeout:g} s"
            self._end("timeout", self._spec.grace, now)

    def _end(self, why: str, grace: float, now: float) -> None:
        """End all that lives: SIGTERM now, SIGKILL after the grace."""
        self._why = why
        if self._output.blocked and self._status is None:
            self._output.give_up()  # who is being ended shall not wait for the disk
        if not self._alone:
            children.terminate_all()
            self._kill_at = now + grace
            self._patience_ends = self._kill_at + KILL_PATIENCE

    def _write_exit(self) -> None:
        """Raises OSError: the folder is gone, or the disk was full from beginning to end."""
        until = time.monotonic() + self._spec.disk_wait
        while True:
            try:
                return self._exit.write(self._record())
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT) or time.monotonic() >= until:
                    raise
            time.sleep(RETRY)

    def _record(self) -> dict[str, object]:
        why = "error" if self._output.error and self._why in ("exit", "signal") else self._why
        message = "; ".join(part for part in (self._message, self._output.error or self._output.note) if part)
        message = masked(message, self._spec.secrets)
        status = self._status
        return {
            "why": why,
            "status": os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None,
            "signal": os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None,
            "message": message[:MESSAGE],
            "bytes": self._output.size,
            "seconds": round(time.monotonic() - self._begin, 3),
            "at": round(time.time(), 3),
        }
