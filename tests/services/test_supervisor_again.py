"""Attempts whose supervisor or command is killed, and that are run again: the log has every byte once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from attempts import PATIENCE, Bench, alive, until

import livewall
from livewall.tasks.attempt import Attempt, Ended, Exit, Lost
from livewall.tasks.supervisor.output import RECORD
from livewall.tasks.supervisor.truncation import STEP, truncation

PRINTS = """
import os, random, signal, sys, time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
open(str(os.getpid()), "w").close()
seed, size, pause, hold = map(float, sys.argv[1:])
data = random.Random(int(seed)).randbytes(int(size)).replace(b"k", b"hunter2")
step = 7777
for begin in range(0, len(data), step):
    os.write(1, data[begin:begin + step])
    time.sleep(pause)
while hold and not os.path.exists("go"):
    time.sleep(0.01)
"""
"""Prints the same each time: bytes that a seed determines, with many secrets among them."""


def expected(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size).replace(b"k", b"***")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def start(bench: Bench, *argv: str, attempt: Attempt | None = None, **more: object) -> Attempt:
    usual = {"replay": True, "secrets": ["hunter2"]}
    return bench.start(sys.executable, "-c", *argv, attempt=attempt, **{**usual, **more})


def kill(bench: Bench, attempt: Attempt) -> None:
    """Kill the supervisor; its command stays, as any orphan does, and is killed as well."""
    os.kill(bench.running(attempt), signal.SIGKILL)
    bench.processes[-1].wait(PATIENCE)
    for each in bench.work.glob("[0-9]*"):
        if alive(int(each.name)):
            os.kill(int(each.name), signal.SIGKILL)
        each.unlink()
    assert isinstance(attempt.probe(), Lost)


def ended(bench: Bench, attempt: Attempt) -> tuple[Exit, bytes]:
    return bench.end(attempt)


def test_a_log_goes_on_where_a_killed_supervisor_left_it(bench: Bench) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    arguments = (PRINTS, str(seed), "400000", "0.004", "0")
    attempt = bench.attempt()
    for _ in range(3):
        start(bench, *arguments, attempt=attempt)
        bench.pids(1)
        before = attempt.output.stat().st_size
        until(lambda before=before: attempt.output.stat().st_size > before or isinstance(attempt.probe(), Ended))
        time.sleep(chance.uniform(0, 0.1))
        if isinstance(attempt.probe(), Ended):
            break
        kill(bench, attempt)
    start(bench, *arguments, attempt=attempt)
    end, output = ended(bench, attempt)
    assert (end.why, end.status) == ("exit", 0)
    assert output == expected(seed, 400000)
    times = [
        RECORD.unpack(attempt.times.read_bytes()[at : at + 16]) for at in range(0, attempt.times.stat().st_size, 16)
    ]
    assert times == sorted(times) and times[-1][0] == len(output) and times[0][1] > 10**12


def test_a_killed_command_is_run_again_and_the_log_is_the_same(bench: Bench) -> None:
    attempt = start(bench, PRINTS, "5", "300000", "0.004", "0")
    for count in range(2):
        (pid,) = bench.pids(1)
        least = 60_000 * (count + 1)
        until(lambda least=least: attempt.output.stat().st_size > least)
        os.kill(pid, signal.SIGKILL)
        (bench.work / str(pid)).unlink()
    end, output = ended(bench, attempt)
    assert (end.why, end.status, output) == ("exit", 0, expected(5, 300000))


def test_a_command_that_is_killed_each_time_is_given_up(bench: Bench) -> None:
    script = "import os; print('on', flush=True); os.kill(os.getpid(), 9)"
    spec = bench.spec(sys.executable, "-c", script, replay=True)
    attempt = bench.attempt()
    quick = """
import sys
sys.path.append(sys.argv[2])
from livewall.tasks.supervisor import run
run.RESTART_PAUSE = 0.01
run.main(sys.argv[1])
"""
    package = Path(livewall.__file__).parents[1]
    command = [sys.executable, "-E", "-S", "-c", quick, str(attempt.folder), str(package)]
    subprocess.run(command, input=msgspec.json.encode(spec), check=True, timeout=PATIENCE)
    found = attempt.probe()
    assert isinstance(found, Ended) and (found.exit.why, found.exit.signal) == ("signal", 9)
    assert attempt.output.read_bytes() == b"on\n"


def test_the_hole_of_a_long_output_stays(bench: Bench) -> None:
    size, cap = 8 * STEP, 2 * STEP
    attempt = start(bench, PRINTS, "7", str(size), "0", "1", cap=cap)
    whole = expected(7, size)
    bench.pids(1)
    until(lambda: attempt.output.stat().st_size > 5 * STEP)
    kill(bench, attempt)
    (bench.work / "go").touch()
    start(bench, PRINTS, "7", str(size), "0", "1", cap=cap, attempt=attempt)
    end, output = ended(bench, attempt)
    assert end.bytes == len(output) == len(whole)
    omitted = truncation(len(whole), cap)
    assert omitted is not None
    begin, until_ = omitted
    assert output[:begin] == whole[:begin] and output[until_:] == whole[until_:]
    assert not any(output[begin:until_])


def test_what_cannot_be_repeated_is_run_again_and_appended(bench: Bench) -> None:
    script = """
