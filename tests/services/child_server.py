"""A server in a process of its own whose log is read, too."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
from children import ServerProcess

from livewall.voting.recount import recount


class Server(ServerProcess):
    """`livewall serve` without rate limits. What its log warns of fails the test, unless it stands in `expected`."""

    def __init__(self, home: Path, *options: str) -> None:
        super().__init__(home, "--rate-limits", "off", *options)
        self.expected: list[str] = []

    @property
    def database(self) -> Path:
        return self.data / "livewall.db"

    def odd_lines(self) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        odd = [line for line in lines if " WARNING " in line or " ERROR " in line or "Traceback" in line]
        return [line for line in odd if not any(part in line for part in self.expected)]

    def ask(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, Any]:
        """Status and JSON; as the admin unless a token is given ("" for none)."""
        headers = {"Content-Type": "application/json"}
        if token != "":
            headers["Authorization"] = f"Bearer {token or self.admin}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as problem:
            with problem:
                return problem.code, json.loads(problem.read())

    def host(self, method: str, path: str, body: Any = None) -> Any:
        status, found = self.ask(method, path, body)
        assert status < 300, (status, found)
        return found

    def host_bytes(self, path: str) -> bytes:
        """What the admin gets, as it is."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.admin}"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            found: bytes = answer.read()
        return found

    def outlive_lease(self, seconds: float) -> None:
        """Wait until a lease of so many seconds that begins now has run out: that of a task about which nobody reports.

        A lease of the same length that is still held then has been renewed.
        """
        task = self.host("POST", "/api/tasks", {"title": "Silent", "steps": [{"name": "silent"}]})["id"]
        self.host("PUT", f"/api/tasks/{task}/steps/silent", {"state": "running", "lease": seconds})
        deadline = time.monotonic() + seconds + 20
        while self.host("GET", f"/api/tasks/{task}")["state"] != "lost":
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def poll(self, **fields: Any) -> str:
        """The id of an open poll."""
        made = self.host("POST", "/api/polls", {"title": "Who?", "options": ["Clinton", "Dole"], **fields})
        self.host("POST", f"/api/polls/{made['id']}/open")
        return str(made["id"])

    def voter(self) -> str:
        return str(self.ask("POST", "/api/voters", token="")[1]["token"])

    def vote(self, poll: str, choice: str = "2", voter: str | None = None) -> tuple[int, Any]:
        return self.ask("PUT", f"/api/polls/{poll}/ballot", {"choices": [choice]}, token=voter or self.voter())

    def tally(self, poll: str) -> Any:
        return self.host("GET", f"/api/polls/{poll}")["tally"]

    def recounted(self, poll: str) -> Any:
        """The last round counted from its ballots, which is what the counts kept say."""
        last = recount(self.database, poll)[-1]
        assert last.agrees, last
        return msgspec.to_builtins(last.counted)
