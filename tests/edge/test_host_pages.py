"""Steps with hosts on the pages without script: what they show, to whom they offer what, and what their forms do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from clients import ADMIN, Answer, Client
from host_keys import ask_for_key
from task_runs import ended, start
from tornado.ioloop import IOLoop
from watchers import Watcher

from livewall.settings import Settings

GO = """[inventory]
web = ["web1", "web2", "web3", "web4"]
[[steps]]
name = "build"
run = ["true"]
[[steps]]
name = "switch"
needs = ["build"]
run = ["sh", "-c", "echo on $1; until [ -e ../../../open-$1 ]; do sleep 0.02; done; [ $1 != web2 ]", "sh",
    "{host.name}"]
hosts = "web"
waves = [2, "rest"]
max_failures = 1
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "go.toml").write_text(GO)
    return replace(settings, pipelines=folder, workers=2)


@pytest.fixture
def let_end(settings: Settings) -> Callable[..., None]:
    """Lets the step end on these hosts."""

    def put(*hosts: str) -> None:
        for host in hosts:
            (settings.data / f"open-{host}").touch()

    return put


class Release:
    """A task that runs a step on hosts, with its page."""

    def __init__(self, client: Client, task: str) -> None:
        self.client = client
        self.task = task
        self.watcher = Watcher(client.url, "websocket", f"tasks/{task}", token=ADMIN)
        self.watcher.start()

    async def until(self, **states: str) -> None:
        """Wait until the hosts have these states."""

        def reached(checked: Any) -> bool:
            targets = checked.state.get("step/switch", {}).get("targets", [])
            return {target["host"]: target["state"] for target in targets}.items() >= states.items()

        await self.watcher.until(reached)

    async def page(self, query: str = "", token: str | None = ADMIN) -> str:
        answer = await self.client.ask("GET", f"/tasks/{self.task}{query}", token=token)
        assert answer.status == 200, answer.body
        return answer.body.decode()

    async def asked(self, token: str | None = ADMIN, **query: str) -> Answer:
        return await self.client.ask("GET", f"/desk/tasks/{self.task}?{urlencode(query)}", token=token)

    async def sent(self, token: str | None = ADMIN, **fields: str) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        raw = urlencode(fields).encode()
        return await self.client.ask("POST", f"/desk/tasks/{self.task}", token=token, raw=raw, headers=headers)

    async def step(self) -> dict[str, Any]:
        found = await self.client.ask("GET", f"/api/tasks/{self.task}", token=ADMIN)
        return dict(found.json["steps"][1])


@pytest.fixture
def release(client: Client, io_loop: IOLoop, let_end: Any) -> Iterator[Release]:
    """A release whose first wave runs."""

    async def begin() -> Release:
        made = Release(client, await start(client, ADMIN, "go"))
        await made.until(web1="running", web2="running", web3="pending")
        return made

    async def end() -> None:
        await made.watcher.stop()
        let_end("web1", "web2", "web3", "web4")
        tasks = (await client.ask("GET", "/api/tasks", token=ADMIN)).json["items"]
        for task in tasks:
            if task["ended_at"] is None:
                await client.ask("POST", f"/api/tasks/{task['id']}/cancel", {}, token=ADMIN)
                await ended(client, ADMIN, task["id"])

    made = io_loop.run_sync(begin)
    yield made
    io_loop.run_sync(end)


def rows_of(page: str) -> list[str]:
    """The hosts that are listed, with their states."""
    return [
        f"{host} {state}"
        for state, host in re.findall(r'<li data-state="(\w+)"><a href="\?step=switch@(\w+)#log"', page)
    ]


