"""What follows a failed task, over HTTP: real ballots start another pipeline, and a restart changes nothing."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clients import ADMIN, Client
from task_runs import ended, start, states
from watchers import Watcher

import server
from livewall.settings import Settings

RELEASE = """params.wall.default = ""
params.ref.default = "v4"
params.before.default = "v3"
[on_failure]
poll = { wall = "{params.wall}", title = "Roll back {params.ref}?", options = ["Roll back", "Leave it"], MORE }
starts = { pipeline = "rollback", when = "Roll back", params = { to = "{steps.source.previous}" } }
[[steps]]
name = "source"
run = ["sh", "-c", 'echo "previous=$0" >> "$LIVEWALL_OUTPUT"', "{params.before}"]
[[steps]]
name = "switch"
needs = ["source"]
run = ["false"]
"""
ROLLBACK = """title = "Rollback"
params.to.pattern = "v[0-9]+"
[[steps]]
name = "back"
run = ["echo", "{params.to}"]
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "release.toml").write_text(RELEASE.replace("MORE", "closes_in = 120"))
    (folder / "lost.toml").write_text(RELEASE.replace("MORE", "closes_in = 120").replace('"rollback"', '"nowhere"'))
    (folder / "rollback.toml").write_text(ROLLBACK)
    return replace(settings, pipelines=folder)


async def failed(client: Client, pipeline: str = "release", **params: str) -> tuple[str, str, str, str]:
    """A task that has failed and asks: the operator's token, the task, the poll and the wall."""
    token = await client.token("operator")
    wall = (await client.host("POST", "/api/walls", {"title": "Forum"}))["code"]
    task = await start(client, token, pipeline, wall=wall, **params)
    found = await settled(client, token, task, "open")
    return token, task, found["poll"], wall


async def settled(client: Client, token: str, task: str, *wanted: str) -> dict[str, Any]:
    """What follows the task, as soon as it is in one of these states."""
    watcher = Watcher(client.url, "websocket", f"tasks/{task}", token=token)
    watcher.start()
    await watcher.until(lambda c: c.state.get("task", {}).get("on_failure", {}).get("state") in wanted)
    await watcher.stop()
    found: dict[str, Any] = (await client.ask("GET", f"/api/tasks/{task}", token=token)).json
    assert found["state"] == "failed" and found["on_failure"]["state"] in wanted, found
    follow_up: dict[str, Any] = found["on_failure"]
    return follow_up


async def rollbacks(client: Client) -> list[dict[str, Any]]:
    return [task for task in (await client.host("GET", "/api/tasks"))["items"] if task["pipeline"] == "rollback"]


async def close(client: Client, poll: str, ballots: str) -> None:
    for choice in ballots:
        assert (await client.vote(poll, choice)).status == 201
    await client.host("POST", f"/api/polls/{poll}/close", {})


async def test_ballots_roll_back(client: Client) -> None:
    token, task, poll, wall = await failed(client)
    shown = await client.host("GET", f"/api/polls/{poll}")
    assert (shown["title"], shown["wall"], shown["phase"]) == ("Roll back v4?", wall, "open")
    found = (await client.ask("GET", f"/api/tasks/{task}", token=token)).json["on_failure"]
    assert found == {"state": "open", "reason": "", "poll": poll, "until": shown["closes_at"]}
    await close(client, poll, "112")
    found = await settled(client, token, task, "started")
    (new,) = await rollbacks(client)
    assert found == {"state": "started", "reason": "Roll back, 2 of 3", "poll": poll, "started": new["id"]}
    assert new["started_by"] == f"livewall (on failure of #{task})"
    rolled = await ended(client, token, new["id"])
    assert states(rolled) == {"back": "succeeded"} and rolled["params"] == {"to": "v3"} and "on_failure" not in rolled
    lines = (await client.host("GET", "/api/audit"))["items"]
    about = [(line["act"], line["about"]) for line in lines if line["who"] == "livewall"]
    assert about[:2] == [("task.on_failure", f"tasks/{task}"), ("task.start", f"tasks/{new['id']}")]
    page = await client.ask("GET", "/audit", token=ADMIN)
    assert "decided what follows a failed task" in page.body.decode()


@pytest.mark.parametrize(
    ("ballots", "reason"),
    [("", "no ballots"), ("12", "a tie: Roll back and Leave it, 1 of 2 each"), ("122", "Leave it, 2 of 3")],
)
async def test_what_does_not_pass_starts_nothing(ballots: str, reason: str, client: Client) -> None:
    token, task, poll, _ = await failed(client)
    await close(client, poll, ballots)
    assert await settled(client, token, task, "over") == {"state": "over", "reason": reason, "poll": poll}
    assert await rollbacks(client) == []


async def test_a_poll_or_wall_that_goes_starts_nothing(client: Client, expected_logs: list[str]) -> None:
    token, task, poll, _ = await failed(client)
    assert (await client.ask("DELETE", f"/api/polls/{poll}", token=ADMIN)).status == 200
    assert (await settled(client, token, task, "over"))["reason"] == "the poll was archived"
    token, task, _, wall = await failed(client)
    assert (await client.ask("DELETE", f"/api/walls/{wall}", token=ADMIN)).status == 200
    assert (await settled(client, token, task, "over"))["reason"] == "the wall of the poll was deleted"
    expected_logs.append("was not asked: there is no wall")
    nowhere = await start(client, token, "release", wall=wall)
    assert await settled(client, token, nowhere, "over") == {"state": "over", "reason": f"there is no wall {wall}"}
    assert await rollbacks(client) == []


