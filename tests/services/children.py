"""Processes that the tests start: the installed `livewall`, as a server and as a command."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

LIVEWALL = str(Path(sys.executable).parent / "livewall")
START = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path) -> dict[str, str]:
    """That of a user of whom nothing is known, in a folder of the test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LIVEWALL_", "XDG_"))}
    return kept | {"HOME": str(home), "PYTHONWARNINGS": "error"}


def quiet(env: dict[str, str]) -> dict[str, str]:
    """Without warnings: Tornado leaves a socket open that it could not bind."""
    return {name: value for name, value in env.items() if name != "PYTHONWARNINGS"}


class ServerProcess:
    """`livewall serve` on a port that it keeps over restarts."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self.data = home / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.options = options
        self.log = home / "server.log"
        self.prefix: list[str] = []
        """What runs the server, such as a tracer that stays out of its way."""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [*self.prefix, LIVEWALL, "serve", "--port", str(self.port), "--data", str(self.data), *self.options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment(self.home), stdout=log, stderr=log)
        deadline = time.monotonic() + START
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not start:\n{self.log.read_text()}")
            time.sleep(0.02)

    def answers(self) -> bool:
        try:
            return self.readiness(timeout=2) == 200
        except OSError:
            return False

    def readiness(self, timeout: float = 10) -> int:
        """The status of /readyz."""
        try:
            with urllib.request.urlopen(self.url + "/readyz", timeout=timeout) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as problem:
            with problem:  # an error holds the connection until it is closed
                return problem.code

    def kill(self) -> None:
        """As the machine would: no chance to say good-bye."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not drain:\n{self.log.read_text()}") from None

    @property
    def admin(self) -> str:
        return str(json.loads((self.data / "secret").read_text())["admin"])

    def command(self, *arguments: str) -> list[str]:
        return [LIVEWALL, *arguments]

    def client(self, **more: str) -> dict[str, str]:
        """The environment in which `livewall` finds this server."""
        return environment(self.home) | {"LIVEWALL_URL": self.url, "LIVEWALL_DATA": str(self.data)} | more

    def run(self, *arguments: str, status: int = 0, **more: str) -> str:
        """What `livewall ARGUMENTS` prints. Fails unless it ends with `status`, in words where that is not 0."""
        done = subprocess.run(
            self.command(*arguments), env=self.client(**more), capture_output=True, text=True, timeout=60
        )
        said = f"{arguments}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == status, said
        assert "Traceback" not in done.stderr, said
        if status:
            assert done.stderr.strip(), said
            return done.stderr
        return done.stdout

    def json(self, *arguments: str, **more: str) -> Any:
        return json.loads(self.run(*arguments, "--json", **more))
