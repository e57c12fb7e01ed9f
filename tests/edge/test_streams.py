"""The four transports: the same events in the same order, resumed where the reader left off."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from clients import ADMIN, Client
from tornado.ioloop import IOLoop
from watchers import TRANSPORTS, Watcher

import server
from livewall.settings import Settings

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)


@contextlib.asynccontextmanager
async def watching(client: Client, transport: str, stream: str, **options: object) -> AsyncIterator[Watcher]:
    watcher = Watcher(client.url, transport, stream, **options)  # type: ignore[arg-type]
    watcher.start()
    try:
        yield watcher
    finally:
        await watcher.stop()


async def test_a_reader_sees_the_poll_and_every_ballot(client: Client, transport: str) -> None:
    poll = await client.poll()
    async with watching(client, transport, f"polls/{poll['id']}") as watcher:
        await watcher.until(lambda c: c.state.get("poll", {}).get("phase") == "open")
        for n in range(1, 4):
            await client.vote(poll["id"], "2")
            await watcher.until(lambda c, n=n: c.state["tally"]["counts"] == {"1": 0, "2": n})  # type: ignore[misc]
    if transport in ("websocket", "sse"):
        assert watcher.connections == 1


async def test_a_draft_is_empty_to_all_but_hosts_until_it_opens_and_again_after_a_reset(
    client: Client, transport: str
) -> None:
    poll = await client.poll(open=False)
    stream = f"polls/{poll['id']}"
    async with watching(client, transport, stream) as anyone, watching(client, transport, stream, token=ADMIN) as host:
        await anyone.until(lambda c: c.synced)
        await host.until(lambda c: c.state.get("poll", {}).get("phase") == "draft")
        assert anyone.checker.state == {}
        await client.host("POST", f"/api/polls/{poll['id']}/open")
        await anyone.until(lambda c: "poll" in c.state and "tally" in c.state)
        await client.host("POST", f"/api/polls/{poll['id']}/close")
        await client.host("POST", f"/api/polls/{poll['id']}/reset", {"round": 1})
        await anyone.until(lambda c: c.state == {})
        await host.until(lambda c: c.state["poll"]["round"] == 2)


async def test_a_hidden_tally_comes_when_it_is_published_and_goes_when_it_is_withdrawn(
    client: Client, transport: str
) -> None:
    poll = await client.poll(results="on_publish")
    async with watching(client, transport, f"polls/{poll['id']}") as watcher:
        await client.vote(poll["id"], "2")
        await watcher.until(lambda c: c.state.get("turnout", {}).get("ballots") == 1)
        assert "tally" not in watcher.checker.state
        await client.host("POST", f"/api/polls/{poll['id']}/publish")
        await watcher.until(lambda c: c.state.get("tally", {}).get("ballots") == 1)
        assert "turnout" not in watcher.checker.state
        await client.host("POST", f"/api/polls/{poll['id']}/publish", {"published": False})
        await watcher.until(lambda c: "tally" not in c.state and "turnout" in c.state)


async def test_the_tally_comes_to_whoever_voted_and_only_to_them(client: Client, transport: str) -> None:
    poll, voter = await client.poll(results="after_vote"), await client.voter()
    stream = f"polls/{poll['id']}"
    async with watching(client, transport, stream, token=voter) as mine, watching(client, transport, stream) as other:
        await mine.until(lambda c: "turnout" in c.state)
        await client.vote(poll["id"], "2", voter)
        await mine.until(lambda c: c.state.get("tally", {}).get("ballots") == 1)
        await other.until(lambda c: c.state.get("turnout", {}).get("ballots") == 1)
        assert "tally" not in other.checker.state
        await client.ask("DELETE", f"/api/polls/{poll['id']}/ballot", token=voter)
        await mine.until(lambda c: "tally" not in c.state and "turnout" in c.state)
        await client.host("POST", f"/api/polls/{poll['id']}/close")
        await mine.until(lambda c: "tally" in c.state)
        await other.until(lambda c: "tally" in c.state)


async def test_a_voter_who_comes_back_after_voting_sees_the_tally_at_once(client: Client, transport: str) -> None:
    poll, voter = await client.poll(results="after_vote"), await client.voter()
    await client.vote(poll["id"], "2", voter)
    async with watching(client, transport, f"polls/{poll['id']}", token=voter) as mine:
        await mine.until(lambda c: c.synced)
        assert mine.checker.resets == 1 and "tally" in mine.checker.state


async def test_as_audience_shows_a_host_what_the_audience_sees(client: Client, transport: str) -> None:
    poll = await client.poll(results="on_publish")
    async with watching(client, transport, f"polls/{poll['id']}", token=ADMIN, query="&as=audience") as watcher:
        await watcher.until(lambda c: "turnout" in c.state)
        assert "tally" not in watcher.checker.state


async def test_a_wall_shows_a_host_all_items_and_everyone_those_that_were_opened(
    client: Client, transport: str
) -> None:
    wall = await client.host("POST", "/api/walls", {"title": "W"})
    polls = [await client.poll(open=False, wall=wall["code"]) for _ in range(3)]
    items = [f"polls/{p['id']}" for p in polls]
    stream = f"walls/{wall['code']}"
    async with watching(client, transport, stream) as anyone, watching(client, transport, stream, token=ADMIN) as host:
        await host.until(lambda c: c.state.get("wall", {}).get("items") == items)
        await anyone.until(lambda c: c.state.get("wall", {}).get("items") == [])
        await client.host("PUT", f"/api/walls/{wall['code']}", {"active": items[1]})
        await anyone.until(lambda c: c.state["wall"]["items"] == [items[1]] and c.state["wall"]["active"] == items[1])
        await client.host("POST", f"/api/polls/{polls[2]['id']}/open")
        await anyone.until(lambda c: c.state["wall"]["items"] == items[1:])


async def test_a_reported_task_is_followed_step_by_step(client: Client, transport: str) -> None:
    reporter, operator = await client.token("reporter"), await client.token("operator")
    task = await client.ask(
        "POST",
        "/api/tasks",
        {"title": "Release", "steps": [{"name": "a"}, {"name": "b", "needs": ["a"]}]},
        token=reporter,
    )
    id = task.json["id"]
    async with (
        watching(client, transport, f"tasks/{id}", token=reporter) as own,
        watching(client, transport, "tasks", token=operator) as listed,
    ):
        await own.until(lambda c: len(c.state) == 3)
        await client.ask("PUT", f"/api/tasks/{id}/steps/a", {"state": "running", "progress": 0.4}, token=reporter)
        await own.until(lambda c: c.state["step/a"]["progress"] == 0.4 and c.state["task"]["state"] == "running")
        await client.ask("PUT", f"/api/tasks/{id}/steps/a", {"state": "failed"}, token=reporter)
        await own.until(lambda c: c.state["step/b"]["state"] == "skipped" and c.state["task"]["state"] == "failed")
        await listed.until(lambda c: c.state.get(f"task/{id}", {}).get("state") == "failed")


@pytest.mark.parametrize("since", ["zzzz.5", "9999999", "k3f9~.1", "x" * 10_000, "0.0", "%00", "日本"])
async def test_a_position_that_is_foreign_or_garbage_gets_a_snapshot(
    client: Client, transport: str, since: str
) -> None:
    poll = await client.poll()
    async with watching(client, transport, f"polls/{poll['id']}") as watcher:
        watcher.claim = since if transport != "sse" or since.isascii() else "odd"
        await watcher.until(lambda c: c.synced and c.resets >= 1)


async def test_a_position_from_the_future_gets_a_snapshot(client: Client, transport: str) -> None:
    poll = await client.poll()
    here = (await client.updates(f"polls/{poll['id']}")).json["pos"]
    epoch, _, n = here.rpartition(".")
    async with watching(client, transport, f"polls/{poll['id']}") as watcher:
        watcher.claim = f"{epoch}.{int(n) + 1000}"
        await watcher.until(lambda c: c.synced and c.resets >= 1)


async def test_a_restarted_server_is_followed_without_a_reset(io_loop: IOLoop, tmp_path: Path, transport: str) -> None:
    settings = Settings(port=0, data=tmp_path / "data", admin_token=ADMIN, rate_limits=False)
    running = await server.start(settings)
    from tornado.simple_httpclient import SimpleAsyncHTTPClient

    http = SimpleAsyncHTTPClient(force_instance=True, max_clients=100)
    client = Client(running.url, http)
    poll = await client.poll()
    async with watching(client, transport, f"polls/{poll['id']}") as watcher:
        await client.vote(poll["id"], "2")
        await watcher.until(lambda c: c.state.get("tally", {}).get("ballots") == 1)
        resets = watcher.checker.resets
        http.close()
        await running.stop()
        again = Settings(port=running.port, data=tmp_path / "data", admin_token=ADMIN, rate_limits=False)
        running = await server.start(again)
        client.http = SimpleAsyncHTTPClient(force_instance=True, max_clients=100)
        await client.vote(poll["id"], "2")
        await watcher.until(lambda c: c.state["tally"]["ballots"] == 2)
        if transport != "plain":
            assert watcher.checker.resets == resets
    client.http.close()
    await asyncio.sleep(0)
    await running.stop()


async def test_where_a_commit_cannot_be_published_readers_come_back_and_lack_nothing(
    transport: str, client: Client, running: Any, expected_logs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = await client.poll()
    watcher = Watcher(client.url, transport, f"polls/{poll['id']}")
    watcher.start()
    await watcher.until(lambda c: c.state.get("tally", {}).get("ballots") == 0)
    hub = running.services.hub.hub
    right = hub._apply
    failed = []

    def once(stream: Any, events: Any) -> None:
        if not failed:
            failed.append(stream.name)
            raise RuntimeError("planted")
        right(stream, events)

    monkeypatch.setattr(hub, "_apply", once)
    expected_logs += ["could not be published", "unavailable"]
    await client.vote(poll["id"], "1")
    await watcher.until(lambda c: c.state.get("tally", {}).get("ballots") == 1)
    await client.vote(poll["id"], "2")
    await watcher.until(lambda c: c.state.get("tally", {}).get("ballots") == 2)
    assert failed == [f"polls/{poll['id']}"]
    await watcher.stop()
