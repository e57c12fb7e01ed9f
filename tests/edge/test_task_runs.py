"""Tasks that run here: pipelines started, their steps as real processes, cancel, retry, and what a step may say."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clients import Client
from task_runs import ended, start, states
from tornado.ioloop import IOLoop
from watchers import TRANSPORTS, Watcher

from livewall.settings import Settings
from livewall.tasks.pipelines.pattern_matching import match_in_process

Write = Callable[[str, str], None]
PRINTS = f"""[params.word]
type = "string"
default = "hello"
pattern = "[a-z ;$()&|'\\"<>-]+"
[[steps]]
name = "say"
run = [{sys.executable!r}, "-c", "import sys; print(sys.argv[1:])", "{{params.word}}", "--flag"]
[[steps]]
name = "then"
needs = ["say"]
run = ["sh", "-c", "echo VERSION=1.4 >> $LIVEWALL_OUTPUT; pwd > where"]
[[steps]]
name = "last"
needs = ["then"]
run = ["sh", "-c", "echo version \\"$1\\"; cat where", "sh", "{{steps.then.VERSION}}"]
"""


@pytest.fixture
def pipelines(tmp_path: Path) -> Path:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(settings: Settings, pipelines: Path) -> Settings:
    (pipelines / "prints.toml").write_text(PRINTS)
    return replace(settings, pipelines=pipelines, workers=2)


@pytest.fixture
def write(pipelines: Path, running: Any) -> Write:
    """A pipeline that the server knows at once."""

    def put(name: str, text: str) -> None:
        (pipelines / f"{name}.toml").write_text(text)
        running.services.pipelines.refresh()

    return put


@pytest.fixture(autouse=True)
def nothing_is_left(io_loop: IOLoop, client: Client) -> Iterator[None]:
    """Steps outlive a server, so they would outlive a test that fails."""
    yield

    async def end() -> None:
        token = await client.token("operator")
        for task in (await client.ask("GET", "/api/tasks", token=token)).json["items"]:
            if task["ended_at"] is None:
                await client.ask("POST", f"/api/tasks/{task['id']}/cancel", {}, token=token)
                await ended(client, token, task["id"])

    io_loop.run_sync(end)


async def log_of(client: Client, token: str, task: str, step: str) -> str:
    return (await client.ask("GET", f"/api/tasks/{task}/logs/{step}", token=token)).body.decode()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_pipeline_runs_its_commands_and_every_reader_sees_them_end(transport: str, client: Client) -> None:
    token = await client.token("operator")
    watcher = Watcher(client.url, "websocket", "tasks", token=token)
    watcher.start()
    word = "x; $(touch y) && 'z' --rm"
    task = await start(client, token, "prints", word=word)
    follower = Watcher(client.url, transport, f"tasks/{task}", token=token)
    follower.start()
    logs = Watcher(client.url, transport, f"tasks/{task}/logs/say", token=token)
    logs.start()
    await follower.until(lambda c: c.state.get("task", {}).get("ended_at"))
    assert follower.checker.state["task"]["state"] == "succeeded", follower.checker.state
    said = await log_of(client, token, task, "say")
    assert said == f"{[word, '--flag']!r}\n"
    await logs.until(lambda c: c.state.get("end") == {"bytes": len(said), "lines": 1})
    found = await ended(client, token, task)
    assert found["params"] == {"word": word} and found["pipeline"] == "prints"
    lines = (await log_of(client, token, task, "last")).splitlines()
    assert lines[0] == "version 1.4" and lines[1].endswith("/work")
    await watcher.until(lambda c: c.state.get(f"task/{task}", {}).get("state") == "succeeded")
    for each in (watcher, follower, logs):
        await each.stop()


async def test_a_failure_is_told_with_its_reason_and_a_retry_takes_over(client: Client, write: Write) -> None:
    token = await client.token("operator")
    write(
        "flaky",
        """[[steps]]
name = "a"
run = ["sh", "-c", "date >> made; cat made"]
[[steps]]
name = "b"
needs = ["a"]
run = ["sh", "-c", "test -e again || { touch again; exit 3; }"]
[[steps]]
name = "c"
needs = ["b"]
run = ["no-such-program-here"]
""",
    )
    first = await ended(client, token, await start(client, token, "flaky"))
    assert states(first) == {"a": "succeeded", "b": "failed", "c": "skipped"}
    assert (first["state"], first["reason"]) == ("failed", "b: exit status 3")
    answers = [await client.ask("POST", f"/api/tasks/{first['id']}/retry", {}, token=token) for _ in range(2)]
    assert [a.status for a in answers] == [201, 200] and answers[0].json["id"] == answers[1].json["id"]
    second = await ended(client, token, answers[0].json["id"])
    assert states(second) == {"a": "succeeded", "b": "succeeded", "c": "failed"}
    assert second["retry_of"] == first["id"] and second["steps"][0]["reason"] == "taken over"
    assert "no-such-program-here" in second["steps"][2]["reason"]
    running = await client.ask("POST", f"/api/tasks/{first['id']}/retry", {}, token=token)
    assert running.json["id"] == second["id"]


async def test_attempts_follow_one_another_in_one_log(client: Client, write: Write) -> None:
    token = await client.token("operator")
    write(
        "again",
        """[[steps]]
