"""Below DATA nothing can be read by other users, whatever the umask is and whatever stood there."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from child_server import Server
from loads import begin, ended, log_of, step

pytest_plugins = ("server_fixtures", "task_fixtures")

Serve = Callable[..., Server]
UNIT = Path(__file__).parents[2] / "docs" / "livewall.service"
MAKES = (
    "import os, stat; open('made', 'w').close(); os.mkdir('folder');"
    "open(os.environ['LIVEWALL_OUTPUT'], 'a').write('URL=x\\n');"
    "print(*(oct(stat.S_IMODE(os.stat(n).st_mode)) for n in ('made', 'folder', os.environ['LIVEWALL_OUTPUT'], '.')))"
)


def umask(value: str) -> list[str]:
    return ["sh", "-c", f'umask {value}; exec "$@"', "sh"]


def readable(data: Path) -> list[str]:
    """What others may read or write, but for what steps made in their working folders."""
    found = [data, *data.rglob("*")]
    ours = [path for path in found if "work" not in path.relative_to(data).parts[:-1] and not path.is_symlink()]
    return [f"{path}: {stat.S_IMODE(path.stat().st_mode):o}" for path in ours if path.stat().st_mode & 0o077]


@pytest.mark.parametrize("mask", ["000", "022", "077"])
async def test_nothing_in_a_new_folder_is_for_others_and_steps_have_the_operators_umask(
    serve: Serve, mask: str
) -> None:
    server = serve(*umask(mask), makes=step("a", sys.executable, "-c", MAKES))
    server.vote(server.poll())
    task = begin(server, "makes")
    assert (await ended(server, task))["task"]["state"] == "succeeded"
    bits = int(mask, 8)
    expected = [oct(0o666 & ~bits), oct(0o777 & ~bits), "0o600", "0o700"]
    assert log_of(server, task, "a").decode().split() == expected, "a build makes files as it always did"
    assert (server.data / "livewall.db-wal").exists() and (server.data / "tasks" / task / "work" / "made").exists()
    assert readable(server.data) == []
    assert server.stop() == 0 and readable(server.data) == []
    assert "could be read by other users" not in server.log.read_text()


def test_an_old_folder_that_others_could_read_is_closed_at_the_start_and_that_is_said_once(child: Server) -> None:
    child.vote(child.poll())
    child.kill()
    for path in [child.data, *child.data.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    child.prefix = umask("022")
    child.start()
    child.vote(child.poll())
    assert readable(child.data) == []
    said = "could be read by other users"
    assert child.log.read_text().count(said) == 1
    child.stop()
    child.start()
    assert child.log.read_text().count(said) == 1


def test_what_backup_and_restore_leave_is_private_whatever_the_umask(child: Server, tmp_path: Path) -> None:
    child.vote(child.poll())

    def livewall(*arguments: str) -> None:
        command = [*umask("000"), *child.command(*arguments)]
        subprocess.run(command, env=child.client(), check=True, capture_output=True, timeout=60)

    file = child.data / "backups" / "b.db"
    file.parent.mkdir(mode=0o755)
    livewall("backup", str(file))
    child.stop()
    (child.data / "secret").write_text((child.data / "secret").read_text().replace('"ballot": "', '"ballot": "00'))
    child.data.chmod(0o755)
    livewall("restore", str(file))
    names = os.listdir(child.data)
    assert "livewall.db.before-restore" in names and "secret.before-restore" in names
    assert readable(child.data) == []


# -- the unit of systemd

systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


@systemd
def test_the_unit_is_valid_and_little_exposed(tmp_path: Path) -> None:
    unit = tmp_path / "livewall.service"
    unit.write_text(UNIT.read_text().replace("/opt/livewall/bin/livewall", "/bin/true"))
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    command = ["systemd-analyze", "security", "--offline=true", UNIT]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert level and float(level[1]) <= 5, said


def test_the_unit_keeps_its_data_private() -> None:
    lines = UNIT.read_text().splitlines()
    assert {"StateDirectoryMode=0700", "UMask=0077"} <= set(lines)
