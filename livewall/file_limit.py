"""The limit of open files: each connection is one, and a process is usually given 1,024."""

from __future__ import annotations

import os
import resource

MAX_FILES = 1 << 17
RESERVE = 64
"""Files reserved for the databases, the logs and files that are read."""
RESERVE_FOR_A_TASK = 8
"""Files that the start and the following of one step take: pipes, its log, a descriptor of its supervisor."""


def raise_file_limit() -> int:
    """Raise the limit of open files as far as the system allows; return the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return MAX_FILES if soft == resource.RLIM_INFINITY else soft


def most_connections(files: int, in_use: int, workers: int) -> int:
    """Return how many connections a process may have that may open `files`, has `in_use` open, and runs `workers`
    tasks."""
    reserve = min(RESERVE + RESERVE_FOR_A_TASK * workers, files // 2)
    return max(1, files - in_use - reserve)


def connections_allowed(workers: int) -> int:
    """Return `most_connections` for this process as it is now."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MAX_FILES if soft == resource.RLIM_INFINITY else soft
    return most_connections(files, len(os.listdir("/proc/self/fd")), workers)
