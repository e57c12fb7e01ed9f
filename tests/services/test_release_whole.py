"""A whole release of this project on five OpenSSH servers: from a tag of its repository to a vote, and the way back."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from child_server import Server
from children import environment
from sshd import Sshd, need_sshd
from watchers import Watcher

pytest_plugins = ("server_fixtures",)

ROOT = Path(__file__).resolve().parents[2]
COUNT = 5
COMMON = """inventory = "hosts.toml"
[ssh]
known_hosts = "known_hosts"
"""
RELEASE = """[params.ref]
type = "git_ref"
[params.wall]
[[steps]]
name = "source"
git = { repository = "REPOSITORY", ref = "{params.ref}", into = "src" }
[[steps]]
name = "wheel"
needs = ["source"]
run = ["sh", "-c", '''"$1" -m build --wheel --no-isolation --outdir dist src &&
    echo "FILE=$(basename dist/*.whl)" >> "$LIVEWALL_OUTPUT"''', "sh", "PYTHON"]
[[steps]]
name = "upload"
needs = ["wheel"]
upload = { from = "dist/{steps.wheel.FILE}", to = "BASE/{host.name}/home/wheels/{steps.wheel.FILE}" }
hosts = "web"
waves = [1, 2, "rest"]
[[steps]]
name = "install"
needs = ["upload"]
ssh = ["sh", "-ec", '''"$1" -m venv --without-pip "$2"
    "$1" -m pip -qq --python "$2/bin/python" install --no-deps --no-index --no-compile "wheels/$3"
    echo "$2" >> installed''', "sh", "PYTHON", "{steps.source.short}", "{steps.wheel.FILE}"]
cwd = "BASE/{host.name}/home"
hosts = "web"
waves = [1, 2, "rest"]
[[steps]]
name = "switch"
needs = ["install"]
ssh = ["ln", "-sfn", "{steps.source.short}", "BASE/{host.name}/home/current"]
hosts = "web"
waves = [1, 2, "rest"]
[[steps]]
name = "healthy"
needs = ["switch"]
http = { url = "http://{host.address}:PORT/health", contains = "{steps.source.short}", every = 0.1, within = 1 }
hosts = "web"
waves = [1, 2, "rest"]
[[steps]]
name = "go"
needs = ["healthy"]
[steps.gate.poll]
wall = "{params.wall}"
title = "Release {params.ref} to everybody?"
options = ["Yes", "No"]
passes = "Yes"
majority = "1/2"
quorum = 3
[[steps]]
name = "done"
needs = ["go"]
ssh = ["cp", "BASE/{host.name}/home/installed", "BASE/{host.name}/home/done"]
hosts = "web"
[on_failure]
poll = { wall = "{params.wall}", title = "Roll back {params.ref}?", options = ["Roll back", "Leave it"] }
starts = { pipeline = "rollback", when = "Roll back", params = { to = "{steps.source.previous}" } }
"""
ROLLBACK = """[params.to]
[[steps]]
name = "switch"
ssh = ["sh", "-c", 'ln -sfn "$(printf %.7s "$1")" current', "sh", "{params.to}"]
cwd = "BASE/{host.name}/home"
hosts = "web"
"""


class Health(ThreadingHTTPServer):
    """The service of every host: it says which release is current there, unless the host is `broken`."""

    daemon_threads = True

    def __init__(self, homes: dict[str, Path]) -> None:
        super().__init__(("0.0.0.0", 0), Answering)
        self.homes = homes


class Answering(BaseHTTPRequestHandler):
    server: Health

    def do_GET(self) -> None:
        home = self.server.homes[self.connection.getsockname()[0]]
        runs = subprocess.run(
            [home / "current" / "bin" / "python", "-c", "import livewall; print(livewall.__version__)"],
            capture_output=True, text=True, cwd="/",
        )  # fmt: skip
        well = runs.returncode == 0 and not (home / "broken").exists()
        body = f"{(home / 'current').readlink()} {runs.stdout}".encode()
        self.send_response(200 if well else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[dict[str, Sshd]]:
    need_sshd()
    folder = tmp_path / "pipelines"
    folder.mkdir()
    servers = [Sshd(tmp_path / "sshd", name=f"web{n}", address=f"127.0.0.{n}") for n in range(1, COUNT + 1)]
    for each in servers:
        each.known_hosts = folder / "known_hosts"
        each.start()
        each.learn()
    tables = [f'{{ name = "{s.name}", address = "{s.address}", port = {s.port}, key = "{s.key}" }}' for s in servers]
    (folder / "hosts.toml").write_text(f"web = [{', '.join(tables)}]\n")
    with Health({each.address: each.home for each in servers}) as health:
        thread = threading.Thread(target=health.serve_forever, args=(0.02,))
        thread.start()
        values = {
            "REPOSITORY": str(tmp_path / "project.git"), "PYTHON": sys.executable, "BASE": str(tmp_path / "sshd"),
            "PORT": str(health.server_port),
        }  # fmt: skip
        for name, text in (("release", RELEASE), ("rollback", ROLLBACK)):
            for word, value in values.items():
                text = text.replace(word, value)
            head, _, rest = text.partition("[[steps]]")
            (folder / f"{name}.toml").write_text(COMMON.replace("[ssh]", f"{head}[ssh]") + f"[[steps]]{rest}")
        yield {each.name: each for each in servers}
        health.shutdown()
        thread.join()
    for each in servers:
        each.stop()
        each.cut()


def git(*arguments: str, cwd: Path) -> str:
    command = ["git", "-c", "user.name=Lin", "-c", "user.email=lin@example.org", *arguments]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


def two_tags(folder: Path) -> dict[str, str]:
    """Make a bare repository of this project's own files with two tags; return their short hashes."""
    work = folder / "project"
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("tests/", "benchmarks/", "docs/")):
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, work / name)
    git("init", "-q", "-b", "main", cwd=work)
    found = {}
    for tag in ("v1", "v2"):
        (work / "RELEASE").write_text(tag)
        git("add", "-A", cwd=work)
        git("commit", "-q", "-m", f"Release {tag}", cwd=work)
        git("tag", tag, cwd=work)
        found[tag] = git("rev-parse", "--short=7", "HEAD", cwd=work)
    git("clone", "-q", "--bare", "project", "project.git", cwd=folder)
    return found