name = "a"
retries = 2
run = ["sh", "-c", "echo try >> tries; wc -l < tries; test $(wc -l < tries) = 3"]
""",
    )
    task = await ended(client, token, await start(client, token, "again"))
    assert (task["state"], task["steps"][0]["attempt"]) == ("succeeded", 3)
    assert (await log_of(client, token, task["id"], "a")).split() == ["1", "2", "3"]


async def test_a_cancel_leaves_nothing_alive(
    client: Client, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livewall.tasks.runner.GRACE", 0.5)
    token = await client.token("operator")
    pids = tmp_path / "pids"
    stubborn = f"trap '' TERM; echo $$ >> {pids}; while :; do sleep 1; done"
    write(
        "stays",
        f'''[[steps]]
name = "a"
run = ["sh", "-c", """setsid sh -c "{stubborn}" & {stubborn}"""]
[[steps]]
name = "b"
needs = ["a"]
run = ["true"]
''',
    )
    task = await start(client, token, "stays")
    while not pids.exists() or len(pids.read_text().split()) < 2:
        await asyncio.sleep(0.02)
    answer = await client.ask("POST", f"/api/tasks/{task}/cancel", {}, token=token)
    assert answer.json["state"] == "cancelling"
    found = await ended(client, token, task)
    assert (found["state"], states(found)) == ("cancelled", {"a": "cancelled", "b": "cancelled"})
    for pid in pids.read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


async def test_a_step_reports_on_itself_and_on_nothing_else(client: Client, write: Write) -> None:
    token = await client.token("operator")
    write(
        "self",
        f"""[[steps]]
