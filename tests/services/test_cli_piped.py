"""`… | livewall report TASK STEP --log -`: whoever writes into the pipe never feels what becomes of the reports."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from attempts import until
from child_server import Server
from children import LIVEWALL, environment

pytest_plugins = ("server_fixtures",)

MUCH = b"".join(b"line %7d of a build that prints a lot\n" % number for number in range(60_000))
WAITS = "standard input is stored meanwhile"
"""Part of what the command says when it has waited for its server for a second and a half."""


class Pipe:
    """A `livewall report` into which the test writes."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

        self.said = b""

    def until_said(self, text: str) -> None:
        """Wait until the command has said this."""
        assert self.process.stderr is not None
        while text.encode() not in self.said:
            read = os.read(self.process.stderr.fileno(), 65536)
            assert read, self.said
            self.said += read

    def write(self, data: bytes) -> None:
        """As a build prints. Raises BrokenPipeError where nobody reads any more."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def end(self, status: int) -> str:
        """No more is printed; what the command says."""
        _, rest = self.process.communicate(timeout=60)
        said = self.said + rest
        assert self.process.returncode == status, said
        assert b"Traceback" not in said
        return said.decode()


def report(server: Server, *arguments: str, **more: str) -> Pipe:
    return Pipe(server.command("report", *arguments), server.client(**more))


def log_of(server: Server, task: str = "n", step: str = "a") -> bytes:
    return server.host_bytes(f"/api/tasks/{task}/logs/{step}")


@pytest.fixture
def task(child: Server) -> Server:
    child.run("report", "--new", "Nightly", "--step", "a", "--step", "b:a", "--id", "n")
    return child


def test_a_pipe_in_which_nothing_is_printed_renews_the_lease(task: Server) -> None:
    task.run("report", "n", "a", "running", "--lease", "2")
    pipe = report(task, "n", "a", "--log", "-")
    task.outlive_lease(2.0)
    assert task.host("GET", "/api/tasks/n")["state"] == "running"
    pipe.write(b"x")
    task.outlive_lease(2.0)
    assert task.host("GET", "/api/tasks/n")["state"] == "running"
    assert pipe.end(0) == ""
    until(lambda: task.host("GET", "/api/tasks/n")["state"] == "lost")


def test_a_server_that_comes_later_gets_all_that_was_printed(task: Server) -> None:
    task.stop()
    pipe = report(task, "n", "a", "running", "--log", "-", "--wait", "0.5")
    pipe.write(MUCH[:1_000_000])
    pipe.until_said(WAITS)  # which takes longer than its patience with a server that is not there
    pipe.write(MUCH[1_000_000:])
    task.start()
    assert "waiting for" in pipe.end(0)
    assert log_of(task) == MUCH and task.host("GET", "/api/tasks/n")["steps"][0]["state"] == "running"


def test_a_server_that_goes_away_for_long_breaks_no_pipe(task: Server) -> None:
    pipe = report(task, "n", "a", "running", "--log", "-", "--wait", "1")
    until(lambda: task.host("GET", "/api/tasks/n")["state"] == "running")
    task.stop()
    pipe.write(MUCH)
    pipe.until_said(WAITS)
    pipe.write(b"the last line\n")
    task.start()
    pipe.end(0)
    assert log_of(task) == MUCH + b"the last line\n"


def test_without_a_server_all_is_read_and_the_loss_is_said(new_server: Callable[..., Server]) -> None:
    server = new_server()
    pipe = report(server, "n", "a", "running", "--log", "-", "--wait", "0.5")
    pipe.until_said(WAITS)
    pipe.write(MUCH)
    said = pipe.end(3)
    assert "cannot be reached" in said and f"{len(MUCH):,} bytes of standard input were not sent" in said


@pytest.mark.parametrize(
    ("arguments", "token", "why"),
    [(("none", "a"), "", "no task none"), (("n", "none"), "", "no step none"), (("n", "a"), "wrong", "bad_token")],
)
def test_what_is_refused_breaks_no_pipe(task: Server, arguments: tuple[str, str], token: str, why: str) -> None:
    for state in ((), ("running",), ("succeeded",)):
        pipe = report(task, *arguments, *state, "--log", "-", **({"LIVEWALL_TOKEN": token} if token else {}))
        pipe.until_said("not sent")
        pipe.write(MUCH)
        said = pipe.end(1)
        assert why in said and f"{len(MUCH):,} bytes" in said, said
        assert said.count("(not_found)") <= 1


def test_a_cancel_breaks_no_pipe(task: Server) -> None:
    pipe = report(task, "n", "a", "running", "--log", "-")
    pipe.write(MUCH[:1000])
    until(lambda: log_of(task) == MUCH[:1000])
    for _ in range(2):
        task.host("POST", "/api/tasks/n/cancel", {})
    pipe.write(MUCH[1000:])
    said = pipe.end(0)
    assert said.count("Someone asked to cancel") == 1 and log_of(task) == MUCH


def test_the_end_is_told_after_the_log_and_also_where_the_log_is_refused(task: Server) -> None:
    pipe = report(task, "n", "a", "succeeded", "--log", "-")
    pipe.write(MUCH)
    assert task.host("GET", "/api/tasks/n")["steps"][0]["state"] == "pending"
    pipe.end(0)
    assert task.host("GET", "/api/tasks/n")["steps"][0]["state"] == "succeeded" and log_of(task) == MUCH
    late = report(task, "n", "a", "failed", "--log", "-")
    late.write(b"more\n")
    assert "the step has already succeeded" in late.end(1).lower()
    assert log_of(task) == MUCH + b"more\n"


class Full(BaseHTTPRequestHandler):
    """A server whose logs are full after some bytes."""

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        self.rfile.read(size)
        if size:
            self.answer(422, {"error": {"code": "too_large", "message": "a log has at most 268435456 bytes"}})
        else:
            self.answer(200, {"bytes": 7, "lines": 1, "cancel": False})

    def do_PUT(self) -> None:
        self.server.reports.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))  # type: ignore[attr-defined]
        self.answer(200, {"state": "succeeded", "cancel": False})

    def answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def full() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Full)
    server.reports = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_log_that_is_full_breaks_no_pipe_and_the_end_is_told(full: Any, tmp_path: Any) -> None:
    url = f"http://127.0.0.1:{full.server_address[1]}"
    env = environment(tmp_path) | {"LIVEWALL_URL": url, "LIVEWALL_TOKEN": "t"}
    pipe = Pipe([LIVEWALL, "report", "n", "a", "succeeded", "--log", "-"], env)
    pipe.write(MUCH)
    pipe.until_said("not sent")
    pipe.write(MUCH)
    said = pipe.end(1)
    assert "at most 268435456 bytes" in said and f"{2 * len(MUCH):,} bytes" in said
    assert full.reports == [{"state": "succeeded"}]
