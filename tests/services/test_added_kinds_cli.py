"""Kinds of polls and of steps that another package adds, by the command line of a server that has them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from children import ServerProcess

INSTALLED = Path(__file__).parents[1] / "installed"
PIPELINE = """\
[[steps]]
name = "greet"
say = "good morning"
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerProcess]:
    monkeypatch.setenv("PYTHONPATH", str(INSTALLED))
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    (pipelines / "hello.toml").write_text(PIPELINE)
    made = ServerProcess(tmp_path, "--rate-limits", "off", "--pipelines", str(pipelines))
    made.start()
    yield made
    assert made.stop() == 0


def first_tally(server: ServerProcess, poll: str) -> Any:
    """The tally that `livewall watch` prints first."""
    command = server.command("watch", f"polls/{poll}")
    with subprocess.Popen(command, env=server.client(), stdout=subprocess.PIPE) as watch:
        assert watch.stdout is not None
        try:
            events = (json.loads(line) for line in watch.stdout)
            return next(event["data"] for event in events if event.get("key") == "tally")
        finally:
            watch.terminate()


def test_a_poll_is_made_voted_watched_and_counted_again(server: ServerProcess) -> None:
    poll = server.run("poll", "create", "Which two?", "Red", "Green", "Blue", "--kind", "pair", "--open").strip()
    assert "exactly two" in server.run("vote", poll, "Red", status=1)
    server.run("vote", poll, "Red", "Blue")
    server.run("vote", poll, "Green", "Blue", "--as", "second")
    results = server.json("poll", "results", poll)
    assert json.dumps({"1": 2, "2": 2, "3": 2}) in json.dumps(results)
    assert first_tally(server, poll)["counts"] == {"1": 2, "2": 2, "3": 2}
    assert "1" in server.run("recount", poll, "--data", str(server.data))
    server.run("poll", "close", poll)
    rows = server.run("poll", "ballots", poll).splitlines()
    assert rows[0] == "receipt,round,higher,lower" and sorted(row.split(",", 2)[2] for row in rows[1:]) == [
        "1,3",
        "2,3",
    ]
    assert "Red" in server.run("poll", "picture", poll)
    single = server.run("poll", "create", "One?", "A", "B").strip()
    assert server.json("poll", "edit", single, "--kind", "pair")["max_choices"] == 2
    assert "must be one of " in server.run("poll", "create", "?", "A", "B", "--kind", "many", status=1)
    refused = server.run("poll", "create", "?", "A", "B", "--kind", "pair", "--multi", status=2)
    assert "cannot be used together" in refused


def test_a_step_of_the_kind_runs_in_a_pipeline(server: ServerProcess) -> None:
    task = json.loads(server.run("task", "start", "hello", "--json"))["id"]
    assert server.run("task", "logs", task, "greet", "--follow") == "good morning\n"
    assert "greet" in server.run("task", "start", "hello", "--watch")
