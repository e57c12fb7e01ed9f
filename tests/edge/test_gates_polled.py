"""Gates that are decided by a poll, over HTTP: real ballots open them, and a restart changes nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clients import ADMIN, Client
from task_runs import ended, start, states
from watchers import TRANSPORTS, Watcher

import server
from livewall.settings import Settings

RELEASE = """params.wall.default = ""
params.ref.default = "v4"
[[steps]]
name = "go"
[steps.gate]
otherwise = "failed"
[steps.gate.poll]
wall = "{params.wall}"
title = "Release {params.ref} to everybody?"
options = ["Yes", "No"]
passes = "Yes"
MORE
[[steps]]
name = "switch"
needs = ["go"]
run = ["echo", "switched"]
"""
KINDS = {
    "release": 'majority = "1/2"\nquorum = 2\ncloses_in = 120',
    "soon": "closes_in = 1",
    "hidden": 'results = "on_publish"',
}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    for name, more in KINDS.items():
        (folder / f"{name}.toml").write_text(RELEASE.replace("MORE", more))
    return replace(settings, pipelines=folder)


async def asked(client: Client, token: str, task: str, transport: str = "websocket") -> dict[str, Any]:
    """What the step `go` waits for."""
    watcher = Watcher(client.url, transport, f"tasks/{task}", token=token)
    watcher.start()
    await watcher.until(lambda c: c.state.get("step/go", {}).get("state") == "waiting")
    found: dict[str, Any] = watcher.checker.state["step/go"]["waits_for"]
    await watcher.stop()
    return found


async def begun(client: Client, pipeline: str = "release") -> tuple[str, str, str, str]:
    """A task that waits for its poll: the operator's token, the task, the poll and the wall."""
    token = await client.token("operator")
    wall = (await client.host("POST", "/api/walls", {"title": "Forum"}))["code"]
    task = await start(client, token, pipeline, wall=wall)
    return token, task, (await asked(client, token, task))["poll"], wall


