"""Gates over HTTP: approvers decide, others do not, and a restart changes nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clients import ADMIN, Client
from task_runs import ended, states
from watchers import TRANSPORTS, Watcher

import server
from livewall.settings import Settings

RELEASE = """[[steps]]
name = "build"
run = ["true"]
[[steps]]
name = "go"
needs = ["build"]
gate = { approvers = ["Lin", "role:host"]%s }
[[steps]]
name = "switch"
needs = ["go"]
run = ["echo", "switched"]
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "release.toml").write_text(RELEASE % ", within = 3600")
    (folder / "soon.toml").write_text(RELEASE % ', within = 0.2, otherwise = "skipped"')
    return replace(settings, pipelines=folder)


async def gated(client: Client, token: str) -> str:
    """A release that waits at its gate."""
    answer = await client.ask("POST", "/api/pipelines/release/tasks", {}, token=token)
    task = str(answer.json["id"])
    await waiting(client, token, task)
    return task


async def waiting(client: Client, token: str, task: str, transport: str = "websocket") -> dict[str, Any]:
    """The step `go` once it waits."""
    watcher = Watcher(client.url, transport, f"tasks/{task}", token=token)
    watcher.start()
    await watcher.until(lambda c: c.state.get("step/go", {}).get("state") == "waiting")
    step: dict[str, Any] = watcher.checker.state["step/go"]
    await watcher.stop()
    return step


async def token_named(client: Client, role: str, name: str) -> str:
    return str((await client.ask("POST", "/api/tokens", {"role": role, "name": name}, token=ADMIN)).json["token"])


async def test_the_page_names_roles_in_the_language_of_its_reader(client: Client) -> None:
    token = await client.token("operator")
    task = await gated(client, token)
    english, chinese = "waits for Lin or anybody with the role host to decide", "等待决定：Lin 或任何主持人"
    for lang, said in (("en", english), ("zh", chinese)):
        page = await client.ask("GET", f"/tasks/{task}?lang={lang}", token=token)
        assert said in page.body.decode()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_gate_is_seen_by_every_reader_and_opened_by_an_approver(transport: str, client: Client) -> None:
    token = await client.token("operator")
    task = await gated(client, token)
    step = await waiting(client, token, task, transport)
    assert step["waits_for"]["approvers"] == ["Lin", "role:host"] and step["waits_for"]["until"].endswith("Z")
    path, host = f"/api/tasks/{task}/steps/go/decide", await client.token("host")
    body = {"decision": "approve", "comment": "looks good", "ref": "r1"}
    for other in (token, ADMIN, await client.token("reporter")):
        assert (await client.ask("POST", path, body, token=other)).status == 403
    assert (await client.ask("POST", path, body)).status == 401
    answers = [await client.ask("POST", path, body, token=host) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].json["reason"] == "approved by a host: looks good" and "waits_for" not in answers[0].json
    again = await client.ask("POST", path, body | {"ref": "r2"}, token=host)
    assert (again.status, again.json["error"]["code"]) == (409, "conflict")
    assert states(await ended(client, token, task))["switch"] == "succeeded"
    lines = (await client.ask("GET", "/api/audit", token=ADMIN)).json["items"]
    assert [(line["act"], line["detail"]) for line in lines if line["act"].startswith("task.a")] == [
        ("task.approve", {"step": "go", "comment": "looks good"})
    ]


async def test_a_name_approves_whatever_its_role_and_not_once_it_is_revoked(client: Client) -> None:
    token, lin = await client.token("operator"), await token_named(client, "reporter", "Lin")
    task = await gated(client, token)
    made = (await client.ask("GET", "/api/tokens", token=ADMIN)).json["items"]
    other = await token_named(client, "reporter", "Lin")
    credential = next(each["id"] for each in made if each["name"] == "Lin")
    await client.ask("DELETE", f"/api/tokens/{credential}", token=ADMIN)
    path = f"/api/tasks/{task}/steps/go/decide"
    assert (await client.ask("POST", path, {"decision": "reject"}, token=lin)).status == 401
    for body, status in (({"decision": "maybe"}, 422), ({"decision": "reject", "comment": "a\x1bb"}, 422)):
        assert (await client.ask("POST", path, body, token=other)).status == status
    assert (await client.ask("POST", path, {"decision": "reject"}, token=other)).json["state"] == "failed"
    assert (await ended(client, token, task))["reason"] == "go: rejected by Lin"


