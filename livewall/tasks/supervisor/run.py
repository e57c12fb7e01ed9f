"""One attempt of a step, from its specification to its exit file: one loop over the output and the signals.

The cause of the end is `exit` or `signal` if the command ended by itself, `timeout` or `cancelled` if it was ended, and
`error` if it could not be started or its output could not be written. Times are monotonic, so that setting the clock
does not trigger a timeout.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NoReturn

from livewall.tasks.supervisor import children
from livewall.tasks.supervisor.folder import BEGAN, MAX_MESSAGE, VALUES, ExitFile, Folder
from livewall.tasks.supervisor.mask import Masker, masked
from livewall.tasks.supervisor.output import FULL, RETRY_SECONDS, Output
from livewall.tasks.supervisor.system import become_subreaper

ORPHAN_GRACE = 2.0
"""The longest grace period, in seconds, for processes that a command left behind when it ended by itself."""
KILL_INTERVAL = 0.05
"""Seconds between two rounds of SIGKILL."""
KILL_TIMEOUT = 30.0
"""Seconds after which processes that survive SIGKILL are given up: another user's, or one blocked in the kernel."""
READ_BYTES = 1 << 16
MAX_RESTARTS = 5
RESTART_PAUSE = 0.5
"""Seconds before a command is run again that a signal of somebody else has ended; they double each time."""


RunProgram = Callable[[str, Mapping[bytes, bytes]], NoReturn]
"""Runs a program of Livewall, with this environment, in a process that was forked for it."""


def main(path: str, run_program: RunProgram | None = None) -> None:
    """Run the attempt of this folder, unless it was claimed before, and exit.

    The programs of Livewall run in a fork if `run_program` is given, without an interpreter of their own.
    """
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    try:
        # Read the whole specification before the claim: a server that died while writing it has started nothing.
        with open(0, "rb", closefd=False) as stdin:
            spec = Spec(stdin.read())
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.chdir("/")
        folder = Folder(path)
        signals = Signals()  # before the lock, because the server sends SIGTERM to whoever holds it
        if folder.claim(again=spec.replay or spec.again):
            Run(spec, folder, signals, run_program).run()
    except (OSError, ValueError):
        os._exit(1)  # no valid specification, or the folder is gone; the server finds out by probing the folder
    os._exit(0)


class Spec:
    """What to run, as the server wrote it; see `livewall.tasks.attempt.Spec`."""

    def __init__(self, text: bytes) -> None:
        fields = json.loads(text)
        self.argv: list[str] = fields["argv"]
        self.cwd: str = fields["cwd"]
        self.env: dict[str, str] = fields["env"]
        self.names: tuple[str | None, str | None] = fields["program"], fields["folder"]
        self.umask: int | None = fields.get("umask")
        self.secrets: list[str] = fields["secrets"]
        self.timeout: float | None = fields["timeout"]
        self.grace: float = fields["grace"]
        self.cap: int = fields["cap"]
        self.disk_wait: float = fields["disk_wait"]
        self.builtin: str | None = fields.get("builtin")
        self.replay: bool = fields.get("replay", False)
        self.again: bool = fields.get("again", False)


class Signals:
    """The signals of the supervisor: SIGTERM and SIGCHLD wake the loop through a pipe, and the others are ignored."""

    def __init__(self) -> None:
        self.cancelled = False
        self.wakeup, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._cancel)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def _cancel(self, *_: object) -> None:
        self.cancelled = True

    def drain(self) -> None:
        """Empty the pipe."""
        try:
            os.read(self.wakeup, 4096)
        except BlockingIOError:
            pass