async def test_the_hosts_of_a_step_are_listed_and_each_has_its_log(release: Release, let_end: Any) -> None:
    let_end("web2")
    await release.until(web2="failed")
    page = await release.page()
    assert rows_of(page) == ["web2 failed", "web1 running", "web3 pending", "web4 pending"]
    assert "0 of 4 hosts · 1 failed: web2 · wave 1 of 2" in page and "exit status 1" in page
    assert page.count('href="#host-pending"') == 2 and 'class="wave current"' in page
    assert rows_of(await release.page("?step=switch&order=given"))[0] == "web1 running"
    assert rows_of(await release.page("?step=switch&state=pending")) == ["web3 pending", "web4 pending"]
    for query, host in (("?step=switch@web1", "web1"), ("?step=switch", "web2"), ("?step=switch@nobody", "web2")):
        shown = await release.page(query)
        assert f'<h2 class="name" dir="auto">switch@{host}</h2>' in shown and f"on {host}" in shown
        assert shown.count('aria-current="true"') == 2  # the step in the chart, and the host in the list


@pytest.mark.parametrize("role", ["host", "reporter", None])
async def test_only_operators_are_offered_acts_and_only_theirs_are_taken(
    client: Client, release: Release, running: Any, role: str | None
) -> None:
    token = await client.token(role) if role else None
    key = await ask_for_key(running.services, release.task, "switch", "web4")
    query = "?step=switch@web1"
    for act in ("pause", "abort", "host_skip", "host_key"):
        assert f'value="{act}"' in await release.page(query), act
        if role == "host":
            assert f'value="{act}"' not in await release.page(query, token), act
        body = {"do": act, "step": "switch", "host": "web4", "fingerprint": key}
        status = 401 if role is None else 403
        assert (await release.asked(token, do=act, step="switch", host="web4")).status == status
        assert (await release.sent(token, **body)).status == status, act
    assert {target["state"] for target in (await release.step())["targets"]} == {"running", "pending", "waiting"}
    if role == "host":
        page = await release.page(query, token)
        assert key in page and "is not known" in page and "on web1" not in page


async def test_a_form_says_what_a_pause_will_do_and_does_it(release: Release) -> None:
    asked = (await release.asked(do="pause", step="switch")).body.decode()
    for words in ("Pause switch?", "web3, web4 wait until somebody resumes", "goes on to its end: web1, web2."):
        assert words in asked, asked
    answer = await release.sent(do="pause", step="switch")
    assert (answer.status, answer.headers["Location"]) == (303, f"/tasks/{release.task}?step=switch#hosts")
    assert (await release.step())["paused"] is True
    page = await release.page("?step=switch")
    assert 'value="resume"' in page and 'value="pause"' not in page
    assert (await release.asked(do="pause", step="switch")).status == 302  # it is paused
    asked = (await release.asked(do="resume", step="switch")).body.decode()
    assert "Resume switch?" in asked and "goes on where it stopped" in asked
    assert (await release.sent(do="resume", step="switch")).status == 303
    assert "paused" not in await release.step()


async def test_a_step_is_aborted_by_a_form(release: Release) -> None:
    asked = (await release.asked(do="abort", step="switch")).body.decode()
    assert "The step fails" in asked and "web3, web4 do not begin." in asked and "web1, web2." in asked
    assert (await release.sent(do="abort", step="switch")).status == 303
    found = await ended(release.client, ADMIN, release.task)
    assert found["state"] == "failed"
    late = await release.sent(do="abort", step="switch")
    assert late.status in (303, 409)
    assert (await release.sent(do="pause", step="switch")).status == 409


async def test_a_host_is_skipped_and_retried_by_forms(release: Release, let_end: Any) -> None:
    asked = (await release.asked(do="host_skip", step="switch", host="web4")).body.decode()
    assert "Skip web4 in switch?" in asked and "goes on without web4" in asked and "asked to stop" not in asked
    running = (await release.asked(do="host_skip", step="switch", host="web1")).body.decode()
    assert "What runs on web1 is asked to stop" in running
    answer = await release.sent(do="host_skip", step="switch", host="web4")
    assert answer.headers["Location"] == f"/tasks/{release.task}?step=switch%40web4#hosts"
    await release.until(web4="skipped")
    let_end("web2")
    await release.until(web2="failed")
    asked = (await release.asked(do="host_retry", step="switch", host="web2")).body.decode()
    assert "Retry switch on web2?" in asked
    assert (await release.sent(do="host_retry", step="switch", host="web2")).status == 303
    await release.watcher.until(lambda c: c.state["step/switch"]["targets"][1]["attempt"] == 2)
    assert (await release.asked(do="host_skip", step="switch", host="web9")).status == 404
    assert (await release.asked(do="host_skip", step="other", host="web1")).status == 404
    assert (await release.sent(do="host_retry", step="switch", host="web1")).status == 409


