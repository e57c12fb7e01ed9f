"""A supervisor among others: cancelled, killed, found again, twice at once, in a folder that is gone."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from attempts import PATIENCE, Bench, alive, until

import livewall
from livewall.tasks.attempt import Absent, Attempt, Ended, Lost, Running

SUPERVISE = "import sys; from livewall.tasks.supervisor.run import main; main(sys.argv[1])"
TREE = """
import os, signal, sys, time

def lives(stubborn):
    if stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(str(os.getpid()), "w").close()
    while True:
        time.sleep(60)

def daemon(stubborn):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            lives(stubborn)
        os._exit(0)

daemon(True)
daemon(False)
if os.fork() == 0:
    daemon(True)
    lives(True)
print("all started", flush=True)
if sys.argv[1:]:
    while len(os.listdir()) < 4:
        time.sleep(0.01)
    sys.exit(7)
lives(False)
"""
"""Five processes: daemons with sessions of their own, most of them deaf to SIGTERM. With an argument, four remain."""


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.close()


def test_a_cancel_leaves_nothing_alive(bench):
    attempt = bench.start(sys.executable, "-c", TREE)
    pids = bench.pids(5)
    assert all(map(alive, pids))
    assert attempt.cancel()
    end, output = bench.end(attempt)
    assert (end.why, end.signal, output) == ("cancelled", 15, b"all started\n")
    assert not any(map(alive, pids))
    assert not attempt.cancel()


def test_what_a_command_leaves_behind_does_not_outlive_the_step(bench):
    end, _ = bench.python(TREE, "and leave")
    assert (end.why, end.status) == ("exit", 7)
    assert not any(map(alive, bench.pids(4)))


def test_who_multiplies_while_being_ended_is_ended_too(bench):
    script = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(str(os.getpid()), "w").close()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(3000):
    if os.fork() == 0:
        os.setsid()
        time.sleep(0.02)
        if os.fork():
            os._exit(0)
        time.sleep(60)
    time.sleep(0.002)
time.sleep(60)
"""
    attempt = bench.start(sys.executable, "-c", script, grace=0.1)
    supervisor = bench.running(attempt)
    bench.pids(1)
    attempt.cancel()
    end, _ = bench.end(attempt)
    assert (end.why, end.signal, end.message) == ("cancelled", 9, "")
    assert not alive(supervisor)
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert script.encode() not in command.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            pass


def test_one_that_is_stopped_is_ended_too(bench):
    attempt = bench.start("sh", "-c", "touch $$; kill -STOP $$; sleep 60", grace=10.0)
    (pid,) = bench.pids(1)
    until(lambda: "T (stopped)" in Path(f"/proc/{pid}/status").read_text())
    attempt.cancel()
    end, _ = bench.end(attempt)
    assert (end.why, end.signal) == ("cancelled", 15)
    assert end.seconds < 10


def test_a_cancel_before_the_start_lets_none_start(bench):
    attempt = bench.attempt()
    assert attempt.cancel()
    found = attempt.probe()
    assert isinstance(found, Ended) and found.exit.why == "cancelled"
    bench.start("touch", "ran", attempt=attempt)
    bench.processes[-1].wait(PATIENCE)
    assert attempt.probe() == found
    assert not (bench.work / "ran").exists()


def test_a_cancel_at_any_moment_of_the_start_ends_it(bench):
    for n in range(12):
        attempt = bench.start("sleep", "60")
        time.sleep(n * 0.005)  # no matter when
        assert attempt.cancel()
        bench.processes[-1].wait(PATIENCE)
        found = attempt.probe()
        assert isinstance(found, Ended) and found.exit.why == "cancelled"