def livewall(server: Server, *words: str) -> None:
    """Run a command as a person at a terminal would, without a token."""
    command = [str(Path(sys.executable).with_name("livewall")), *words, "--url", server.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(server.home), cwd="/")
    assert done.returncode == 0, (words, done.stdout, done.stderr)


class Followed:
    """A task that is followed to its end."""

    def __init__(self, server: Server, task: str) -> None:
        self.server = server
        self.task = task
        self.watcher = Watcher(server.url, "websocket", f"tasks/{task}", token=server.admin)
        self.watcher.start()

    async def until(self, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        await self.watcher.until(lambda checker: reached(checker.state), seconds=60)
        return self.watcher.checker.state

    async def end(self) -> dict[str, Any]:
        await self.until(lambda state: bool(state.get("task", {}).get("ended_at")))
        found: dict[str, Any] = await asyncio.to_thread(self.server.host, "GET", f"/api/tasks/{self.task}")
        return found


def current(hosts: dict[str, Sshd]) -> set[str]:
    return {str((each.home / "current").readlink()) for each in hosts.values()}


async def test_a_release_to_five_hosts_with_a_vote_and_the_way_back(
    new_server: Callable[..., Server], hosts: dict[str, Sshd], tmp_path: Path
) -> None:
    short = two_tags(tmp_path)
    server = new_server("--pipelines", str(tmp_path / "pipelines"))
    await asyncio.to_thread(server.start)
    wall = server.host("POST", "/api/walls", {"title": "Releases"})["code"]
    followed: list[Followed] = []

    def start(ref: str) -> Followed:
        made = server.host("POST", "/api/pipelines/release/tasks", {"params": {"ref": ref, "wall": wall}})
        followed.append(Followed(server, str(made["id"])))
        return followed[-1]

    async def vote(poll: str, choice: str, people: int) -> None:
        for number in range(people):
            await asyncio.to_thread(livewall, server, "vote", poll, choice, "--as", f"{poll}-{number}")
        await asyncio.to_thread(server.host, "POST", f"/api/polls/{poll}/close")

    async def asked(task: Followed) -> str:
        state = await task.until(lambda s: s.get("step/go", {}).get("state") == "waiting")
        return str(state["step/go"]["waits_for"]["poll"])

    # The first release: every host has it, and the room says yes.
    first = start("v1")
    await vote(await asked(first), "Yes", 3)
    done = await first.end()
    assert done["state"] == "succeeded", done["reason"]
    go = next(step for step in done["steps"] if step["name"] == "go")
    assert go["reason"] == "Yes, 3 of 3, quorum 3" and current(hosts) == {short["v1"]}
    assert {(each.home / "done").read_text() for each in hosts.values()} == {f"{short['v1']}\n"}

    # The second: one host of the second wave is not healthy, the third wave is not asked, the room rolls back.
    (hosts["web3"].home / "broken").touch()
    second = start("v2")
    failed = await second.end()
    healthy = next(step for step in failed["steps"] if step["name"] == "healthy")
    states = {target["host"]: target["state"] for target in healthy["targets"]}
    assert states == {"web1": "succeeded", "web2": "succeeded", "web3": "failed", "web4": "skipped", "web5": "skipped"}
    assert failed["state"] == "failed" and healthy["reason"].startswith("web3: no answer was as expected")
    assert current(hosts) == {short["v2"]}
    await vote(failed["on_failure"]["poll"], "Roll back", 2)
    state = await second.until(lambda s: s["task"]["on_failure"]["state"] == "started")
    followed.append(Followed(server, state["task"]["on_failure"]["started"]))
    assert (await followed[-1].end())["state"] == "succeeded" and current(hosts) == {short["v1"]}

    # The retry takes only the hosts that lack it: no other host is switched or installed again.
    (hosts["web3"].home / "broken").unlink()
    for each in hosts.values():
        (each.home / "current").unlink()
        (each.home / "current").symlink_to(short["v2"])
    again = server.host("POST", f"/api/tasks/{second.task}/retry", {"hosts": "failed"})
    taken = next(step for step in again["steps"] if step["name"] == "healthy")["targets"]
    assert {t["host"] for t in taken if t["reason"] == "taken over"} == {"web1", "web2"}
    followed.append(Followed(server, str(again["id"])))
    await vote(await asked(followed[-1]), "Yes", 3)
    assert (await followed[-1].end())["state"] == "succeeded"
    for each in hosts.values():
        assert (each.home / "installed").read_text() == f"{short['v1']}\n{short['v2']}\n"
    for task in followed:
        await task.watcher.stop()
