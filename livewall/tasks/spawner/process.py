"""The server's side of the spawner: start it, ask it for supervisors, and start another one if it is killed."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from livewall.settings import environment_with
from livewall.tasks.spawner.process_name import ROOM

_PROGRAM = Path(__file__).resolve().parent
TRIES = 2


class Spawner:
    """A spawner that runs from the first attempt on. It may be used by several threads; the calls block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def spawn(self, folder: Path, spec: bytes) -> int:
        """Start the supervisor of the attempt in `folder`, and return a pidfd of it, which the caller must close.

        Raises OSError.
        """
        with self._lock:
            for left in reversed(range(TRIES)):
                try:
                    return self._spawn(folder, spec)
                except (BrokenPipeError, ConnectionError, EOFError):  # it was killed, before it took the message
                    self._close()
                    if not left:
                        raise OSError(None, "the process that makes supervisors does not run") from None
        raise AssertionError("unreachable")

    def _spawn(self, folder: Path, spec: bytes) -> int:
        control = self._running()
        read_end, write_end = os.pipe2(os.O_CLOEXEC)
        try:
            socket.send_fds(control, [os.fsencode(folder)], [read_end])
        except BaseException:
            os.close(write_end)
            raise
        finally:
            os.close(read_end)
        with open(write_end, "wb") as pipe, contextlib.suppress(BrokenPipeError):  # `probe` finds out why it has ended
            pipe.write(spec)
        answer, descriptors, _, _ = socket.recv_fds(control, 4096, 1)
        if not answer:
            raise EOFError
        if not descriptors:
            raise OSError(None, answer.decode(errors="replace"))
        return descriptors[0]

    def _running(self) -> socket.socket:
        if self._control is None:
            mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with its:
                # A Python outside the system's folders may need LD_LIBRARY_PATH to start; nothing else is passed on.
                self._process = subprocess.Popen(
                    [sys.executable, "-E", "-S", str(_PROGRAM), " " * ROOM],
                    stdin=its.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=environment_with("LD_LIBRARY_PATH"),
                    cwd="/",
                    close_fds=True,
                    start_new_session=True,
                )
            self._control = mine
        return self._control

    def close(self) -> None:
        """End the spawner. Supervisors go on."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.wait()
            self._process = None