async def test_what_cannot_be_started_is_said(client: Client, expected_logs: list[str]) -> None:
    expected_logs.append("nothing is started on the failure of task")
    for pipeline, before, reason in (
        ("lost", "v3", "there is no pipeline nowhere"),
        ("release", "hidden words", "the pipeline rollback refuses params.to"),
    ):
        token, task, poll, _ = await failed(client, pipeline, before=before)
        await close(client, poll, "1")
        assert (await settled(client, token, task, "over"))["reason"] == reason
        lines = (await client.host("GET", "/api/audit"))["items"]
        assert lines[0]["detail"] == {"state": "over", "reason": reason, "poll": poll}
        assert "hidden words" not in json.dumps(lines)
    assert await rollbacks(client) == []


async def test_a_retry_closes_the_poll(client: Client) -> None:
    token, task, poll, _ = await failed(client)
    again = (await client.ask("POST", f"/api/tasks/{task}/retry", {}, token=token)).json["id"]
    assert (await settled(client, token, task, "over"))["reason"] == f"the task was retried as #{again}"
    assert (await client.host("GET", f"/api/polls/{poll}"))["phase"] == "closed"
    assert (await settled(client, token, again, "open"))["poll"] != poll


async def test_the_page_says_what_follows_without_script(client: Client) -> None:
    token, task, poll, wall = await failed(client)

    async def panel(language: str) -> str:
        answer = await client.ask("GET", f"/tasks/{task}", token=token, headers={"Accept-Language": language})
        page = answer.body.decode()
        part = page[page.index('<section id="gates"') :]
        return part[: part.index("</section>")]

    for choice in "112":
        await client.vote(poll, choice)
    for language, title, standing in (
        ("en", "On failure", "3 ballots so far: Roll back: 2, Leave it: 1"),
        ("zh-CN", "失败之后", "目前 3 张选票：Roll back：2、Leave it：1"),
    ):
        shown = await panel(language)
        assert f'href="/polls/{poll}"' in shown and f'href="/w/{wall}"' in shown and "Roll back v4?" in shown
        assert title in shown and standing in shown and 'class="gates" aria-label' in shown and "hidden" not in shown
    await client.host("POST", f"/api/polls/{poll}/close", {})
    new = (await settled(client, token, task, "started"))["started"]
    for language, words in (("en", "Roll back, 2 of 3; started the task"), ("zh-CN", "Roll back, 2 of 3；已启动任务")):
        shown = await panel(language)
        assert words in shown and f'href="/tasks/{new}">#{new}</a>' in shown and f'href="/polls/{poll}"' in shown
        assert "so far" not in shown


async def test_the_page_says_that_nothing_was_started(client: Client) -> None:
    token, task, poll, _ = await failed(client)
    await close(client, poll, "2")
    await settled(client, token, task, "over")
    for language, words in (("en", "nothing was started: Leave it"), ("zh-CN", "未启动任何任务：Leave it")):
        page = await client.ask("GET", f"/tasks/{task}", token=token, headers={"Accept-Language": language})
        assert words in page.body.decode()


async def test_a_server_that_starts_goes_on_where_the_last_one_was_killed(
    client: Client, settings: Settings, running: server.Running
) -> None:
    token, decided, poll, _ = await failed(client)
    _, late, late_poll, _ = await failed(client)
    _, open_still, open_poll, _ = await failed(client)
    for each in (poll, late_poll, open_poll):
        await client.vote(each, "1")
    await running.stop()
    database = sqlite3.connect(settings.data / "livewall.db")
    with database:  # as if it had been killed between the commit of the decision and the start
        database.execute(
            "UPDATE tasks SET on_failure = json_set(on_failure, '$.state', 'starting') WHERE id = ?", (decided,)
        )
        database.execute("UPDATE polls SET phase = 'closed' WHERE id = ?", (poll,))
        database.execute("UPDATE polls SET closes_at = '2020-01-01T00:00:00.000Z' WHERE id = ?", (late_poll,))
    database.close()
    for _ in range(2):
        again = await server.start(settings)
        client.url = f"http://127.0.0.1:{again.port}"
        for task in (decided, late):
            await settled(client, token, task, "started")
        assert len(await rollbacks(client)) == 2
        assert (await settled(client, token, open_still, "open"))["poll"] == open_poll
        await again.stop()


async def test_the_question_of_a_failure_takes_the_place_of_the_gate_that_was_passed(
    client: Client, settings: Settings, running: Any
) -> None:
    gate = """[[steps]]
name = "go"
[steps.gate.poll]
wall = "{params.wall}"
title = "Go?"
options = ["Yes", "No"]
passes = "Yes"
[[steps]]
name = "source"
needs = ["go"]
"""
    assert settings.pipelines is not None
    text = RELEASE.replace("MORE", "closes_in = 120").replace('[[steps]]\nname = "source"\n', gate)
    (settings.pipelines / "gated.toml").write_text(text)
    running.services.pipelines.refresh()
    token = await client.token("operator")
    wall = (await client.host("POST", "/api/walls", {"title": "Forum"}))["code"]
    task = await start(client, token, "gated", wall=wall)
    steps = (await client.ask("GET", f"/api/tasks/{task}", token=token)).json["steps"]
    poll = steps[0]["waits_for"]["poll"]
    assert (await client.host("GET", f"/api/walls/{wall}"))["active"] == f"polls/{poll}"
    await close(client, poll, "1")
    found = await settled(client, token, task, "open")
    assert (await client.host("GET", f"/api/walls/{wall}"))["active"] == f"polls/{found['poll']}"