class Run:
    """The attempt under way."""

    def __init__(self, spec: Spec, folder: Folder, signals: Signals, run_program: RunProgram | None = None) -> None:
        self._spec = spec
        self._run_program = run_program
        self._folder = folder
        self._signals = signals
        self._exit = ExitFile(folder)
        os.close(folder.create(VALUES))  # made here, because the step's own umask might let others read it
        self._masker = self._new_masker()
        self._output = Output(folder, spec.cap, spec.disk_wait)
        self._pipe = -1
        self._give_up_at = 0.0
        self._begin = self._time_begun()
        self._cause = ""
        """The cause of the end; empty while the command runs and is not being ended."""
        self._message = ""
        self._command = 0
        self._status: int | None = None
        """The command's wait status."""
        self._kill_at: float | None = None
        """When to send SIGKILL; None before SIGTERM was sent."""
        self._all_ended = False
        """Whether no descendant is left, or only ones that cannot be ended."""
        self._drained = False
        """Whether the pipe has been read to its end."""
        self._repeats = spec.replay or spec.again
        self._held = self._repeats
        """Whether the masker may hold the last bytes: they are not decided while the command may be run again."""
        self._restarts = 0
        self._restart_at: float | None = None
        """When to run the command again; None while it runs, or has ended for good."""

    def run(self) -> None:
        """Run the command and write the exit file, whatever happens. Raises OSError if the file cannot be written."""
        try:
            if not self._exit.reserve():
                self._cause, self._message = "error", FULL
            elif self._signals.cancelled and not self._folder.resumed:
                self._cause = "cancelled"
            else:
                become_subreaper()
                if self._folder.resumed:
                    self._continue_output()
                if self._start():
                    while not self._is_over():
                        self._run_once()
        except Exception as error:  # a bug here must neither leave the command running nor the attempt without a result
            self._cause, self._message = "error", f"the supervisor failed: {type(error).__name__}: {error}"
            children.kill_all()
        self._output.close()
        self._write_exit()

    def _is_over(self) -> bool:
        ended = self._all_ended and self._drained and not self._output.blocked
        return ended and self._restart_at is None and not self._held

    def _new_masker(self) -> Masker:
        return Masker([secret.encode(errors="surrogateescape") for secret in self._spec.secrets])

    def _time_begun(self) -> float:
        """Return when the first supervisor began, because the timeout is that of the attempt."""
        now = time.monotonic()
        if not (self._spec.replay or self._spec.again):
            return now
        boot = ""
        with suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
        then, _, seconds = self._folder.read_at(BEGAN, 0, 200).decode().partition(" ")
        if self._folder.resumed and then == boot:
            return float(seconds)
        began = self._folder.create(BEGAN)
        os.write(began, f"{boot} {now}".encode())
        os.close(began)
        return now

    def _continue_output(self) -> None:
        """Prepare the log for a command that is run again."""
        if self._spec.replay:
            self._output.replay()
        else:
            now = time.monotonic()
            self._output.write(self._masker.end(), now)
            self._output.begin_line(now)
        self._masker = self._new_masker()

    def _start(self) -> bool:
        self._pipe, write = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._pipe, False)
        run_program, builtin = self._run_program, self._spec.builtin
        try:
            self._command = children.start(
                self._spec.argv,
                self._spec.cwd,
                self._spec.env,
                write,
                self._spec.names,
                self._spec.umask,
                (signal.SIGTERM,) if self._repeats else (),
                None if run_program is None or builtin is None else lambda env: run_program(builtin, env),
            )
        except children.CannotStart as error:
            self._cause, self._message = "error", str(error)
            return False
        finally:
            os.close(write)
        return True

    def _run_once(self) -> None:
        """Wait for the next event or deadline, and handle it."""
        poll = select.poll()
        poll.register(self._signals.wakeup, select.POLLIN)
        if not self._drained and not self._output.blocked:
            poll.register(self._pipe, select.POLLIN)
        deadline = self._next_deadline()
        poll.poll(None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000 + 1)
        self._signals.drain()
        # Reap before reading: once a process has ended, all of its output is in the pipe.
        self._reap()
        self._read()
        now = time.monotonic()
        self._output.tick(now)
        self._end_processes(now)
        if self._held and self._drained and self._cause and self._restart_at is None:
            self._held = False
            self._output.write(self._masker.end(), now)

    def _next_deadline(self) -> float | None:
        if self._all_ended and not self._output.blocked and self._restart_at is None:
            return 0.0
        if self._signals.cancelled and not self._cause:
            return 0.0  # the signal came before the command was started again
        times = [self._output.next_tick(), self._restart_at]
        if not self._all_ended:
            times.append(self._kill_at)
        if not self._cause and self._spec.timeout is not None:
            times.append(self._begin + self._spec.timeout)
        return min((at for at in times if at is not None), default=None)

    def _reap(self) -> None:
        try:
            for pid, status in children.reap():
                if pid == self._command:
                    self._status = status
        except ChildProcessError:
            self._all_ended = True

    def _read(self) -> None:
        """Read what the pipe holds, but return often enough to handle signals and deadlines."""
        for _ in range(16):
            if self._drained or self._output.blocked:
                return
            try:
                data = os.read(self._pipe, READ_BYTES)
            except BlockingIOError:
                if not self._all_ended:
                    return
                data = b""  # a process that is no descendant holds the pipe open; do not wait for it
            self._drained = not data
            if data or not self._held:
                masked = self._masker.feed(data) if data else self._masker.end()
                self._output.write(masked, time.monotonic())

    def _end_processes(self, now: float) -> None:
        if not self._cause:
            self._check_for_end(now)
        elif self._repeats:
            self._end_again(now)
        if self._kill_at is None or self._all_ended or now < self._kill_at:
            return
        remaining = children.kill_all()
        self._kill_at = now + KILL_INTERVAL
        if remaining and now >= self._give_up_at:
            self._message = f"{remaining} of the processes that were started could not be ended"
            self._all_ended = True

    def _check_for_end(self, now: float) -> None:
        """Determine whether the command has ended or must be ended now, and the cause."""
        if self._output.error:
            self._end("error", self._spec.grace, now)
        elif self._restart_at is not None:
            self._restart(now)
        elif self._status is not None and self._repeats and self._restarts < MAX_RESTARTS and self._was_killed():
            children.kill_all()
            self._restart_at = now + RESTART_PAUSE * 2**self._restarts
            self._status = None
        elif self._status is not None:
            self._end("signal" if os.WIFSIGNALED(self._status) else "exit", min(self._spec.grace, ORPHAN_GRACE), now)
        elif self._signals.cancelled:
            self._end("cancelled", self._spec.grace, now)
        elif self._spec.timeout is not None and now >= self._begin + self._spec.timeout:
            self._message = f"not finished after {self._spec.timeout:g} s"
            self._end("timeout", self._spec.grace, now)

    def _end_again(self, now: float) -> None:
        """Run a command again that somebody has killed while it was being ended: only it can end what it follows."""
        if self._kill_at is None or now >= self._kill_at or self._cause not in ("cancelled", "timeout"):
            self._restart_at = None
        elif self._restart_at is not None:
            if self._restart(now):
                children.terminate_all()
        elif self._restarts < MAX_RESTARTS and self._was_killed():
            children.kill_all()
            self._restart_at = now
            self._status = None

    def _was_killed(self) -> bool:
        """Whether a signal has ended the command. It was somebody else's: no cause is set yet."""
        return self._status is not None and os.WIFSIGNALED(self._status)

    def _restart(self, now: float) -> bool:
        """Run the command again when it is time; return whether it runs. One that is to be ended as well: only it can
        end what it follows."""
        assert self._restart_at is not None
        late = self._spec.timeout is not None and now >= self._begin + self._spec.timeout
        if not (self._all_ended and self._drained) or (
            now < self._restart_at and not self._signals.cancelled and not late
        ):
            return False
        os.close(self._pipe)
        self._restarts += 1
        self._restart_at = None
        self._all_ended = self._drained = False
        self._continue_output()
        if self._start():
            return True
        self._all_ended = self._drained = True
        return False

    def _end(self, cause: str, grace: float, now: float) -> None:
        """End all processes: SIGTERM now, SIGKILL after the grace period."""
        self._cause = cause
        self._restart_at = None
        if self._output.blocked and self._status is None:
            self._output.give_up()  # ending the command must not wait for the disk
        if not self._all_ended:
            children.terminate_all()
            self._kill_at = now + grace
            self._give_up_at = self._kill_at + KILL_TIMEOUT

    def _write_exit(self) -> None:
        """Write the exit file. Raises OSError if the folder is gone, or the disk was full all the time."""
        until = time.monotonic() + self._spec.disk_wait
        while True:
            try:
                return self._exit.write(self._record())
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT) or time.monotonic() >= until:
                    raise
            time.sleep(RETRY_SECONDS)

    def _record(self) -> dict[str, object]:
        cause = "error" if self._output.error and self._cause in ("exit", "signal") else self._cause
        message = "; ".join(part for part in (self._message, self._output.error or self._output.note) if part)
        message = masked(message, self._spec.secrets)
        status = self._status
        return {
            "why": cause,
            "status": os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None,
            "signal": os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None,
            "message": message[:MAX_MESSAGE],
            "bytes": self._output.size,
            "seconds": round(time.monotonic() - self._begin, 3),
            "at": round(time.time(), 3),
        }
