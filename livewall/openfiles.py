"""Each connection is an open file, of which a process is usually given 1,024."""

from __future__ import annotations

import resource

MOST_FILES = 1 << 17


def allow_many_connections() -> int:
    """Take what the system allows; how many files that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return MOST_FILES if soft == resource.RLIM_INFINITY else soft