name = "a"
run = [{sys.executable!r}, "-c", '''
import json, os, urllib.error, urllib.request
def put(path, **body):
    request = urllib.request.Request(os.environ["LIVEWALL_URL"] + path, json.dumps(body).encode(), method="PUT",
        headers={{"Authorization": "Bearer " + os.environ["LIVEWALL_TOKEN"]}})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code
own = os.environ["OWN"]
print(put(own + "/steps/a", progress=0.4, message="token " + os.environ["LIVEWALL_TOKEN"]))
print(put(own + "/steps/a", state="failed"), put(own + "/steps/b", progress=0.1), put("/api/walls/AAAAAA", title="x"))
print(sorted(os.environ))
print(os.environ["LIVEWALL_TOKEN"])
raise SystemExit(3)  # a step that failed keeps its last message
''']
env = {{ OWN = "/api/tasks/mine" }}
[[steps]]
name = "b"
run = ["true"]
""",
    )
    answer = await client.ask("POST", "/api/pipelines/self/tasks", {"id": "mine"}, token=token)
    assert answer.status == 201
    task = await ended(client, token, "mine")
    lines = (await log_of(client, token, "mine", "a")).splitlines()
    assert lines[:2] == ["200", "409 403 401"]
    names = {"HOME", "LANG", "LIVEWALL_OUTPUT", "LIVEWALL_TOKEN", "LIVEWALL_URL", "OWN", "PATH"}
    assert set(eval(lines[2])) <= names | {"LC_CTYPE"}
    assert lines[3] == "***", "its own token is a secret, too"
    assert (task["steps"][0]["message"], task["steps"][0]["state"]) == ("token ***", "failed")


async def test_parameters_are_checked_field_by_field(client: Client) -> None:
    token = await client.token("operator")
    path = "/api/pipelines/prints/tasks"
    wrong = await client.ask("POST", path, {"params": {"word": "UPPER", "other": 1}}, token=token)
    assert (wrong.status, wrong.code) == (422, "invalid")
    assert set(wrong.json["error"]["fields"]) == {"params.word", "params.other"}
    assert (await client.ask("POST", "/api/pipelines/none/tasks", {}, token=token)).status == 404
    for role in ("host", "reporter"):
        assert (await client.ask("POST", path, {}, token=await client.token(role))).status == 403
        assert (await client.ask("GET", "/api/pipelines", token=await client.token(role))).status == 403


async def test_a_broken_pipeline_says_where_and_a_task_of_it_goes_on(
    client: Client, write: Write, settings: Settings
) -> None:
    token = await client.token("operator")
    write(
        "two",
        '[[steps]]\nname = "a"\nrun = ["sh", "-c", "while ! test -e go; do sleep 0.02; done"]\n'
        '[[steps]]\nname = "b"\nneeds = ["a"]\nrun = ["echo", "done"]\n',
    )
    task = await start(client, token, "two")
    write("two", '[[steps]]\nname = "a"\nrun = ["true"]\nneeds = ["b"]\n')
    broken = await client.ask("POST", "/api/pipelines/two/tasks", {}, token=token)
    assert broken.status == 422
    [listed] = [p for p in (await client.ask("GET", "/api/pipelines", token=token)).json["items"] if p["name"] == "two"]
    assert listed["errors"][0]["line"] == 4 and listed["errors"][0]["file"] == "two.toml"
    work = settings.data / "tasks" / task / "work"
    while not work.exists():
        await asyncio.sleep(0.01)
    (work / "go").touch()
    assert (await ended(client, token, task))["state"] == "succeeded"


async def test_more_tasks_than_workers_wait_with_the_reason(client: Client, write: Write, settings: Settings) -> None:
    token = await client.token("operator")
    write("slow", '[[steps]]\nname = "a"\nrun = ["sh", "-c", "while ! test -e go; do sleep 0.02; done"]\n')
    tasks = [await start(client, token, "slow") for _ in range(3)]
    found = (await client.ask("GET", f"/api/tasks/{tasks[2]}", token=token)).json
    assert (found["state"], found["reason"]) == ("waiting", "waits for its turn: this server runs 2 tasks at a time")
    for task in tasks:
        work = settings.data / "tasks" / task / "work"
        while not work.exists():
            await asyncio.sleep(0.01)
        (work / "go").touch()
        assert (await ended(client, token, task))["state"] == "succeeded"


async def test_a_secret_that_the_server_does_not_have_fails_the_step(client: Client, write: Write) -> None:
    token = await client.token("operator")
    write("secret", 'secrets = ["NO_SUCH_SECRET_HERE"]\n[[steps]]\nname = "a"\nrun = ["true"]\n')
    task = await ended(client, token, await start(client, token, "secret"))
    assert task["reason"] == "a: the server's environment has no NO_SUCH_SECRET_HERE"


async def test_nobody_reports_a_step_that_runs_here(client: Client, write: Write, settings: Settings) -> None:
    token = await client.token("operator")
    write("slow", '[[steps]]\nname = "a"\nrun = ["sh", "-c", "while ! test -e go; do sleep 0.02; done"]\n')
    task = await start(client, token, "slow")
    answer = await client.ask("PUT", f"/api/tasks/{task}/steps/a", {"state": "succeeded"}, token=token)
    assert (answer.status, answer.code) == (409, "conflict")
    log = await client.ask("POST", f"/api/tasks/{task}/logs/a?offset=0", raw=b"x", token=token)
    assert (log.status, log.code) == (409, "conflict")
    await client.ask("POST", f"/api/tasks/{task}/cancel", {}, token=token)
    assert (await ended(client, token, task))["state"] == "cancelled"


async def test_a_reason_shows_no_parameter_to_the_room(client: Client, write: Write) -> None:
    token = await client.token("operator")
    given = {"tool": "hunter2", "place": "hunter3"}
    params = "".join(f'[params.{name}]\ntype = "string"\ndefault = "{value}"\n' for name, value in given.items())
    write(
        "named",
        f"""{params}[[steps]]
name = "a"
run = ["{{params.tool}}"]
[[steps]]
name = "b"
run = ["true"]
cwd = "{{params.place}}/x"
""",
    )
    task = await ended(client, token, await start(client, token, "named"))
    assert [step["reason"] for step in task["steps"]] == [
        "no such program: {params.tool}",
        "the working folder does not exist: {params.place}/x",
    ]
    assert "hunter" not in str([task[name] for name in ("steps", "reason", "title")])


async def test_nothing_is_left_of_an_attempt_but_how_it_ended(client: Client, write: Write, settings: Settings) -> None:
    token = await client.token("operator")
    write(
        "out",
        """[[steps]]
