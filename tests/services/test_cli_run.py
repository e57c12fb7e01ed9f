"""`livewall run -- CMD…`: the command as it would run without us, and its task on the server."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from child_server import Server
from children import LIVEWALL, environment, free_port

pytest_plugins = ("server_fixtures",)

LINES = 2000
NUMBERED = f"""
import sys, time
for number in range({LINES}):
    print("line", number, flush=True)
    if number % 20 == 0:
        time.sleep(0.02)
"""
NUMBERED_LOG = b"".join(b"line %d\n" % number for number in range(LINES))


class Run:
    """`livewall run ARGUMENTS -- COMMAND` in a pipe."""

    def __init__(self, env: dict[str, str], *arguments: str, id: str = "r", **more: Any) -> None:
        words = [LIVEWALL, "run", "--id", id, *arguments]
        self.process = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def end(self, status: int) -> tuple[bytes, str]:
        """What it printed, once it has ended with this status."""
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == status, (self.process.returncode, err.decode())
        assert b"Traceback" not in err, err.decode()
        return out, err.decode()

    def until(self, text: bytes) -> bytes:
        assert self.process.stdout is not None
        seen = b""
        while text not in seen:
            more = os.read(self.process.stdout.fileno(), 4096)
            assert more, (seen, self.process.stderr and self.process.stderr.read())
            seen += more
        return seen


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """An environment with the address of a server that never was."""
    return environment(tmp_path) | {"LIVEWALL_URL": f"http://127.0.0.1:{free_port()}"}


def log_of(server: Server, task: str = "r", step: str = "run") -> bytes:
    address = f"{server.url}/api/tasks/{task}/logs/{step}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {server.admin}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        data: bytes = answer.read()
        return data


def step_of(server: Server, task: str = "r") -> Any:
    return server.host("GET", f"/api/tasks/{task}")["steps"][0]


def until(fulfilled: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not fulfilled():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def running(server: Server, task: str = "r") -> bool:
    status, found = server.ask("GET", f"/api/tasks/{task}")
    return status == 200 and bool(found["state"] == "running")


def python(code: str) -> list[str]:
    return ["--", sys.executable, "-c", code]


# As without us


def test_output_status_and_errors_are_those_of_the_command(child: Server) -> None:
    out, err = Run(child.client(), "--", "sh", "-c", "printf 'a\\377b'; printf oops >&2; exit 7").end(7)
    assert (out, err) == (b"a\xffb", "oops")
    step = step_of(child)
    assert (step["state"], step["message"]) == ("failed", "exit status 7")
    assert sorted(log_of(child)) == sorted(b"a\xffboops")


def test_what_it_prints_to_one_place_is_logged_in_order(child: Server) -> None:
    command = "for i in 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done"
    words = [LIVEWALL, "run", "--id", "r", "--title", "Nightly", "--step", "load", "sh", "-c", command]
    done = subprocess.run(words, env=child.client(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 0
    assert done.stdout == b"".join(b"out %d\nerr %d\n" % (number, number) for number in range(1, 10))
    assert log_of(child, step="load") == done.stdout
    found = child.host("GET", "/api/tasks/r")
    assert (found["title"], found["state"], found["steps"][0]["name"]) == ("Nightly", "succeeded", "load")


def test_a_signal_that_ends_the_command_is_told_as_shells_do(child: Server) -> None:
    Run(child.client(), "--", "sh", "-c", "kill -9 $$").end(137)
    assert (step_of(child)["state"], step_of(child)["message"]) == ("failed", "ended by SIGKILL")


def test_a_command_that_is_not_there_ends_with_127_and_one_that_cannot_run_with_126(
    child: Server, tmp_path: Path
) -> None:
    assert "no such file" in Run(child.client(), "--", "no-such-command").end(127)[1]
    assert step_of(child)["state"] == "failed"
    Run(child.client(), "--", str(tmp_path), id="s").end(126)


def test_it_reads_what_is_piped_in(nowhere: dict[str, str]) -> None:
    run = Run(nowhere, "--patience", "0", "--", "tr", "a-z", "A-Z", stdin=subprocess.PIPE)
    assert run.process.stdin is not None
    run.process.stdin.write(b"hello")
    run.process.stdin.flush()
    assert run.end(0)[0] == b"HELLO"


def test_its_reader_may_leave(nowhere: dict[str, str]) -> None:
    command = f"{LIVEWALL} run --patience 0 -- yes | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], env=nowhere, capture_output=True, timeout=30)
    assert done.stdout == b"y\n141\n"


def test_what_it_leaves_in_the_background_holds_nobody_up(nowhere: dict[str, str]) -> None:
    start = time.monotonic()
    assert Run(nowhere, "--patience", "0", "--", "sh", "-c", "sleep 30 & echo $!").end(0)[0].strip().isdigit()
    assert time.monotonic() - start < 10


def test_more_output_than_a_pipe_holds_comes_through_to_the_last_byte(nowhere: dict[str, str]) -> None:
    command = f"{LIVEWALL} run --patience 0 -- head -c 3000000 /dev/zero | (sleep 0.5; wc -c)"
    done = subprocess.run(["bash", "-c", command], env=nowhere, capture_output=True, timeout=30)
    assert done.stdout.strip() == b"3000000"


def test_the_token_stays_with_us(child: Server) -> None:
    token = child.host("POST", "/api/tokens", {"role": "reporter", "name": "cron"})["token"]
    code = "import os, sys; print(os.environ.get('LIVEWALL_TOKEN'), os.environ['LIVEWALL_URL'])"
    out, _ = Run(child.client(LIVEWALL_TOKEN=token, LIVEWALL_DATA="/nowhere"), *python(code)).end(0)
    assert out.decode().split() == ["None", child.url]
    assert child.host("GET", "/api/tasks/r")["started_by"] == "cron"


# The server is away


def test_without_a_server_the_command_runs_and_the_loss_is_said(nowhere: dict[str, str]) -> None:
    out, err = Run(nowhere, "--patience", "0.5", "--", "sh", "-c", "echo done; exit 3").end(3)
    assert out == b"done\n"
    assert "Not reported: the task as a whole" in err and nowhere["LIVEWALL_URL"] in err


def test_a_server_that_comes_later_gets_everything(new_server: Callable[..., Server]) -> None:
    server = new_server()
    run = Run(server.client(), *python("print('x' * 200_000); print('end')"))
    out = run.until(b"end\n")
    server.start()
    _, err = run.end(0)
    assert log_of(server) == out
    assert step_of(server)["state"] == "succeeded" and "Not reported" not in err


def test_a_kill_of_the_server_leaves_no_hole_in_the_log(child: Server) -> None:
    run = Run(child.client(), *python(NUMBERED))
    seen = b""
    for mark in (b"line 500\n", b"line 1200\n"):
        seen += run.until(mark)
        child.kill()
        child.start()
    out, err = run.end(0)
    assert seen + out == NUMBERED_LOG and "Not reported" not in err
    assert log_of(child) == NUMBERED_LOG
    step = step_of(child)
    assert (step["state"], step["attempt"], step["message"]) == ("succeeded", 1, "exit status 0")


def test_a_step_that_was_lost_while_we_stood_still_is_said_to_have_ended(child: Server) -> None:
    run = Run(child.client(), "--lease", "3", "--", "sh", "-c", "echo up; read _; echo end", stdin=subprocess.PIPE)
    run.until(b"up\n")
    until(lambda: running(child))
    run.process.send_signal(signal.SIGSTOP)
    until(lambda: bool(step_of(child)["state"] == "lost"))
    run.process.send_signal(signal.SIGCONT)
    assert run.process.stdin is not None
    run.process.stdin.write(b"\n")
    run.process.stdin.flush()
    assert run.end(0) == (b"end\n", "")
    assert step_of(child)["state"] == "succeeded" and log_of(child) == b"up\nend\n"


def test_a_token_that_will_not_do_is_said_and_changes_nothing(child: Server) -> None:
    out, err = Run(child.client(LIVEWALL_TOKEN="nonsense"), "--", "echo", "hello").end(0)
    assert out == b"hello\n" and "(bad_token)" in err and err.count("livewall:") == 1


# Ends


def test_a_cancel_ends_the_command_and_all_it_started(child: Server) -> None:
    code = "import subprocess\np = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
    run = Run(child.client(), "--grace", "5", *python(code + "print(p.pid, flush=True)\np.wait()"))
    sleeper = int(run.until(b"\n"))
    until(lambda: running(child))
    child.host("POST", "/api/tasks/r/cancel", {})
    run.end(143)
    assert (step_of(child)["state"], child.host("GET", "/api/tasks/r")["state"]) == ("cancelled", "cancelled")
    until(lambda: not Path(f"/proc/{sleeper}").exists())


def test_what_does_not_listen_to_a_cancel_is_killed(child: Server) -> None:
    run = Run(child.client(), "--grace", "0.3", "--", "sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done")
    run.until(b"up\n")
    until(lambda: running(child))
    child.host("POST", "/api/tasks/r/cancel", {})
    run.end(137)
    assert step_of(child)["state"] == "cancelled"


def test_a_signal_to_us_is_passed_on(child: Server) -> None:
    run = Run(child.client(), "--", "sh", "-c", "trap 'echo caught; exit 5' TERM; echo up; while :; do sleep 0.1; done")
    run.until(b"up\n")
    run.process.send_signal(signal.SIGTERM)
    assert run.end(5)[0] == b"caught\n"


class Terminal:
    """A command in a session of its own, on a terminal."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.terminal, child = pty.openpty()
        self.process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *command], stdin=child, stdout=child, stderr=child, env=env
        )
        os.close(child)
        self.shown = ""

    def until(self, wanted: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not re.search(wanted, self.shown):
            ready, _, _ = select.select([self.terminal], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{wanted} did not appear in:\n{self.shown}"
            self.shown += os.read(self.terminal, 65536).decode("utf-8", "replace")

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())


@pytest.fixture
def terminals() -> Iterator[Callable[[list[str], dict[str, str]], Terminal]]:
    made: list[Terminal] = []

    def start(command: list[str], env: dict[str, str]) -> Terminal:
        made.append(Terminal(command, env))
        return made[-1]

    yield start
    for each in made:
        os.close(each.terminal)
        each.process.wait(20)


def test_ctrl_c_ends_the_command_once_and_the_task_is_cancelled(
    child: Server, terminals: Callable[[list[str], dict[str, str]], Terminal]
) -> None:
    code = "import time\ntry: print('up', flush=True); time.sleep(300)\nexcept KeyboardInterrupt: print('one')"
    shown = terminals([LIVEWALL, "run", "--id", "r", *python(code + "\ntime.sleep(0.5)\nprint('end')")], child.client())
    shown.until("up")
    shown.type("\x03")
    shown.until("one\r\nend")
    assert shown.process.wait(20) == 0
    again = terminals([LIVEWALL, "run", "--id", "s", "sleep", "300"], child.client())
    until(lambda: running(child, "s"))
    again.type("\x03")
    assert again.process.wait(20) == 130
    assert (step_of(child, "s")["state"], step_of(child, "s")["message"]) == ("cancelled", "ended by SIGINT")


HEARD_LATE = """
import signal, sys, threading
from livewall.cli import main
from livewall.cli.child_process import Child
over, taken, watched = threading.Event(), signal.sigwaitinfo, Child.on_late_signal
def wait(wanted):
    told = taken(wanted)
    if told.si_signo == signal.SIGINT:
        over.wait()
    return told
def watch(self, act):
    watched(self, act)
    over.set()
signal.sigwaitinfo, Child.on_late_signal = wait, watch
main(sys.argv[1:])
"""


def test_the_ctrl_c_that_ends_the_command_is_not_taken_for_a_second_one(
    child: Server, terminals: Callable[[list[str], dict[str, str]], Terminal]
) -> None:
    """However late the thread that hears of signals has its turn."""
    run = terminals([*python(HEARD_LATE), "run", "--id", "r", "sleep", "300"], child.client())
    until(lambda: running(child))
    run.type("\x03")
    assert run.process.wait(20) == 130
    assert (step_of(child)["state"], step_of(child)["message"]) == ("cancelled", "ended by SIGINT")


def test_ctrl_c_ends_the_waiting_for_a_server(
    nowhere: dict[str, str], terminals: Callable[[list[str], dict[str, str]], Terminal]
) -> None:
    shown = terminals([LIVEWALL, "run", "sh", "-c", "exit 4"], nowhere)
    shown.until("waiting for http")
    shown.type("\x03")
    shown.until("Not reported")
    assert shown.process.wait(20) == 4


def test_the_command_reads_from_the_terminal_and_stops_and_goes_on_with_the_shell(
    child: Server, terminals: Callable[[list[str], dict[str, str]], Terminal]
) -> None:
    shell = terminals(["bash", "--norc", "-i"], child.client(PS1="$ ", TERM="dumb"))
    shell.until(r"\$ ")
    shell.type(f"{LIVEWALL} run --id r -- sh -c 'echo ask; read answer; echo got $answer'\n")
    shell.until(r"\nask")
    shell.type("\x1a")
    shell.until(r"Stopped.*\n\$ $")
    shell.type("fg\n")
    shell.until(r"\$ fg\r\n.*\n")
    shell.type("yes\n")
    shell.until("got yes")
    shell.type("echo status $?\n")
    shell.until("status 0")
    shell.type("exit\n")
    assert shell.process.wait(20) == 0
    assert step_of(child)["state"] == "succeeded"


@pytest.mark.parametrize("arguments", [(), ("--step", "a b", "true"), ("--lease", "0", "true"), ("--nonsense", "true")])
def test_wrong_usage_ends_with_2(nowhere: dict[str, str], arguments: tuple[str, ...]) -> None:
    done = subprocess.run([LIVEWALL, "run", *arguments], env=nowhere, capture_output=True, timeout=30)
    assert done.returncode == 2
