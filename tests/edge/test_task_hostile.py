"""Steps, reporters and operators who mean harm, or are unlucky in the worst way."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from clients import Client
from task_runs import ended, start, states
from test_task_runs import Write, nothing_is_left, pipelines, settings, write

import server
from livewall.clock import iso, utc_now
from livewall.settings import Settings
from livewall.tasks import folders
from livewall.tasks.actions import StartAttempt

__all__ = ["nothing_is_left", "pipelines", "settings", "write"]
WAITS = 'run = ["sh", "-c", "while ! test -e go; do sleep 0.02; done"]\n'


async def until(found: Any, seconds: float = 10.0) -> None:
    """Wait for something that no event tells."""
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "it did not come"
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "trick",
    [
        "mkdir $F",
        "mkfifo $F",
        "ln -s /etc/passwd $F",
        "ln -s values $F",
        "head -c 200000 /dev/zero > $F",
        "printf 'A=\\\\000' > $F",
        "printf 'A=\\\\377' > $F",
    ],
)
async def test_whatever_a_step_leaves_as_its_outputs_it_ends(trick: str, client: Client, write: Write) -> None:
    token = await client.token("operator")
    write(
        "odd",
        f'''[[steps]]
name = "a"
run = ["sh", "-c", """F=$LIVEWALL_OUTPUT; rm $F; {trick}"""]
''',
    )
    task = await asyncio.wait_for(ended(client, token, await start(client, token, "odd")), 10)
    reason = task["steps"][0]["reason"]
    assert task["state"] == "failed" and "LIVEWALL_OUTPUT" in reason, task


async def test_a_supervisor_that_its_step_stopped_hears_a_cancel(
    client: Client, write: Write, settings: Settings
) -> None:
    token = await client.token("operator")
    write("stops", '[[steps]]\nname = "a"\nrun = ["sh", "-c", "echo $PPID > parent; kill -STOP $PPID; sleep 60"]\n')
    task = await start(client, token, "stops")
    told = settings.data / "tasks" / task / "work" / "parent"
    await until(lambda: told.exists() and told.read_text().endswith("\n"))
    stat = Path(f"/proc/{told.read_text().strip()}/stat")
    await until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
    await client.ask("POST", f"/api/tasks/{task}/cancel", {}, token=token)
    found = await asyncio.wait_for(ended(client, token, task), 10)
    assert states(found) == {"a": "cancelled"}


async def test_a_cancel_ends_a_step_whose_folders_were_deleted(
    client: Client, write: Write, settings: Settings, tmp_path: Path
) -> None:
    token = await client.token("operator")
    write("gone", f'[[steps]]\nname = "a"\nrun = ["sh", "-c", "echo $$ > {tmp_path}/pid; exec sleep 60"]\n')
    task = await start(client, token, "gone")
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    shutil.rmtree(settings.data / "tasks" / task)
    await client.ask("POST", f"/api/tasks/{task}/cancel", {}, token=token)
    found = await asyncio.wait_for(ended(client, token, task), 10)
    assert states(found) == {"a": "cancelled"}, found
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_a_second_supervisor_that_finds_the_step_claimed_does_not_make_it_lost(
    client: Client, write: Write, settings: Settings, running: server.Running
) -> None:
    token = await client.token("operator")
    write("slow", f'[[steps]]\nname = "a"\n{WAITS}')
    task = await start(client, token, "slow")
    await until(lambda: (settings.data / "tasks" / task / "work").exists())
    runner = running.app.tasks.runner
    [(begin, _, _)] = await running.services.store.read(lambda c: runner._engine.unfinished.attempts(c, iso(utc_now())))
    assert isinstance(begin, StartAttempt)
    waits, await_holder = asyncio.Event(), runner._wait_for_end

    async def noted(*args: Any) -> None:
        waits.set()
        await await_holder(*args)

    runner._wait_for_end = noted  # type: ignore[method-assign]
    second = asyncio.ensure_future(runner._run(begin))
    await asyncio.wait_for(waits.wait(), 10)
    found = (await client.ask("GET", f"/api/tasks/{task}", token=token)).json
    (settings.data / "tasks" / task / "work" / "go").touch()
    assert found["state"] == "running", found
    assert (await ended(client, token, task))["state"] == "succeeded"
    await second


async def test_old_folders_go_with_those_of_their_retries(
    client: Client, write: Write, settings: Settings, running: server.Running
) -> None:
    token = await client.token("operator")
    put_out = '[[steps]]\nname = "b"\nrun = ["sh", "-c", "echo KEY=x >> $LIVEWALL_OUTPUT"]\n'
    write("fails", put_out + '[[steps]]\nname = "a"\nneeds = ["b"]\nrun = ["false"]\n')
    first = await ended(client, token, await start(client, token, "fails"))
    answer = await client.ask("POST", f"/api/tasks/{first['id']}/retry", {}, token=token)
    second = await ended(client, token, answer.json["id"])
    for task in (first["id"], second["id"]):
        assert (settings.data / "tasks" / task).is_dir()
    parts = running.app.tasks
    await parts.purge()
    assert (settings.data / "tasks" / second["id"]).is_dir()
    held = await running.services.store.read(lambda c: c.execute("SELECT outputs FROM steps").fetchall())
    assert held.count(('{"KEY":"x"}',)) == 2
    parts.clock = lambda: utc_now() + timedelta(days=settings.log_days + 1)
    await parts.purge()
    assert list((settings.data / "tasks").iterdir()) == []
    held = await running.services.store.read(lambda c: c.execute("SELECT outputs FROM steps").fetchall())
    assert set(held) == {("{}",)}, "what steps put out may hold secrets"


async def test_a_folder_that_cannot_be_removed_is_said_once(
    client: Client,
    write: Write,
    running: server.Running,
    monkeypatch: pytest.MonkeyPatch,
    caplog: Any,
    expected_logs: list[str],
) -> None:
    expected_logs.append("the working folder")
    token = await client.token("operator")
    write("fails", '[[steps]]\nname = "a"\nrun = ["false"]\n')
    task = await ended(client, token, await start(client, token, "fails"))
    parts = running.app.tasks
    parts.clock = lambda: utc_now() + timedelta(days=parts.settings.log_days + 1)
    monkeypatch.setattr(folders, "delete", lambda path: f"{path}/x: Operation not permitted")
    for _ in range(2):
        await parts.purge()
    [said] = [record.getMessage() for record in caplog.records if "the working folder" in record.getMessage()]
    path = parts.folder / task["id"]
    assert said == f"the working folder {path} cannot be removed: {path}/x: Operation not permitted; remove it yourself"


async def test_a_task_of_too_many_needs_is_refused_and_one_of_many_is_drawn_soon(client: Client) -> None:
    token = await client.token("reporter")

    def tangle(size: int) -> dict[str, Any]:
        left, right = [f"a{n}" for n in range(size)], [f"b{n}" for n in range(size)]
        return {"title": "x", "steps": [{"name": n} for n in left] + [{"name": n, "needs": left} for n in right]}

    wrong = await client.ask("POST", "/api/tasks", tangle(150), token=token)
    assert (wrong.status, wrong.code) == (422, "invalid") and "20,000 needs" in wrong.json["error"]["message"]
    before = time.process_time()
    made = await client.ask("POST", "/api/tasks", tangle(140), token=token)
    assert made.status == 201 and len(made.json["layout"]["edges"]) == 140 * 140
    assert time.process_time() - before < 2.0


async def test_thousands_of_parameters_that_do_not_exist_cost_little(client: Client) -> None:
    token = await client.token("operator")
    before = time.process_time()
    params = {f"wor{n}": 1 for n in range(60_000)}
    answer = await client.ask("POST", "/api/pipelines/prints/tasks", {"params": params}, token=token)
    assert answer.status == 422 and len(answer.json["error"]["fields"]) == 100
    assert time.process_time() - before < 1.0


async def test_nobody_learns_from_a_log_which_tasks_there_are(client: Client, write: Write) -> None:
    token = await client.token("operator")
    task = await start(client, token, "prints")
    for path in (f"/api/tasks/{task}/logs/say", f"/api/tasks/{task}/logs/none", "/api/tasks/none/logs/say"):
        assert (await client.ask("POST", path, raw=b"x")).status == 401
        assert (await client.ask("POST", path, raw=b"x", token=await client.token("host"))).status == 403
    await ended(client, token, task)


async def test_how_far_a_log_goes_is_told_though_the_server_dies_after_the_end(
    client: Client, running: server.Running
) -> None:
    token = await client.token("operator")
    running.services.logs.on_move = lambda ends: None  # as where it is killed before it tells

    async def told(task: str, step: str) -> Any:
        events = (await client.updates(f"tasks/{task}/logs/{step}", token=token)).json["events"]
        return next(event["data"]["bytes"] for event in events if event.get("key") == "end")

    task = await start(client, token, "prints")
    assert (await ended(client, token, task))["state"] == "succeeded"
    assert await told(task, "say") == len("['hello', '--flag']\n")
    await client.ask("POST", "/api/tasks", {"title": "Load", "steps": [{"name": "a"}], "id": "load"}, token=token)
    await client.ask("POST", "/api/tasks/load/logs/a", raw=b"four", token=token)
    await client.ask("PUT", "/api/tasks/load/steps/a", {"state": "succeeded"}, token=token)
    assert await told("load", "a") == 0
    await running.app.tasks.tasks.start()
    while await told("load", "a") != 4:
        await asyncio.sleep(0.02)
