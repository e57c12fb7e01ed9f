"""The blocks of code in README and docs, and a shell of their own in which a reader would run them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from children import environment

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SECONDS = 60
DONE = "-- done:"
FOLLOWS = re.compile(r"^(livewall (?:celery )?watch |curl -\w*N|livewall serve (?!.*&\s*(?:#|$)))", re.MULTILINE)
"""Commands that end with Ctrl-C only: they have to print something."""
NAMESPACE = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
"""A network of its own, so that the ports in the text are free, and an end of all processes with the first."""

NO_START_FILE = 'rc=$(getent passwd "$(id -u)" | cut -d: -f6)/.bashrc; [ ! -e "$rc" ] || mount --bind /dev/null "$rc"'
"""Bash reads the file for commands over SSH: what stands in it on this machine is not what is tested."""


@dataclass(frozen=True)
class Block:
    document: str
    section: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks(path: Path) -> list[Block]:
    """Return the fenced blocks of a Markdown file, in order, each with the `##` section it stands in."""
    found: list[Block] = []
    section, language, start, inside = "", "", 0, None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if inside is None and line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("```") and inside is None:
            language, start, inside = line.removeprefix("```").strip(), number, []
        elif line.startswith("```") and inside is not None:
            text = "\n".join(inside) + "\n"
            found.append(Block(str(path.relative_to(ROOT)), section, start, language, text))
            inside = None
        elif inside is not None:
            inside.append(line)
    assert inside is None, f"{path}:{start} is not closed"
    return found


def commands(text: str) -> list[str]:
    """Return the commands of a block of shell, whole ones, as somebody would type them one after the other."""
    found, begun, here = [], "", None
    for line in text.splitlines():
        begun += line + "\n"
        if here is not None:
            here = None if line == here else here
        elif heredoc := re.search(r"<<'?(\w+)'?", line):
            here = heredoc[1]
        if here is None and complete(begun):
            if begun.strip() and not begun.lstrip().startswith("#"):
                found.append(begun.rstrip("\n"))
            begun = ""
    assert not begun.strip(), f"this is not a whole command:\n{begun}"
    return found


def complete(text: str) -> bool:
    continued = text.rstrip("\n").endswith("\\")
    return not continued and subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True).returncode == 0


class Shell:
    """A bash of a new user, in whose PATH is `livewall`."""

    def __init__(self, home: Path) -> None:
        inside = environment(home)
        inside["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{inside['PATH']}"
        self.home = home
        self.said = ""
        self._process = subprocess.Popen(
            [*NAMESPACE, "bash", "--noprofile", "--norc"],
            cwd=home,
            env=inside,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        # Every variable of the text is exported: a command that goes on for ever runs in a shell of its own.
        assert self.run(f"{NO_START_FILE}; ip link set lo up; set -a -m")[0] == 0, self.said

    def close(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()

    def run(self, command: str) -> tuple[int, str]:
        """Run one command; return its status and what was printed meanwhile."""
        assert self._process.stdin is not None and self._process.stdout is not None
        (self.home / ".command").write_text(command + "\n")
        self._process.stdin.write(f'. "$HOME/.command" < /dev/null; echo "{DONE} $?"\n')
        self._process.stdin.flush()
        printed = ""
        for line in self._process.stdout:
            before, done, status = line.partition(DONE)
            printed += before
            if done:
                self.said += f"$ {command}\n{printed}"
                return int(status), printed
        raise AssertionError(f"the shell ended:\n{self.said}$ {command}\n{printed}")

    def follow(self, command: str) -> tuple[int, str]:
        """Run a command that goes on for ever in a terminal until it has printed something, and hang up."""
        (self.home / ".follow").write_text(command + "\n")
        (self.home / ".followed").unlink(missing_ok=True)
        return self.run(
            'script --quiet --flush --command "bash .follow" .followed > /dev/null & follower=$!\n'
            f"for wait in $(seq {SECONDS * 20}); do\n"
            "  grep -qsv -e '^Script ' -e '^[[:space:]]*$' .followed && break; sleep 0.05\n"
            "done\n"
            "kill -TERM $follower; wait $follower; cat .followed; grep -qsv -e '^Script ' -e '^[[:space:]]*$' .followed"
        )


def why_not() -> str | None:
    """Say what this machine lacks for running the text, or None."""
    for tool in ("bash", "curl", "jq", "git", "unshare", "ip"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    tried = subprocess.run([*NAMESPACE, "true"], capture_output=True, text=True)
    return f"no namespaces: {tried.stderr.strip()}" if tried.returncode else None
