"""`livewall watch` in a pipe and on a terminal, and `livewall vote`, while the server is killed and started again."""

import json
import os
import pty
import queue
import re
import select
import signal
import subprocess
import threading
import time

import pytest
from children import ServerProcess

from livewall.client.stream_state import StreamState, Verdict


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    server = ServerProcess(tmp_path_factory.mktemp("watch"), "--rate-limits", "off")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(shared_server):
    """The server of this module, running; a test that kills it starts it again."""
    if shared_server.process.poll() is not None:  # a test that failed left it so
        shared_server.start()
    return shared_server


@pytest.fixture
def poll(server):
    return server.run("poll", "create", "Who?", "Clinton", "Dole", "--open").strip()


class Watch:
    """`livewall watch` in a pipe; what it prints is held as a reader would hold it."""

    def __init__(self, server, *streams, stderr=None):
        self.process = subprocess.Popen(
            server.command("watch", *streams), env=server.client(), stdout=subprocess.PIPE, stderr=stderr, text=True
        )
        self.held = {stream: StreamState(stream) for stream in streams}
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)

    def until(self, fulfilled, seconds=30):
        deadline = time.monotonic() + seconds
        while not fulfilled():
            message = json.loads(self._lines.get(timeout=max(0.01, deadline - time.monotonic())))
            assert self.held[message["stream"]].apply(message) is Verdict.APPLIED, message

    def until_ballots(self, poll, number):
        self.until(lambda: self.held[f"polls/{poll}"].entries.get("tally", {}).get("ballots") == number)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(10)
        self.process.stdout.close()
        return status


def test_a_watch_in_a_pipe_goes_on_through_a_kill(server, poll):
    watch = Watch(server, f"polls/{poll}")
    watch.until_ballots(poll, 0)
    server.run("vote", poll, "Dole", "--as", "a")
    watch.until_ballots(poll, 1)
    for number in (2, 3):
        server.kill()
        server.start()
        server.run("vote", poll, "Dole", "--as", f"{number}")
        watch.until_ballots(poll, number)
    assert watch.stop() == 130


def test_a_watch_in_a_pipe_says_that_the_server_is_gone_and_that_it_is_back(server, poll, tmp_path):
    with (tmp_path / "said").open("wb") as said:
        watch = Watch(server, f"polls/{poll}", stderr=said)
        watch.until_ballots(poll, 0)
        server.kill()
        until_said(tmp_path / "said", "is lost")
        server.start()
        until_said(tmp_path / "said", "is restored")
        assert watch.stop() == 130


def until_said(file, words):
    deadline = time.monotonic() + 30
    while words not in file.read_text():
        assert time.monotonic() < deadline, file.read_text()
        time.sleep(0.02)


def test_a_watch_goes_on_when_the_server_is_restarted_in_order(server, poll):
    watch = Watch(server, f"polls/{poll}")
    watch.until_ballots(poll, 0)
    assert server.stop() == 0
    server.start()
    server.run("vote", poll, "Dole")
    watch.until_ballots(poll, 1)
    watch.stop()


def test_several_streams_are_watched_at_once(server, poll):
    other = server.run("poll", "create", "What?", "A", "B", "--open").strip()
    watch = Watch(server, f"polls/{poll}", f"polls/{other}")
    watch.until_ballots(poll, 0)
    watch.until_ballots(other, 0)
    server.run("vote", other, "A", "--id", "--as", "a", status=2)
    server.run("vote", other, "A")
    watch.until_ballots(other, 1)
    watch.stop()


def test_a_watch_resumes_from_a_position(server, poll):
    watch = Watch(server, f"polls/{poll}")
    watch.until_ballots(poll, 0)
    position = watch.held[f"polls/{poll}"].resume_at
    watch.stop()
    server.run("vote", poll, "Dole")
    watch = Watch(server, f"polls/{poll}", "--since", position)
    del watch.held["--since"], watch.held[position]
    watch.held[f"polls/{poll}"] = StreamState(f"polls/{poll}", position)
    watch.until_ballots(poll, 1)
    watch.stop()


def test_watching_a_stream_that_is_not_there_is_refused(server):
    assert "(no_such" in server.run("watch", "polls/none", status=1)


def test_a_reader_that_leaves_ends_the_watch_quietly(server, poll):
    watch = subprocess.Popen(
        server.command("watch", f"polls/{poll}"), env=server.client(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    watch.stdout.readline()
    watch.stdout.close()
    while watch.poll() is None:  # it notices when it writes
        server.run("vote", poll, "Dole", "--as", "a")
        server.run("vote", poll, "Clinton", "--as", "a")
    assert watch.stderr.read() == b""
    assert watch.returncode == 0
    watch.stderr.close()


def test_on_a_terminal_it_draws_a_table_and_says_when_the_server_is_lost(server, poll):
    terminal, child = pty.openpty()
    process = subprocess.Popen(
        server.command("watch", f"polls/{poll}"),
        env=server.client(TERM="xterm-256color", COLUMNS="100", LINES="30"),
        stdin=child,
        stdout=child,
        stderr=child,
    )
    os.close(child)
    shown = Screen(terminal)
    try:
        shown.until("Who?", "Clinton", "0 ballots", "open", "live · websocket")
        server.run("vote", poll, "Dole")
        shown.until("█", "1 ballot ·")
        server.kill()
        shown.until("connection lost for", "trying again")
        server.start()
        shown.until("live · ")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)
        os.close(terminal)


def test_on_a_terminal_a_wall_names_what_is_on_the_screen(server, poll):
    code = server.run("wall", "create", "Town hall").strip()
    server.run("wall", "activate", code, poll)
    terminal, child = pty.openpty()
    env = server.client(TERM="xterm-256color", COLUMNS="60", LINES="24")
    process = subprocess.Popen(
        server.command("watch", f"walls/{code}"), env=env, stdin=child, stdout=child, stderr=child
    )
    os.close(child)
    try:
        Screen(terminal).until("Town hall", "▶", "Who?", f"polls/{poll}")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)
        os.close(terminal)


class Screen:
    """What a pseudo-terminal was sent, without its control sequences."""

    def __init__(self, terminal):
        self.terminal = terminal

    def until(self, *texts, seconds=20):
        shown = b""
        deadline = time.monotonic() + seconds
        while True:
            text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode("utf-8", "ignore"))
            if all(wanted in text for wanted in texts):
                return
            ready, _, _ = select.select([self.terminal], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{texts} did not all appear in:\n{text}"
            shown += os.read(self.terminal, 65536)


def test_a_vote_waits_for_a_server_that_restarts(server, poll):
    server.kill()
    vote = subprocess.Popen(server.command("vote", poll, "Dole"), env=server.client(), stdout=subprocess.DEVNULL)
    server.start()
    assert vote.wait(30) == 0
    assert server.json("poll", "results", poll)["ballots"] == 1
