"""Steps of kind `celery`: a real server sends tasks to real workers over a real broker."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from celery_parts import PASSWORD, Shop, eventually, kill
from child_server import Server

from livewall.tasks.kinds import program
from livewall.tasks.supervisor.folder import INPUT

pytest_plugins = ("server_fixtures", "task_fixtures", "celery_fixtures")

HEAD = 'secrets = ["CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"]\n'


def step(**given: Any) -> str:
    return f'{HEAD}[[steps]]\nname = "report"\ncelery = {as_toml(given)}\n'


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {as_toml(each)}' for key, each in value.items())} }}"
    return json.dumps(value)


@pytest.fixture
def served(
    serve: Callable[..., Server], shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Server]]:
    monkeypatch.setenv("CELERY_BROKER_URL", shop.broker.url)
    monkeypatch.setenv("CELERY_RESULT_BACKEND", shop.broker.url)
    servers: list[Server] = []

    def start(**pipelines: str) -> Server:
        servers.append(serve(**pipelines))
        return servers[-1]

    yield start
    for server in servers:  # the address of the broker is nowhere, and neither is its password
        for path in server.home.rglob("*"):
            if path.is_file():
                assert PASSWORD.encode() not in path.read_bytes(), path


def started(server: Server, pipeline: str, **params: Any) -> str:
    return str(server.host("POST", f"/api/pipelines/{pipeline}/tasks", {"params": params})["id"])


def the_step(server: Server, task: str) -> dict[str, Any]:
    return dict(server.host("GET", f"/api/tasks/{task}")["steps"][0])


def ended(server: Server, task: str, state: str) -> dict[str, Any]:
    """The step once it has ended, which must be in this state."""
    found: dict[str, Any] = eventually(
        lambda: (shown := the_step(server, task))["ended_at"] and shown, said=lambda: log(server, task)
    )
    assert found["state"] == state, (found, log(server, task))
    return found


def log(server: Server, task: str) -> str:
    return server.host_bytes(f"/api/tasks/{task}/logs/report").decode()


def test_a_task_is_sent_with_its_values_and_its_result_is_an_output(served: Callable[..., Server], shop: Shop) -> None:
    shop.worker("--pool", "solo")
    text = (
        HEAD
        + """params.more.type = "integer"
        [[steps]]
        name = "report"
        celery = { task = "shop.add", args = [1, [2, 3]] }
        [[steps]]
        name = "then"
        needs = ["report"]
        run = ["echo", "{steps.report.result} by {steps.report.id}"]
        """
    )
    server = served(shop=text)
    task = started(server, "shop", more=3)
    eventually(lambda: server.host("GET", f"/api/tasks/{task}")["state"] == "succeeded")
    said = log(server, task)
    assert "sent shop.add as " in said and "succeeded: 6" in said
    id = said.partition("sent shop.add as ")[2].split()[0]
    assert server.host_bytes(f"/api/tasks/{task}/logs/then").decode() == f"6 by {id}\n"
    assert shop.notes() == ["add (1, [2, 3])"]


def test_texts_in_arguments_are_filled_and_a_queue_is_chosen(served: Callable[..., Server], shop: Shop) -> None:
    shop.worker("--pool", "solo", "-Q", "slow")
    text = 'params.word.type = "string"\n' + step(task="shop.add", args=[["{params.word}"]], queue="slow")
    server = served(shop=text)
    task = started(server, "shop", word="a'b\"c")
    found = ended(server, task, "failed")  # text cannot be added
    assert found["reason"] == "the task failed: TypeError"
    assert shop.notes() == ["add (['a\\'b\"c'],)"]


def test_a_failure_shows_its_traceback_in_the_log_and_no_value_in_the_reason(
    served: Callable[..., Server], shop: Shop
) -> None:
    shop.worker("--pool", "solo")
    server = served(shop=step(task="shop.fail"), none=step(task="shop.none"))
    task = started(server, "shop")
    assert ended(server, task, "failed")["reason"] == "the task failed: ValueError"
    said = log(server, task)
    assert "Traceback (most recent call last):" in said and "failed: ValueError: a value of 4711" in said
    task = started(server, "none")
    assert ended(server, task, "failed")["reason"] == "the workers know no task of this name"


def test_retries_are_attempts_of_the_log(served: Callable[..., Server], shop: Shop) -> None:
    shop.worker("--pool", "solo")
    server = served(shop=step(task="shop.flaky", args=[2]))
    task = started(server, "shop")
    ended(server, task, "succeeded")
    said = log(server, task)
    assert shop.notes() == ["flaky 0", "flaky 1", "flaky 2"]
    assert "attempt 2 failed: OSError: not yet" in said or "2 attempts failed so far" in said
    assert said.splitlines()[-1] == 'succeeded: "at last"'


def test_a_state_of_the_task_itself_is_the_progress_of_the_step(served: Callable[..., Server], shop: Shop) -> None:
    shop.worker("--pool", "solo")
    gate = shop.folder / "gate"
    server = served(shop=step(task="shop.counted", kwargs={"gate": str(gate)}))
    task = started(server, "shop")
    found = eventually(lambda: (shown := the_step(server, task))["progress"] and shown)
    assert (found["progress"], found["message"]) == (0.75, "3 of 4")
    gate.touch()
    ended(server, task, "succeeded")


@pytest.mark.parametrize("terminate", [False, True])
def test_a_cancel_revokes_and_terminates_where_that_is_said(
    served: Callable[..., Server], shop: Shop, terminate: bool
) -> None:
    shop.worker()
    gate = shop.folder / "gate"
    server = served(shop=step(task="shop.held", args=[str(gate)], terminate=terminate))
    task = started(server, "shop")
    eventually(shop.notes)
    server.host("POST", f"/api/tasks/{task}/cancel")
    ended(server, task, "cancelled")
    if terminate:
        eventually(lambda: "Terminating" in shop.said())
        pid = int(shop.notes()[0].split()[-1])
        eventually(lambda: not Path(f"/proc/{pid}").exists())
        assert len(shop.notes()) == 1
    else:
        gate.touch()
        eventually(lambda: len(shop.notes()) == 2)
        assert "it goes on to its end" in log(server, task)


def test_a_task_that_waits_in_its_queue_is_revoked_and_never_runs(served: Callable[..., Server], shop: Shop) -> None:
    shop.worker("--pool", "prefork")
    gate = shop.folder / "gate"
    server = served(first=step(task="shop.held", args=[str(gate)]), second=step(task="shop.add"))
    first = started(server, "first")
    eventually(shop.notes)
    second = started(server, "second")
    eventually(lambda: "sent shop.add" in log(server, second))
    server.host("POST", f"/api/tasks/{second}/cancel")
    ended(server, second, "cancelled")
    gate.touch()
    ended(server, first, "succeeded")
    eventually(lambda: "revoked" in shop.said())
    assert [line.split()[0] for line in shop.notes()] == ["held", "let"]


def test_a_server_that_is_killed_goes_on_with_a_task_that_was_sent_once(
    served: Callable[..., Server], shop: Shop
) -> None:
    shop.worker("--pool", "solo")
    gate = shop.folder / "gate"
    server = served(shop=step(task="shop.held", args=[str(gate)]))
    task = started(server, "shop")
    eventually(shop.notes)
    server.kill()
    gate.touch()
    server.start()
    ended(server, task, "succeeded")
    assert [line.split()[0] for line in shop.notes()] == ["held", "let"]
    assert log(server, task).count("sent shop.held") == 1


def test_a_broker_that_is_away_is_waited_for(served: Callable[..., Server], shop: Shop) -> None:
    shop.broker.kill()
    server = served(shop=step(task="shop.add", args=[1, 1]))
    task = started(server, "shop")
    eventually(lambda: "the broker cannot be reached" in log(server, task))
    shop.broker.start()
    shop.worker("--pool", "solo")
    ended(server, task, "succeeded")
    assert "can be reached again" in log(server, task)
    assert shop.notes() == ["add (1, 1)"]


def attempt_pid(server: Server, task: str) -> int:
    """The pid of the program of a step."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (
                f"{server.data}/tasks/{task}/" in (process / "environ").read_text(errors="replace")
                and "celery_task" in (process / "cmdline").read_text()
            ):
                return int(process.name)
        except OSError:
            continue
    raise AssertionError("there is no such process")


