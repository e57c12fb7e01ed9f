"""Tasks of pipelines that tests start and wait for."""

from __future__ import annotations

from typing import Any

from clients import Client
from watchers import Watcher


async def start(client: Client, token: str, pipeline: str, **params: Any) -> str:
    answer = await client.ask("POST", f"/api/pipelines/{pipeline}/tasks", {"params": params}, token=token)
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


async def ended(client: Client, token: str, task: str) -> dict[str, Any]:
    watcher = Watcher(client.url, "websocket", f"tasks/{task}", token=token)
    watcher.start()
    await watcher.until(lambda c: c.state.get("task", {}).get("ended_at"))
    await watcher.stop()
    found: dict[str, Any] = (await client.ask("GET", f"/api/tasks/{task}", token=token)).json
    return found


def states(task: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["state"] for step in task["steps"]}
