"""Steps on far hosts without a Livewall server: a connector, and attempts under real supervisors."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from attempts import PATIENCE, Started, until
from sshd import Sshd, marked

from livewall.tasks.attempt import Attempt, Ended, Exit, Lost, Running, Spec
from livewall.tasks.connector.process import Connector
from livewall.tasks.kinds import program
from livewall.tasks.spawner.process import Spawner
from livewall.tasks.supervisor.folder import INPUT_VARIABLE

_COUNT = itertools.count()
WAYS = {"ssh_command": {"replay": True}, "ssh_upload": {"again": True}}


class Finished:
    """How an attempt ended: the result of its supervisor, its log, and what its program left for the server."""

    def __init__(self, attempt: Attempt, end: Exit) -> None:
        self.end = end
        self.status = end.status
        self.log = attempt.output.read_bytes()
        self.reason = attempt.reason()
        self.lost = _text(attempt.folder / "lost")
        self.host_key = json.loads(_text(attempt.folder / "host_key") or "null")

    def __repr__(self) -> str:
        return f"{self.end} {self.reason!r} {self.lost!r} {self.log[-2000:]!r}"


class Far:
    """The attempts of one task. The work folder is `work`; what still runs at the end is ended."""

    def __init__(self, folder: Path, *, agent: str | None = None, home: Path | None = None) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir(exist_ok=True)
        self.home = home or folder
        self.connector = Connector(folder / "connector")
        self.agent = agent
        self.environment: dict[str, str] = {}
        """More variables of the programs."""
        self._connectors: list[subprocess.Popen[bytes]] = []
        self._spawner = Spawner()
        self._supervisors: dict[Path, Started] = {}
        self._specs: dict[Path, Spec] = {}
        self._count = 0
        self._name = f"t{os.getpid()}x{next(_COUNT)}"
        self.start_connector()

    # -- the connector

    def start_connector(self, **more: Any) -> int:
        """Start a connector and return its pid once it has its lock."""
        saved = os.environ.get("HOME")
        os.environ["HOME"] = str(self.home)
        try:
            self._connectors.append(self.connector.start({"agent": self.agent, **more}))
        finally:
            os.environ["HOME"] = saved or "/"
        pidfd = until(self.connector.pidfd)
        os.close(pidfd)
        return self._connectors[-1].pid

    def kill_connector(self) -> None:
        self._connectors[-1].kill()
        self._connectors[-1].wait(PATIENCE)

    # -- attempts

    def id(self, number: int) -> str:
        """The id of the attempt with this number, from 1. Other tests find no process of it."""
        return f"{self._name}-1-step-{number}"

    def start(self, sshd: Sshd, name: str = "ssh_command", **given: Any) -> Attempt:
        """Start an attempt: of a command with `argv`, or of an upload with `to`."""
        self._count += 1
        attempt = Attempt(self.folder / "steps" / f"step.{self._count}")
        usual = {
            "data": str(self.folder), "connector": str(self.folder / "connector"), "id": self.id(self._count),
            "host": sshd.host(), "ssh": sshd.ssh(),
        }  # fmt: skip
        usual |= {"env": {}, "cwd": None, "grace": 5} if name == "ssh_command" else {"mode": None}
        full = usual | given
        attempt.write_input(json.dumps(full).encode())
        run = program(name, full)
        env = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.home), **run.env,
            INPUT_VARIABLE: str(attempt.input_file), "LIVEWALL_OUTPUT": str(attempt.values_file), **self.environment,
        }  # fmt: skip
        self._specs[attempt.folder] = Spec(
            argv=run.argv, cwd=str(self.work), env=env, grace=30.0, timeout=60.0, **WAYS[name]
        )
        self.resume(attempt)
        return attempt

    def resume(self, attempt: Attempt) -> None:
        """Start a supervisor, as the server does when it finds that there is none."""
        self._supervisors[attempt.folder] = Started(attempt.start(self._specs[attempt.folder], self._spawner))

    def finish(self, attempt: Attempt) -> Finished:
        """Wait for the end. A supervisor that was killed is followed by another one."""
        deadline = time.monotonic() + 2 * PATIENCE
        while True:
            self._supervisors[attempt.folder].wait(2 * PATIENCE)
            found = attempt.probe()
            if isinstance(found, Ended):
                return Finished(attempt, found.exit)
            assert isinstance(found, Lost) and time.monotonic() < deadline, found
            os.close(self._supervisors[attempt.folder].handle)
            self.resume(attempt)

    def run(self, sshd: Sshd, name: str = "ssh_command", **given: Any) -> Finished:
        return self.finish(self.start(sshd, name, **given))

    def supervisor(self, attempt: Attempt) -> int:
        """The pid of its supervisor, once it runs."""

        def running() -> Running | None:
            seen = attempt.probe()
            assert not isinstance(seen, Ended), Finished(attempt, seen.exit)
            return seen if isinstance(seen, Running) else None

        return int(until(running).pid)

    def program(self, attempt: Attempt) -> int:
        """The pid of the program, once it runs."""
        children = Path(f"/proc/{self.supervisor(attempt)}/task/{self.supervisor(attempt)}/children")
        return int(until(lambda: children.read_text().split())[0])

    def printed(self, attempt: Attempt, least: int = 1) -> bytes:
        """What the log has, once that is so many bytes."""
        until(lambda: attempt.output.exists() and attempt.output.stat().st_size >= least)
        return attempt.output.read_bytes()

    def close(self) -> None:
        for folder, process in self._supervisors.items():
            process.kill()
            process.wait(PATIENCE)
            os.close(process.handle)
            given = json.loads((folder / "input").read_bytes())
            for pid in marked(given["id"]):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._spawner.close()
        for connector in self._connectors:
            if connector.poll() is None:
                connector.kill()
            connector.wait(PATIENCE)
        log = self.folder / "connector" / "log"
        assert not log.exists(), log.read_text()


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