name = "a"
run = ["sh", "-c", "echo SECRET=x >> $LIVEWALL_OUTPUT; echo said"]
[[steps]]
name = "b"
needs = ["a"]
cwd = "nowhere"
run = ["true"]
""",
    )
    task = await ended(client, token, await start(client, token, "out"))
    assert task["reason"] == "b: the working folder does not exist: …/nowhere"
    folder = settings.data / "tasks" / task["id"] / "steps" / "a.1"
    while {path.name for path in folder.iterdir()} != {"claim", "exit", "lock"}:
        await asyncio.sleep(0.01)
    assert await log_of(client, token, task["id"], "a") == "said\n"


async def test_patterns_are_not_compared_on_the_loop(
    client: Client, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("picky", '[params.x]\npattern = "(a+)+b"\n[[steps]]\nname = "a"\nrun = ["true"]\n')
    threads = []

    def noted(pairs: Any) -> list[bool | None]:
        threads.append(threading.current_thread())
        return match_in_process(pairs)

    monkeypatch.setattr("livewall.tasks.pipelines.params.match_in_process", noted)
    body = {"params": {"x": "a" * 40 + "!"}}
    answer = await client.ask("POST", "/api/pipelines/picky/tasks", body, token=await client.token("operator"))
    assert (answer.status, list(answer.json["error"]["fields"])) == (422, ["params.x"])
    assert threads and threading.main_thread() not in threads


async def test_an_http_step_waits_for_the_answer_and_says_why_it_failed(client: Client, write: Write) -> None:
    token = await client.token("operator")
    write(
        "ask",
        f"""[[steps]]
name = "up"
http = {{ url = "{client.url}/healthz", contains = "ok", within = 20, every = 0.1 }}
[[steps]]
name = "gone"
needs = ["up"]
http = {{ url = "{client.url}/nothing-here", status = 200, within = 0 }}
""",
    )
    task = await ended(client, token, await start(client, token, "ask"))
    assert states(task) == {"up": "succeeded", "gone": "failed"}
    assert task["steps"][1]["reason"] == "no answer was as expected within 0 s; the last one: 404 Not Found, not 200"
    assert "404 Not Found, " in await log_of(client, token, task["id"], "gone")


async def test_a_git_step_says_what_it_checked_out_and_what_was_released_before(
    client: Client, write: Write, tmp_path: Path
) -> None:
    token, work = await client.token("operator"), tmp_path / "author"
    identity = ("-c", "user.name=Lin", "-c", "user.email=lin@example.org", "-C", str(work))
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", work], check=True)
    write(
        "release",
        f"""params.word = {{ default = "good" }}
[[steps]]
name = "source"
git = {{ repository = "{work}" }}
[[steps]]
name = "first"
needs = ["source"]
when = "{{params.word}} != again"
run = ["sh", "-c", "cd src && git log --format=%s && test $1 = good", "sh", "{{params.word}}"]
[[steps]]
name = "again"
needs = ["first"]
when = "{{params.word}} == again"
run = ["echo", "{{steps.source.subject}} after {{steps.source.previous}}"]
""",
    )
    commits = []
    for word in ("good", "bad", "again"):
        subprocess.run(["git", *identity, "commit", "--quiet", "--allow-empty", "--message", word], check=True)
        done = subprocess.run(["git", *identity, "rev-parse", "HEAD"], check=True, capture_output=True)
        commits.append(done.stdout.decode().strip())
        task = await ended(client, token, await start(client, token, "release", word=word))
        assert task["state"] == ("failed" if word == "bad" else "succeeded"), task
    assert await log_of(client, token, task["id"], "again") == f"again after {commits[0]}\n"
    assert task["steps"][0]["progress"] == 1.0


async def test_the_refs_of_a_pipeline_are_for_operators(client: Client, write: Write, tmp_path: Path) -> None:
    work = tmp_path / "author"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", work], check=True)
    identity = ("-c", "user.name=Lin", "-c", "user.email=lin@example.org", "-C", str(work))
    subprocess.run(["git", *identity, "commit", "--quiet", "--allow-empty", "--message", "Begin"], check=True)
    write(
        "release",
        f"""params.ref.type = "git_ref"
[[steps]]
name = "source"
git = {{ repository = "{work}", ref = "{{params.ref}}" }}
""",
    )
    path = "/api/pipelines/release/refs"
    for role, status in (("operator", 200), ("host", 403), ("reporter", 403)):
        assert (await client.ask("GET", path, token=await client.token(role))).status == status
    token = await client.token("operator")
    refs = (await client.ask("GET", f"{path}?q=beg", token=token)).json
    assert next((ref["name"], ref["kind"], ref["subject"]) for ref in refs["items"]) == ("main", "branch", "Begin")
    assert len(refs["items"]) == 2 and refs["problem"] == ""
    assert (await client.ask("GET", f"{path}?q=zzz", token=token)).json["items"] == []
    assert (await client.ask("GET", f"{path}?param=word", token=token)).status == 404
    assert (await client.ask("GET", "/api/pipelines/prints/refs", token=token)).status == 404
    refused = await client.ask("POST", "/api/pipelines/release/tasks", {"params": {"ref": ""}}, token=token)
    assert refused.json["error"]["fields"] == {"params.ref": "is required"}
