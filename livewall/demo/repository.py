"""The demonstration's project as a git repository, and its pipeline with the paths of this machine. All calls block."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from livewall.atomic_file import write_whole
from livewall.demo.hosts import INVENTORY, KNOWN_HOSTS
from livewall.settings import environment_with

HERE = Path(__file__).resolve().parent
PIPELINE = "release"
NAME = "greeter.git"
_WHEN = "2026-11-02T09:00:00+00:00"
# The change on the branch `broken`: languages with a region are no longer found, and a test fails.
_BROKEN = "greeter/greeting.py", 'language.lower().partition("-")[0]', "language.lower()"


class RepositoryError(Exception):
    """Git is missing or failed; the text is for people."""


def make(folder: Path) -> Path:
    """Make the repository in `folder`, with the branches `main` and `broken`, unless it exists; return its path.

    Raises RepositoryError, OSError.
    """
    repository = folder / NAME
    if repository.is_dir():
        return repository
    with tempfile.TemporaryDirectory(dir=folder) as name:
        source = Path(name) / NAME
        shutil.copytree(HERE / "project", source, ignore=shutil.ignore_patterns("__pycache__"))
        env = _environment(name)
        _git(source, env, "init", "--quiet")
        _git(source, env, "symbolic-ref", "HEAD", "refs/heads/main")
        _git(source, env, "add", "--all", "--force")
        _git(source, env, "commit", "--quiet", "--message", "Greet, and say how it is")
        _git(source, env, "checkout", "--quiet", "-b", "broken")
        file, right, wrong = _BROKEN
        text = (source / file).read_text(encoding="utf-8")
        (source / file).write_text(text.replace(right, wrong), encoding="utf-8")
        _git(source, env, "commit", "--quiet", "--all", "--message", "Look languages up as they come")
        _git(source, env, "checkout", "--quiet", "main")
        source.rename(repository)  # renamed last, so that an existing repository is complete
    return repository


def pipeline(repository: Path, hosts: Path | None = None, wall: str = "") -> str:
    """Return the text of the pipeline, with this Python and the given repository.

    It ends on the hosts whose folders are in `hosts`, or on this machine; the audience of `wall` is asked.
    """
    parts = (PIPELINE, "here" if hosts is None else "hosts", "gate")
    text = "".join((HERE / "pipelines" / f"{part}.toml").read_text(encoding="utf-8") for part in parts)
    for key in ("run", "ssh"):
        text = text.replace(f'{key} = ["python3"', f"{key} = [{_quoted(sys.executable)}")
    if hosts is not None:
        where = f'inventory = "{INVENTORY}"\n\n[ssh]\nknown_hosts = "{KNOWN_HOSTS}"\n\n'
        text = text.replace("[params.ref]", f"{where}[params.ref]")
        for key in ("to", "cwd"):
            text = text.replace(f'{key} = "HOSTS/', f"{key} = {_quoted(str(hosts.resolve()))[:-1]}/")
    text = text.replace('default = ""', f"default = {_quoted(wall)}")
    return text.replace(f'"{NAME}"', _quoted(str(repository.resolve())))


def prepare(folder: Path) -> Path:
    """Make the repository and the folder of pipelines in `folder`; return the latter, for `--pipelines`.

    Raises RepositoryError, OSError.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    pipelines = folder / "pipelines"
    pipelines.mkdir(exist_ok=True, mode=0o700)
    make(folder)
    return pipelines


def write_pipeline(folder: Path, hosts: Path | None, wall: str = "") -> None:
    """Write the pipeline. The server notices a change within seconds. Raises OSError."""
    text = pipeline(folder / NAME, hosts, wall)
    write_whole(folder / "pipelines" / f"{PIPELINE}.toml", text.encode())


def _quoted(text: str) -> str:
    """Return a TOML string; the syntax is that of JSON."""
    return json.dumps(text, ensure_ascii=False)


def _environment(home: str) -> dict[str, str]:
    """Return an environment without the user's settings, in which the commits are the same everywhere."""
    who = {"NAME": "Greeter's author", "EMAIL": "author@greeter.example", "DATE": _WHEN}
    return {
        "PATH": environment_with("PATH").get("PATH", os.defpath),
        "HOME": home,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **{f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in who.items()},
    }


def _git(folder: Path, env: Mapping[str, str], *arguments: str) -> None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=60
        )
    except FileNotFoundError:
        raise RepositoryError("git is not installed") from None
    if done.returncode:
        raise RepositoryError(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
