"""The process that holds the connections of a task: one for all, found again, ended, and sparing with handshakes."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from attempts import PATIENCE, alive, until
from far_steps import Far
from sshd import Sshd, far_files, free_port, marked, need_sshd

from livewall.errors import LivewallError
from livewall.tasks.connector import frames, process
from livewall.tasks.connector.process import Connector

pytest_plugins = ("far_fixtures",)


def logins(sshd: Sshd) -> int:
    return len(re.findall(r"Accepted publickey", (sshd.folder / "log").read_text()))


def with_log(sshd: Sshd, more: str = "") -> None:
    sshd.stop()
    sshd.more = f"LogLevel INFO\n{more}"
    sshd.start()


# Its life.


def test_a_second_connector_of_a_folder_ends_at_once(far: Far) -> None:
    first = far.connector.pidfd()
    assert first is not None
    os.close(first)
    second = far.connector.start({"agent": None})
    assert second.wait(PATIENCE) == 0
    assert far._connectors[0].poll() is None


def test_its_folder_may_have_a_long_path_and_is_for_its_user_alone(tmp_path: Path, sshd: Sshd) -> None:
    folder = tmp_path / ("deep-" * 20) / ("deeper-" * 20)
    folder.mkdir(parents=True)
    far = Far(folder)
    try:
        assert far.run(sshd, argv=["echo", "on"]).log == b"on\n"
        assert stat.S_IMODE((folder / "connector").stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "connector" / "socket").stat().st_mode) & 0o077 == 0
    finally:
        far.close()


def test_it_ends_when_it_is_asked_to_and_after_it_has_removed_what_it_was_to(far: Far, sshd: Sshd) -> None:
    far.run(sshd, argv=["true"])
    assert far.connector.forget(sshd.host(), sshd.ssh(), [far.id(1)])
    assert far.connector.end()
    assert far._connectors[-1].wait(PATIENCE) == 0
    assert far_files(sshd.home) == {}
    assert far.connector.pidfd() is None and not far.connector.end()
    assert not far.connector.forget(sshd.host(), sshd.ssh(), [far.id(1)])


def test_it_ends_when_nobody_was_there_for_a_while(far: Far, sshd: Sshd) -> None:
    far.kill_connector()
    far.start_connector(idle=0.3)
    with until(lambda: connected(far)):  # it would end before the program has started
        attempt = far.start(sshd, argv=["sh", "-c", "echo on; sleep 0.8"])
        far.printed(attempt)
    assert far.finish(attempt).status == 0, "a command that runs is not nobody"
    assert far._connectors[-1].wait(PATIENCE) == 0


def connected(far: Far) -> socket.socket | None:
    try:
        return frames.connect(far.folder / "connector")
    except OSError:
        return None


def test_a_request_that_it_does_not_understand_harms_no_other(far: Far, sshd: Sshd) -> None:
    attempt = far.start(sshd, argv=["sh", "-c", "echo on; sleep 0.5"])
    far.printed(attempt)
    for noise in (b"noise", frames.frame(frames.DATA, b"x"), b"E\xff\xff\xff\xff", frames.event(op="forget")[:-3]):
        with frames.connect(far.folder / "connector") as connection:
            connection.sendall(noise)
    with frames.connect(far.folder / "connector") as connection:
        connection.sendall(frames.event(op="run"))
        connection.settimeout(PATIENCE)
        assert b"the connector failed: KeyError" in connection.recv(1000)
    assert far.finish(attempt).status == 0
    (far.folder / "connector" / "log").unlink()


def test_without_asyncssh_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(LivewallError, match=r"pip install '\.\[ssh\]'"):
        Connector(tmp_path).start({"agent": None})


# Connections and sessions.


def test_all_steps_of_a_task_use_one_connection(far: Far, sshd: Sshd) -> None:
    with_log(sshd)
    (far.work / "f").write_text("text")
    attempts = [far.start(sshd, argv=["echo", str(number)]) for number in range(6)]
    attempts.append(far.start(sshd, "ssh_upload", **{"from": "f", "to": str(sshd.home / "f")}))
    assert all(far.finish(attempt).status == 0 for attempt in attempts)
    assert logins(sshd) == 1


def test_more_commands_than_sessions_wait_for_their_turn(far: Far, sshd: Sshd) -> None:
    """At most eight sessions at once; OpenSSH refuses the eleventh."""
    with_log(sshd)
    script = "touch ~/on-$1; echo $(ls ~ | grep -c on-); sleep 0.7; rm ~/on-$1"
    attempts = [far.start(sshd, argv=["sh", "-c", script, "-", str(number)]) for number in range(11)]
    found = [far.finish(attempt) for attempt in attempts]
    assert all(each.status == 0 for each in found), found
    assert max(int(each.log) for each in found) <= 8
    assert logins(sshd) == 1


def test_a_server_that_allows_fewer_sessions_is_asked_again(far: Far, sshd: Sshd) -> None:
    with_log(sshd, "MaxSessions 2")
    attempts = [far.start(sshd, argv=["sh", "-c", f"sleep 0.2; echo {number}"]) for number in range(5)]
    assert [far.finish(attempt).log for attempt in attempts] == [b"%d\n" % number for number in range(5)]


def test_with_one_session_a_command_is_cancelled_and_a_file_uploaded(far: Far, sshd: Sshd) -> None:
    with_log(sshd, "MaxSessions 1")
    (far.work / "f").write_bytes(b"x" * 100_000)
    found = far.run(sshd, "ssh_upload", **{"from": "f", "to": str(sshd.home / "f")})
    assert found.status == 0, found
    attempt = far.start(sshd, argv=["sh", "-c", "echo on; exec sleep 60"])
    far.printed(attempt)
    attempt.cancel()
    assert far.finish(attempt).end.why == "cancelled"
    assert not marked(far.id(2))
    assert (sshd.home / ".livewall" / far.id(2) / "exit").exists()


def test_a_server_that_refuses_handshakes_is_tried_again(tmp_path: Path) -> None:
    """As MaxStartups does when many come at once; here each task has a connector of its own."""
    need_sshd()
    with Sshd(tmp_path, more="MaxStartups 1:60:3") as sshd:
        sshd.learn()
        tasks = []
        for number in range(4):
            (tmp_path / str(number)).mkdir()
            tasks.append(Far(tmp_path / str(number)))
        try:
            attempts = [task.start(sshd, argv=["true"], id=f"a{number}") for number, task in enumerate(tasks)]
            found = [task.finish(attempt) for task, attempt in zip(tasks, attempts, strict=True)]
            assert all(each.status == 0 for each in found), found
        finally:
            for task in tasks:
                task.close()


def test_a_slow_reader_holds_back_only_itself(far: Far, sshd: Sshd) -> None:
    """A program that is stopped takes no output; others go on, and nothing is held in memory or lost."""
    script = "head -c 20000000 /dev/zero; echo; echo end"
    slow = far.start(sshd, argv=["sh", "-c", script])
    program = far.program(slow)
    os.kill(program, 19)  # SIGSTOP
    try:
        assert far.run(sshd, argv=["echo", "quick"]).log == b"quick\n"
    finally:
        os.kill(program, 18)  # SIGCONT
    found = far.finish(slow)
    assert len(found.log) == 20_000_005 and found.log.endswith(b"\nend\n")


def resident(pid: int) -> int:
    """How many bytes of memory a process uses."""
    (line,) = [each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def test_output_that_a_slow_reader_does_not_take_stays_on_the_host(far: Far, sshd: Sshd) -> None:
    size = 250_000_000  # the middle of a longer log is left out
    connector = far._connectors[-1].pid
    attempt = far.start(sshd, argv=["sh", "-c", f"yes 'one line of many' | head -c {size}; exit 5"])
    program, most = far.program(attempt), 0
    out = sshd.home / ".livewall" / far.id(1) / "out"
    far.printed(attempt)
    for number in range(40):
        os.kill(program, signal.SIGSTOP if number % 4 else signal.SIGCONT)
        time.sleep(0.1 if number % 4 else 0.02)
        most = max(most, resident(connector))
    assert out.stat().st_size > attempt.output.stat().st_size + 100_000_000, "it is slow"
    os.kill(program, signal.SIGCONT)
    while attempt.probe().__class__.__name__ != "Ended":
        most = max(most, resident(connector))
        time.sleep(0.02)
    found = far.finish(attempt)
    print("memory", most)
    assert found.status == 5 and most < 150_000_000
    line = b"one line of many\n"
    same = found.log == (line * (size // len(line) + 1))[:size]
    assert len(found.log) == size and same


def test_a_command_whose_host_runs_no_sh_any_more_is_lost(far: Far, sshd: Sshd) -> None:
    attempt = far.start(sshd, argv=["sh", "-c", "echo on; exec sleep 60"])
    far.printed(attempt)
    with_log(sshd, "ForceCommand exit 3")
    sshd.cut()
    found = far.finish(attempt)
    assert found.log == b"on\n" and found.lost == "web1 runs no sh any more that could say how it ended"


def test_a_cancel_holds_that_came_while_the_connector_was_away_and_its_program_is_killed(far: Far, sshd: Sshd) -> None:
    attempt = far.start(sshd, argv=["sh", "-c", "echo on; exec sleep 60"])
    far.printed(attempt)
    far.kill_connector()
    program = far.program(attempt)
    attempt.cancel()
    time.sleep(0.3)  # it waits for a connector, and has the cancel
    os.kill(program, signal.SIGKILL)
    until(lambda: not alive(program))
    far.start_connector()
    assert far.finish(attempt).end.why == "cancelled"
    assert not marked(far.id(1))


def test_a_cancel_is_over_when_all_that_was_started_has_ended(far: Far, sshd: Sshd) -> None:
    """The command obeys at once; what it has started in a session of its own does not."""
    stubborn = "trap '' TERM; while :; do sleep 0.1; done"
    attempt = far.start(sshd, argv=["sh", "-c", 'setsid sh -c "$1" & echo on; exec sleep 60', "-", stubborn], grace=2)
    far.printed(attempt)
    attempt.cancel()
    assert far.finish(attempt).end.why == "cancelled"
    assert not marked(far.id(1))


# Hosts that are away.


def test_a_host_that_is_away_at_first_is_waited_for(far: Far, sshd: Sshd) -> None:
    sshd.stop()
    attempt = far.start(sshd, argv=["echo", "on"])
    far.program(attempt)
    time.sleep(0.3)  # it is tried in vain meanwhile
    sshd.start()
    assert far.finish(attempt).log == b"on\n"


def test_a_host_that_stays_away_says_why(far: Far, sshd: Sshd) -> None:
    begin = time.monotonic()
    usual = {"argv": ["true"], "ssh": sshd.ssh(connect_within=0.5)}
    found = far.run(sshd, **usual, host=sshd.host(port=free_port()))
    assert (found.status, found.reason) == (1, "web1 cannot be reached: connection refused")
    assert 0.5 <= time.monotonic() - begin < 8
    found = far.run(sshd, **usual, host=sshd.host(address="no-such-host.invalid"))
    assert found.reason == "web1 cannot be reached: the name is not known"
    with socket.create_server(("127.0.0.1", 0)) as closing:
        thread = threading.Thread(target=close_each, args=(closing,), daemon=True)
        thread.start()
        found = far.run(sshd, **usual, host=sshd.host(port=closing.getsockname()[1]))
        closing.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert found.reason == "web1 cannot be reached: the connection was closed during the handshake"


def test_hosts_that_never_answer_hold_back_the_others_for_five_seconds_only(far: Far, sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        port = silent.getsockname()[1]
        mute = [far.start(sshd, argv=["true"], host=sshd.host(name=f"mute{n}", port=port)) for n in range(20)]
        for attempt in mute:
            until(lambda attempt=attempt: (attempt.folder / "asked").exists())
        begin = time.monotonic()
        assert far.run(sshd, argv=["echo", "on"]).log == b"on\n"
        assert time.monotonic() - begin < 9
        for attempt in mute:
            attempt.cancel()
        for attempt in mute:
            far.finish(attempt)


class Reports(BaseHTTPRequestHandler):
    """Keeps what a step reports about itself."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.said.append(json.loads(body)["message"])  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_that_a_host_is_away_is_reported_and_not_in_the_log(far: Far, sshd: Sshd) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Reports) as server:
        said = server.said = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        names = base64.urlsafe_b64encode(b"task/step/1").decode()
        far.environment = {
            "LIVEWALL_URL": f"http://127.0.0.1:{server.server_port}", "LIVEWALL_TOKEN": f"s1.{names}.signature",
        }  # fmt: skip
        try:
            attempt = far.start(sshd, argv=["sh", "-c", "echo on; while [ ! -e ~/go ]; do sleep 0.02; done; sleep 1"])
            far.printed(attempt)
            sshd.stop()
            sshd.cut()
            words = r"web1 is not reachable since \d\d:\d\d:\d\d: connection refused; trying again"
            until(lambda: any(re.fullmatch(words, each) for each in said), f"{said}")
            (sshd.home / "go").touch()
            sshd.start()
            until(lambda: said[-1] == "", "that it is back is reported as well")
            assert far.finish(attempt).log == b"on\n"
        finally:
            server.shutdown()
            thread.join()


