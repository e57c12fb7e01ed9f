"""Readers that never read cost the server no memory, and the others hear all the same.

The load clients are those of the benchmarks. `make torture` runs the full size, which takes about ten minutes.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from statistics import median

import pytest

from benchmarks.slow import GROWTH_AIM_KIB, KIB, PATIENCE_AIM, Size, run_once

FULL = os.environ.get("LIVEWALL_TORTURE") == "1"
SMALL = Size(readers=100, others=5, ballots=500, tallies=300, ballot_rate=500, marker_rate=20, most_seconds=40)

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="the load clients are compiled with gcc")


def test_readers_that_never_read_are_left_behind_and_cost_no_memory() -> None:
    size = Size() if FULL else SMALL
    mute = run_once(size, "mute")
    reading = run_once(replace(size, ballot_rate=max(100, size.ballot_rate // 4)), "reading")
    assert mute.tallies >= size.tallies and mute.ballots >= size.ballots, f"the server did not keep up: {mute}"
    assert mute.behind == size.readers
    assert mute.growth - reading.growth < GROWTH_AIM_KIB * KIB, f"{mute}, {reading}"


@pytest.mark.skipif(not FULL, reason="a latency needs minutes and a quiet machine: make torture")
def test_readers_that_never_read_do_not_keep_the_others_waiting() -> None:
    size = Size()
    mute, absent = [], []
    for _ in range(5):
        mute.append(run_once(size, "mute").p99_after_ms)
        absent.append(run_once(size, "absent").p99_ms)
    assert median(mute) <= PATIENCE_AIM * median(absent), f"{mute}, {absent}"
