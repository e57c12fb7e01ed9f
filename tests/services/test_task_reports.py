"""Reports of foreign steps as they come from a careless, a late and a hostile program, and very many of them."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from child_server import Server
from loads import Voters, Watched, ask, sized
from watchers import TRANSPORTS, Watcher

from benchmarks.clients import HTTPVoters

pytest_plugins = ("server_fixtures",)

MOST_CPU = 20
"""Milliseconds of CPU of one callback of the loop."""


def reporter(server: Server, name: str) -> str:
    return str(server.host("POST", "/api/tokens", {"role": "reporter", "name": name})["token"])


def foreign(server: Server, token: str, *names: str) -> str:
    steps = [{"name": name, "needs": list(names[:place][-1:])} for place, name in enumerate(names)]
    status, found = server.ask("POST", "/api/tasks", {"title": "Elsewhere", "steps": steps}, token=token)
    assert status == 201, found
    return str(found["id"])


def test_reports_that_nobody_may_make_change_nothing_and_show_nothing(child: Server) -> None:
    mine, theirs = reporter(child, "mine"), reporter(child, "theirs")
    task = foreign(child, mine, "a", "b")
    running = {"state": "running", "message": "only for its own"}
    assert child.ask("PUT", f"/api/tasks/{task}/steps/a", running, token=mine)[0] == 200
    before = child.host("GET", f"/api/tasks/{task}")
    for path, token, status, code in [
        ("/api/tasks/no-such-task/steps/a", mine, 404, "not_found"),
        (f"/api/tasks/{task}/steps/no-such-step", mine, 404, "not_found"),
        (f"/api/tasks/{task}/steps/a", "", 401, "unauthenticated"),
        (f"/api/tasks/{task}/steps/a", "not-a-token", 401, "bad_token"),
        (f"/api/tasks/{task}/steps/a", theirs, 403, "forbidden"),
        (f"/api/tasks/{task}/steps/a", child.host("POST", "/api/tokens", {"role": "host", "name": "h"})["token"],
         403, "forbidden"),
    ]:  # fmt: skip
        for report in ({"state": "failed"}, {"progress": 0.5}, {"message": "x", "lease": 1}):
            answer = child.ask("PUT", path, report, token=token)
            assert (answer[0], answer[1]["error"]["code"]) == (status, code), (path, answer)
            assert "only for its own" not in json.dumps(answer[1])
        log = http.client.HTTPConnection("127.0.0.1", child.port, timeout=20)
        found = ask(log, "POST", path.replace("/steps/", "/logs/") + "?offset=0", token, "text")
        log.close()
        assert found[0] == status, found
    assert child.host("GET", f"/api/tasks/{task}") == before


def test_reports_out_of_order_twice_and_after_the_end(child: Server) -> None:
    token = reporter(child, "mine")
    task = foreign(child, token, "a", "b", "c")

    def report(name: str, **fields: Any) -> tuple[int, Any]:
        return child.ask("PUT", f"/api/tasks/{task}/steps/{name}", fields, token=token)

    assert report("b", state="succeeded")[0] == 200  # of a step whose need has not begun
    assert report("a", state="running", progress=0.7)[0] == 200
    twice = [report("a", state="running", progress=0.7, message="same") for _ in range(2)]
    assert twice[0] == twice[1] and twice[0][1]["attempt"] == 1
    assert report("a", progress=0.2)[1]["progress"] == 0.2
    assert report("b", state="running")[1]["error"]["code"] == "conflict"
    assert report("b", state="failed")[0] == 409
    assert report("b", state="succeeded")[0] == 200
    assert report("a", state="pending")[0] == 409
    assert report("a", state="failed")[0] == 200
    ended = child.host("GET", f"/api/tasks/{task}")
    assert [(s["name"], s["state"]) for s in ended["steps"]] == [
        ("a", "failed"), ("b", "succeeded"), ("c", "skipped")
    ]  # fmt: skip
    assert ended["state"] == "failed" and ended["ended_at"]
    for name in ("a", "b", "c"):
        for fields in ({"state": "running"}, {"state": "cancelled"}):
            assert report(name, **fields)[0] == 409
    assert report("a", state="failed")[0] == 200
    assert child.host("GET", f"/api/tasks/{task}") == ended


def test_a_log_that_comes_out_of_order_or_twice_is_whole(child: Server) -> None:
    token = reporter(child, "mine")
    task = foreign(child, token, "a")
    connection = http.client.HTTPConnection("127.0.0.1", child.port, timeout=20)

    def append(offset: int | None, data: bytes) -> tuple[int, Any]:
        query = "" if offset is None else f"?offset={offset}"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
        connection.request("POST", f"/api/tasks/{task}/logs/a{query}", data, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    assert append(0, b"one\ntw")[1]["bytes"] == 6
    assert append(0, b"one\ntw")[1]["bytes"] == 6
    status, found = append(100, b"far behind")
    assert (status, found["error"]["code"], found["error"]["fields"]["end"]) == (409, "conflict", "6")
    assert append(4, b"two\n\xff\xfe\0")[1] == {"bytes": 11, "lines": 3, "cancel": False}
    assert append(2, b"e\n")[1]["bytes"] == 11
    assert append(None, b"\n")[1] == {"bytes": 12, "lines": 3, "cancel": False}
    connection.close()
    assert child.host_bytes(f"/api/tasks/{task}/logs/a") == b"one\ntwo\n\xff\xfe\0\n"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="the load clients are compiled with gcc")
async def test_very_many_reports_leave_everybody_served(
    new_server: Callable[..., Server], say: Callable[[str], None]
) -> None:
    rate, seconds = sized(1000, 300), sized(10, 3)
    server = new_server()
    here = Watched(server)
    await asyncio.to_thread(server.start)
    token, poll = reporter(server, "busy"), server.poll()
    task = foreign(server, token, *(f"s{n}" for n in range(20)))
    watchers = [Watcher(server.url, each, f"tasks/{task}", token=server.admin) for each in TRANSPORTS]
    for watcher in watchers:
        watcher.pause = 0.05
        watcher.start()
    body = '{"state":"running","progress":0.@C@}'
    path = f"/api/tasks/{task}/steps/s0"
    here.mark()
    spent: list[float] = []
    with (
        Voters(server, poll) as voters,
        HTTPVoters(server.port, "PUT", path, body, tokens=[token], core=None) as reports,
        HTTPVoters(server.port, "PUT", "/api/tasks/none/steps/a", body, tokens=[token], core=None) as wrong,
    ):
        reports.open(8)
        wrong.open(2)
        with here.cpu(spent):
            wrong.start(rate=rate / 10, seconds=seconds)
            answer = await asyncio.to_thread(reports.go, rate=rate, seconds=seconds)
            refused = await asyncio.to_thread(wrong.hear)
        assert server.ask("PUT", path, {"progress": 0.9, "message": "the last"}, token=token)[0] == 200
    for watcher in watchers:
        await watcher.until(lambda c: c.state.get("step/s0", {}).get("message") == "the last")
        await watcher.stop()
    took, what = here.longest()
    say(
        f"{answer['acked'] / answer['seconds']:.0f} reports a second, {spent[0] / answer['acked']:.2f} ms of CPU each,"
        f" p99 {answer['p99_us'] / 1000:.0f} ms; a ballot {voters.median()}; longest callback {took:.1f} ms ({what});"
        f" grown by {here.grown():.0f} MiB"
    )
    assert answer["acked"] == answer["sent"] > 0, answer  # a busy machine takes fewer a second, and loses none
    assert refused["errors"] == refused["sent"] > 0, "there is no such task"
    assert set(voters.answers) == {201} and server.tally(poll)["ballots"] == len(voters.answers)
    assert here.grown() < 64
    assert took < MOST_CPU, what
