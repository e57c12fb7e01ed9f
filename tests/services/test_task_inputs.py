"""What is given to a step and what it prints are text; and what of the server a step must not see."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

from child_server import Server
from loads import appears, begin, ended, log_of, step

pytest_plugins = ("server_fixtures", "task_fixtures")

Serve = Callable[..., Server]

CAREFUL = [
    "; touch /tmp/x; $(touch y) `id` && false | cat > z < /dev/null & \\ ' \" * ? ~ # !!",
    "two\nlines\r\nand\ttabs\n",
    "--version",
    "-rf /",
    "{params.word}{steps.a.X}{{}}{0}%s%(word)s${word}$$",
    "<script>alert(1)</script>\x1b]0;x\x07\u202e\U0001f980é",
    "x" * 100_000,
    "",
]
SHOWS = "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ['WORD'], os.listdir()]))"


async def test_a_parameter_reaches_a_command_as_it_is(serve: Serve) -> None:
    run = [sys.executable, "-c", SHOWS, "{params.word}", "<{params.word}>"]
    word = '[params.word]\ntype = "string"\n'
    server = serve(shows=word + step("a", *run, more='env = {WORD = "{params.word}"}'))
    for word in CAREFUL:
        task = begin(server, "shows", word=word)
        state = await ended(server, task)
        assert state["task"]["state"] == "succeeded", (word[:80], state)
        assert json.loads(log_of(server, task, "a")) == [[word, f"<{word}>"], word, []]
        assert server.host("GET", f"/api/tasks/{task}")["params"] == {"word": word}
        assert b"<script>alert(1)" not in server.host_bytes(f"/tasks/{task}?step=a")
    status, found = server.ask("POST", "/api/pipelines/shows/tasks", {"params": {"word": "a\0b"}})
    assert (status, list(found["error"]["fields"])) == (422, ["params.word"])


async def test_an_argument_that_is_too_long_for_the_machine_fails_its_step_with_the_reason(serve: Serve) -> None:
    word = '[params.word]\ntype = "string"\n'
    server = serve(shows=word + step("a", "true", "{params.word}{params.word}"))
    state = await ended(server, begin(server, "shows", word="x" * 100_000))
    assert (state["step/a"]["state"], "too long for this machine" in state["step/a"]["reason"]) == ("failed", True)
    status, found = server.ask("POST", "/api/pipelines/shows/tasks", {"params": {"word": "x" * 120_001}})
    assert (status, list(found["error"]["fields"])) == (422, ["params.word"])


async def test_output_that_looks_like_markup_is_text(serve: Serve) -> None:
    lines = [
        "<script>alert(1)</script>",
        "</pre></textarea><img src=x onerror=alert(1)>",
        "&lt;b&gt; {{ 7654321*7 }} {% raw %}",
    ]
    server = serve(marks='title = "<i>Marks</i>"\n' + step("a", "printf", "%s\\n", *lines))
    task = begin(server, "marks")
    await ended(server, task)
    text = "".join(f"{line}\n" for line in lines).encode()
    request = urllib.request.Request(f"{server.url}/api/tasks/{task}/logs/a")
    request.add_header("Authorization", f"Bearer {server.admin}")
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.read() == text
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    shown = server.host("GET", f"/api/tasks/{task}/logs/a/lines")["items"]
    assert [item["text"] for item in shown] == lines
    for path in (f"/tasks/{task}?step=a", f"/tasks/{task}", "/tasks"):
        page = server.host_bytes(path)
        assert not any(mark in page for mark in (b"<script>alert", b"<img src=x", b"<i>Marks", b"53580247")), path
    assert b"&lt;script&gt;alert(1)&lt;/script&gt;" in server.host_bytes(f"/tasks/{task}?step=a")


# -- what a step must not see

OF_THE_SERVER = {"OF_THE_SERVER": "do-not-pass-this-on", "LIVEWALL_ADMIN_TOKEN": "the-admin-token-is-not-for-steps"}


async def test_nothing_of_the_server_reaches_a_step(serve: Serve, tmp_path: Path) -> None:
    """Its environment, its token and its open files: looked for where the system shows them."""
    go = tmp_path / "go"
    server = serve(
        "env", *(f"{name}={value}" for name, value in OF_THE_SERVER.items()),
        looks=step("a", "sh", "-c", f"echo $$ > pid; env; while ! test -e {go}; do sleep 0.02; done"),
    )  # fmt: skip
    admin = OF_THE_SERVER["LIVEWALL_ADMIN_TOKEN"]
    task = server.ask("POST", "/api/pipelines/looks/tasks", {}, token=admin)[1]["id"]
    folder = server.data / "tasks" / task
    await appears(folder / "work" / "pid")
    while not (text := (folder / "work" / "pid").read_text()).endswith("\n"):
        await asyncio.sleep(0.01)
    command = int(text)
    supervisor = int(Path(f"/proc/{command}/stat").read_text().rpartition(")")[2].split()[1])
    hidden = [value.encode() for value in OF_THE_SERVER.values()] + [b"OF_THE_SERVER", b"ADMIN_TOKEN"]
    secret = json.loads((server.data / "secret").read_text())
    hidden += [value.encode() for value in secret.values() if isinstance(value, str) and len(value) > 15]
    for pid in (supervisor, command):
        for file in ("environ", "cmdline"):
            seen = Path(f"/proc/{pid}/{file}").read_bytes()
            assert not any(value in seen for value in hidden), (pid, file)
    own = str(folder / "steps" / "a.1")
    files = {fd: os.readlink(f"/proc/{supervisor}/fd/{fd}") for fd in os.listdir(f"/proc/{supervisor}/fd")}
    assert all(file.startswith((own, "/dev/null", "pipe:")) for file in files.values()), files
    files = {fd: os.readlink(f"/proc/{command}/fd/{fd}") for fd in os.listdir(f"/proc/{command}/fd")}
    assert {fd: file.split(":")[0] for fd, file in files.items() if fd in "012"} == {
        "0": "/dev/null",
        "1": "pipe",
        "2": "pipe",
    }
    assert all(file.startswith(("/dev/null", "pipe:")) for file in files.values()), files
    variables = Path(f"/proc/{command}/environ").read_bytes().split(b"\0")
    token = next(v.partition(b"=")[2] for v in variables if v.startswith(b"LIVEWALL_TOKEN="))
    for file in ("environ", "cmdline"):
        assert token not in Path(f"/proc/{supervisor}/{file}").read_bytes()
    go.touch()
    while server.ask("GET", f"/api/tasks/{task}", token=admin)[1]["ended_at"] is None:
        await asyncio.sleep(0.05)
    for path in folder.rglob("*"):
        if path.is_file() and path.parent.name != "work":
            assert not any(value in path.read_bytes() for value in [*hidden, token]), path
    request = urllib.request.Request(f"{server.url}/api/tasks/{task}/logs/a")
    request.add_header("Authorization", f"Bearer {admin}")
    with urllib.request.urlopen(request, timeout=20) as answer:
        said = answer.read()
    assert b"LIVEWALL_TOKEN=***\n" in said and not any(value in said for value in [*hidden, token])
    assert not any(value in server.log.read_bytes() for value in [*hidden[:2], token])
