"""Foreign tasks that are cancelled, and steps of which nothing is heard."""

from __future__ import annotations

from typing import Any

import pytest
from clients import Client
from watchers import TRANSPORTS, Watcher

STEPS = [{"name": "a"}, {"name": "b", "needs": ["a"]}]


async def made(client: Client, token: str, **fields: Any) -> str:
    answer = await client.ask("POST", "/api/tasks", {"title": "T", "steps": STEPS, **fields}, token=token)
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


async def report(client: Client, token: str, task: str, step: str, **fields: Any) -> Any:
    answer = await client.ask("PUT", f"/api/tasks/{task}/steps/{step}", fields, token=token)
    assert answer.status == 200, answer.body
    return answer.json


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_lease_that_runs_out_loses_the_step_and_its_holder_may_still_end_it(
    transport: str, client: Client
) -> None:
    token = await client.token("reporter")
    task = await made(client, token)
    await report(client, token, task, "a", state="running", lease=0.2)
    watcher = Watcher(client.url, transport, f"tasks/{task}", token=token)
    watcher.start()
    await watcher.until(lambda c: c.state.get("step/a", {}).get("state") == "lost")
    assert watcher.checker.state["step/a"]["reason"] == "nothing was reported of it for 0.2 s"
    await watcher.until(lambda c: c.state.get("task", {}).get("state") == "lost")
    assert watcher.checker.state["step/b"]["state"] == "skipped"
    late = await client.ask("PUT", f"/api/tasks/{task}/steps/a", {"state": "running"}, token=token)
    assert (late.status, late.code) == (409, "conflict")
    ended = await report(client, token, task, "a", state="failed", message="the disk was full")
    assert (ended["state"], ended["message"]) == ("failed", "the disk was full")
    await watcher.until(lambda c: c.state.get("task", {}).get("state") == "failed")
    again = await client.ask("PUT", f"/api/tasks/{task}/steps/a", {"state": "succeeded"}, token=token)
    assert again.status == 409, "what was ended is final"
    await watcher.stop()


async def test_each_report_renews_a_lease_and_the_end_ends_it(client: Client, running: Any) -> None:
    token = await client.token("reporter")
    task = await made(client, token)
    leases = running.services.tasks.leases
    await report(client, token, task, "a", state="running", lease=30)
    [first] = leases._timers.values()
    await report(client, token, task, "a", progress=0.5)
    [second] = leases._timers.values()
    assert second is not first and first.cancelled()
    await report(client, token, task, "a", lease=None)
    assert not len(leases)
    await report(client, token, task, "a", lease=30)
    await report(client, token, task, "a", state="succeeded")
    assert len(leases), "between two steps the promise holds for the task"
    await report(client, token, task, "b", state="succeeded")
    assert not len(leases)


@pytest.mark.parametrize("lease", [0, -1, 1e9, "long", True])
async def test_a_lease_that_is_none_is_refused(lease: Any, client: Client) -> None:
    token = await client.token("reporter")
    task = await made(client, token)
    answer = await client.ask("PUT", f"/api/tasks/{task}/steps/a", {"lease": lease}, token=token)
    assert (answer.status, answer.code) == (422, "invalid")


async def test_a_cancel_is_told_with_the_next_report_and_ends_with_the_last_step(client: Client) -> None:
    token, operator = await client.token("reporter"), await client.token("operator")
    task = await made(client, token)
    await report(client, token, task, "a", state="running")
    cancelled = await client.ask("POST", f"/api/tasks/{task}/cancel", {}, token=operator)
    assert cancelled.status == 200 and cancelled.json["state"] == "cancelling"
    assert [s["state"] for s in cancelled.json["steps"]] == ["running", "cancelled"]
    assert (await report(client, token, task, "a", progress=0.5))["cancel"] is True
    assert (await report(client, token, task, "a", state="succeeded"))["cancel"] is True
    found = (await client.ask("GET", f"/api/tasks/{task}", token=operator)).json
    assert found["state"] == "cancelled" and found["ended_at"]


async def test_a_cancel_asked_again_does_not_wait_for_the_reporter(client: Client) -> None:
    token, operator = await client.token("reporter"), await client.token("operator")
    task = await made(client, token)
    await report(client, token, task, "a", state="running")
    for state in ("cancelling", "cancelled", "cancelled"):
        answer = await client.ask("POST", f"/api/tasks/{task}/cancel", {}, token=operator)
        assert (answer.status, answer.json["state"]) == (200, state)
    assert answer.json["steps"][0]["reason"] == "ended without an answer"
    late = await client.ask("PUT", f"/api/tasks/{task}/steps/a", {"state": "succeeded"}, token=token)
    assert late.status == 409


async def test_a_task_that_never_began_is_cancelled_at_once(client: Client) -> None:
    token, operator = await client.token("reporter"), await client.token("operator")
    task = await made(client, token)
    answer = await client.ask("POST", f"/api/tasks/{task}/cancel", {}, token=operator)
    assert answer.json["state"] == "cancelled"
    retry = await client.ask("POST", f"/api/tasks/{task}/retry", {}, token=operator)
    assert (retry.status, retry.code) == (409, "conflict") and "elsewhere" in retry.json["error"]["message"]


@pytest.mark.parametrize("role", ["reporter", "host", None])
@pytest.mark.parametrize("act", ["cancel", "retry"])
async def test_only_operators_cancel_and_retry(role: str | None, act: str, client: Client) -> None:
    task = await made(client, await client.token("reporter"))
    token = await client.token(role) if role else None
    answer = await client.ask("POST", f"/api/tasks/{task}/{act}", {}, token=token)
    assert answer.status == (403 if role else 401)


async def test_logs_of_tasks_that_are_not_in_this_database_are_let_go_at_the_start(
    client: Client, running: Any
) -> None:
    token = await client.token("reporter")
    task = await made(client, token)
    for id in (task, "of-another-database"):
        await running.services.logs.append(id, "a", 0, b"one\ntwo")
    await running.services.tasks.start()
    assert await running.services.logs.tasks() == [task]
    watcher = Watcher(client.url, "websocket", f"tasks/{task}/logs/a", token=token)
    watcher.start()
    await watcher.until(lambda c: c.state.get("end") == {"bytes": 7, "lines": 2})
    await watcher.stop()
