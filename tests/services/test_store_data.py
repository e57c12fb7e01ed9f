"""The data folder: who may use it, what a copy of it is, and what a start makes of what it finds."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from child_server import Server
from children import LIVEWALL, environment, quiet
from crowd import Crowd, query, readers

from livewall.store.backup import backup, restore
from livewall.store.sqlite import migrations
from livewall.voting.recount import recount

pytest_plugins = ("server_fixtures",)
NewServer = Callable[..., Server]


def refused(server: Server, *, port: int | None = None, data: Path | None = None) -> str:
    """What `livewall serve` says when it does not start, with status 1."""
    command = [LIVEWALL, "serve", "--port", str(port or server.port), "--data", str(data or server.data)]
    env = quiet(environment(server.home))
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr and done.stderr.startswith("livewall: "), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def position(server: Server, poll: str) -> str:
    """Where a reader of the poll stands."""
    return str(server.ask("GET", f"/updates/polls/{poll}?wait=0", token="")[1]["pos"])


def epoch(server: Server, poll: str) -> str:
    return position(server, poll).partition(".")[0]


def is_reset(server: Server, poll: str, since: str) -> bool:
    """Whether a reader that comes back with this position has to begin anew."""
    events = server.ask("GET", f"/updates/polls/{poll}?wait=0&since={since}", token="")[1]["events"]
    return bool(events) and events[0].get("reset") is True


# -- starts that are refused


def test_a_second_server_on_the_same_folder_does_not_start(child: Server, new_server: NewServer) -> None:
    other = new_server(home="other")
    assert f"another server is using the data folder {child.data}" in refused(other, data=child.data)
    assert child.answers()


def test_a_port_that_is_taken_is_said_so(child: Server, new_server: NewServer) -> None:
    other = new_server(home="other")
    assert f"port {child.port} is taken" in refused(other, port=child.port)
    other.start()  # and its data folder is free


def test_a_newer_database_is_refused_and_left_alone(child: Server) -> None:
    poll = child.poll()
    child.vote(poll)
    assert child.stop() == 0
    newest = migrations()[-1][0]
    query(child.database, "UPDATE meta SET value = ? WHERE name = 'schema'", str(newest + 1))
    before = child.database.read_bytes()
    said = refused(child)
    assert f"schema {newest + 1}" in said and f"knows {newest}" in said and "newer version" in said
    assert child.database.read_bytes() == before
    query(child.database, "UPDATE meta SET value = ? WHERE name = 'schema'", str(newest))
    child.start()
    assert child.tally(poll)["ballots"] == 1


def test_a_database_that_is_none_is_refused_and_left_alone(new_server: NewServer) -> None:
    server = new_server()
    server.data.mkdir()
    server.database.write_text("Dear madam, dear sir, " * 400)
    assert "cannot be opened" in refused(server)
    assert server.database.read_text().startswith("Dear madam")


def test_a_database_that_another_program_holds_is_said_so(child: Server) -> None:
    child.stop()
    holder = sqlite3.connect(child.database, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert "locked" in refused(child)
    holder.close()
    child.start()


# -- copies


async def test_a_backup_made_while_ballots_flow_is_whole_and_readers_of_the_later_start_anew(
    child: Server, tmp_path: Path, chance: random.Random
) -> None:
    poll, file = child.poll(), tmp_path / "backup.db"
    crowd = Crowd(child.url, poll, chance, [n % 2 for n in range(240)])
    async with readers(child.url, f"polls/{poll}", judge=False) as watchers:
        casting = asyncio.ensure_future(crowd.cast())
        await crowd.until(lambda: crowd.acknowledged >= 40)
        before = crowd.acknowledged
        made = await asyncio.create_subprocess_exec(*child.command("backup", str(file)), env=child.client())
        assert await made.wait() == 0
        after = crowd.acknowledged
        await casting
        for watcher in watchers:
            await watcher.until(lambda c: c.state["tally"]["ballots"] == 240)
        later = position(child, poll)
        assert await asyncio.to_thread(child.stop) == 0
        (held,) = recount(file, poll)
        assert held.agrees and before <= held.counted.ballots <= 240, (before, after, held)
        await asyncio.to_thread(child.run, "restore", str(file))
        resets = [w.checker.resets for w in watchers]
        await asyncio.to_thread(child.start)
        assert is_reset(child, poll, later)
        tally = msgspec.to_builtins(held.counted)
        for watcher, reset in zip(watchers, resets, strict=True):
            await watcher.until(lambda c, before=reset: c.resets > before and c.state["tally"] == tally)
        # What the backup holds has its receipts; who voted later votes again, and nobody counts twice.
        for voter in crowd.voters:
            child.vote(poll, voter.choice, voter.token)
        assert child.recounted(poll)["counts"] == {"1": 120, "2": 120}
        for watcher in watchers:
            await watcher.until(lambda c: c.state["tally"]["ballots"] == 240)
    # The database that was there is kept.
    (kept,) = recount(child.data / "livewall.db.before-restore", poll)
    assert kept.agrees and kept.counted.ballots == 240


def test_a_backup_takes_the_place_of_a_damaged_database_which_is_kept(child: Server, tmp_path: Path) -> None:
    poll, file = child.poll(), tmp_path / "backup.db"
    child.vote(poll)
    child.run("backup", str(file))
    child.stop()
    damaged = b"\0" * 100 + child.database.read_bytes()[100:]
    child.database.write_bytes(damaged)
    assert "cannot be opened" in refused(child)
    child.run("restore", str(file))
    assert (child.data / "livewall.db.before-restore").read_bytes() == damaged
    child.start()
    assert child.recounted(poll)["ballots"] == 1


def test_a_backup_of_a_newer_version_is_not_restored(child: Server, tmp_path: Path) -> None:
    poll, file = child.poll(), tmp_path / "backup.db"
    child.run("backup", str(file))
    child.stop()
    query(file, "UPDATE meta SET value = '9999' WHERE name = 'schema'")
    assert "newer version" in child.run("restore", str(file), status=1)
    child.start()
    assert child.tally(poll)["ballots"] == 0


def test_a_backup_that_fails_leaves_no_file(child: Server, tmp_path: Path) -> None:
    child.stop()
    child.database.write_bytes(b"Dear madam, " * 1000)
    child.run("backup", str(tmp_path / "backup.db"), status=1)
    assert not (tmp_path / "backup.db").exists()


def test_a_restart_and_a_kill_keep_the_epoch(child: Server) -> None:
    poll = child.poll()
    here, mark = position(child, poll), epoch(child, poll)
    child.stop()
    child.start()
    assert epoch(child, poll) == mark and not is_reset(child, poll, here)
    child.kill()
    child.start()
    assert epoch(child, poll) == mark and not is_reset(child, poll, here)


def test_a_copied_database_has_a_new_epoch_in_another_folder_and_in_its_own(
    child: Server, new_server: NewServer, tmp_path: Path
) -> None:
    poll = child.poll()
    child.vote(poll)
    mark = epoch(child, poll)
    child.stop()
    copy = tmp_path / "copy.db"
    shutil.copyfile(child.database, copy)
    other = new_server(home="other")
    other.data.mkdir(mode=0o700)
    shutil.copyfile(copy, other.database)
    other.start()
    assert epoch(other, poll) != mark and other.recounted(poll)["ballots"] == 1
    # The original goes on; then the old file comes back over the newer one.
    child.start()
    child.vote(poll)
    newer = position(child, poll)
    assert newer.startswith(mark + ".")
    child.stop()
    shutil.copyfile(copy, child.database)
    child.start()
    assert epoch(child, poll) != mark and is_reset(child, poll, newer)
    assert child.recounted(poll)["ballots"] == 1


def test_a_voter_is_the_same_voter_after_a_backup_was_restored_elsewhere(
    child: Server, new_server: NewServer, tmp_path: Path
) -> None:
    poll, voter = child.poll(), child.voter()
    _, first = child.vote(poll, "1", voter)
    backup(child.data, tmp_path / "b.db")
    other = new_server(home="other")
    other.start()
    own = json.loads((other.data / "secret").read_text())
    other.stop()
    restore(other.data, tmp_path / "b.db")
    other.start()
    status, again = other.vote(poll, "2", voter)
    assert (status, again["receipt"]) == (200, first["receipt"])
    assert other.recounted(poll)["ballots"] == 1
    assert json.loads((other.data / "secret").read_text())["admin"] == own["admin"]
    assert json.loads((other.data / "secret.before-restore").read_text()) == own
    rows = query(other.database, "SELECT name FROM meta")
    assert not [name for (name,) in rows if "key" in name], "the keys stay out of a database that is served"


def test_a_folder_put_back_as_a_whole_gets_a_new_epoch_by_restore_in_place(child: Server, tmp_path: Path) -> None:
    poll = child.poll()
    child.stop()
    shutil.copytree(child.data, tmp_path / "whole")
    child.start()
    child.vote(poll)
    newer, mark = position(child, poll), epoch(child, poll)
    assert "nother server" in child.run("restore", "--in-place", status=1)
    child.stop()
    shutil.rmtree(child.data)
    shutil.copytree(tmp_path / "whole", child.data)
    child.run("restore", "--in-place")
    child.start()
    assert epoch(child, poll) != mark and is_reset(child, poll, newer)


# -- what a start finds


async def test_a_tally_that_moved_and_was_not_published_before_a_crash_is_published_at_the_start(
    new_server: NewServer,
) -> None:
    server = new_server("--publish-rate", "0.02")  # the first ballot at once, the next within a minute
    server.start()
    poll = server.poll()
    stream = f"polls/{poll}"
    async with readers(server.url, stream) as watchers:
        assert server.vote(poll)[0] == 201
        for watcher in watchers:
            await watcher.until(lambda c: c.state["tally"]["ballots"] == 1)
        assert server.vote(poll)[0] == 201
        server.kill()
        dirty = "SELECT changed - told FROM rounds WHERE poll = ?"
        assert query(server.database, dirty, poll) == [(1,)]
        assert [w.checker.state["tally"]["ballots"] for w in watchers] == [1, 1, 1, 1]
        await asyncio.to_thread(server.start)
        for watcher in watchers:
            await watcher.until(lambda c: c.state["tally"]["ballots"] == 2)
    assert query(server.database, dirty, poll) == [(0,)]


async def test_a_poll_whose_time_ran_out_while_the_server_was_down_is_closed_at_the_start(child: Server) -> None:
    poll = child.poll(closes_in=1)
    voter = child.voter()
    assert child.vote(poll, "1", voter)[0] == 201
    found: dict[str, Any] = child.host("GET", f"/api/polls/{poll}")
    child.kill()
    assert found["phase"] == "open"
    left = (datetime.fromisoformat(found["closes_at"]) - datetime.now(UTC)).total_seconds()
    time.sleep(max(0.0, left) + 0.01)
    child.start()
    status, problem = child.vote(poll)
    assert (status, problem["error"]["code"]) == (409, "closed")
    async with readers(child.url, f"polls/{poll}") as watchers:
        for watcher in watchers:
            await watcher.until(lambda c: c.state["poll"]["phase"] == "closed" and c.state["tally"]["ballots"] == 1)
    assert child.vote(poll, "2", voter)[0] == 409


def test_a_data_folder_that_cannot_be_used_is_said_so(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server()
    (tmp_path / "file").write_text("")
    below = tmp_path / "file" / "data"
    assert f"data folder {below} cannot be used" in refused(server, data=below)
    (server.data / "nonce").mkdir(parents=True)
    assert "cannot be used" in refused(server)
    (server.data / "nonce").rmdir()
    server.start()


@pytest.mark.parametrize("content", ["{", "[]", '{"cookie": "x", "ballot": "00", "admin": "a"}', ""])
def test_a_damaged_secret_is_said_so_and_left_alone(new_server: NewServer, content: str) -> None:
    server = new_server()
    server.data.mkdir()
    secret = server.data / "secret"
    secret.write_text(content)
    assert f"{secret} is damaged" in refused(server)
    assert secret.read_text() == content
