"""The benchmarks say what they are doing, and end when a program does not answer."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import cast

import pytest

from benchmarks.clients import Readers
from benchmarks.fanout import _told
from benchmarks.progress import Progress, answer_within
from benchmarks.record import last_seconds
from benchmarks.target import Child


class Lines(io.StringIO):
    """Sets `reminded` when a line repeats a step."""

    def __init__(self) -> None:
        super().__init__()
        self.reminded = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if "still" in text:
            self.reminded.set()
        return written


def test_a_step_is_named_when_it_begins_and_again_while_it_lasts() -> None:
    out = Lines()
    with Progress("fanout", out=out, reminder=0.01) as progress:
        progress.step("opening connections")
        assert out.reminded.wait(20)
    first, *more = out.getvalue().splitlines()
    assert re.fullmatch(r" +0 s  fanout: opening connections", first)
    assert more and all(line.endswith("fanout: still opening connections") for line in more)


def test_a_step_that_is_over_soon_is_named_once() -> None:
    out = Lines()
    with Progress("fanout", out=out, reminder=60) as progress:
        progress.step("one")
        progress.step("two")
    assert [line.partition(": ")[2] for line in out.getvalue().splitlines()] == ["one", "two"]


def test_a_program_that_does_not_answer_is_ended() -> None:
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with answer_within(0.1, process):
            assert process.stdout.readline() == ""
        assert process.wait() == -signal.SIGKILL


def test_a_program_that_answered_in_time_lives_on() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        for line in ("one\n", "two\n"):
            with answer_within(60, process):
                process.stdin.write(line)
                process.stdin.flush()
                assert process.stdout.readline() == line
        process.stdin.close()
        assert process.wait() == 0


@pytest.mark.parametrize("program", ["import sys; sys.stdin.read()", "input()"], ids=["silent", "ended"])
def test_a_peer_without_an_answer_ends_the_benchmark(program: str) -> None:
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        child = SimpleNamespace(process=process, cpu=lambda: 0)
        readers = SimpleNamespace(stat=lambda: {"tallies": 0})
        with pytest.raises(RuntimeError, match="did not answer"):
            _told(cast(Child, child), cast(Readers, readers), "send", "{", 0.5)


@pytest.mark.parametrize(("name", "seconds"), [("fanout", 394), ("slow", None), ("fan", None)])
def test_how_long_a_benchmark_took_is_read_from_the_document(name: str, seconds: int | None) -> None:
    text = "`python -m benchmarks slow` takes long.\n`python -m benchmarks fanout` on 2026-11-21 18:37 UTC, 394 s, x"
    assert last_seconds(text, name) == seconds