async def outcome(client: Client, token: str, task: str) -> tuple[str, str]:
    step = (await ended(client, token, task))["steps"][0]
    assert "waits_for" not in step
    return step["state"], step["reason"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_ballots_open_the_gate(transport: str, client: Client) -> None:
    token, task, poll, wall = await begun(client)
    waits_for = await asked(client, token, task, transport)
    shown = await client.host("GET", f"/api/polls/{poll}")
    assert waits_for == {"kind": "poll", "approvers": [], "poll": poll, "until": shown["closes_at"]}
    assert (shown["title"], shown["wall"], shown["phase"]) == ("Release v4 to everybody?", wall, "open")
    assert (await client.ask("GET", f"/api/walls/{wall}")).json["active"] == f"polls/{poll}", "everybody finds it"
    for choice in ("1", "1", "2"):
        assert (await client.vote(poll, choice)).status == 201
    closed = await client.ask("POST", f"/api/polls/{poll}/close", {}, token=ADMIN)
    assert closed.status == 200
    assert await outcome(client, token, task) == ("succeeded", "Yes, 2 of 3, quorum 2")
    assert states(await ended(client, token, task))["switch"] == "succeeded"
    lines = (await client.host("GET", "/api/audit"))["items"]
    (line,) = (line for line in lines if line["act"] == "task.poll")
    assert (line["who"], line["about"]) == ("livewall", f"tasks/{task}")
    assert line["detail"]["reason"] == "Yes, 2 of 3, quorum 2"
    page = await client.ask("GET", "/audit", token=ADMIN)
    assert "decided a gate by a poll" in page.body.decode()


@pytest.mark.parametrize(
    ("ballots", "reason"),
    [
        ("", "no ballots"),
        ("1", "quorum missed: 1 of 2 ballots"),
        ("12", "majority missed: Yes, 1 of 2, and 2 are needed, quorum 2"),
        ("122", "No, 2 of 3, quorum 2"),
    ],
)
async def test_what_does_not_pass_stops_the_release(ballots: str, reason: str, client: Client) -> None:
    token, task, poll, _ = await begun(client)
    for choice in ballots:
        await client.vote(poll, choice)
    await client.host("POST", f"/api/polls/{poll}/close", {})
    assert await outcome(client, token, task) == ("failed", reason)
    assert states(await ended(client, token, task))["switch"] == "skipped"


async def test_a_tie_does_not_pass_and_a_retry_asks_anew(client: Client) -> None:
    token, task, poll, _ = await begun(client, "soon")
    for choice in "12":
        await client.vote(poll, choice)
    assert await outcome(client, token, task) == ("failed", "a tie: Yes and No, 1 of 2 each"), "the timer closed it"
    again = (await client.ask("POST", f"/api/tasks/{task}/retry", {}, token=token)).json["id"]
    other = (await asked(client, token, again))["poll"]
    assert other != poll
    await client.vote(other, "1")
    assert await outcome(client, token, again) == ("succeeded", "Yes, 1 of 1")


async def test_what_is_hidden_stays_hidden_on_the_task(client: Client) -> None:
    token, task, poll, _ = await begun(client, "hidden")
    await client.vote(poll, "1")
    page = (await client.ask("GET", f"/tasks/{task}", token=token)).body.decode()
    assert "1 ballot so far" in page and "Yes: 1" not in page
    page = (await client.ask("GET", f"/tasks/{task}", token=ADMIN)).body.decode()
    assert "Yes: 1, No: 0" in page, "hosts see it"
    await client.host("POST", f"/api/polls/{poll}/close", {})
    assert await outcome(client, token, task) == ("succeeded", "the poll passed; its result is not public")


async def test_a_poll_that_goes_ends_the_gate(client: Client) -> None:
    token, task, poll, _ = await begun(client)
    assert (await client.ask("DELETE", f"/api/polls/{poll}", token=ADMIN)).status == 200
    assert await outcome(client, token, task) == ("failed", "the poll was archived")
    token, task, poll, wall = await begun(client)
    assert (await client.ask("DELETE", f"/api/walls/{wall}", token=ADMIN)).status == 200
    assert await outcome(client, token, task) == ("failed", "the wall of the poll was deleted")
    assert (await client.host("GET", f"/api/polls/{poll}"))["phase"] == "closed"
    nowhere = await start(client, token, "release", wall=wall)
    assert await outcome(client, token, nowhere) == ("failed", f"there is no wall {wall}")


async def test_a_cancel_closes_the_poll_and_nobody_decides_by_hand(client: Client) -> None:
    token, task, poll, _ = await begun(client)
    answer = await client.ask("POST", f"/api/tasks/{task}/steps/go/decide", {"decision": "approve"}, token=ADMIN)
    assert (answer.status, answer.json["error"]["message"]) == (409, "the step go is decided by a poll")
    await client.ask("POST", f"/api/tasks/{task}/cancel", {}, token=token)
    assert await outcome(client, token, task) == ("cancelled", "")
    assert (await client.host("GET", f"/api/polls/{poll}"))["phase"] == "closed"
    assert (await client.vote(poll, "1")).code == "closed"


async def test_the_page_says_which_poll_and_how_it_stands_without_script(client: Client) -> None:
    token, task, poll, wall = await begun(client)
    for choice in "112":
        await client.vote(poll, choice)
    for language, words in (("en", "3 ballots so far: Yes: 2, No: 1"), ("zh-CN", "目前 3 张选票：Yes：2、No：1")):
        answer = await client.ask("GET", f"/tasks/{task}", token=token, headers={"Accept-Language": language})
        page = answer.body.decode()
        assert f'href="/polls/{poll}"' in page and f'href="/w/{wall}"' in page and "Release v4 to everybody?" in page
        assert words in page, page[page.index('id="gates"') :][:900]


async def test_a_reader_of_a_task_learns_of_a_new_end(client: Client) -> None:
    token, task, poll, _ = await begun(client)
    moved = await client.host("POST", f"/api/polls/{poll}/timer", {"add": 600})
    assert (await asked(client, token, task))["until"] == moved["closes_at"]


async def test_one_poll_decides_once_over_restarts_and_while_no_server_runs(
    client: Client, settings: Settings, running: server.Running
) -> None:
    token, task, poll, _ = await begun(client)
    _, late, late_poll, _ = await begun(client)
    for each in (poll, late_poll):
        for _ in range(2):
            await client.vote(each, "1")
    await running.stop()
    database = sqlite3.connect(settings.data / "livewall.db")
    with database:  # the time of one of them passes meanwhile
        database.execute("UPDATE polls SET closes_at = '2020-01-01T00:00:00.000Z' WHERE id = ?", (late_poll,))
    database.close()
    again = await server.start(settings)
    try:
        client.url = f"http://127.0.0.1:{again.port}"
        assert await outcome(client, token, late) == ("succeeded", "Yes, 2 of 2, quorum 2")
        found = await ended(client, token, late)
        assert states(found)["switch"] == "succeeded" and found["steps"][1]["attempt"] == 1
        assert (await asked(client, token, task))["poll"] == poll
        await asyncio.gather(*(client.host("POST", f"/api/polls/{poll}/close", {}) for _ in range(3)))
        assert await outcome(client, token, task) == ("succeeded", "Yes, 2 of 2, quorum 2")
        acts = [line["act"] for line in (await client.host("GET", "/api/audit"))["items"]]
        assert (acts.count("poll.create"), acts.count("task.poll"), acts.count("poll.close")) == (2, 2, 2)
    finally:
        await again.stop()