async def test_a_host_key_is_shown_with_how_to_check_it_and_trusted_by_a_form(
    release: Release, running: Any, settings: Settings
) -> None:
    key = await ask_for_key(running.services, release.task, "switch", "web4")
    page = await release.page()
    assert "web4 has shown a host key that is not known" in page and key in page
    asked = (await release.asked(do="host_key", step="switch", host="web4")).body.decode()
    for words in ("Trust the key of web4?", key, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub", "do not trust it"):
        assert words in asked, words
    assert 'value="host_skip"' in asked
    wrong = await release.sent(do="host_key", step="switch", host="web4", fingerprint="SHA256:other")
    assert wrong.status == 409 and b"another key" in wrong.body
    assert not (settings.data / "known_hosts").exists()
    assert (await release.sent(do="host_key", step="switch", host="web4", fingerprint=key)).status == 303
    assert "web4 ssh-ed25519" in (settings.data / "known_hosts").read_text()
    assert (await release.step())["targets"][3]["state"] == "pending"
    assert key not in await release.page()


async def test_a_retry_asks_on_which_hosts(release: Release, let_end: Any) -> None:
    assert (await release.sent(do="host_skip", step="switch", host="web3")).status == 303
    let_end("web1", "web2")
    await release.until(web2="failed", web4="running")
    assert (await release.sent(do="abort", step="switch")).status == 303
    await ended(release.client, ADMIN, release.task)
    assert 'value="retry"' in await release.page()
    asked = (await release.asked(do="retry")).body.decode()
    assert "Only the failed hosts" in asked and "All hosts" in asked
    answer = await release.sent(do="retry", hosts="failed")
    again = answer.headers["Location"].removeprefix("/tasks/")
    found = (await release.client.ask("GET", f"/api/tasks/{again}", token=ADMIN)).json
    assert found["retry_of"] == release.task and found["steps"][1]["targets"][0]["reason"] == "taken over"


async def test_an_empty_log_says_that_each_host_has_its_own(release: Release) -> None:
    shown = await release.page("?step=switch@web3")
    said = shown.partition("Each host has its own log.")[2].partition("</p>")[0]
    assert re.findall(r'href="([^"]+)"', said) == ["?step=switch@web1#log", "?step=switch@web2#log"]
    assert "Each host has" not in (await release.page("?step=build")).partition("application/json")[0]


async def test_the_forms_of_hosts_speak_chinese(release: Release) -> None:
    asked = await release.client.ask("GET", f"/desk/tasks/{release.task}?do=pause&step=switch&lang=zh-CN", token=ADMIN)
    assert "暂停 switch？" in asked.body.decode() and "web3、web4 暂不开始" in asked.body.decode()


async def test_what_a_step_waits_for_is_said_in_chinese(release: Release, let_end: Any) -> None:
    assert (await release.sent(do="pause", step="switch")).status == 303
    shown = await release.page("?lang=zh-CN")
    assert "admin 正在暂停它" in shown and "pauses it</" not in shown
    let_end("web1", "web2")
    await release.until(web1="succeeded", web2="failed")
    shown = await release.page("?lang=zh-CN")
    assert shown.count("已由 admin 暂停") >= 4, "the head, the chart, the table and the hosts"
    assert "paused by admin" not in shown.partition('type="application/json"')[0]


async def test_everybody_sees_hosts_on_a_wall_and_nobody_their_logs(client: Client, release: Release) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "Operations"}))["code"]
    await client.host(
        "PUT", f"/api/walls/{wall}", {"items": [f"tasks/{release.task}"], "active": f"tasks/{release.task}"}
    )
    for path in (f"/w/{wall}", f"/w/{wall}/screen"):
        shown = (await client.ask("GET", path)).body.decode()
        assert "0 of 4 hosts · wave 1 of 2" in shown and "on web1" not in shown