def test_a_retry_follows_the_task_of_a_program_that_was_killed(served: Callable[..., Server], shop: Shop) -> None:
    shop.worker("--pool", "solo")
    gate = shop.folder / "gate"
    server = served(shop=step(task="shop.held", args=[str(gate)]))
    task = started(server, "shop")
    eventually(shop.notes)
    assert PASSWORD not in Path(f"/proc/{attempt_pid(server, task)}/cmdline").read_text()
    os.kill(attempt_pid(server, task), 9)
    ended(server, task, "failed")
    again = str(server.host("POST", f"/api/tasks/{task}/retry")["id"])
    eventually(lambda: "looking for it" in log(server, again))
    gate.touch()
    ended(server, again, "succeeded")
    assert [line.split()[0] for line in shop.notes()] == ["held", "let"], "it was sent once"


def test_a_worker_that_is_killed_leaves_the_end_to_the_timeout(served: Callable[..., Server], shop: Shop) -> None:
    worker = shop.worker()
    server = served(shop=step(task="shop.held", args=[str(shop.folder / "gate")]) + "timeout = 3\n")
    task = started(server, "shop")
    eventually(shop.notes)
    kill(worker)
    assert ended(server, task, "failed")["reason"] == "not finished after 3 s"


def test_a_backend_that_is_lost_and_back_does_not_end_the_step(served: Callable[..., Server], shop: Shop) -> None:
    shop.worker()
    gate = shop.folder / "gate"
    server = served(shop=step(task="shop.held", args=[str(gate)]))
    task = started(server, "shop")
    eventually(lambda: "started by" in log(server, task))
    shop.broker.kill()
    eventually(lambda: "the result backend cannot be reached" in log(server, task))
    shop.broker.start()
    eventually(lambda: "the result backend can be reached again" in log(server, task))
    gate.touch()
    ended(server, task, "succeeded")
    assert [line.split()[0] for line in shop.notes()] == ["held", "let"]


