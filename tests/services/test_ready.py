"""`/readyz` says no while the disk is full, and yes again by itself."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from child_server import Server

pytest_plugins = "server_fixtures"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    where = tmp_path / "home"
    where.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(where)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield where
    subprocess.run(["umount", "--lazy", str(where)], check=True)


def test_a_full_disk_takes_no_work(small_disk: Path, new_server: Callable[..., Server]) -> None:
    server = new_server()
    server.expected += ["the database refused", "unavailable"]
    server.start()
    assert server.readiness() == 200
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    assert server.readiness() == 503
    filler.unlink()
    assert server.readiness() == 200
    server.poll()
