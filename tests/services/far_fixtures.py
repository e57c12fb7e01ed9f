"""An OpenSSH server and the attempts of one task on it, for the tests of steps on hosts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from far_steps import Far
from sshd import Sshd, need_sshd


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A server whose host key is known."""
    need_sshd()
    with Sshd(tmp_path) as server:
        server.learn()
        yield server


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    made = Far(tmp_path)
    yield made
    made.close()


@pytest.fixture
def ordinary_user() -> Iterator[str]:
    """A user that is made for the test, where this is root."""
    if os.getuid() != 0:
        pytest.skip("only root can make another user: this test runs as an ordinary one already")
    if not os.access("/usr/bin/python3", os.X_OK):
        pytest.skip("an ordinary user may not be able to run this Python, and there is no other")
    name = f"lw-{os.getpid()}"
    folder = Path("/tmp") / name
    subprocess.run(
        ["useradd", "-M", "-d", str(folder), "-s", "/bin/sh", "-p", "*", name], check=True, capture_output=True
    )
    try:
        folder.mkdir(mode=0o755)
        yield name
    finally:
        subprocess.run(["pkill", "-KILL", "-u", name], check=False)
        subprocess.run(["userdel", name], check=False, capture_output=True)
        subprocess.run(["rm", "-rf", str(folder)], check=True)
