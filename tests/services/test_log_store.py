"""The logs on a real database: what was acknowledged is there, files are followed to the byte, faults lose nothing."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from log_writer import text
from tornado.ioloop import IOLoop

from livewall.clock import utc_now
from livewall.errors import BadInput, Busy, LivewallError, Refused
from livewall.store.sqlite import NewerDatabase
from livewall.tasks.logs import followed, rows, service
from livewall.tasks.logs.chunks import End
from livewall.tasks.logs.follower import AttemptFiles
from livewall.tasks.logs.service import Logs
from livewall.tasks.supervisor.truncation import STEP, truncation

CAP = 2 * STEP
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Attempt:
    """The files of an attempt, as a supervisor writes them; the times first, so that no test hangs on the clock."""

    def __init__(self, folder: Path, name: str = "build.1") -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.files = AttemptFiles(self.folder / "output", self.folder / "times", CAP)
        self.size = 0

    def write(self, data: bytes, at: datetime = NOON) -> None:
        """A hole is made as the cap wants it, by zeros: what is in it must not be seen again."""
        with self.files.times.open("ab") as file:
            file.write(struct.pack("<QQ", self.size + len(data), round(at.timestamp() * 1000)))
        with self.files.output.open("r+b" if self.size else "wb") as file:
            file.seek(self.size)
            file.write(data)
            self.size += len(data)
            if (out := truncation(self.size, CAP)) is not None:
                file.seek(out[0])
                file.write(bytes(out[1] - out[0]))


@asynccontextmanager
async def opened(tmp_path: Path, **options: Any) -> AsyncIterator[Logs]:
    logs = Logs(tmp_path / "logs.db", hole=truncation, clock=utc_now, **options)
    try:
        yield logs
    finally:
        await logs.close()


async def whole(logs: Logs, step: str = "build", offset: int = 0) -> bytes:
    return b"".join([part async for part in logs.read("1", step, offset)])


async def reaches(logs: Logs, size: int, step: str = "build") -> None:
    """Wait until a log that is followed is so long."""
    async with asyncio.timeout(10):
        while ((end := await logs.end("1", step)) is None) or end.bytes < size:
            await asyncio.sleep(0.01)


async def test_what_is_acknowledged_outlives_kills(io_loop: IOLoop, tmp_path: Path) -> None:
    rounds = 12 if os.environ.get("LIVEWALL_TORTURE") else 3
    ends: dict[str, int] = {}
    for _ in range(rounds):
        command = [sys.executable, str(Path(__file__).with_name("log_writer.py")), str(tmp_path / "logs.db")]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for _ in range(random.randrange(50, 400)):
            step, end = child.stdout.readline().split()
            ends[step] = int(end)
        child.kill()
        for line in child.stdout:
            if line.endswith("\n"):
                step, end = line.split()
                ends[step] = int(end)
        child.wait()
        child.stdout.close()
        async with opened(tmp_path) as logs:
            assert set(ends) == {"a", "b", "c"}
            for step, acknowledged in ends.items():
                held = await whole(logs, step)
                assert len(held) >= acknowledged
                at = 0
                while at < len(held):
                    expected = text(at)
                    assert held.startswith(expected, at)
                    at += len(expected)
                found = await logs.end("1", step)
                assert found == End(len(held), held.count(b"\n"))


async def test_an_overlap_is_dropped_and_a_gap_is_refused_with_the_end(io_loop: IOLoop, tmp_path: Path) -> None:
    async with opened(tmp_path) as logs:
        assert await logs.append("1", "build", 0, b"one\ntwo") == End(7, 2)
        assert await logs.append("1", "build", 4, b"two\nthree") == End(13, 3)
        assert await logs.append("1", "build", 0, b"one") == End(13, 3)
        with pytest.raises(Refused) as caught:
            await logs.append("1", "build", 14, b"x")
        assert caught.value.code == "conflict" and caught.value.fields["end"] == "13"
        assert await logs.append("1", "build", None, b"!\n") == End(15, 3)
        assert await whole(logs) == b"one\ntwo\nthree!\n"
        assert await logs.end("1", "other") is None and await logs.ends("1") == {"build": End(15, 3)}


async def test_a_log_that_is_appended_to_has_an_end(
    io_loop: IOLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_LOG_BYTES", 10)
    async with opened(tmp_path) as logs:
        await logs.append("1", "build", None, b"12345678")
        with pytest.raises(BadInput) as caught:
            await logs.append("1", "build", None, b"9ab")
        assert caught.value.code == "too_large"
        assert await logs.append("1", "build", None, b"9a") == End(10, 1)


async def test_an_attempt_is_followed_with_its_times(io_loop: IOLoop, tmp_path: Path) -> None:
    told: dict[tuple[str, str], End] = {}
    async with opened(tmp_path, on_move=told.update) as logs:
        attempt = Attempt(tmp_path)
        logs.follow("1", "build", attempt.files, 0)  # nothing is there yet
        attempt.write(b"one\n")
        await reaches(logs, 4)
        attempt.write(b"two\nthr", NOON + timedelta(seconds=1))
        attempt.write(b"ee\n", NOON + timedelta(seconds=2))
        assert await logs.finish("1", "build") == End(14, 3)
        lines = (await logs.lines("1", "build", 1, 10)).items
        assert [(line.text, str(line.at)[17:]) for line in lines] == [
            ("one", "00.000Z"),
            ("two", "01.000Z"),
            ("three", "01.000Z"),
        ]
    assert told == {("1", "build"): End(14, 3)}


async def test_following_goes_on_after_a_restart_and_over_attempts(io_loop: IOLoop, tmp_path: Path) -> None:
    first, second = Attempt(tmp_path, "build.1"), Attempt(tmp_path, "build.2")
    data = [random.randbytes(300_000) for _ in range(3)]
    first.write(data[0])
    async with opened(tmp_path) as logs:
        logs.follow("1", "build", first.files, 0)
        await reaches(logs, 300_000)
    first.write(data[1])
    async with opened(tmp_path) as logs:
        logs.follow("1", "build", first.files, 0)
        second.write(data[2])
        logs.follow("1", "build", second.files, 600_000)  # the first is read to its end before
        assert (await logs.finish("1", "build")).bytes == 900_000
        assert await whole(logs) == b"".join(data)
        assert await whole(logs, offset=450_000) == b"".join(data)[450_000:]


@pytest.mark.parametrize("late", [False, True])
async def test_what_the_cap_leaves_out_is_a_gap(io_loop: IOLoop, tmp_path: Path, late: bool) -> None:
    attempt = Attempt(tmp_path)
    data = b"".join(b"%015d\n" % n for n in range(8 * STEP // 16))
    async with opened(tmp_path) as logs:
        if not late:
            logs.follow("1", "build", attempt.files, 0)
        for at in range(0, len(data), STEP // 2 + 16):
            attempt.write(data[at : at + STEP // 2 + 16])
            if not late:
                await reaches(logs, attempt.size)
        if late:
            logs.follow("1", "build", attempt.files, 0)
        end = await logs.finish("1", "build")
        out = truncation(len(data), CAP)
        assert out is not None and end.bytes == len(data)
        assert await whole(logs) == data[: out[0]]
        assert await logs.span("1", "build", out[0] + 5) == (out[1], len(data), len(data))
        assert await whole(logs, offset=out[1]) == data[out[1] :]
        shown = (await logs.lines("1", "build", out[0] // 16, 3)).items
        assert [item.gap or None for item in shown] == [None, out[1] - out[0], None]
        assert shown[2].text == f"{out[1] // 16:015}"
        if not late:  # the lines were seen: those behind keep their numbers
            assert shown[2].n == out[1] // 16 + 1 and end.lines == len(data) // 16


async def test_a_locked_database_delays_and_loses_nothing(
    io_loop: IOLoop, tmp_path: Path, expected_logs: list[str]
) -> None:
    expected_logs.append("refused a commit")
    attempt = Attempt(tmp_path)
    async with opened(tmp_path) as logs:
        logs.follow("1", "build", attempt.files, 0)
        attempt.write(b"before\n")
        await reaches(logs, 7)
        other = sqlite3.connect(tmp_path / "logs.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        attempt.write(b"while it is locked\n")
        with pytest.raises(Busy) as caught:
            await logs.append("1", "other", None, b"x")
        assert caught.value.code == "unavailable"
        other.execute("ROLLBACK")
        other.close()
        assert (await logs.finish("1", "build")).lines == 2
        assert await whole(logs) == b"before\nwhile it is locked\n"
        assert await logs.append("1", "other", None, b"x") == End(1, 1)


async def test_a_full_disk_delays_and_loses_nothing(io_loop: IOLoop, tmp_path: Path, expected_logs: list[str]) -> None:
    expected_logs.append("refused a commit")
    attempt = Attempt(tmp_path)
    data = random.randbytes(700_000)
    async with opened(tmp_path) as logs:
        await logs.append("1", "other", None, b"x")
        logs._connection.execute("PRAGMA max_page_count = 40")
        logs.follow("1", "build", attempt.files, 0)
        attempt.write(data)
        finished = asyncio.ensure_future(logs.finish("1", "build"))
        with pytest.raises(Busy):
            while True:
                await logs.append("1", "other", None, random.randbytes(50_000))
        assert not finished.done()
        logs._connection.execute("PRAGMA max_page_count = 1000000")
        assert (await finished).bytes == len(data) and await whole(logs) == data


async def test_a_search_finds_what_lies_over_chunks_and_counts_all(io_loop: IOLoop, tmp_path: Path) -> None:
    lines = [b"%d nothing here" % n for n in range(60_000)]
    lines[4_000] = b"the Needle"
    lines[50_000] = b"x" * 100_000 + b"needle" + b"y" * 100_000
    data = b"\n".join(lines)
    place = data.index(b"59999")
    async with opened(tmp_path) as logs:
        for at in range(0, len(data), 999_983):
            await logs.append("1", "build", at, data[at : at + 999_983])
        found = await logs.search("1", "build", "needle")
        assert [(item.n, item.offset) for item in found.items] == [
            (4_001, data.index(b"Needle")),
            (50_001, data.index(b"needle")),
        ]
        assert found.count == 2 and found.next is None and "needle" in found.items[1].text
        assert (await logs.search("1", "build", "needle", case=True)).count == 1
        found = await logs.search("1", "build", "nothing", 30_000, 2)
        assert found.count == 59_998 and [item.n for item in found.items] == [30_000, 30_001]
        assert found.next == "30002"
        assert (await logs.lines("1", "build", 60_000, 5)).items[0].offset == place
        long = (await logs.lines("1", "build", 50_001, 2)).items
        assert (long[0].cut, long[0].size, len(str(long[0].text))) == (True, 200_006, 16384)
        assert long[1].text == "50001 nothing here"


async def test_a_search_can_be_cancelled(io_loop: IOLoop, tmp_path: Path) -> None:
    async with opened(tmp_path) as logs:
        for _ in range(20):
            await logs.append("1", "build", None, b"abcdefgh" * 120_000)
        searches = [asyncio.ensure_future(logs.search("1", "build", "ij")) for _ in range(6)]
        await asyncio.sleep(0.01)
        for search in searches[:-1]:
            search.cancel()
        assert (await searches[-1]).count == 0
        await asyncio.gather(*searches, return_exceptions=True)


async def test_the_oldest_logs_go_and_their_space_is_given_back(io_loop: IOLoop, tmp_path: Path) -> None:
    file = tmp_path / "logs.db"
    now = utc_now()
    async with opened(tmp_path) as logs:
        for day in range(6):
            await logs.append(str(day), "build", None, random.randbytes(1_000_000), now - timedelta(days=10 - day))
        gone = await logs.delete_expired(now, days=8.5, size=3_200_000, running=["0", "3"])
        assert gone == ["1", "2", "4"]
        assert await logs.end("1", "build") is None and await logs.end("0", "build") is not None
        await logs.forget("0")
    async with opened(tmp_path) as logs:  # what was not swept yet is swept now
        while logs._connection.execute("SELECT EXISTS (SELECT 1 FROM doomed)").fetchone()[0]:
            await asyncio.sleep(0.01)
        while logs._connection.execute("PRAGMA freelist_count").fetchone()[0]:
            await asyncio.sleep(0.01)
        assert set(await logs.ends("5")) == {"build"} and await logs.tasks() == ["3", "5"]
    assert file.stat().st_size < 2_500_000


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(io_loop: IOLoop, tmp_path: Path) -> None:
    async with opened(tmp_path) as logs:
        await logs.append("1", "build", None, b"x")
    other = sqlite3.connect(tmp_path / "logs.db", isolation_level=None)
    other.execute("PRAGMA user_version = 99")
    other.close()
    before = (tmp_path / "logs.db").read_bytes()
    with pytest.raises(NewerDatabase, match="newer version"):
        Logs(tmp_path / "logs.db", hole=truncation, clock=utc_now)
    assert (tmp_path / "logs.db").read_bytes() == before


async def test_moves_are_told_together_and_seldom(io_loop: IOLoop, tmp_path: Path) -> None:
    said: list[dict[tuple[str, str], End]] = []
    async with opened(tmp_path, on_move=said.append) as logs:
        began = asyncio.get_running_loop().time()
        for _ in range(30):
            await asyncio.gather(*[logs.append("1", step, None, b"x") for step in "abc"])
        took = asyncio.get_running_loop().time() - began
    assert said[-1] == {("1", step): End(30, 1) for step in "abc"}
    assert len(said) <= 2 + took / 0.25


async def test_a_closed_log_says_so(io_loop: IOLoop, tmp_path: Path) -> None:
    async with opened(tmp_path) as logs:
        await logs.append("1", "build", None, b"x")
    calls: list[Callable[[], Any]] = [
        lambda: logs.append("1", "build", None, b"x"),
        lambda: logs.finish("1", "build"),
        lambda: logs.end("1", "build"),
    ]
    for call in calls:
        with pytest.raises(LivewallError) as caught:
            await call()
        assert caught.value.code == "draining"


async def test_what_a_database_that_was_put_back_lacks_is_a_gap(io_loop: IOLoop, tmp_path: Path) -> None:
    attempt = Attempt(tmp_path)
    attempt.write(b"the second attempt\n")
    async with opened(tmp_path) as logs:
        await logs.append("1", "build", None, b"the first, cut o")
        logs.follow("1", "build", attempt.files, 40)
        assert await logs.finish("1", "build") == End(59, 3)
        assert await logs.span("1", "build", 20) == (40, 59, 59)
        shown = (await logs.lines("1", "build", 1, 9)).items
        assert [(item.n, item.text or None, item.gap or None) for item in shown] == [
            (1, "the first, cut o", None),
            (2, None, 24),
            (3, "the second attempt", None),
        ]


async def test_an_output_that_cannot_be_read_does_not_hold_up_the_others_nor_its_step(
    io_loop: IOLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected_logs: list[str]
) -> None:
    expected_logs.append("cannot be read")
    monkeypatch.setattr(followed, "FILE_RETRY_SECONDS", 0.01)
    odd, good = Attempt(tmp_path, "odd.1"), Attempt(tmp_path, "build.1")
    odd.files.output.symlink_to("/dev/null")
    good.write(b"fine\n")
    async with opened(tmp_path) as logs:
        logs.follow("1", "odd", odd.files, 0)
        logs.follow("1", "build", good.files, 0)
        assert await logs.finish("1", "build") == End(5, 1)
        assert await logs.finish("1", "odd") == End(0, 0)


async def test_a_turn_that_fails_halfway_leaves_nothing_and_is_taken_again(
    io_loop: IOLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected_logs: list[str]
) -> None:
    expected_logs.append("cannot be read")
    monkeypatch.setattr(followed, "FILE_RETRY_SECONDS", 0.01)
    attempt = Attempt(tmp_path)
    attempt.write(b"one\ntwo\n")
    append, failures = rows.append, [OSError(5, "Input/output error")]

    def append_and_fail(*arguments: Any) -> rows.Log:
        log = append(*arguments)
        if failures:
            raise failures.pop()
        return log

    monkeypatch.setattr(rows, "append", append_and_fail)
    async with opened(tmp_path) as logs:
        logs.follow("1", "build", attempt.files, 0)
        assert await logs.finish("1", "build") == End(8, 2)
        assert await whole(logs) == b"one\ntwo\n"
        chunks = logs._connection.execute("SELECT COUNT(*) FROM chunks").fetchone()
        assert not failures and chunks == (1,)


async def test_a_file_that_is_deleted_while_it_is_followed_is_read_to_its_end(io_loop: IOLoop, tmp_path: Path) -> None:
    attempt = Attempt(tmp_path)
    attempt.write(b"one\n")
    async with opened(tmp_path) as logs:
        logs.follow("1", "build", attempt.files, 0)
        await reaches(logs, 4)
        with attempt.files.output.open("ab") as file:
            attempt.files.output.unlink()
            file.write(b"two\n")
        assert await logs.finish("1", "build") == End(8, 2)
        logs.follow("1", "gone", attempt.files, 0)
        assert await logs.finish("1", "gone") == End(0, 0)


async def test_many_logs_are_followed_at_once_and_each_gets_its_turn(io_loop: IOLoop, tmp_path: Path) -> None:
    large = Attempt(tmp_path, "large.1")
    large.write(random.randbytes(1 << 20) * 2)
    small = [Attempt(tmp_path, f"s{n}.1") for n in range(60)]
    async with opened(tmp_path) as logs:
        logs.follow("1", "large", large.files, 0)
        for n, attempt in enumerate(small):
            attempt.write(b"%d\n" % n)
            logs.follow("1", f"s{n}", attempt.files, 0)
        await asyncio.gather(*[logs.finish("1", f"s{n}") for n in range(60)], logs.finish("1", "large"))
        assert [await whole(logs, f"s{n}") for n in range(60)] == [b"%d\n" % n for n in range(60)]
        assert (await logs.end("1", "large")) is not None
