"""A wall clock that tests set while a server runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
static volatile long long *step;
static int (*told)(clockid_t, struct timespec *);
__attribute__((constructor)) static void begin(void) {
    told = dlsym(RTLD_NEXT, "clock_gettime");
    step = mmap(0, 8, PROT_READ, MAP_SHARED, open(getenv("TEST_CLOCK"), O_RDONLY | O_CLOEXEC), 0);
}
int clock_gettime(clockid_t which, struct timespec *now) {
    int failed = told(which, now);
    if (!failed && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += *step;
    return failed;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec t;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &t);
    now->tv_sec = t.tv_sec; now->tv_usec = t.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *now) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (now) *now = t.tv_sec;
    return t.tv_sec;
}
"""


class Clock:
    """The wall clock as a server sees it, to be set while it runs: a few lines of C between it and the kernel."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("gcc") is None:
            pytest.skip("the clock is compiled with gcc")
        source, library, self._file = folder / "clock.c", folder / "clock.so", folder / "clock"
        source.write_text(CLOCK)
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        self.set(0)
        self.prefix = ["env", f"LD_PRELOAD={library}", f"TEST_CLOCK={self._file}"]

    def set(self, seconds: int) -> None:
        with open(self._file, "r+b" if self._file.exists() else "wb") as file:
            file.write(seconds.to_bytes(8, sys.byteorder, signed=True))