async def test_of_two_who_decide_at_once_one_is_first(client: Client) -> None:
    token, host = await client.token("operator"), await client.token("host")
    lin = await token_named(client, "host", "Lin")
    task = await gated(client, token)
    path = f"/api/tasks/{task}/steps/go/decide"
    answers = await asyncio.gather(
        client.ask("POST", path, {"decision": "approve"}, token=host),
        client.ask("POST", path, {"decision": "reject"}, token=lin),
    )
    assert sorted(answer.status for answer in answers) == [200, 409]
    found = await ended(client, token, task)
    assert states(found)["go"] == ("succeeded" if answers[0].status == 200 else "failed")


async def test_a_gate_that_nobody_decides_ends_in_time(client: Client) -> None:
    token = await client.token("operator")
    answer = await client.ask("POST", "/api/pipelines/soon/tasks", {}, token=token)
    found = await ended(client, token, answer.json["id"])
    assert states(found) == {"build": "succeeded", "go": "skipped", "switch": "succeeded"}
    assert found["steps"][1]["reason"] == "nobody decided in time"


async def test_a_cancelled_task_waits_for_nobody(client: Client) -> None:
    token = await client.token("operator")
    task = await gated(client, token)
    answer = await client.ask("POST", f"/api/tasks/{task}/cancel", {}, token=token)
    assert answer.json["state"] == "cancelled" and states(answer.json)["go"] == "cancelled"


async def test_a_gate_goes_on_waiting_over_a_restart_and_its_time_goes_on_without_a_server(
    client: Client, settings: Settings, running: server.Running
) -> None:
    token = await client.token("operator")
    task, late = await gated(client, token), await gated(client, token)
    await running.stop()
    database = sqlite3.connect(settings.data / "livewall.db")
    with database:  # the time of one of them passes meanwhile
        database.execute(
            "UPDATE steps SET waits_for = json_set(waits_for, '$.until', '2020-01-01T00:00:00.000Z')"
            " WHERE task = ? AND waits_for IS NOT NULL",
            (late,),
        )
    database.close()
    again = await server.start(settings)
    try:
        client.url = f"http://127.0.0.1:{again.port}"
        found = await ended(client, token, late)
        assert (states(found)["go"], found["reason"]) == ("failed", "go: nobody decided in time")
        step = await waiting(client, token, task)
        assert step["waits_for"]["approvers"] == ["Lin", "role:host"]
        host = await client.token("host")
        path = f"/api/tasks/{task}/steps/go/decide"
        assert (await client.ask("POST", path, {"decision": "approve"}, token=host)).status == 200
        assert states(await ended(client, token, task))["switch"] == "succeeded"
    finally:
        await again.stop()


async def test_no_token_gets_a_name_that_imitates_a_role(client: Client) -> None:
    for name in ("role:host", "Role:host", "role:x"):
        answer = await client.ask("POST", "/api/tokens", {"role": "reporter", "name": name}, token=ADMIN)
        assert answer.status == 422 and "must not begin with role:" in answer.body.decode()


async def test_a_sign_in_with_a_link_decides_by_its_role_only(client: Client, settings: Settings) -> None:
    """Its name is that of its role; a token of an earlier version may have such a name, or imitate a role."""
    token = await client.token("operator")
    task = await gated(client, token)
    old = await token_named(client, "reporter", "rule:host")
    with closing(sqlite3.connect(settings.data / "livewall.db")) as connection, connection:
        connection.execute("UPDATE credentials SET name = 'role:host' WHERE name = 'rule:host'")
    answer = await client.ask("POST", f"/api/tasks/{task}/steps/go/decide", {"decision": "approve"}, token=old)
    assert answer.status == 403
    code = (await client.host("POST", "/api/logins", {"role": "host"}))["link"].rpartition("/")[2]
    signed_in = await client.ask("POST", f"/login/{code}", raw=b"", headers={"Sec-Fetch-Site": "same-origin"})
    cookie = {"Cookie": signed_in.headers["Set-Cookie"].partition(";")[0]}
    page = (await client.ask("GET", f"/tasks/{task}", headers=cookie)).body.decode()
    assert '"me": ["role:host"]' in page or '"me":["role:host"]' in page