def test_supervisors_of_one_folder_run_the_command_once(bench):
    attempt = bench.attempt()
    argv = ("sh", "-c", "echo ran >> ran; sleep 0.2")
    starts = [threading.Thread(target=lambda: bench.start(*argv, attempt=attempt)) for _ in range(4)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    for process in bench.processes:
        process.wait(PATIENCE)
    bench.start(*argv, attempt=attempt)
    bench.end(attempt)
    assert (bench.work / "ran").read_text() == "ran\n"


def test_a_killed_supervisor_is_lost_at_once(bench):
    attempt = bench.start("sh", "-c", "touch $$; exec sleep 60")
    supervisor = bench.running(attempt)
    (pid,) = bench.pids(1)
    os.kill(supervisor, signal.SIGKILL)
    bench.processes[-1].wait(PATIENCE)
    found = attempt.probe()
    assert isinstance(found, Lost)
    assert "may still be running" in found.reason
    assert alive(pid)
    assert not attempt.cancel()
    bench.start("touch", "again", attempt=attempt)
    bench.processes[-1].wait(PATIENCE)
    assert not (bench.work / "again").exists()


def test_a_fault_of_the_supervisor_itself_ends_the_command_and_is_said(bench):
    attempt = bench.attempt()
    spec = msgspec.to_builtins(bench.spec("sh", "-c", "touch $$; echo on; exec sleep 60")) | {"cap": "a word"}
    command = [sys.executable, "-c", SUPERVISE, attempt.folder]
    subprocess.run(command, input=msgspec.json.encode(spec), check=True, timeout=PATIENCE)
    found = attempt.probe()
    assert isinstance(found, Ended) and found.exit.why == "error"
    assert found.exit.message.startswith("the supervisor failed: TypeError")
    until(lambda: not any(map(alive, bench.pids(1))))


def test_a_server_that_was_half_way_through_the_specification_has_started_nothing(bench):
    attempt = bench.attempt()
    text = b'{"argv":["touch","ran"],"cwd":"/tmp"'
    done = subprocess.run([sys.executable, "-c", SUPERVISE, attempt.folder], input=text, timeout=PATIENCE)
    assert done.returncode == 1
    assert attempt.probe() == Absent()


def test_it_outlives_the_server_and_is_found_again(bench):
    attempt = bench.attempt()
    server = """
import sys
from pathlib import Path
from livewall.tasks.attempt import Attempt, Spec
from livewall.tasks.spawner.process import Spawner
spec = Spec(argv=["sh", "-c", "read line < go; echo $line"], cwd=sys.argv[2], env={})
Attempt(Path(sys.argv[1])).start(spec, Spawner())
import os
os._exit(0)
"""
    os.mkfifo(bench.work / "go")
    subprocess.run([sys.executable, "-c", server, attempt.folder, bench.work], check=True, timeout=PATIENCE)
    supervisor = bench.running(attempt)
    found = Attempt(attempt.folder)
    ends = found.pidfd()
    assert ends is not None
    try:
        assert not select.select([ends], [], [], 0)[0]
        (bench.work / "go").write_text("on\n")
        assert select.select([ends], [], [], PATIENCE)[0]
    finally:
        os.close(ends)
    seen = found.probe()
    assert isinstance(seen, Ended) and (seen.exit.why, seen.exit.status) == ("exit", 0)
    assert found.output.read_bytes() == b"on\n"
    assert found.pidfd() is None
    assert not alive(supervisor)


def test_the_working_folder_may_go_while_it_runs(bench):
    attempt = bench.start("sh", "-c", 'touch $$; while [ -d "$1" ]; do sleep 0.01; done; echo on', "-", str(bench.work))
    bench.pids(1)
    shutil.rmtree(bench.work)
    end, output = bench.end(attempt)
    assert (end.why, end.status, output) == ("exit", 0, b"on\n")


def test_a_folder_that_is_gone_or_damaged_is_lost(bench):
    attempt = bench.start("sh", "-c", "touch $$; exec sleep 60")
    assert isinstance(attempt.probe(), Absent | Running)
    bench.pids(1)
    ends = attempt.pidfd()
    assert ends is not None
    shutil.rmtree(attempt.folder)
    assert isinstance(attempt.probe(), Lost)
    signal.pidfd_send_signal(ends, signal.SIGTERM)  # there it goes on, and ends as well
    os.close(ends)
    bench.processes[-1].wait(PATIENCE)
    assert isinstance(attempt.probe(), Lost)
    attempt.folder.write_text("a file")
    assert isinstance(attempt.probe(), Lost)
    end, whole = bench.attempt(), bench.attempt()
    bench.start("true", attempt=end)
    bench.end(end)
    for text in ("", "{", '{"why":"never heard of"}', "\xff"):
        (end.folder / "exit").write_text(text, "latin-1")
        assert isinstance(end.probe(), Lost)
    assert whole.probe() == Absent()


WRONG_CLOCK = """
import sys, time
sys.path.append(sys.argv[2])
hours = iter(range(10**9))
time.time = lambda: 1.8e9 + 3600 * (7 * next(hours) % 11)
from livewall.tasks.supervisor.run import main
main(sys.argv[1])
"""


@pytest.mark.parametrize(("timeout", "why"), [(20.0, "exit"), (0.2, "timeout")])
def test_the_clock_may_be_set_while_it_runs(bench, timeout, why):
    """By hours, forth and back, whenever it is asked: that cannot be done to the machine's own."""
    attempt = bench.attempt()
    spec = bench.spec("sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done", timeout=timeout)
    package = Path(livewall.__file__).parents[1]
    command = [sys.executable, "-E", "-S", "-c", WRONG_CLOCK, str(attempt.folder), str(package)]
    subprocess.run(command, input=msgspec.json.encode(spec), check=True, timeout=PATIENCE)
    found = attempt.probe()
    assert isinstance(found, Ended) and found.exit.why == why
    assert 0.2 <= found.exit.seconds < 15
