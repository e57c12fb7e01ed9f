"""kill -9 of the server around the delivery of webhooks: what was committed arrives, with one id, at least once."""

from __future__ import annotations

import http.server
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from child_server import Server

pytest_plugins = ("server_fixtures",)

TALK = """[[steps]]
name = "say"
run = ["true"]
[[webhooks]]
url = "http://127.0.0.1:%d/hook/SeCrEt"
on = ["running", "succeeded"]
secret = "HOOK_KEY"
"""
KILLS = 6


class Target(http.server.ThreadingHTTPServer):
    """A target whose answers take a moment, so that a kill finds deliveries under way."""

    daemon_threads = True

    def __init__(self) -> None:
        self.arrived: list[dict[str, Any]] = []
        self.answers = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(http.server.BaseHTTPRequestHandler):
    server: Target

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.arrived.append(body)
        if self.server.answers.wait(0.5):
            time.sleep(0.02)
            self.send_response(204)
            self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def target() -> Iterator[Target]:
    made = Target()
    thread = threading.Thread(target=made.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_was_committed_is_delivered_however_often_the_server_is_killed(
    new_server: Callable[..., Server],
    target: Target,
    tmp_path: Path,
    chance: random.Random,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOOK_KEY", "the key of the webhook")
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "talk.toml").write_text(TALK % target.server_port)
    server = new_server("--pipelines", str(tmp_path / "pipelines"), "--webhook-allow", "localhost,127.0.0.1")
    server.start()
    # The first kill comes when a delivery has arrived, and before its answer.
    server.host("POST", "/api/pipelines/talk/tasks", {"id": "run-0"})
    until(lambda: len(target.arrived) == 1)
    server.kill()
    target.answers.set()
    server.start()
    until(lambda: len(target.arrived) > 1)
    assert target.arrived[1] == target.arrived[0]
    for number in range(1, KILLS):
        server.host("POST", "/api/pipelines/talk/tasks", {"id": f"run-{number}"})
        time.sleep(chance.uniform(0.0, 0.5))  # the moment is the test's subject
        server.kill()
        server.start()
    wanted = {(f"run-{number}", state) for number in range(KILLS) for state in ("running", "succeeded")}
    until(lambda: {(each["task"]["id"], each["event"]["state"]) for each in target.arrived} == wanted)
    bodies = {json.dumps(each, sort_keys=True) for each in target.arrived}
    assert len(bodies) == len({each["id"] for each in target.arrived}) == len(wanted)
    log = server.log.read_text()
    assert "SeCrEt" not in log and "the key of the webhook" not in log
