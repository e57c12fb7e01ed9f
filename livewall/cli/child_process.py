"""Runs a command as a child process: forwards its output and signals, and ends it with all its descendants.

The child stays in this process group, so the terminal treats both as one job: Ctrl-C and Ctrl-Z reach it directly, and
it may read from the terminal. Signals that only this process gets (`kill`) are forwarded.
"""

from __future__ import annotations

import ctypes
import fcntl
import math
import os
import select
import signal
import subprocess
import termios
import threading
import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from livewall.settings import environment_without_token

FORWARDED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
ENDED_SIGNAL = (
    signal.SIGRTMIN
)  # sent to this process itself when the command has ended; the kernel delivers it after those above
SI_KERNEL = 1  # si_code of this value or above: the terminal sent the signal to the whole group
READ_BYTES = 64 << 10
OUTPUT_GRACE = 0.3  # seconds for which processes that the command left behind may hold its output open
IDLE_INTERVAL = 5.0  # seconds between two attempts to reap children, if nothing else happens
ENDING_INTERVAL = 0.1  # seconds between two checks for living descendants while the command is being ended


class Child:
    """A running command. The main thread must make it and wait for it, before it starts other threads."""

    def __init__(self, command: Sequence[str], on_output: Callable[[bytes], None]) -> None:
        """Start the command; `on_output` gets everything it prints, in order.

        Raises OSError if it cannot be started.
        """
        self._on_output = on_output
        self._command_ended = False
        self._on_late_signal: Callable[[], None] = lambda: None
        self._stop, self._stopped = os.pipe()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, self._signals())
        one, two = os.pipe(), os.pipe()
        if same_file(1, 2):  # one pipe for both keeps the order of what is printed
            for end in two:
                os.close(end)
            two = one
        self._pipes = {one[0]: 1, two[0]: 1 if two is one else 2}
        become_subreaper()
        try:
            self.process = subprocess.Popen(
                command,
                stdout=one[1],
                stderr=two[1],
                env=environment_without_token(),
                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before),
            )
        except OSError:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            raise
        finally:
            for end in {one[1], two[1]}:
                os.close(end)
        self._pidfd = os.pidfd_open(self.process.pid)
        threading.Thread(target=self._forward_signals, name="signals", daemon=True).start()

    @staticmethod
    def _signals() -> list[signal.Signals]:
        """Return the signals to forward, without those that are ignored, for example by `nohup`."""
        return [number for number in FORWARDED_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN] + [
            ENDED_SIGNAL
        ]

    def on_late_signal(self, callback: Callable[[], None]) -> None:
        """Set the callback for signals that arrive after the command has ended.

        A Ctrl-C that ended the command does not count as late, even if it is delivered afterwards.
        """
        self._on_late_signal = callback

    def cancel(self) -> None:
        """End the command. It may be called from any thread."""
        os.write(self._stopped, b"c")

    def wait(self, grace: float) -> int:
        """Wait for the command; return its exit status as a shell does: 128 plus the number of a signal that ended it.

        After `cancel`, the command and its descendants have `grace` seconds between SIGTERM and SIGKILL.
        """
        kill_at = math.inf
        output_deadline = math.inf
        unread: dict[int, int] = {}
        terminated = False
        poll = select.poll()
        for fd in (self._pidfd, self._stop, *self._pipes):
            poll.register(fd, select.POLLIN)
        while True:
            now = time.monotonic()
            living = descendants() if terminated else []
            if now >= kill_at:
                send_signals(living, signal.SIGKILL)
            printed = not self._pipes or (now >= output_deadline and not any(unread.values()))
            if self._command_ended and printed and not living:
                break
            self._reap()
            ready = poll.poll(1000 * (ENDING_INTERVAL if terminated or self._command_ended else IDLE_INTERVAL))
            for fd, _ in ready:
                if fd == self._stop:
                    poll.unregister(fd)
                    terminated, kill_at = True, time.monotonic() + grace
                    send_signals(descendants(), signal.SIGTERM, signal.SIGCONT)
                elif fd == self._pidfd:
                    poll.unregister(fd)
                    self._reap()
                    os.kill(os.getpid(), ENDED_SIGNAL)
                    self._command_ended, output_deadline = True, time.monotonic() + OUTPUT_GRACE
                    unread = {way: bytes_available(way) for way in self._pipes}
                else:
                    count = self._forward_output(fd)
                    unread[fd] = max(0, unread.get(fd, 0) - count)
                    if not count:
                        poll.unregister(fd)
                        os.close(fd)
                        del self._pipes[fd], unread[fd]
        status = self.process.returncode
        return status if status >= 0 else 128 - status

    def _reap(self) -> None:
        """Reap the command, and processes that it left behind, which are children of this subreaper."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self.process.pid:
                    self.process.returncode = os.waitstatus_to_exitcode(ended[1])

    def _forward_output(self, fd: int) -> int:
        """Forward output; return the number of bytes, or 0 at the end.

        If the reader of this process's output is gone, the pipe is closed, so that the command gets SIGPIPE as usual.
        """
        data = os.read(fd, READ_BYTES)
        if not data:
            return 0
        self._on_output(data)
        try:
            write_all(self._pipes[fd], data)
        except OSError:
            return 0
        return len(data)

    def _forward_signals(self) -> None:
        signals = self._signals()
        ended = False
        while True:
            received = signal.sigwaitinfo(signals)
            if received.si_signo == ENDED_SIGNAL:
                ended = True
            elif ended:
                self._on_late_signal()
            elif received.si_code < SI_KERNEL:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._pidfd, received.si_signo)


def bytes_available(pipe: int) -> int:
    """Return how many bytes can be read from a pipe now."""
    count = array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:  # another process that shares it made it non-blocking
            select.select([], [fd], [])


def same_file(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:
        return False


def become_subreaper() -> None:
    """Let orphaned descendants become children of this process, even from sessions of their own."""
    pr_set_child_subreaper = 36
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def descendants() -> list[int]:
    """Return the living descendants of this process, parents first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            state, parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
        except OSError:  # it has ended
            continue
        if state not in "ZX":
            children.setdefault(int(parent), []).append(int(entry.name))
    pids = [os.getpid()]
    for pid in pids:
        pids += children.get(pid, [])
    return pids[1:]


def send_signals(pids: Sequence[int], *numbers: signal.Signals) -> None:
    for pid in pids:
        for number in numbers:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
