"""Steps that print more than anybody reads, tasks with many steps, many tasks: the server stays small and quick.

`make torture` runs the full sizes.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from child_server import Server
from loads import MIB, PRINTS, Voters, Watched, ask, ended, pipeline, sized, step
from prints import KINDS
from watchers import Watcher

from benchmarks import history

pytest_plugins = ("server_fixtures",)

MOST_GROWTH = 64
"""MiB that the server may take beyond what it takes idle."""
MOST_CPU = 20
"""Milliseconds of CPU of one callback of the loop."""
CALL_CPU = 100
SLACK = 3
"""Times what is aimed at: a machine may be slow, or busy."""
KIND_SIZES = {
    "bulk": sized(200, 20),
    "lines": sized(1_000_000, 100_000),
    "long": sized(50, 10),
    "hostile": sized(20_000, 2_000),
    "redraws": sized(200_000, 50_000),
}
Start = Callable[..., Watched]


@pytest.fixture
def watched(new_server: Callable[..., Server], tmp_path: Path) -> Start:
    """Starts a server with a stopwatch, and these pipelines."""

    def start(*options: str, **pipelines: str) -> Watched:
        for name, text in pipelines.items():
            pipeline(tmp_path / "pipelines", name, text)
        server = new_server("--pipelines", str(tmp_path / "pipelines"), *options)
        made = Watched(server)
        server.start()
        return made

    return start


async def whole(server: Server, task: str, name: str, size: int) -> None:
    """Until the log of a step has so many bytes, as its readers are told."""
    watcher = Watcher(server.url, "websocket", f"tasks/{task}/logs/{name}", token=server.admin)
    watcher.start()
    try:
        await watcher.until(lambda c: c.state.get("end", {}).get("bytes") == size, 60)
    finally:
        await watcher.stop()


def digest(server: Server, path: str) -> str:
    """Of what the admin gets, a piece at a time."""
    request = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {server.admin}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return hashlib.file_digest(answer, "sha256").hexdigest()


class Expected:
    """What `prints.py` prints, as one looks for it in the log."""

    def __init__(self, kind: str, count: int) -> None:
        self.size = self.newlines = 0
        found = hashlib.sha256()
        for part in KINDS[kind](count):
            found.update(part)
            self.size += len(part)
            self.newlines += part.count(b"\n")
        self.digest = found.hexdigest()
        self.parts: Callable[[], Iterator[bytes]] = lambda: KINDS[kind](count)

    def lines(self, first: int, count: int) -> list[bytes]:
        """From line `first` on, counted from 1."""
        number, rest, found = 0, list[bytes](), list[bytes]()
        for part in self.parts():
            head, newline, tail = part.rpartition(b"\n")
            if not newline:
                rest.append(part)
                continue
            for line in b"".join([*rest, head]).split(b"\n"):
                number += 1
                if first <= number < first + count:
                    found.append(line)
            rest = [tail]
            if len(found) == count:
                break
        return found


@pytest.mark.parametrize("kind", KIND_SIZES)
async def test_whatever_a_step_prints_the_server_stays_small_and_its_log_is_whole(
    kind: str, watched: Start, say: Callable[[str], None]
) -> None:
    count = KIND_SIZES[kind]
    run = [sys.executable, str(PRINTS), kind]
    here = watched(loud=step("say", *run, str(count)), quiet=step("say", *run, "1"))
    server = here.server
    server.expected.append("is read later")  # the end of a step does not wait long for its log
    poll = server.poll()
    warm = server.host("POST", "/api/pipelines/quiet/tasks", {})["id"]
    await ended(server, warm)
    server.host("GET", f"/api/tasks/{warm}/logs/say/lines")
    with Voters(server, poll) as voters:
        while len(voters.took) < 20:
            await asyncio.sleep(0.01)
        alone = voters.median()
        voters.took.clear()
        here.mark()
        task = server.host("POST", "/api/pipelines/loud/tasks", {})["id"]
        state = await ended(server, task)
        expected = await asyncio.to_thread(Expected, kind, count)
        await whole(server, task, "say", expected.size)
        written = here.grown()
        base = f"/api/tasks/{task}/logs/say"
        assert await asyncio.to_thread(digest, server, base) == expected.digest
        middle = max(1, expected.newlines // 2)
        found = await asyncio.to_thread(server.host, "GET", f"{base}/lines?from={middle}&count=20")
        search = await asyncio.to_thread(server.host, "GET", f"{base}/search?q=no-such-text")
    assert state["task"]["state"] == "succeeded", state
    assert (search["count"], found["bytes"], found["lines"]) == (0, expected.size, expected.newlines)
    lines = expected.lines(middle, 20)
    assert [item["n"] for item in found["items"]] == list(range(middle, middle + len(lines)))
    for item, line in zip(found["items"], lines, strict=True):
        text = line.decode(errors="replace")
        assert item["text"] == text if not item["cut"] else text.startswith(item["text"])
    assert set(voters.answers) == {201}, "every ballot is acknowledged"
    assert server.tally(poll)["ballots"] == len(voters.answers)
    took, what = here.longest()
    say(
        f"{kind}: {expected.size / MIB:.0f} MiB; grown by {written:.0f} MiB, read too {here.grown():.0f}; longest"
        f" callback {took:.1f} ms ({what}); a ballot {voters.median()}, alone {alone}"
    )
    assert here.grown() < MOST_GROWTH
    assert took < MOST_CPU, what


async def test_lines_in_the_middle_of_a_long_log_are_found_by_number_and_by_text(watched: Start) -> None:
    count = KIND_SIZES["lines"]
    server = watched(loud=step("say", sys.executable, str(PRINTS), "lines", str(count))).server
    task = server.host("POST", "/api/pipelines/loud/tasks", {})["id"]
    await ended(server, task)
    base = f"/api/tasks/{task}/logs/say"
    middle = count // 2
    lines = server.host("GET", f"{base}/lines?from={middle + 1}&count=3")["items"]
    assert [item["text"] for item in lines] == [str(middle), str(middle + 1), str(middle + 2)]
    offset = len("".join(f"{n}\n" for n in range(middle)))
    assert lines[0]["offset"] == offset
    assert server.host_bytes(f"{base}?offset={offset}&limit=5") == f"{middle}\n".encode()[:5]
    text = str(middle)
    search = server.host("GET", f"{base}/search?q={text}&from={middle}&limit=1")
    assert search["count"] == sum(text in str(n) for n in range(count))
    assert (search["items"][0]["n"], search["items"][0]["text"]) == (middle + 1, text)
    last = server.host("GET", f"{base}/lines?from=-2")
    assert ([item["text"] for item in last["items"]], last["lines"]) == ([str(count - 2), str(count - 1)], count)


async def test_a_task_of_many_steps_runs_them_all(watched: Start, say: Callable[[str], None]) -> None:
    count = sized(500, 40)
    here = watched(many="".join(step(name, "true", needs=needs) for name, needs in history.mesh(count, 20)))
    server = here.server
    here.mark()
    spent: list[float] = []
    with here.cpu(spent):
        task = server.host("POST", "/api/pipelines/many/tasks", {})["id"]
        state = await ended(server, task, 300)
    assert state["task"]["state"] == "succeeded"
    assert [state[f"step/step-{n}"]["attempt"] for n in range(count)] == [1] * count
    took, what = here.longest()
    say(f"{count} steps: {spent[0] / count:.1f} ms of server CPU a step; longest callback {took:.1f} ms ({what})")
    assert took < MOST_CPU, what


async def test_tasks_beyond_the_cap_wait_for_their_turn_and_all_run(watched: Start, say: Callable[[str], None]) -> None:
    count, at_once = sized(200, 40), 4
    here = watched("--workers", str(at_once), short=step("a", "sh", "-c", "sleep 0.05; echo done"))
    server = here.server
    here.mark()
    most = 0
    active: set[str] = set()

    def changed(key: str | None, old: Any, data: Any) -> None:
        nonlocal most
        if key is not None and key.startswith("task/"):
            (active.add if data and data["state"] == "running" else active.discard)(key)
            most = max(most, len(active))

    watcher = Watcher(server.url, "websocket", "tasks", token=server.admin, on_change=changed)
    watcher.start()
    spent: list[float] = []
    with here.cpu(spent):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        made = [ask(connection, "POST", "/api/pipelines/short/tasks", server.admin, {}) for _ in range(count)]
        connection.close()
        tasks = [found["id"] for _, found in made]
        assert made[-1][1]["state"] == "waiting"
        assert made[-1][1]["reason"] == f"waits for its turn: this server runs {at_once} tasks at a time"
        await watcher.until(lambda c: c.state.get(f"task/{tasks[-1]}", {}).get("ended_at"), 120)
        await watcher.until(lambda c: not active, 60)
    await watcher.stop()
    for task in tasks:
        assert server.host("GET", f"/api/tasks/{task}")["state"] == "succeeded"
        assert server.host_bytes(f"/api/tasks/{task}/logs/a") == b"done\n"
    took, what = here.longest()
    say(
        f"{count} tasks: at most {most} at once, {spent[0] / count:.0f} ms of server CPU a task; longest callback "
        f"{took:.1f} ms ({what})"
    )
    assert 1 < most <= at_once
    assert took < MOST_CPU, what


async def test_with_a_long_history_lists_and_charts_cost_what_they_always_do(
    watched: Start, say: Callable[[str], None]
) -> None:
    here = watched(short=step("a", "true"))
    server = here.server
    server.stop()
    history.add(server.database, 1, history.mesh(500))
    history.add(server.database, 50_000, history.chain(sized(6, 1)))
    server.start()
    calls = {
        "the list": "/api/tasks?limit=500",
        "a filtered list": "/api/tasks?q=no-such-task",
        "a state": "/api/tasks?state=failed",
        "500 steps with their chart": "/api/tasks/1",
        "a task": "/api/tasks/25000",
        "its stream": "/updates/tasks/1?wait=0",
        "the list's stream": "/updates/tasks?wait=0",
    }
    pages = {"the page of all": "/tasks", "the page of 500 steps": "/tasks/1"}
    answers = {path: server.host_bytes(path) for path in (calls | pages).values()}  # the first of each warms up
    assert b'"step-499"' in answers["/api/tasks/1"] and b"50001" in answers["/api/tasks?limit=500"]
    most = {}
    for group in (calls, pages):
        here.mark()
        for name, path in group.items():
            spent: list[float] = []
            for _ in range(5):
                with here.cpu(spent):
                    await asyncio.to_thread(server.host_bytes, path)
            most[name] = sorted(spent)[2]
        took, what = here.longest()
        said = "; ".join(f"{name} {most[name]:.0f} ms" for name in group)
        say(f"{said}; longest callback {took:.1f} ms ({what}); grown by {here.grown():.0f} MiB")
        assert here.grown() < MOST_GROWTH
        assert group is pages or took < MOST_CPU, what
    assert max(most.values()) < CALL_CPU * SLACK, most
    here.mark()
    steps = [{"name": name, "needs": needs} for name, needs in history.mesh(500)]
    with here.cpu(spent):
        foreign = await asyncio.to_thread(server.host, "POST", "/api/tasks", {"title": "Large", "steps": steps})
    took, what = here.longest()
    say(f"500 steps are made in {spent[-1]:.0f} ms; longest callback {took:.1f} ms ({what})")
    assert took < MOST_CPU, what
    assert len(foreign["layout"]["nodes"]) == 500
    task = server.host("POST", "/api/pipelines/short/tasks", {})["id"]
    assert task == "50003"
    assert (await ended(server, task))["task"]["state"] == "succeeded"
