"""Steps that run on several hosts, with commands of this machine: their targets, logs and what operators may ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clients import Client
from task_runs import ended, start
from tornado.ioloop import IOLoop
from watchers import Watcher

from livewall.settings import Settings

INVENTORY = 'web = ["web1", "web2", { name = "web3", address = "127.0.0.3" }]'
GO = """inventory = "hosts.toml"
[params.fails]
default = "none"
[[steps]]
name = "switch"
run = ["sh", "-c", "echo on $1 $2; until [ -e ../../../open-$1 ]; do sleep 0.02; done; [ $1 != $3 ]", "sh",
    "{host.name}", "{host.address}", "{params.fails}"]
hosts = "web"
waves = [1, "rest"]
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "go.toml").write_text(GO)
    (folder / "hosts.toml").write_text(INVENTORY)
    return replace(settings, pipelines=folder, workers=2)


@pytest.fixture
def let_end(settings: Settings) -> Callable[..., None]:
    """Lets the step end on these hosts."""

    def put(*hosts: str) -> None:
        for host in hosts:
            (settings.data / f"open-{host}").touch()

    return put


@pytest.fixture(autouse=True)
def nothing_is_left(io_loop: IOLoop, client: Client) -> Iterator[None]:
    yield

    async def end() -> None:
        token = await client.token("operator")
        for task in (await client.ask("GET", "/api/tasks", token=token)).json["items"]:
            if task["ended_at"] is None:
                await client.ask("POST", f"/api/tasks/{task['id']}/cancel", {}, token=token)
                await ended(client, token, task["id"])

    io_loop.run_sync(end)


class Release:
    """A task that is followed."""

    def __init__(self, client: Client, token: str, task: str) -> None:
        self.client = client
        self.token = token
        self.task = task
        self.watcher = Watcher(client.url, "websocket", f"tasks/{task}", token=token)
        self.watcher.start()

    async def until(self, **states: str) -> dict[str, Any]:
        """Wait until the hosts have these states; return the step."""

        def reached(checked: Any) -> bool:
            found = {t["host"]: t["state"] for t in checked.state.get("step/switch", {}).get("targets", [])}
            return found.items() >= states.items()

        await self.watcher.until(reached)
        step: dict[str, Any] = self.watcher.checker.state["step/switch"]
        return step

    async def act(self, path: str, body: dict[str, Any] | None = None, *, token: str | None = "") -> Any:
        token = self.token if token == "" else token
        return await self.client.ask("POST", f"/api/tasks/{self.task}/steps/switch/{path}", body or {}, token=token)


@pytest.fixture
def release(client: Client, io_loop: IOLoop) -> Iterator[Callable[..., Any]]:
    """Starts the release and follows it."""
    made: list[Release] = []

    async def begin(**params: str) -> Release:
        token = await client.token("operator")
        made.append(Release(client, token, await start(client, token, "go", **params)))
        return made[-1]

    yield begin
    for each in made:
        io_loop.run_sync(each.watcher.stop)


async def test_an_inventory_beside_the_pipelines_is_none_of_them(client: Client) -> None:
    listed = await client.ask("GET", "/api/pipelines", token=await client.token("operator"))
    assert [pipeline["name"] for pipeline in listed.json["items"]] == ["go"]


async def test_a_changed_inventory_counts_from_the_next_task_on(
    client: Client, settings: Settings, running: Any, release: Any, let_end: Any
) -> None:
    before = await release()
    assert settings.pipelines is not None
    (settings.pipelines / "hosts.toml").write_text('web = ["only"]')
    running.services.pipelines.refresh()
    after = await release()
    assert [t["host"] for t in (await after.until(only="running"))["targets"]] == ["only"]
    let_end("only", "web1", "web2", "web3")
    assert len((await before.until(web3="succeeded"))["targets"]) == 3
    (settings.pipelines / "hosts.toml").write_text('web = ["-x"]')
    running.services.pipelines.refresh()
    errors = (await client.ask("GET", "/api/pipelines", token=before.token)).json["items"][0]["errors"]
    assert errors[0]["file"] == "hosts.toml" and "not the name of a host" in errors[0]["reason"]


async def test_waves_follow_one_another_and_each_host_has_its_own_log(
    client: Client, release: Any, let_end: Any
) -> None:
    followed = await release()
    step = await followed.until(web1="running", web2="pending", web3="pending")
    assert [t["wave"] for t in step["targets"]] == [1, 2, 2]
    let_end("web1")
    await followed.until(web1="succeeded", web2="running", web3="running")
    let_end("web2", "web3")
    found = await ended(client, followed.token, followed.task)
    (step,) = found["steps"]
    assert found["state"] == "succeeded" and step["progress"] == 1.0
    last = step["targets"][2]
    assert last["started_at"] and last["ended_at"] and last["attempt"] == 1 and last["reason"] == ""
    for sign in ("@", "%40"):
        log = await client.ask("GET", f"/api/tasks/{followed.task}/logs/switch{sign}web3", token=followed.token)
        assert log.body == b"on web3 127.0.0.3\n"
    stream = await client.updates(f"tasks/{followed.task}/logs/switch@web3", token=followed.token)
    assert any(event.get("data", {}).get("bytes") == 18 for event in stream.json["events"] if event.get("key"))
    for missing in ("switch@web9", "other@web1", "switch@", "@web1"):
        answer = await client.ask("GET", f"/api/tasks/{followed.task}/logs/{missing}", token=followed.token)
        assert answer.status == 404, missing


