"""Arguments, names of files and values of the environment that are not UTF-8: text with replacement characters."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from child_server import Server
from children import LIVEWALL, environment

from livewall.client.calls import Server as Called
from livewall.client.calls import json_body, segment, server_url
from livewall.client.tasks import Task
from livewall.log_format import JsonLines
from livewall.settings import admin_token, public_url
from livewall.terminal import readable

pytest_plugins = ("server_fixtures",)

CAFE, SHOWN = b"caf\xe9", "caf\ufffd"
UTF8 = {"LC_ALL": "en_US.UTF-8", "PYTHONUTF8": "1"}
"""Where Python is strict about what it prints."""


def run(server: Server, *arguments: str | bytes, status: int = 0, **more: str) -> str:
    """What a command prints on both outputs."""
    command = [LIVEWALL.encode(), *(os.fsencode(each) for each in arguments)]
    env = server.client(**UTF8, **more)
    done = subprocess.run(command, env=env, cwd=server.home, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == status and "Traceback" not in said, said
    return said


def test_a_run_whose_command_or_title_is_not_utf_8_is_shown(child: Server) -> None:
    for id, arguments, status, title in [
        ("a", ["--", "true"], 0, "true"),
        ("b", ["--title", CAFE, "--", "true"], 0, SHOWN),
        ("c", ["--", CAFE], 127, SHOWN),
    ]:
        run(child, "run", "--id", id, *arguments, status=status)  # type: ignore[list-item, misc]
        task = child.host("GET", f"/api/tasks/{id}")
        assert task["title"] == title and task["ended_at"], task
    assert child.host("GET", "/api/tasks/c")["steps"][0]["message"] == f"{SHOWN}: no such file or directory"


def test_a_command_gets_its_arguments_as_they_were_given(child: Server) -> None:
    command = [LIVEWALL.encode(), b"run", b"--id", b"a", b"--", b"printf", b"%s", CAFE]
    done = subprocess.run(command, env=child.client(**UTF8), capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, CAFE)
    assert child.host_bytes("/api/tasks/a/logs/run") == CAFE


def test_what_is_made_with_such_a_text_has_it_with_replacement_characters(child: Server) -> None:
    run(child, "report", "--new", CAFE, "--step", "a", "--id", "n")
    run(child, "report", "n", "a", "running", "--message", CAFE)
    wall = run(child, "wall", "create", CAFE).strip()
    poll = run(child, "poll", "create", CAFE, CAFE, "other", "--wall", wall, "--open").strip()
    run(child, "vote", poll, CAFE, "--as", CAFE)
    run(child, "token", "create", "reporter", CAFE)
    task = child.host("GET", "/api/tasks/n")
    assert (task["title"], task["steps"][0]["message"]) == (SHOWN, SHOWN)
    found = child.host("GET", f"/api/polls/{poll}")
    assert (found["title"], found["options"][0]["label"], found["tally"]["counts"]["1"]) == (SHOWN, SHOWN, 1)
    assert SHOWN in run(child, "token", "list") and SHOWN in run(child, "task", "list", "--search", CAFE)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("task", "show", CAFE), 1), (("task", "logs", CAFE, CAFE), 1), (("report", CAFE, CAFE, "running"), 1),
        (("watch", b"polls/" + CAFE), 1), (("wall", "show", CAFE), 1), (("poll", "list", "--token", CAFE), 1),
        (("watch", "tasks", "--token", CAFE), 1), (("poll", "list", "--url", CAFE), 2), ((CAFE,), 2),
        (("recount", CAFE), 1), (("serve", "--address", CAFE, "--data", "other"), 1),
        (("serve", "--admin-token", CAFE), 2), (("serve", "--public-url", b"http://" + CAFE), 2),
    ],
)  # fmt: skip
def test_what_cannot_be_found_by_such_a_text_is_said_in_words(
    child: Server, arguments: tuple[str | bytes, ...], status: int
) -> None:
    assert run(child, *arguments, status=status).strip()


def test_a_server_whose_folders_and_pipelines_are_not_utf_8_works(new_server: Callable[..., Server]) -> None:
    server = new_server()
    folder = server.home / os.fsdecode(CAFE)
    folder.mkdir()
    (folder / os.fsdecode(CAFE + b".toml")).write_text('[[steps]]\nname = "a"\nrun = ["true"]\n')
    (folder / "good.toml").write_text('[[steps]]\nname = "a"\nrun = ["pwd"]\n[[steps]]\nname = "b"\nrun = ["x/y"]\n')
    server.data = folder / "data"
    server.options = ("--rate-limits", "off", "--pipelines", str(folder), "--log-format", "json")
    server.start()
    listed = {each["name"]: each["errors"] for each in json.loads(run(server, "pipeline", "list", "--json"))}
    assert not listed["good"] and SHOWN in listed[SHOWN][0]["reason"]
    assert SHOWN in run(server, "pipeline", "check", bytes(folder) + b"/" + CAFE + b".toml", status=1)
    assert "no such program: x/y" in run(server, "task", "start", "good", "--watch", status=1)
    assert SHOWN in run(server, "backup", bytes(folder) + b"/copy.db", "--data", bytes(server.data))
    assert server.stop() == 0
    for line in server.log.read_bytes().splitlines():
        assert "\\ud" not in json.dumps(json.loads(line)), line


def test_texts_of_programs_are_taken(child: Server) -> None:
    name = os.fsdecode(CAFE)
    with Task(name, ["a"], id="p", url=child.url, token=child.admin) as task, task.step("a") as step:
        step.progress(0.5, name)
        step.log(name)
    assert child.host("GET", "/api/tasks/p")["title"] == SHOWN


def test_a_surrogate_is_shown_as_a_replacement_character() -> None:
    text = os.fsdecode(b"a\xff\xfe \xf0\x9f\x98\x80")
    assert readable(text) == "a\ufffd\ufffd \U0001f600"
    assert json_body({text: [text]}) == '{"a�� 😀": ["a�� 😀"]}'.encode()
    assert segment("\udce9") == "%EF%BF%BD"
    record = logging.LogRecord("x", logging.INFO, "f", 1, "in %s", (text,), None)
    assert json.loads(JsonLines().format(record))["message"] == "in a\ufffd\ufffd \U0001f600"


def test_what_cannot_be_an_address_or_a_token_is_refused() -> None:
    made: list[Callable[[str], Any]] = [server_url, public_url, admin_token]
    for read in made:
        with pytest.raises(ValueError):
            read("http://caf\udce9")
    with pytest.raises(Exception, match="no token has"):
        Called("http://127.0.0.1:1", "caf\udce9").headers()


def test_a_stream_that_is_not_utf_8_prints_a_question_mark(tmp_path: Path) -> None:
    text = "import sys; from livewall.terminal import print_readably as p; p(); print('a\\udce9')"
    for encoding, expected in (("utf-8", "a\ufffd\n".encode()), ("latin-1", b"a?\n"), ("ascii", b"a?\n")):
        env = environment(tmp_path) | {"PYTHONIOENCODING": encoding}
        assert subprocess.run([sys.executable, "-c", text], env=env, capture_output=True).stdout == expected
