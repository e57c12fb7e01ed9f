"""The real server as a child process (`livewall serve`), and what a host would ask of it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from .clients import HTTPVoters
from .machine import SERVER_CORE, cpu_ns, free_port, pinned, rss_bytes, wait_for_port
from .native import scratch

ADMIN = "benchmark-admin-token-0123456789abcdef"


class Child:
    """A server process: Livewall or a peer."""

    def __init__(self, arguments: list[str], port: int, core: int | None = SERVER_CORE, **streams: Any) -> None:
        self.port = port
        self.process = subprocess.Popen(arguments, preexec_fn=pinned(core), **streams)
        wait_for_port(port, self.process)

    @property
    def pid(self) -> int:
        return self.process.pid

    def cpu(self) -> int:
        return cpu_ns(self.pid)

    def rss(self) -> int:
        return rss_bytes(self.pid)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Peer(Child):
    """One of benchmarks/peers, by name."""

    def __init__(self, name: str, core: int | None = SERVER_CORE, **streams: Any) -> None:
        port = free_port()
        super().__init__([sys.executable, "-m", f"benchmarks.peers.{name}", str(port)], port, core, **streams)


class Livewall(Child):
    """`livewall serve` on a fresh data folder, without rate limits."""

    def __init__(
        self, *options: str, core: int | None = SERVER_CORE, prefix: Sequence[str] = (), data: Path | None = None
    ) -> None:
        """`prefix` is what runs the server, such as a stopwatch; `data` the folder of one that was stopped."""
        port = free_port()
        self.data = data or Path(tempfile.mkdtemp(prefix="data-", dir=scratch()))
        self._log = (self.data / "serve.log").open("wb")
        beside = Path(sys.executable).with_name("livewall")
        command = [str(beside)] if beside.exists() else [sys.executable, "-m", "livewall"]
        arguments = [*prefix, *command, "serve", "--port", str(port), "--data", str(self.data), "--admin-token", ADMIN]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LIVEWALL_")}
        try:
            super().__init__(
                [*arguments, "--rate-limits", "off", *options],
                port,
                core,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env=environment,
            )
            self._wait_until_ready()
        except (RuntimeError, TimeoutError) as error:
            raise RuntimeError(f"the server did not start:\n{self.log()[-2000:]}") from error

    def _wait_until_ready(self) -> None:
        """It listens before it answers."""
        for _ in range(100):
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                with contextlib.closing(connection):
                    connection.request("GET", "/readyz")
                    if connection.getresponse().status == 200:
                        return
            if self.process.poll() is not None:
                raise RuntimeError("it ended")
            time.sleep(0.1)
        raise TimeoutError("it does not become ready")

    def stop(self) -> None:
        super().stop()
        self._log.close()

    def log(self) -> str:
        return (self.data / "serve.log").read_text(errors="replace")

    def call(self, method: str, path: str, body: object = None, *, token: str = ADMIN) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]!r}")
            return json.loads(text) if text else None

    def poll(self, title: str = "Who would you vote for?", *, open: bool = True) -> str:
        """A poll with two options; returns its id."""
        made = self.call("POST", "/api/polls", {"title": title, "options": ["Clinton", "Dole"]})
        if open:
            self.call("POST", f"/api/polls/{made['id']}/open", {})
        poll: str = made["id"]
        return poll

    def room(self, name: str) -> str:
        """A room of this name; returns the name."""
        self.call("POST", "/api/rooms", {"name": name})
        return name

    def metric(self, name: str) -> float:
        """The value of a metric, named with its labels where it has some."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {ADMIN}"})
            text = connection.getresponse().read().decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"the server has no metric {name}")
        return float(found[1])

    def tally(self, poll: str) -> dict[str, Any]:
        tally: dict[str, Any] = self.call("GET", f"/api/polls/{poll}")["tally"]
        return tally

    def voters(self, count: int) -> list[str]:
        """Tokens of that many distinct voters, each from POST /api/voters."""
        kept = self.data / "voters"
        with HTTPVoters(self.port, "POST", "/api/voters", "{}", keep=str(kept)) as client:
            client.open(16)
            client.go(count=count)
        return re.findall(r'"token":\s*"([^"]+)"', kept.read_text())

    def cookies(self, poll: str, count: int) -> list[str]:
        """Voter cookies of that many browsers, each given by the page of the poll."""
        found = []
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            for _ in range(count):
                connection.request("GET", f"/polls/{poll}")
                answer = connection.getresponse()
                answer.read()
                given = answer.headers.get_all("Set-Cookie") or []
                found.append("; ".join(cookie.split(";")[0] for cookie in given))
        if not all(found):
            raise RuntimeError("the poll's page gave no voter cookie")
        return found


def vote_message(poll: str) -> str:
    """What a page sends; the poll is named because the sockets that carry it may be open for another."""
    return f'{{"do":"vote","ref":"@R@","poll":"{poll}","round":1,"choices":["@C@"]}}'
