"""`livewall task …`, `watch tasks/ID` and `report` against a real server with pipelines."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import pty
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from child_server import Server
from children import LIVEWALL, free_port
from click.testing import CliRunner
from test_cli_watch import Screen
from test_client_calls import answer, calling

from livewall.cli import livewall, output
from livewall.cli.task import convert, parameter
from livewall.cli.task_logs import Log
from livewall.names import step_of_token

pytest_plugins = ("server_fixtures",)

PIPELINES = {
    "gated": """
        [[steps]]
        name = "go"
        gate = { approvers = ["role:admin"] }
    """,
    "build": """
        title = "Build"
        [params.ref]
        type = "string"
        default = "main"
        pattern = "[a-z]+"
        [params.jobs]
        type = "integer"
        default = 1
        [[steps]]
        name = "fetch"
        run = ["printf", "got %s with %s\\\\n", "{params.ref}", "{params.jobs}"]
        [[steps]]
        name = "compile"
        needs = ["fetch"]
        run = ["sh", "-c", "test -e ok || { touch ok; echo no compiler >&2; exit 1; }; echo compiled"]
        """,
    "long": """
        [[steps]]
        name = "wait"
        run = ["sleep", "300"]
        """,
    "lines": """
        [[steps]]
        name = "print"
        run = ["sh", "-c", "for i in $(seq 0 399); do echo line $i; done; cat end"]
        cwd = "HERE"
        """,
    "slowly": """
        [[steps]]
        name = "print"
        run = ["sh", "-c", "for i in $(seq 0 399); do echo line $i; case $i in *9) sleep 0.1;; esac; done; cat end"]
        cwd = "HERE"
        """,
    "own": """
        [[steps]]
        name = "report"
        run = ["sh", "-c", '"$0" report --progress 0.4 --message "own words"; exit 3', "LIVEWALL"]
        env = { PYTHONWARNINGS = "error" }
        """,
}
LINES = b"".join(b"line %d\n" % number for number in range(400)) + b"\xffend"


@pytest.fixture
def server(new_server: Callable[..., Server], tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "end").write_bytes(b"\xffend")
    for name, text in PIPELINES.items():
        lines = [
            line.strip() for line in text.replace('LIVEWALL"', f'{LIVEWALL}"').replace("HERE", str(folder)).splitlines()
        ]
        (folder / f"{name}.toml").write_text("\n".join(lines))
    made = new_server("--pipelines", str(folder))
    made.start()
    yield made
    for task in made.host("GET", "/api/tasks?state=running")["items"]:
        made.host("POST", f"/api/tasks/{task['id']}/cancel", {})
    until(
        lambda: not any(made.host("GET", f"/api/tasks?state={state}")["items"] for state in ("running", "cancelling"))
    )


def until(fulfilled: Callable[[], Any], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not fulfilled():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def state(server: Server, task: str) -> str:
    return str(server.host("GET", f"/api/tasks/{task}")["state"])


def printed(server: Server, *arguments: str, status: int = 0) -> bytes:
    done = subprocess.run(server.command(*arguments), env=server.client(), capture_output=True, timeout=60)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout


# A task from its start to its end


def test_a_task_is_started_watched_read_and_tried_again(server: Server) -> None:
    id = server.run("task", "start", "build", "ref=next", "jobs=4").strip()
    said = server.run("task", "watch", id, status=1)
    assert "failed" in said
    assert printed(server, "task", "logs", id, "fetch") == b"got next with 4\n"
    assert printed(server, "task", "logs", id, "compile") == b"no compiler\n"
    again = server.run("task", "retry", id).strip()
    assert again != id
    events = [json.loads(line) for line in server.run("task", "watch", again).splitlines()]
    task = [event["data"] for event in events if event.get("key") == "task"][-1]
    assert (task["state"], task["retry_of"]) == ("succeeded", id)
    assert server.run("task", "retry", id).strip() == again, "a retry that is repeated is the same"
    assert printed(server, "task", "logs", again, "compile").endswith(b"compiled\n")


def test_start_and_watch_ends_with_the_task_s_outcome(server: Server) -> None:
    first, *events = server.run("task", "start", "lines", "--watch").splitlines()
    assert json.loads(events[0])["stream"] == f"tasks/{first}"
    server.run("task", "start", "build", "--watch", status=1)


def test_the_same_id_starts_one_task(server: Server) -> None:
    for _ in range(2):
        assert server.run("task", "start", "lines", "--id", "nightly-7") == "nightly-7\n"
    assert server.json("task", "start", "lines", "--id", "nightly-7")["id"] == "nightly-7"
    assert len(server.json("task", "list")) == 1


def test_each_parameter_that_will_not_do_is_said(server: Server) -> None:
    said = server.run("task", "start", "build", "ref=UP", "jobs=many", "other=1", status=1)
    assert all(f"livewall: {name}: " in said for name in ("ref", "jobs"))
    assert "nothing" not in server.run("task", "list")


def test_tasks_are_listed_searched_and_counted(server: Server) -> None:
    for number in range(3):
        server.run("task", "start", "lines", "--id", f"t{number}")
    server.run("task", "start", "long", "--id", "slow")
    rows = [line.split("\t") for line in server.run("task", "list").splitlines()]
    assert [row[0] for row in rows] == ["slow", "t2", "t1", "t0"]
    assert [
        row[0] for row in (line.split("\t") for line in server.run("task", "list", "--limit", "2").splitlines())
    ] == [
        "slow",
        "t2",
    ]
    until(lambda: state(server, "slow") == "running")
    assert [task["id"] for task in server.json("task", "list", "--search", "long")] == ["slow"]
    assert "slow" in {task["id"] for task in server.json("task", "list", "--state", "running")}
    assert server.json("task", "list", "--state", "lost") == []


def test_a_cancel_ends_what_runs(server: Server) -> None:
    id = server.run("task", "start", "long").strip()
    until(lambda: state(server, id) == "running")
    assert server.run("task", "cancel", id).startswith(f"{id} cancel")
    assert "cancelled" in server.run("task", "watch", id, status=1)
    server.run("task", "cancel", "no-such", status=1)


def test_a_gate_is_approved_and_rejected_by_commands(server: Server) -> None:
    for act, end in (("approve", "approved by admin: fine"), ("reject", "rejected by admin")):
        id = server.run("task", "start", "gated").strip()
        until(lambda id=id: state(server, id) == "waiting")  # type: ignore[misc]
        comment = ("--comment", "fine") if act == "approve" else ()
        assert server.run("task", act, id, "go", *comment) == f"go: {end}\n"
        assert state(server, id) == ("succeeded" if act == "approve" else "failed")
        assert "nothing to decide" in server.run("task", act, id, "go", status=1)
    assert "no step nogo" in server.run("task", "reject", id, "nogo", status=1)


def test_a_step_reports_on_itself(server: Server) -> None:
    id = server.run("task", "start", "own").strip()
    server.run("task", "watch", id, status=1)
    (step,) = server.host("GET", f"/api/tasks/{id}")["steps"]
    assert (step["state"], step["message"]) == ("failed", "own words"), printed(server, "task", "logs", id, "report")


# Logs


def test_a_log_is_read_from_a_line_or_its_end(server: Server) -> None:
    id = server.run("task", "start", "lines", "--watch").splitlines()[0]
    assert printed(server, "task", "logs", id, "print") == LINES
    assert printed(server, "task", "logs", f"tasks/{id}", "print", "--tail", "2") == b"line 399\n\xffend"
    assert printed(server, "task", "logs", id, "print", "--from-line", "400") == b"line 399\n\xffend"
    assert printed(server, "task", "logs", id, "print", "--from-line", "9999") == b""
    server.run("task", "logs", id, "no-such-step", status=1)
    server.run("task", "logs", id, "print", "--tail", "1", "--from-line", "1", status=2)


def test_following_a_log_goes_on_through_kills_without_a_byte_lost_or_doubled(server: Server) -> None:
    id = server.run("task", "start", "slowly").strip()
    follow = subprocess.Popen(
        server.command("task", "logs", id, "print", "--follow"), env=server.client(), stdout=subprocess.PIPE
    )
    assert follow.stdout is not None
    seen = b""
    for mark in (b"line 90\n", b"line 250\n"):
        while mark not in seen:
            more = os.read(follow.stdout.fileno(), 4096)
            assert more, seen
            seen += more
        server.kill()
        server.start()
    out, _ = follow.communicate(timeout=60)
    assert follow.returncode == 0
    assert seen + out == LINES
    assert printed(server, "task", "logs", id, "print") == LINES


def test_following_from_the_end_prints_what_comes(server: Server) -> None:
    server.run("report", "--new", "Nightly", "--step", "a", "--id", "n")
    append(server, b"one\ntwo\n")
    follow = subprocess.Popen(
        server.command("task", "logs", "n", "a", "--follow", "--tail", "1"), env=server.client(), stdout=subprocess.PIPE
    )
    assert follow.stdout is not None
    assert follow.stdout.readline() == b"two\n"
    append(server, b"three\n")
    assert follow.stdout.readline() == b"three\n"
    server.run("report", "n", "a", "succeeded")
    assert follow.communicate(timeout=20)[0] == b""
    assert follow.returncode == 0


STEERING = (
    b"\x1b]0;title\x07\x1b[31mred\x1b[0m \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x1b[6n\x1b[2J\x1b[?1049h\n"
    b"10%\r\x1b[K20%\na\nb\n\x1b[9A\x1b[2KA\n\x1b]52;c;eA==\x07\x1bc\xc2\x90end\n"
)


def test_a_log_on_a_terminal_keeps_its_colours_and_steers_nothing_else(server: Server) -> None:
    server.run("report", "--new", "Nightly", "--step", "a", "--id", "n")
    append(server, STEERING)
    assert printed(server, "task", "logs", "n", "a") == STEERING
    terminal, child = pty.openpty()
    shown = subprocess.run(server.command("task", "logs", "n", "a"), env=server.client(), stdout=child, timeout=30)
    os.close(child)
    assert shown.returncode == 0
    text = os.read(terminal, 65536).decode().replace("\r\n", "\n")
    os.close(terminal)
    assert text == "\x1b[31mred\x1b[0m link \n10%\r\x1b[0K20%\na\nb\n\x1b[4A\x1b[2KA\n<U+0090>end\n"
    seen = printed(server, "task", "logs", "n", "a", "--seen").decode()
    assert seen == "A\n<U+0090>end\na\nb\n"
    assert server.run("task", "search", "n", "a", "RED LINK") == ""
    append(server, b"\x1b[31merror\x1b[0m: no\x1b]0;t\x07\n")
    assert server.run("task", "search", "n", "a", "Error: NO") == "7\terror: no\n"


# Reports


def append(server: Server, data: bytes) -> None:
    command = server.command("report", "n", "a", "--log", "-")
    assert subprocess.run(command, env=server.client(), input=data, timeout=30).returncode == 0


def test_a_log_is_appended_from_a_pipe_and_a_file(server: Server, tmp_path: Path) -> None:
    server.run("report", "--new", "Nightly", "--step", "a", "--id", "n")
    append(server, b"one\n")
    (tmp_path / "out").write_bytes(b"two\n" * 200_000)
    server.run("report", "n", "a", "succeeded", "--log", str(tmp_path / "out"))
    assert printed(server, "task", "logs", "n", "a") == b"one\n" + b"two\n" * 200_000
    assert state(server, "n") == "succeeded"


def test_a_lease_that_runs_out_loses_the_step_and_a_report_renews_it(server: Server) -> None:
    server.run("report", "--new", "Nightly", "--step", "a", "--id", "n")
    server.run("report", "n", "a", "running", "--lease", "1")
    assert state(server, "n") == "running"
    until(lambda: state(server, "n") == "lost")
    server.run("report", "n", "a", "succeeded")
    assert state(server, "n") == "succeeded"


# On a terminal


class Shown(Screen):
    """A command on a terminal of a given size."""

    def __init__(self, server: Server, *command: str) -> None:
        terminal, child = pty.openpty()
        env = server.client(TERM="xterm-256color", COLUMNS="100", LINES="24")
        self.process = subprocess.Popen(server.command(*command), env=env, stdin=child, stdout=child, stderr=child)
        os.close(child)
        super().__init__(terminal)

    def end(self, status: int) -> None:
        reading = threading.Thread(target=self.drain, daemon=True)
        reading.start()
        assert self.process.wait(30) == status
        reading.join(5)
        os.close(self.terminal)

    def drain(self) -> None:
        try:
            while os.read(self.terminal, 65536):
                pass
        except OSError:
            pass


def test_on_a_terminal_a_task_is_a_tree_that_moves(server: Server) -> None:
    shown = Shown(server, "task", "start", "build", "--watch")
    shown.until("Build", "└ fetch", "  └ compile", "✗ failed", "exit")
    shown.end(1)


def test_the_list_is_a_table_that_moves(server: Server) -> None:
    shown = Shown(server, "watch", "tasks")
    shown.until("no task yet")
    server.run("task", "start", "long", "--id", "slow")
    shown.until("◐ running", "slow", "long")
    shown.process.terminate()
    shown.end(-15)


def test_a_cancel_asks_first_on_a_terminal(server: Server) -> None:
    server.run("task", "start", "long", "--id", "slow")
    until(lambda: state(server, "slow") == "running")
    shown = Shown(server, "task", "cancel", "slow")
    shown.until("Cancel long (slow, running)?")
    os.write(shown.terminal, b"n\n")
    shown.end(1)
    assert state(server, "slow") == "running"
    shown = Shown(server, "task", "cancel", "slow", "--yes")
    shown.end(0)
    until(lambda: state(server, "slow") == "cancelled")


# Without a server


def test_a_step_s_own_token_says_which_step_it_is() -> None:
    named = base64.urlsafe_b64encode(b"9/build/1").decode()
    assert step_of_token(f"s1.{named}.signature") == ("9", "build")
    for other in ("", "nonsense", f"v1.{named}.x", "s1.x.y", f"s1.{named[:-4]}.x"):
        assert step_of_token(other) == (None, None)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("4", "integer", 4), ("many", "integer", "many"), ("0.5", "number", 0.5), ("4", "string", "4"),
        ("True", "boolean", True), ("no", "boolean", False), ("maybe", "boolean", "maybe"), ("x", "", "x"),
    ],
)  # fmt: skip
def test_a_value_is_what_its_parameter_wants_or_stays_as_written(text: str, kind: str, value: object) -> None:
    made = convert(text, kind)
    assert made == value and type(made) is type(value)


def test_what_was_left_out_of_a_log_is_passed_over_and_said(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    def part(data: bytes, offset: int) -> bytes:
        return bytes(answer(200, data, Livewall_Log_Offset=offset, Livewall_Log_Bytes=14))

    # The second answer: all of what was asked for lies in the gap.
    calling([part(b"abc", 0), part(b"", 10), part(b"wxyz", 10)], lambda server: Log(server, "9", "a").print())
    out, err = capfdbinary.readouterr()
    assert out == b"abcwxyz" and b"7 bytes were left out here" in err


def invoked(answers: list[bytes], *arguments: str) -> str:
    """What a command prints when it is given these answers."""

    async def work(server: Any) -> Any:
        command = [*arguments, "--url", server.url]
        return await asyncio.get_running_loop().run_in_executor(None, CliRunner().invoke, livewall, command)

    result = calling(answers, work)
    assert result.exit_code == 0, result.output
    return str(result.output)


def test_how_long_a_task_runs_is_counted_by_the_clock_of_the_server() -> None:
    task = {
        "id": "9",
        "state": "running",
        "started_by": "Lin",
        "title": "Nightly",
        "reason": None,
        "retry_of": None,
        "created_at": "2020-01-01T12:00:00Z",
        "started_at": "2020-01-01T12:00:00Z",
        "ended_at": None,
        "eta": None,
        "pipeline": None,
        "steps": [],
    }
    date = "Wed, 01 Jan 2020 12:01:05 GMT"
    (line,) = invoked([answer(200, {"items": [task], "next": None}, Date=date)], "task", "list").splitlines()
    assert line == "9\trunning\tLin\t2020-01-01T12:00:00Z\t1:05\tNightly"
    with mock.patch.object(output, "terminal", lambda: True), mock.patch.dict(os.environ, TZ="Asia/Kolkata"):
        time.tzset()
        try:
            assert "1:05" in invoked([answer(200, task, Date=date)], "task", "show", "9")
            shown = invoked([answer(200, {"items": [task], "next": None}, Date=date)], "task", "list")
        finally:
            os.environ.pop("TZ")
            time.tzset()
    assert "2020-01-01" in shown and "17:30:00 IST" in " ".join(shown.split())


def test_a_parameter_keeps_what_follows_the_first_equals_sign() -> None:
    assert parameter("url=http://x/?a=b") == ("url", "http://x/?a=b")
    assert parameter("empty=") == ("empty", "")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("task", "start"), 2),
        (("task", "start", "build", "nonsense"), 2),
        (("task", "list", "--state", "asleep"), 2),
        (("task", "logs", "n"), 2),
        (("report", "--progress", "0.4"), 2),
        (("task", "list"), 3),
        (("task", "watch", "n"), 3),
        (("task", "cancel", "n", "--wait", "0"), 3),
        (("task", "logs", "n", "a", "--follow"), 3),
    ],
)
def test_wrong_usage_ends_with_2_and_no_server_with_3(
    new_server: Callable[..., Server], arguments: tuple[str, ...], status: int
) -> None:
    said = new_server().run(*arguments, "--url", f"http://127.0.0.1:{free_port()}", status=status)
    assert status != 3 or "LIVEWALL_URL" in said
