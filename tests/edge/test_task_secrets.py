"""Secrets of pipelines: later steps get true values, and nothing that is shown holds one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clients import ADMIN, Client
from watchers import Watcher

import server
from livewall.settings import Settings

KEY = "-----BEGIN KEY-----\r\n  MIIEvQIBADANBg==\r\n-----END KEY-----\r\n"
COLOUR = """secrets = ["COLOUR", "KEY"]
[[steps]]
name = "make"
run = ["sh", "-c", '''
printf 'URL=https://%s.example.net/x\\nKEY=%s\\n' "$COLOUR" "$KEY" >> $LIVEWALL_OUTPUT; echo $COLOUR''']
[[steps]]
name = "use"
needs = ["make"]
when = "{steps.make.URL} == https://blue.example.net/x"
env = { GIVEN = "{steps.make.URL}", KEY_GIVEN = "{steps.make.KEY}" }
run = ["sh", "-c", '''
printf '%s\\n' "$GIVEN" "$1" "$KEY_GIVEN"
printf '%s' "$GIVEN" > url; printf '%s' "$KEY_GIVEN" > key
if ! test -e again; then touch again; exit 3; fi''', "sh", "{steps.make.URL}"]
[[steps]]
name = "gone"
needs = ["use"]
cwd = "{steps.make.URL}"
run = ["true"]
[[steps]]
name = "missing"
needs = ["use"]
run = ["{steps.make.URL}", "x"]
"""
STEP = '[[steps]]\nname = "a"\nrun = ["true"]\n'
GIVEN = """secrets = ["COLOUR"]
[params.p]
type = "string"
[[steps]]
name = "a"
run = ["echo", "{params.p}"]
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("COLOUR", "blue")
    monkeypatch.setenv("KEY", KEY)
    monkeypatch.setenv("SHORT", " ab ")
    monkeypatch.setenv("BLANK", "   ")
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "colour.toml").write_text(COLOUR)
    (folder / "given.toml").write_text(GIVEN)
    for name in ("SHORT", "BLANK"):
        (folder / f"{name}.toml").write_text(f'title = "x"\nsecrets = ["COLOUR", "{name}"]\n{STEP}')
    return replace(settings, pipelines=folder)


async def ended(client: Client, task: str) -> dict[str, Any]:
    watcher = Watcher(client.url, "websocket", f"tasks/{task}", token=ADMIN)
    watcher.start()
    await watcher.until(lambda c: c.state.get("task", {}).get("ended_at") is not None)
    shown = json.dumps(watcher.checker.state)
    await watcher.stop()
    assert "blue" not in shown and "MIIE" not in shown
    found: dict[str, Any] = await client.host("GET", f"/api/tasks/{task}")
    return found


async def test_outputs_keep_their_true_value_over_a_retry_and_a_restart_and_are_never_shown(
    client: Client, settings: Settings, running: server.Running
) -> None:
    first = await client.host("POST", "/api/pipelines/colour/tasks", {})
    task = await ended(client, first["id"])
    assert [(s["state"], s["reason"]) for s in task["steps"][:2]] == [("succeeded", ""), ("failed", "exit status 3")]
    await running.stop()
    again = await server.start(settings)
    try:
        there = Client(f"http://127.0.0.1:{again.port}", client.http)
        retry = await there.host("POST", f"/api/tasks/{first['id']}/retry", {})
        task = await ended(there, retry["id"])
        work = settings.data / "tasks" / first["id"] / "work"
        assert (work / "url").read_text() == "https://blue.example.net/x"
        assert (work / "key").read_bytes().decode() == KEY.rstrip()
        assert [(s["name"], s["state"], s["reason"]) for s in task["steps"]] == [
            ("make", "succeeded", "taken over"),
            ("use", "succeeded", ""),
            ("gone", "failed", "the working folder does not exist: {steps.make.URL}"),
            ("missing", "failed", "no such program: {steps.make.URL}"),
        ]
        answers = [
            (await there.ask("GET", path, token=ADMIN)).body.decode()
            for id in (first["id"], retry["id"])
            for path in (
                f"/api/tasks/{id}", f"/tasks/{id}", f"/updates/tasks/{id}?wait=0", f"/api/tasks/{id}/logs/make",
                f"/api/tasks/{id}/logs/use", f"/api/tasks/{id}/logs/use/lines", f"/tasks/{id}?step=use",
                "/api/tasks", "/tasks", "/api/audit", "/updates/tasks?wait=0",
            )
        ]  # fmt: skip
        assert "https://***.example.net/x\nhttps://***.example.net/x\n***" in answers[-7]
        assert not [answer for answer in answers if "blue" in answer or "MIIE" in answer]
    finally:
        await again.stop()


@pytest.mark.parametrize(("name", "why"), [("SHORT", "has fewer than 4 characters"), ("BLANK", "only blanks")])
async def test_a_secret_that_cannot_be_masked_is_refused_everywhere(name: str, why: str, client: Client) -> None:
    listed = {item["name"]: item for item in (await client.host("GET", "/api/pipelines"))["items"]}
    [error] = listed[name]["errors"]
    assert (error["line"], error["file"]) == (2, f"{name}.toml")
    assert f"the value of {name} in the environment" in error["reason"] and why in error["reason"]
    refused = await client.ask("POST", f"/api/pipelines/{name}/tasks", {}, token=ADMIN)
    assert refused.status == 422 and name in refused.json["error"]["message"]
    page = (await client.ask("GET", "/tasks", token=ADMIN)).body.decode()
    assert name in page and " ab " not in page
    assert not listed["colour"]["errors"]


async def test_a_secret_that_became_too_short_fails_the_step(client: Client, running: server.Running) -> None:
    running.services.runner._environment = {"COLOUR": "x", "KEY": KEY}
    made = await client.host("POST", "/api/pipelines/colour/tasks", {})
    task = await ended(client, made["id"])
    assert task["reason"].startswith("make: the value of COLOUR in the server's environment has fewer than 4")


async def test_a_parameter_shows_no_secret(client: Client) -> None:
    made = await client.host("POST", "/api/pipelines/given/tasks", {"params": {"p": "sky blue"}})
    assert (await ended(client, made["id"]))["params"] == {"p": "sky ***"}
    assert (await client.ask("GET", f"/api/tasks/{made['id']}/logs/a", token=ADMIN)).body == b"sky ***\n"
