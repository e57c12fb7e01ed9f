"""Webhooks of a server to a real target: delivered, signed, tried again, also after a restart, and never in the way."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from clients import ADMIN, Client
from hook_target import HookTarget, answer
from task_runs import ended, start
from tornado.ioloop import IOLoop

import server
from livewall.settings import Settings
from livewall.tasks.webhooks import deliveries
from livewall.tasks.webhooks.schedule import retry_delay

KEY = "the key of the webhook"
HOOK = '[[webhooks]]\nurl = "http://%s:%d/hook/SeCrEt"\non = ["waiting", "running", "succeeded", "failed"]\n'
TALK = """title = "Talk"
[params.words]
[[steps]]
name = "say"
run = ["sh", "-c", "echo got ${HOOK_KEY-nothing} {params.words}; exit %d"]
"""


@pytest.fixture
def target(io_loop: IOLoop) -> Iterator[HookTarget]:
    made = HookTarget()
    io_loop.run_sync(made.start)
    yield made
    io_loop.run_sync(made.stop)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, target: HookTarget, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HOOK_KEY", KEY)
    folder = tmp_path / "pipelines"
    folder.mkdir()
    hook = HOOK % ("127.0.0.1", target.port)
    (folder / "talk.toml").write_text(TALK % 0 + hook + 'secret = "HOOK_KEY"\n')
    (folder / "fail.toml").write_text(TALK % 3 + hook)
    (folder / "both.toml").write_text(TALK % 0 + hook + HOOK % ("localhost", target.port))
    (folder / "keyless.toml").write_text(TALK % 0 + hook + 'secret = "NO_SUCH_KEY"\n')
    return replace(settings, pipelines=folder, webhook_allow=("127.0.0.1",))


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "retry_delay", functools.partial(retry_delay, first=0.02))


async def test_each_change_arrives_once_in_order_and_signed(client: Client, target: HookTarget) -> None:
    task = await start(client, ADMIN, "talk", words="of-the-task")
    await target.until(lambda arrived: len(arrived) == 2)
    await ended(client, ADMIN, task)
    assert [each.state for each in target.arrived] == ["running", "succeeded"]
    for each in target.arrived:
        assert each.path == "/hook/SeCrEt" and each.headers["livewall-delivery"] == each.json["id"]
        assert each.headers["user-agent"].startswith("livewall/")
        at, given = (part.partition("=")[2] for part in each.headers["livewall-signature"].split(","))
        assert given == hmac.new(KEY.encode(), f"{at}.".encode() + each.body, hashlib.sha256).hexdigest()
        assert b"of-the-task" not in each.body
        assert each.json["links"]["task"] == f"{client.url}/tasks/{task}"
    assert len({each.json["id"] for each in target.arrived}) == 2


async def test_a_step_does_not_get_the_key_and_its_log_masks_it(client: Client, target: HookTarget) -> None:
    task = await start(client, ADMIN, "talk", words=KEY)
    await ended(client, ADMIN, task)
    log = (await client.ask("GET", f"/api/tasks/{task}/logs/say", token=ADMIN)).body
    assert log == b"got nothing ***\n"
    page = (await client.ask("GET", f"/tasks/{task}?step=say", token=ADMIN)).body
    assert KEY.encode() not in page


async def test_what_the_target_refuses_is_sent_again_with_the_same_id(
    client: Client, target: HookTarget, soon: None
) -> None:
    target.answers = [answer(500), answer(302, "Location: /elsewhere"), b"", answer(503)]
    task = await start(client, ADMIN, "fail", words="x")
    await target.until(lambda arrived: len(arrived) == 6)
    await ended(client, ADMIN, task)
    assert [each.state for each in target.arrived] == ["running"] * 5 + ["failed"]
    assert len({each.body for each in target.arrived[:5]}) == 1 and {each.path for each in target.arrived} == {
        "/hook/SeCrEt"
    }
    assert target.arrived[5].json["step"] | {"message": ""} == {
        "name": "say", "state": "failed", "reason": "exit status 3", "message": "",
    }  # fmt: skip


async def test_operators_see_on_the_page_what_failed_and_nobody_sees_the_url(
    client: Client, target: HookTarget
) -> None:
    target.usual = answer(500)
    task = await start(client, ADMIN, "talk", words="x")
    await target.until(lambda arrived: len(arrived) == 2)  # the second try comes after the first was recorded
    await ended(client, ADMIN, task)
    operator, host = await client.token("operator"), await client.token("host")
    page = (await client.ask("GET", f"/tasks/{task}", token=operator)).body.decode()
    assert "Webhook to 127.0.0.1 (running): it answered 500. The next try is at 20" in page
    headers = {"Accept-Language": "zh"}
    chinese = (await client.ask("GET", f"/tasks/{task}", token=operator, headers=headers)).body.decode()
    assert "对方返回 500" in chinese
    other = (await client.ask("GET", f"/tasks/{task}", token=host)).body.decode()
    assert "Webhook" not in other
    for path in (f"/tasks/{task}", f"/api/tasks/{task}", "/api/pipelines", "/tasks", "/api/audit"):
        for token in (operator, host, ADMIN):
            assert b"SeCrEt" not in (await client.ask("GET", path, token=token)).body


async def test_an_answer_that_does_not_come_delays_neither_tasks_nor_what_they_deliver(
    client: Client, target: HookTarget
) -> None:
    target.answers = [None]
    await start(client, ADMIN, "talk", words="x")
    await target.until(lambda arrived: len(arrived) == 1)
    for _ in range(3):
        found = await ended(client, ADMIN, await start(client, ADMIN, "talk", words="x"))
        assert found["state"] == "succeeded"
    await target.until(lambda arrived: len(arrived) == 7)
    assert [each.state for each in target.arrived[1:]].count("succeeded") == 3


async def test_a_host_that_is_not_allowed_is_never_connected_to(client: Client, target: HookTarget) -> None:
    task = await start(client, ADMIN, "both", words="x")
    await ended(client, ADMIN, task)
    await target.until(lambda arrived: len(arrived) == 2)
    text = "Webhook to localhost (running): its address is not public, and --webhook-allow does not list the host."
    async with asyncio.timeout(20):
        while text not in (await client.ask("GET", f"/tasks/{task}", token=ADMIN)).body.decode():
            await asyncio.sleep(0.02)
    assert {each.headers["host"] for each in target.arrived} == {f"127.0.0.1:{target.port}"}


async def test_a_pipeline_whose_key_the_server_does_not_have_is_refused(client: Client) -> None:
    page = (await client.ask("GET", "/tasks", token=ADMIN)).body.decode()
    assert "environment has no NO_SUCH_KEY, with which the deliveries are signed" in page
    refused = await client.ask("POST", "/api/pipelines/keyless/tasks", {"params": {"words": "x"}}, token=ADMIN)
    assert refused.status == 422 and "NO_SUCH_KEY" in refused.body.decode()


async def test_a_server_that_starts_sends_what_an_earlier_one_could_not(
    client: Client, target: HookTarget, settings: Settings, running: server.Running, soon: None
) -> None:
    target.usual = None
    task = await start(client, ADMIN, "talk", words="x")
    await ended(client, ADMIN, task)
    await target.until(lambda arrived: len(arrived) == 1)
    await running.stop()
    target.usual = target.OK
    again = await server.start(settings)
    try:
        await target.until(lambda arrived: len(arrived) == 3)
        assert [each.state for each in target.arrived] == ["running", "running", "succeeded"]
        assert target.arrived[0].body == target.arrived[1].body
    finally:
        await again.stop()


async def test_what_is_refused_for_a_day_is_given_up_and_what_follows_is_sent(
    client: Client, target: HookTarget, settings: Settings, soon: None, expected_logs: list[str]
) -> None:
    expected_logs.append("at 127.0.0.1 was given up after a day: it answered 500")
    target.usual = answer(500)
    task = await start(client, ADMIN, "talk", words="x")
    await ended(client, ADMIN, task)
    await target.until(lambda arrived: len(arrived) > 1)
    with closing(sqlite3.connect(settings.data / "livewall.db")) as database, database:
        database.execute("UPDATE deliveries SET created_at = '2020-01-01T00:00:00.000Z' WHERE state = 'running'")
    await target.until(lambda arrived: arrived[-1].state == "succeeded")
    target.usual = target.OK
    page = (await client.ask("GET", f"/tasks/{task}", token=ADMIN)).body.decode()
    assert "Webhook to 127.0.0.1 (running): it answered 500. It was given up." in page
    lines = (await client.ask("GET", "/api/audit", token=ADMIN)).json["items"]
    (line,) = [line for line in lines if line["act"] == "task.webhook"]
    assert (line["about"], line["detail"]["host"]) == (f"tasks/{task}", "127.0.0.1")
    assert "gave up a webhook" in (await client.ask("GET", "/audit", token=ADMIN)).body.decode()


async def test_an_edit_of_the_file_does_not_redirect_what_was_started_before(
    client: Client, target: HookTarget, settings: Settings, soon: None
) -> None:
    assert settings.pipelines is not None
    target.answers = [answer(500)]
    task = await start(client, ADMIN, "talk", words="x")
    (settings.pipelines / "talk.toml").write_text(TALK % 0)
    await ended(client, ADMIN, task)
    await target.until(lambda arrived: len(arrived) == 3)
    assert [json.loads(each.body)["event"]["state"] for each in target.arrived] == ["running", "running", "succeeded"]
