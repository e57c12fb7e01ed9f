"""A step whose disk is full: it waits, and goes on or ends, and either is said."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import time
from pathlib import Path

import pytest
from attempts import Bench, until
from missing import missing


def mounted(folder, kind, options=""):
    """A bench on a disk of its own."""
    status = Path("/proc/self/status").read_text().splitlines()
    allowed = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff"))
    if not allowed >> 21 & 1:  # CAP_SYS_ADMIN
        pytest.skip("a disk can be mounted by root only")
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(kind.encode(), bytes(folder), kind.encode(), 0, options.encode()):
        missing(f"no {kind} can be mounted here: {os.strerror(ctypes.get_errno())}")
    try:
        made = Bench(folder)
        yield made
        made.close()
    finally:
        assert libc.umount2(bytes(folder), 2) == 0


@pytest.fixture
def bench(tmp_path):
    """On 4 MB."""
    yield from mounted(tmp_path / "disk", "tmpfs", "size=4m")


@pytest.fixture
def without_holes(tmp_path):
    """On a file system that cannot make holes."""
    yield from mounted(tmp_path / "ramfs", "ramfs")


FILL = "import sys\nfor n in range(0, 8 << 20, 16): sys.stdout.write('%15d\\n' % n)\nsys.stdout.flush()\n"


def test_a_disk_that_stays_full_ends_the_step_and_says_so(bench):
    script = FILL + "open('done', 'w').close()"
    end, output = bench.python(script, disk_wait=1.2, timeout=30.0)
    assert (end.why, end.message) == ("error", "the disk is full")
    assert 1.2 <= end.seconds < 15
    assert output == b"".join(b"%15d\n" % n for n in range(0, len(output) + 15, 16))[: len(output)]
    assert len(output) > 1 << 20
    assert not (bench.work / "done").exists()


def test_a_step_waits_for_a_full_disk_and_goes_on(bench):
    ballast = bench.folder / "ballast"
    ballast.write_bytes(bytes(3 << 20))
    attempt = bench.start(sys.executable, "-c", FILL, cap=1 << 19, disk_wait=30.0)
    filled = until(lambda: attempt.output.exists() and (size := attempt.output.stat().st_size) > 1 << 19 and size)
    assert filled < 2 << 20
    until(lambda: shutil.disk_usage(bench.folder).free < 4096)
    ballast.unlink()
    end, output = bench.end(attempt)
    assert (end.why, end.status, end.bytes) == ("exit", 0, 8 << 20)
    assert output.endswith(b"%15d\n" % ((8 << 20) - 16))


def test_a_cancel_does_not_wait_for_a_full_disk(bench):
    attempt = bench.start(sys.executable, "-c", FILL, disk_wait=30.0, grace=10.0)
    until(lambda: shutil.disk_usage(bench.folder).free < 4096)
    attempt.cancel()
    end, _ = bench.end(attempt)
    assert (end.why, end.message) == ("cancelled", "the disk is full")
    assert end.seconds < 10


def test_on_a_disk_that_is_full_already_nothing_is_started(bench):
    attempt = bench.attempt()
    ballast = bench.folder / "ballast"
    with pytest.raises(OSError, match="No space"), ballast.open("wb") as file:
        file.write(bytes(8 << 20))
    bench.start("touch", "ran", attempt=attempt, disk_wait=20.0)
    until(lambda: (attempt.folder / "exit.new").exists())
    time.sleep(0.1)  # it looks for room by then
    ballast.unlink()
    end, _ = bench.end(attempt)
    assert (end.why, end.message) == ("error", "the disk is full")
    assert not (bench.work / "ran").exists()


def test_where_no_hole_can_be_made_the_output_ends_at_the_cap_and_the_end_says_so(without_holes):
    end, output = without_holes.python(FILL + "sys.exit(5)", cap=3_000_001)
    assert (end.why, end.status, end.bytes) == ("exit", 5, 3_000_001)
    assert output == b"".join(b"%15d\n" % n for n in range(0, 3_000_016, 16))[:3_000_001]
    assert end.message.startswith("the output beyond 3000001 bytes was left out")
    end, output = without_holes.run("echo", "short")
    assert (end.message, output) == ("", b"short\n")
