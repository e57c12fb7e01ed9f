"""The duty of process 1 in a container: it becomes the parent of every orphan and must reap it.

If this program is process 1, it continues in a child process, so that no exit status is taken from a process that the
program itself has started. The parent only passes signals on and reaps.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import NoReturn

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
BY_KERNEL = 1  # si_code from here on up: sent by the terminal to the whole group, including the child


def be_process_one() -> None:
    """Return at once if this is not process 1. Otherwise return in a child; the parent ends as that child does.

    Must be called before there are threads.
    """
    if os.getpid() != 1:
        return
    wanted = (*PASSED_ON, signal.SIGCHLD)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    child = os.fork()
    if child:
        _reap_until_ended(child, wanted)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _reap_until_ended(child: int, wanted: tuple[signal.Signals, ...]) -> NoReturn:
    while True:
        received = signal.sigwaitinfo(wanted)
        if received.si_signo != signal.SIGCHLD:
            if received.si_code < BY_KERNEL:
                with suppress(ProcessLookupError):
                    os.kill(child, received.si_signo)
            continue
        status = _reap(child)
        if status is not None:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _reap(child: int) -> int | None:
    """Reap all children that have ended; return the wait status of `child` if it is among them."""
    status = None
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                status = ended[1]
    return status