import os, signal, sys, time
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
open(str(os.getpid()), "w").close()
sys.stdout.write(f"run {os.getpid()}")
sys.stdout.flush()
while not os.path.exists("go"):
    time.sleep(0.01)
print(" done", flush=True)
"""
    attempt = start(bench, script, replay=False, again=True)
    (first,) = bench.pids(1)
    until(lambda: attempt.output.stat().st_size)
    kill(bench, attempt)
    (bench.work / "go").touch()
    start(bench, script, replay=False, again=True, attempt=attempt)
    end, output = ended(bench, attempt)
    lines = output.decode().splitlines()
    assert end.status == 0 and lines[0] == f"run {first}"
    assert len(lines) == 2 and lines[1].startswith("run ") and lines[1].endswith(" done")


def test_an_attempt_that_has_ended_is_not_run_again(bench: Bench) -> None:
    attempt = start(bench, "print('once')")
    ended(bench, attempt)
    start(bench, "print('twice')", attempt=attempt)
    _, output = ended(bench, attempt)
    assert output == b"once\n"
    cancelled = bench.attempt()
    cancelled.cancel()
    start(bench, "open('ran', 'w')", attempt=cancelled)
    bench.processes[-1].wait(PATIENCE)
    assert not (bench.work / "ran").exists()


def test_two_supervisors_of_a_claimed_attempt_run_it_once_at_a_time(bench: Bench) -> None:
    attempt = start(bench, PRINTS, "3", "10", "0", "1")
    bench.pids(1)
    first = bench.running(attempt)
    start(bench, PRINTS, "3", "10", "0", "1", attempt=attempt)
    bench.processes[-1].wait(PATIENCE)
    assert bench.running(attempt) == first
    (bench.work / "go").touch()
    bench.processes[0].wait(PATIENCE)
    assert isinstance(attempt.probe(), Ended)


def test_a_cancel_reaches_the_command_at_any_moment(bench: Bench) -> None:
    """Also one that has just been started, or is not running at the moment: only it can end what it follows."""
    script = """
import os, signal, sys, time
time.sleep(0.05)
def cancelled(*_):
    open("told", "a").write("told\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, cancelled)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
open(str(os.getpid()), "w").close()
time.sleep(60)
"""
    told = bench.work / "told"
    for pause in (0.0, 0.03, 0.1):
        attempt = start(bench, script, grace=10.0)
        bench.running(attempt)
        time.sleep(pause)  # whatever the moment
        attempt.cancel()
        end, _ = ended(bench, attempt)
        assert end.why == "cancelled" and end.signal is None
        assert (end.status == 0) == told.exists(), "before the command was started there is nothing to tell"
        told.unlink(missing_ok=True)
    for each in bench.work.glob("[0-9]*"):
        each.unlink()
    attempt = start(bench, script, grace=10.0)
    (pid,) = bench.pids(1)
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid))
    attempt.cancel()  # during the pause
    end, _ = ended(bench, attempt)
    assert (end.why, end.status, told.read_text()) == ("cancelled", 0, "told\n")


def test_a_cancel_of_a_resumed_attempt_runs_the_command_to_tell_it(bench: Bench) -> None:
    script = PRINTS.replace("sys.exit(7)", "open('told', 'w').close() or sys.exit(7)")
    attempt = start(bench, script, "3", "10", "0", "1")
    bench.pids(1)
    kill(bench, attempt)
    start(bench, script, "3", "10", "0", "1", attempt=attempt, grace=10.0)
    bench.running(attempt)
    attempt.cancel()
    end, _ = ended(bench, attempt)
    assert (end.why, end.status) == ("cancelled", 7)
    assert (bench.work / "told").exists()


def test_the_timeout_counts_from_the_first_start(bench: Bench) -> None:
    attempt = start(bench, PRINTS, "3", "10", "0", "1", timeout=0.6, grace=10.0)
    bench.pids(1)
    time.sleep(0.3)
    kill(bench, attempt)
    start(bench, PRINTS, "3", "10", "0", "1", timeout=0.6, attempt=attempt, grace=10.0)
    end, _ = ended(bench, attempt)
    assert (end.why, end.status) == ("timeout", 7)
    assert 0.6 <= end.seconds < 10