def test_a_task_of_which_nobody_knows_whether_it_was_sent_is_left_to_a_person(
    served: Callable[..., Server], shop: Shop
) -> None:
    shop.broker.kill()
    server = served(shop=step(task="shop.add", args=[1]) + "retries = 1\n")
    task = started(server, "shop")
    eventually(lambda: "the broker cannot be reached" in log(server, task))
    os.kill(int(Path(f"/proc/{attempt_pid(server, task)}/stat").read_text().split()[3]), 9)  # the supervisor
    ended(server, task, "lost")
    shop.broker.start()
    second = str(server.host("POST", f"/api/tasks/{task}/retry")["id"])
    found = ended(server, second, "failed")
    assert found["attempt"] == 2 and "Look whether it has run" in found["reason"]
    assert shop.broker.client().llen("celery") == 0
    shop.worker("--pool", "solo")
    third = str(server.host("POST", f"/api/tasks/{second}/retry")["id"])
    ended(server, third, "succeeded")
    assert shop.notes() == ["add (1,)"]


def test_a_program_that_is_killed_at_any_time_never_sends_twice(shop: Shop, tmp_path: Path, chance: Random) -> None:
    shop.worker("--pool", "solo")
    given = {
        "task": "shop.add", "args": [1], "kwargs": {}, "queue": None, "terminate": False,
        "broker": "CELERY_BROKER_URL", "backend": "CELERY_RESULT_BACKEND",
    }  # fmt: skip
    command = program("celery_task", given)

    def attempt(number: int, kill_after: float | None, task: str) -> int:
        folder = tmp_path / task / "steps" / f"report.{number}"
        work = tmp_path / task / "work"
        folder.mkdir(parents=True)
        work.mkdir(exist_ok=True)
        (folder / INPUT).write_text(json.dumps(given))
        env = shop.environment(LIVEWALL_INPUT=str(folder / INPUT), LIVEWALL_OUTPUT=str(folder / "values"))
        process = subprocess.Popen(
            command.argv, cwd=work, env=env | command.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            return process.wait(kill_after or 20)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    attempt(1, None, "warm")
    began = time.monotonic()
    assert attempt(1, None, "whole") == 0
    usual = time.monotonic() - began
    killed = 0
    for number in range(5):
        before, task = len(shop.notes()), f"task{number}"
        status = attempt(1, chance.uniform(0.5, 1.0) * usual, task)
        if status < 0:
            killed += 1
            status = attempt(2, None, task)
        # A person is asked where nobody knows whether it was sent; otherwise it ran, once.
        assert len(shop.notes()) - before == 1 - status, (number, status, shop.notes())
    assert killed
