"""What is measured: CPU from the scheduler's nanosecond counters, memory, and on which core a process runs."""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

SERVER_CORE = 0
CLIENT_CORE = 1


def pinned(core: int | None) -> Callable[[], None] | None:
    """A `preexec_fn` that keeps a child on one core; None leaves it free."""
    if core is None or core not in os.sched_getaffinity(0):
        return None
    return lambda: os.sched_setaffinity(0, {core})


def cpu_ns(pid: int) -> int:
    """Nanoseconds on a core, summed over the threads that live; the kernel's share of its system calls included."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that just ended
            total += int((thread / "schedstat").read_text().split()[0])
    return total


def rss_bytes(pid: int) -> int:
    """Resident memory, exact where the kernel offers the roll-up."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"no Rss in smaps_rollup of {pid}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def load_average() -> float:
    return os.getloadavg()[0]


def wait_for_port(port: int, child: subprocess.Popen[bytes] | subprocess.Popen[str], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if child.poll() is not None:
            raise RuntimeError(f"{child.args!r} ended with {child.returncode} before it listened")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"{child.args!r} does not listen on {port}")


def facts() -> str:
    """One line on the machine, to stand beside the figures."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    import tornado

    system = f"{len(os.sched_getaffinity(0))} cores, Linux {platform.release()}"
    return f"{model}, {system}, Python {platform.python_version()}, Tornado {tornado.version}"