async def test_operators_pause_resume_skip_and_retry_and_others_may_not(
    client: Client, release: Any, let_end: Any
) -> None:
    followed = await release(fails="web2")
    for role in ("reporter", "host"):
        token = await client.token(role)
        for path in ("pause", "resume", "abort", "hosts/web1/skip", "hosts/web1/retry", "hosts/web1/key"):
            body = {"fingerprint": "SHA256:x"} if path.endswith("key") else {}
            assert (await followed.act(path, body, token=token)).status == 403, (role, path)
    paused = await followed.act("pause")
    assert paused.status == 200 and paused.json["paused"] is True
    let_end("web1", "web2")
    step = await followed.until(web1="succeeded")
    if step["state"] != "waiting":
        await followed.watcher.until(lambda c: c.state["step/switch"]["state"] == "waiting")
    assert (await followed.act("hosts/web3/skip")).json["targets"][2]["state"] == "skipped"
    assert "paused" not in (await followed.act("resume")).json
    found = await ended(client, followed.token, followed.task)
    assert (found["state"], found["steps"][0]["reason"]) == ("failed", "web2: exit status 1")
    assert (await followed.act("pause")).status == 409
    let_end("web3")
    again = await client.ask("POST", f"/api/tasks/{followed.task}/retry", {"hosts": "failed"}, token=followed.token)
    taken = {t["host"]: t["reason"] for t in again.json["steps"][0]["targets"]}
    assert again.status == 201 and taken["web1"] == "taken over"
    retried = await ended(client, followed.token, again.json["id"])
    assert {t["host"]: t["state"] for t in retried["steps"][0]["targets"]}["web2"] == "failed"
    audit = (await client.ask("GET", "/api/audit", token=followed.token)).json["items"]
    acts = {line["act"] for line in audit if line["about"].startswith("tasks/")}
    assert {"task.pause", "task.resume", "task.skip", "task.retry"} <= acts


async def test_abort_ends_what_runs_and_the_step_fails(client: Client, release: Any) -> None:
    followed = await release()
    await followed.until(web1="running")
    assert (await followed.act("abort")).status == 200
    found = await ended(client, followed.token, followed.task)
    (step,) = found["steps"]
    assert found["state"] == "failed" and step["reason"].startswith("aborted by ")
    assert [t["state"] for t in step["targets"]] == ["cancelled", "skipped", "skipped"]


async def test_a_host_that_runs_can_be_skipped(client: Client, release: Any, let_end: Any) -> None:
    followed = await release()
    await followed.until(web1="running")
    await followed.act("hosts/web1/skip")
    await followed.until(web1="skipped", web2="running")
    let_end("web2", "web3")
    assert (await ended(client, followed.token, followed.task))["state"] == "succeeded"


async def test_acts_that_make_no_sense_are_refused(client: Client, release: Any) -> None:
    followed = await release()
    await followed.until(web1="running")
    for path, status in (
        ("hosts/web9/skip", 404), ("hosts/web1/retry", 409), ("hosts/web2/retry", 409), ("hosts/web1/key", 422),
        ("dance", 404),
    ):  # fmt: skip
        answer = await followed.act(path)
        assert answer.status == status, (path, answer.body)
    wrong = await followed.act("hosts/web1/key", {"fingerprint": "SHA256:x"})
    assert wrong.status == 409 and "does not wait" in wrong.json["error"]["message"]
    retry = await client.ask("POST", f"/api/tasks/{followed.task}/retry", {"hosts": "some"}, token=followed.token)
    assert retry.status == 422


async def test_a_host_that_is_retried_during_its_delay_is_tried_as_often_as_it_may(
    client: Client, settings: Settings, running: Any
) -> None:
    assert settings.pipelines is not None
    text = 'inventory = "hosts.toml"\n[[steps]]\nname = "bad"\nrun = ["false"]\nhosts = "web1"\nretries = 2\n'
    (settings.pipelines / "bad.toml").write_text(f"{text}retry_delay = 0.7\n")
    running.services.pipelines.refresh()
    token = await client.token("operator")
    task = await start(client, token, "bad")
    watcher = Watcher(client.url, "websocket", f"tasks/{task}", token=token)
    watcher.start()
    await watcher.until(lambda c: c.state.get("step/bad", {}).get("targets", [{}])[0].get("state") == "retrying")
    answer = await client.ask("POST", f"/api/tasks/{task}/steps/bad/hosts/web1/retry", {}, token=token)
    assert answer.status == 200
    await watcher.stop()
    found = await ended(client, token, task)
    assert found["state"] == "failed" and found["steps"][0]["targets"][0]["attempt"] == 3


async def test_hosts_of_a_parameter_are_checked_before_anything_starts(
    client: Client, settings: Settings, running: Any
) -> None:
    assert settings.pipelines is not None
    text = GO.replace('hosts = "web"', 'hosts = "{params.fails}"')
    (settings.pipelines / "chosen.toml").write_text(text)
    running.services.pipelines.refresh()
    token = await client.token("operator")
    path = "/api/pipelines/chosen/tasks"
    refused = await client.ask("POST", path, {"params": {"fails": "web1, wbe2"}}, token=token)
    assert refused.status == 422 and "did you mean web2" in refused.json["error"]["fields"]["hosts"]
    assert (await client.ask("GET", "/api/tasks", token=token)).json["items"] == []
