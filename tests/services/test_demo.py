"""`livewall demo`: it shows real ballots arriving, and leaves nothing behind."""

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
from children import LIVEWALL, environment, free_port, quiet

from livewall.demo.answers import votes
from livewall.demo.arrivals import arrivals


def test_the_answers_are_the_944_of_the_source():
    assert Counter(votes()) == {0: 551, 1: 393}


def test_everyone_arrives_in_time_and_half_by_websocket():
    people = arrivals(votes(), 60)
    assert all(0 <= person.at <= 60 for person in people)
    assert people == sorted(people, key=lambda person: person.at)
    assert Counter(person.transport for person in people) == {"http": 472, "websocket": 472}
    assert Counter(person.vote for person in people) == {0: 551, 1: 393}


def start(tmp_path, port, *options, **variables):
    if "--data" not in options:
        options = ("--data", str(tmp_path / "data"), *options)
    return subprocess.Popen(
        [LIVEWALL, "demo", "--port", str(port), *options],
        env=quiet(environment(tmp_path)) | {"TMPDIR": str(tmp_path)} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(demo, pattern):
    """What the demo says, up to the line that matches."""
    said = ""
    for line in demo.stdout:
        said += line
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"the demo ended with {demo.wait()} and said:\n{said}")


def processes(tmp_path, word=b""):
    """Those that were started with a path of the test, and `word`, in their command."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(tmp_path) in command and word in command and int(process.name) != os.getpid():
            found.append((int(process.name), command))
    return found


def children_left(tmp_path):
    """What is left once connectors have had the time to clean up on the hosts of the demo."""
    deadline = time.monotonic() + 40
    while (left := processes(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def listening_address(port):
    """The local address of the socket that listens on `port`, from the kernel's table."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, state = line.split()[1], line.split()[3]
        address, _, number = local.partition(":")
        if int(number, 16) == port and state == "0A":
            return socket.inet_ntoa(bytes.fromhex(address)[::-1])
    return None


def get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def test_it_runs_for_the_seconds_given_and_ends_well(tmp_path):
    started = time.monotonic()
    demo = start(tmp_path, free_port(), "--seconds", "1")
    said = demo.communicate(timeout=60)[0]
    assert demo.returncode == 0, said
    assert time.monotonic() - started < 90
    for wanted in ("Projector", "Audience", "Sign in", "/login/", "/screen"):
        assert wanted in said
    assert children_left(tmp_path) == []


def test_ballots_arrive_and_a_task_moves_until_ctrl_c(tmp_path):
    port = free_port()
    demo = start(tmp_path, port)
    code = until(demo, r"/w/(\w{6})/screen")[1]
    another = until(demo, r"another: (livewall|.*/livewall) (login .*)\)")[2]
    base = f"http://127.0.0.1:{port}"
    assert listening_address(port) == "127.0.0.1"
    signs_in = subprocess.run(
        [LIVEWALL, *shlex.split(another)], env=environment(tmp_path), capture_output=True, text=True, timeout=30
    )
    assert "Signs in as admin" in signs_in.stderr, signs_in
    wall = get(f"{base}/api/walls/{code}")
    counts, deadline = {"ballots": 0}, time.monotonic() + 40
    while counts["ballots"] < 20:
        assert time.monotonic() < deadline
        counts = get(f"{base}/api/{wall['active']}")["tally"]
    demo.send_signal(signal.SIGINT)
    said = demo.communicate(timeout=60)[0]
    assert demo.returncode == 0, said
    assert "Traceback" not in said
    assert children_left(tmp_path) == []
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "livewall.db")) as database:
        steps = database.execute(
            "SELECT s.state, s.lease FROM steps s JOIN tasks t ON t.id = s.task WHERE t.pipeline IS NULL"
        ).fetchall()
    assert {state for state, _ in steps} <= {"succeeded", "cancelled", "skipped"}, "none is left running"
    assert [lease for state, lease in steps if state != "skipped"] != []
    assert all(lease for state, lease in steps if state != "skipped")


@pytest.mark.parametrize("name", ["livewall.db", "notes.txt", ".hidden"])
def test_a_folder_with_anything_but_a_demo_s_data_is_refused_and_not_touched(tmp_path, name):
    data = tmp_path / "data"
    data.mkdir()
    (data / name).write_text("of real use")
    demo = start(tmp_path, free_port(), "--seconds", "2")
    said = demo.communicate(timeout=60)[0]
    assert demo.returncode == 1
    assert "holds files that no demo made" in said and "--data" in said and "Traceback" not in said
    assert [each.name for each in data.iterdir()] == [name]


def test_the_environment_names_no_folder_for_it_and_a_demo_s_own_folder_is_taken_again(tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    for _ in range(2):
        demo = start(tmp_path, free_port(), "--seconds", "1", LIVEWALL_DATA=str(real))
        said = demo.communicate(timeout=60)[0]
        assert demo.returncode == 0, said
    assert not any(real.iterdir())
    assert (tmp_path / "data" / "livewall.db").exists()


def test_it_ends_when_its_server_does(tmp_path):
    demo = start(tmp_path, free_port())
    until(demo, "Ctrl-C ends it")
    for process, _ in processes(tmp_path, b"\0serve\0"):
        os.kill(process, signal.SIGKILL)
    said = demo.communicate(timeout=60)[0]
    assert demo.returncode == 1
    assert "The server ended" in said
    assert children_left(tmp_path) == []


def test_a_demo_that_is_killed_takes_everything_with_it(tmp_path):
    demo = start(tmp_path, free_port())
    until(demo, "Ctrl-C ends it")
    demo.kill()
    demo.communicate()
    deadline = time.monotonic() + 20
    while left := children_left(tmp_path):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_a_port_that_is_taken_is_said_so(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        demo = start(tmp_path, taken.getsockname()[1], "--seconds", "2")
        said = demo.communicate(timeout=60)[0]
    assert demo.returncode == 1
    assert "is taken" in said and "Traceback" not in said
    assert children_left(tmp_path) == []
