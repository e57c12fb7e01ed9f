"""The spawner itself: it forks a supervisor for each message of the server, and sends a pidfd back."""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn

from livewall.settings import replace_environment
from livewall.tasks import programs
from livewall.tasks.spawner.process_name import name_process
from livewall.tasks.supervisor.run import main

LONGEST_MESSAGE = 1 << 16
NICENESS = 5
"""By how much the priority of steps is lower than that of the server: whoever votes must not notice a build."""


def serve() -> None:
    """Make supervisors until the server closes its end of the socket.

    A message is the folder of an attempt, with a descriptor from which its specification can be read. The answer is a
    pidfd of the supervisor (with "ok"), or the reason why there is none.
    """
    control = socket.socket(fileno=os.dup(0))
    for name in (*programs.STANDARD_ONLY, "reporting"):
        importlib.import_module(f"livewall.tasks.programs.{name}")
    wakeup, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # A supervisor that is asked to end something at once must not die of it before it can.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with suppress(OSError):
        os.nice(NICENESS)
    gc.collect()
    gc.freeze()  # otherwise a collection in a child would copy every page
    while True:
        ready, _, _ = select.select([control.fileno(), wakeup], [], [])
        if wakeup in ready:
            os.read(wakeup, 4096)
            _reap()
        if control.fileno() in ready:
            message, descriptors, _, _ = socket.recv_fds(control, LONGEST_MESSAGE, 1)
            if not message:
                return
            _spawn(control, os.fsdecode(message), descriptors[0])


def _spawn(control: socket.socket, folder: str, spec: int) -> None:
    try:
        pid = os.fork()
    except OSError as error:
        control.send((error.strerror or "").encode())
        return
    if pid == 0:
        _supervise(folder, spec)
    process = os.pidfd_open(pid)  # nobody reaps the child before this process does
    socket.send_fds(control, [b"ok"], [process])
    os.close(process)
    os.close(spec)


def _supervise(folder: str, spec: int) -> NoReturn:
    """In the child: become the supervisor of an attempt."""
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(spec, 0)
        name_process("livewall supervisor", folder)
        main(folder, run_program)
    finally:
        os._exit(1)


def run_program(name: str, environment: Mapping[bytes, bytes]) -> NoReturn:
    """In a child of a supervisor: run a program of Livewall, and exit as it does."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        name_process("livewall", name)
        replace_environment(environment)
        programs.main(name)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        import traceback

        with suppress(OSError):
            traceback.print_exc()
    finally:
        os._exit(status)


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
