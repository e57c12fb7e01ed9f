"""Control characters are refused in names; what others wrote elsewhere is kept, and shown as text."""

from __future__ import annotations

from typing import Any

import pytest
from clients import ADMIN, Client

STEERING = ["\x1b[2J", "\x07", "\x9b2J", "\x7f", "\x00", "\x1b]0;title\x07"]
NAMED: list[tuple[str, dict[str, Any]]] = [
    ("/api/tokens", {"role": "host", "name": "Lin {}"}),
    ("/api/walls", {"title": "Forum {}"}),
    ("/api/polls", {"title": "Which {}?", "options": ["a", "b"]}),
    ("/api/polls", {"title": "Which?", "options": ["a {}", "b"]}),
    ("/api/tasks", {"title": "Load {}", "steps": [{"name": "a"}]}),
    ("/api/tasks", {"title": "Load", "steps": [{"name": "a{}"}]}),
    ("/api/tasks", {"title": "Load", "id": "load{}", "steps": [{"name": "a"}]}),
]


def filled(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {name: filled(each, text) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, text) for each in value]
    return value.replace("{}", text)


@pytest.mark.parametrize(("path", "body"), NAMED)
async def test_a_name_that_could_steer_a_terminal_is_refused(client: Client, path: str, body: dict[str, Any]) -> None:
    for steering in STEERING:
        answer = await client.ask("POST", path, filled(body, steering), token=ADMIN)
        assert (answer.status, answer.json["error"]["code"]) == (422, "invalid"), (steering, answer.json)
    assert (await client.ask("POST", path, filled(body, ""), token=ADMIN)).status == 201


async def test_a_message_of_a_step_is_kept_as_it_was_written(client: Client) -> None:
    await client.host("POST", "/api/tasks", {"title": "Load", "id": "t1", "steps": [{"name": "a"}]})
    report = {"state": "running", "message": "\x1b[31mred\x1b[0m"}
    assert (await client.host("PUT", "/api/tasks/t1/steps/a", report))["message"] == report["message"]