def close_each(listening: socket.socket) -> None:
    while True:
        try:
            listening.accept()[0].close()
        except OSError:
            return


def test_a_login_without_a_shell_is_said(tmp_path: Path, far: Far) -> None:
    need_sshd()
    with Sshd(tmp_path, name="web2", more="ForceCommand echo no shell here; exit 1") as sshd:
        sshd.learn()
        found = far.run(sshd, argv=["true"])
        assert found.reason == "the login on web2 runs no sh; is its shell nologin, or is a command forced?"


def test_words_of_a_login_shell_are_not_output(tmp_path: Path, far: Far) -> None:
    """As a file like ~/.bashrc prints them: before `sh` starts, to both."""
    need_sshd()
    noise = 'ForceCommand echo welcome; echo "x end 0 0" >&2; eval "$SSH_ORIGINAL_COMMAND"'
    with Sshd(tmp_path, name="web2", more=noise) as sshd:
        sshd.learn()
        assert far.run(sshd, argv=["echo", "on"]).log == b"on\n"


def test_secrets_are_in_no_list_of_processes(far: Far, sshd: Sshd) -> None:
    attempt = far.start(sshd, argv=["sleep", "60"], env={"TOKEN": "hunter2-hunter3"})
    until(lambda: marked(far.id(1)))
    shown = subprocess.run(["ps", "-eo", "args"], capture_output=True, check=True).stdout
    assert b"hunter2-hunter3" not in shown and str(sshd.key).encode() not in shown
    attempt.cancel()
    far.finish(attempt)
