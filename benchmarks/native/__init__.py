"""The two C programs, compiled when they are first needed: `floor` (the peer) and `load` (the clients)."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@cache
def scratch() -> Path:
    """A folder that lasts as long as this process."""
    folder = Path(tempfile.mkdtemp(prefix="livewall-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def program(name: str) -> Path:
    """The compiled program; needs gcc."""
    if shutil.which("gcc") is None:
        raise RuntimeError("the benchmarks compile two small C programs: install gcc")
    built = scratch() / name
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", str(built), str(HERE / f"{name}.c")], check=True)
    return built
