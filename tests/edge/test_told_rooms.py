"""A room is told when a task begins, waits, fails and ends, whether it runs here or elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clients import ADMIN, Client
from task_runs import ended, start
from test_rooms import held, room

from livewall.settings import Settings

GATE = """title = "Release"
room = "ops"
[[steps]]
name = "build"
run = ["true"]
[[steps]]
name = "approve"
needs = ["build"]
gate = { approvers = ["role:operator"] }
[[steps]]
name = "ship"
needs = ["approve"]
run = ["false"]
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "release.toml").write_text(GATE)
    (folder / "lost.toml").write_text(GATE.replace('"ops"', '"nowhere"'))
    return replace(settings, pipelines=folder)


async def told(client: Client) -> list[str]:
    messages = (await held(client)).numbered.values()
    assert all((m["from"], m["name"], m["role"]) == ("", "Livewall", "system") for m in messages)
    return [message["text"].rpartition(": ")[0] for message in messages]


async def test_a_room_is_told_of_a_task_that_runs_here(client: Client) -> None:
    await room(client)
    task = await start(client, ADMIN, "release")
    listener = await client.socket("/ws/rooms/ops")
    await listener.until(lambda m: "waits" in str(m.get("data")))
    decided = {"decision": "approve"}
    operator = await client.token("operator")
    answer = await client.ask("POST", f"/api/tasks/{task}/steps/approve/decide", decided, token=operator)
    assert answer.status == 200, answer.body
    await ended(client, ADMIN, task)
    assert await told(client) == [
        "Release has started",
        "Release waits at the step approve",
        "Release has failed at the step ship",
    ]
    last = (await held(client)).numbered[3]["text"]
    assert last.endswith(f"/tasks/{task}") and "http://" in last


async def test_a_room_is_told_of_a_task_that_runs_elsewhere_and_once(client: Client) -> None:
    await room(client)
    body: dict[str, Any] = {"title": "Nightly", "steps": [{"name": "a"}, {"name": "b"}], "room": "ops"}
    task = (await client.host("POST", "/api/tasks", body))["id"]
    for state in ("running", "running", "succeeded", "succeeded"):
        await client.host("PUT", f"/api/tasks/{task}/steps/a", {"state": state})
    await client.host("PUT", f"/api/tasks/{task}/steps/b", {"state": "running", "progress": 0.5})
    await client.host("POST", f"/api/tasks/{task}/cancel", {})
    await client.host("POST", f"/api/tasks/{task}/cancel", {})
    assert await told(client) == ["Nightly has started", "Nightly was cancelled"]


async def test_a_room_that_does_not_exist_is_refused_at_once(client: Client) -> None:
    body: dict[str, Any] = {"title": "Nightly", "steps": [{"name": "a"}], "room": "nowhere"}
    answer = await client.ask("POST", "/api/tasks", body, token=ADMIN)
    assert answer.json["error"]["fields"] == {"room": "there is no room nowhere"}
    answer = await client.ask("POST", "/api/pipelines/lost/tasks", {"params": {}}, token=ADMIN)
    assert answer.json["error"]["fields"] == {"room": "there is no room nowhere"}
    assert (await client.host("GET", "/api/tasks"))["items"] == []


async def test_a_task_goes_on_when_its_room_is_deleted(client: Client) -> None:
    await room(client)
    body: dict[str, Any] = {"title": "Nightly", "steps": [{"name": "a"}], "room": "ops"}
    task = (await client.host("POST", "/api/tasks", body))["id"]
    await client.host("DELETE", "/api/rooms/ops")
    for state in ("running", "succeeded"):
        await client.host("PUT", f"/api/tasks/{task}/steps/a", {"state": state})
    assert (await client.host("GET", f"/api/tasks/{task}"))["state"] == "succeeded"
