"""Logs of steps over HTTP: bytes with true offsets, lines, search, and what foreign programs append."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from clients import ADMIN, Answer, Client

import server
from livewall.tasks.logs.follower import AttemptFiles
from livewall.tasks.supervisor.truncation import STEP, truncation

TEXT = b"one\ntwo caf\xc3\xa9\n<b>three</b> \xff\n"


class Log:
    """The log of the one step of a foreign task."""

    path = "/api/tasks/T1/logs/load"

    def __init__(self, client: Client, token: str) -> None:
        self.client = client
        self.token = token

    @classmethod
    async def made(cls, client: Client, data: bytes = b"") -> Log:
        token = await client.token("reporter")
        task = {"title": "Load", "id": "T1", "steps": [{"name": "load", "needs": []}]}
        assert (await client.ask("POST", "/api/tasks", task, token=token)).status == 201
        log = cls(client, token)
        if data:
            assert (await log.post(data)).status == 200
        return log

    async def get(self, rest: str = "", **options: Any) -> Answer:
        return await self.client.ask("GET", self.path + rest, token=self.token, **options)

    async def post(self, data: bytes, query: str = "") -> Answer:
        return await self.client.ask("POST", self.path + query, raw=data, token=self.token)

    async def with_gap(self, running: server.Running, folder: Path) -> bytes:
        """A log whose middle was left out by the cap; returns what it would be without one."""
        data = b"".join(b"%015d\n" % n for n in range(5 * STEP // 16))
        (folder / "output").write_bytes(data)
        running.services.logs.follow("T1", "load", AttemptFiles(folder / "output", folder / "times", 2 * STEP), 0)
        await running.services.logs.finish("T1", "load")
        return data


async def test_a_log_is_appended_to_at_its_offset(client: Client) -> None:
    log = await Log.made(client)
    assert (await log.post(b"one\n")).json == {"bytes": 4, "lines": 1, "cancel": False}
    assert (await log.post(b"ne\ntwo\n", "?offset=1")).json["bytes"] == 8
    gap = await log.post(b"x", "?offset=9")
    assert (gap.status, gap.code, gap.json["error"]["fields"]["end"]) == (409, "conflict", "8")
    assert (await log.get()).body == b"one\ntwo\n"


async def test_the_bytes_come_as_they_are(client: Client) -> None:
    log = await Log.made(client, TEXT)
    answer = await log.get()
    assert (answer.status, answer.body) == (200, TEXT)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Livewall-Log-Bytes"] == str(len(TEXT)) and answer.headers["Livewall-Log-Offset"] == "0"
    part = await log.get("?offset=4&limit=3")
    assert (part.body, part.headers["Livewall-Log-Offset"]) == (b"two", "4")
    head = await client.ask("HEAD", log.path, token=log.token)
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(TEXT)))


@pytest.mark.parametrize(
    ("asked", "status", "body", "held"),
    [
        ("bytes=4-6", 206, b"two", "bytes 4-6/"),
        ("bytes=4-", 206, TEXT[4:], "bytes 4-28/"),
        ("bytes=-3", 206, TEXT[-3:], "bytes 26-28/"),
        ("bytes=0-999", 206, TEXT, "bytes 0-28/"),
        ("bytes=999-", 416, None, "bytes */"),
        ("bytes=5-4", 200, TEXT, None),
        ("bytes=0-1,4-5", 200, TEXT, None),
        ("lines=1-2", 200, TEXT, None),
        ("bytes=-", 200, TEXT, None),
        ("bytes=-0", 416, None, "bytes */"),
    ],
)
async def test_a_range_is_a_part(client: Client, asked: str, status: int, body: bytes | None, held: str | None) -> None:
    log = await Log.made(client, TEXT)
    answer = await log.get(headers={"Range": asked})
    assert answer.status == status and answer.headers.get("Content-Range") == (held and f"{held}{len(TEXT)}")
    if body is None:
        assert answer.code == "invalid"
    else:
        assert answer.body == body


async def test_a_download_is_a_file(client: Client) -> None:
    log = await Log.made(client, TEXT)
    answer = await log.get("?download=1")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="T1-load.log"' and answer.body == TEXT


async def test_offsets_stay_true_around_a_gap(client: Client, running: server.Running, tmp_path: Path) -> None:
    log = await Log.made(client)
    data = await log.with_gap(running, tmp_path)
    out = truncation(len(data), 2 * STEP)
    assert out is not None
    assert (await log.get()).body == data[: out[0]]
    inside = await log.get(f"?offset={out[0] + 9}&limit=100000000")
    assert inside.headers["Livewall-Log-Offset"] == str(out[1]) and inside.body == data[out[1] :]
    part = await log.get(headers={"Range": f"bytes={out[0]}-{out[1] + 9}"})
    assert (part.status, part.body) == (206, data[out[1] : out[1] + 10])
    assert part.headers["Content-Range"] == f"bytes {out[1]}-{out[1] + 9}/{len(data)}"
    nothing = await log.get(headers={"Range": f"bytes={out[0]}-{out[1] - 1}"})
    assert nothing.status == 416
    marker = f"\n[… {out[1] - out[0]} bytes left out …]\n".encode()
    assert (await log.get("?download=1")).body == data[: out[0]] + marker + data[out[1] :]


async def test_lines_are_text_with_offsets_and_times(client: Client) -> None:
    log = await Log.made(client, TEXT)
    found = (await log.get("/lines?from=2&count=1")).json
    assert (found["lines"], found["bytes"], found["next"]) == (3, len(TEXT), "3")
    item = found["items"][0]
    assert item["at"].endswith("Z")
    assert item | {"at": ""} == {"n": 2, "offset": 4, "text": "two café", "at": "", "cut": False}
    last = (await log.get("/lines?from=-1")).json["items"]
    assert [(line["n"], line["text"]) for line in last] == [(3, "<b>three</b> �")]
    assert (await log.get("/lines?from=99")).json["items"] == []


async def test_a_search_counts_all_of_the_log(client: Client) -> None:
    log = await Log.made(client, TEXT)
    found = (await log.get("/search?q=T")).json
    assert found["count"] == 2 and [item["n"] for item in found["items"]] == [2, 3]
    assert found["items"][1] == {"n": 3, "offset": TEXT.index(b"three"), "text": "<b>three</b> �"}
    assert (await log.get("/search?q=T&case=1")).json["count"] == 0
    assert (await log.get("/search?q=T&limit=1")).json["next"] == "3"


SEEN = (
    b"\x1b[31merror\x1b[0m: cannot open \x1b]0;title\x07x\n10%\r\x1b[2K\x1b[1G100%\na: 0\nb: 0\n"
    b"\x1b[2A\x1b[2Ka: 1\n\x1b[2Kb: 1\nSTRA\xc3\x9fE caf\x65\xcc\x81\na\xc2\x90b\n"
)


async def test_lines_say_what_is_seen_of_them_and_their_text_stays(client: Client) -> None:
    log = await Log.made(client, SEEN)
    found = (await log.get("/lines")).json
    assert found["redraws"] is True and (await log.get()).body == SEEN
    items = found["items"]
    raw = SEEN.decode().split("\n")[:-1]
    assert [item["text"] for item in items] == raw
    assert all(SEEN[item["offset"] :].decode().startswith(text) for item, text in zip(items, raw, strict=True))
    assert [item.get("over", False) for item in items] == [False, False, True, True, False, False, False, False]
    seen = [item.get("shown", item["text"]) for item in items if not item.get("over")]
    assert seen == ["error: cannot open x", "100%", "a: 1", "b: 1", "STRAßE cafe\u0301", "a<U+0090>b"]
    assert items[0]["spans"] == [["error", "ink1"], [": cannot open x", ""]] and "spans" not in items[1]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("error: cannot open", [(1, b"error")]), ("31m", []), ("title", []), ("open x", [(1, b"open")]),
        ("a: 0", []), ("A: 1", [(5, b"a: 1")]), ("10%", []), ("100%", [(2, b"100%")]), ("strasse", [(7, b"STRA")]),
        ("CAF\u00c9", [(7, b"caf")]), ("a<U+0090>b", [(8, b"a\xc2\x90")]),
    ],
)  # fmt: skip
async def test_what_is_seen_is_searched_and_found_at_true_lines(
    client: Client, q: str, found: list[tuple[int, bytes]]
) -> None:
    log = await Log.made(client, SEEN)
    answer = (await log.get(f"/search?{urlencode({'q': q})}")).json
    assert [(item["n"], item["offset"]) for item in answer["items"]] == [(n, SEEN.index(at)) for n, at in found]
    assert answer["count"] == len(found)
    if q == "error: cannot open":
        assert answer["items"][0]["shown"] == "error: cannot open x"
        assert answer["items"][0]["text"] == SEEN.decode().split("\n")[0]


async def test_a_step_that_has_printed_nothing_has_an_empty_log(client: Client) -> None:
    log = await Log.made(client)
    assert ((await log.get()).status, (await log.get()).body) == (200, b"")
    assert (await log.get("/lines")).json == {"items": [], "lines": 0, "bytes": 0, "next": None}
    assert (await log.get("/search?q=x")).json == {"items": [], "count": 0, "next": None}
    assert (await log.get("?download=1")).body == b""


@pytest.mark.parametrize(
    "rest",
    [
        "?offset=-1",
        "?offset=x",
        "?limit=",
        "/lines?count=0",
        "/lines?count=1001",
        "/lines?from=1e3",
        "/search",
        "/search?q=",
        "/search?q=a%0Ab",
        "/search?q=x&limit=0",
        "/search?q=" + "x" * 1001,
        "?offset=" + "9" * 30,
    ],
)
async def test_what_makes_no_sense_is_refused(client: Client, rest: str) -> None:
    log = await Log.made(client, TEXT)
    answer = await log.get(rest)
    assert (answer.status, answer.code) == (422, "invalid")


async def test_a_body_that_is_too_large_is_refused(client: Client) -> None:
    log = await Log.made(client)
    assert (await log.post(b"x" * (1 << 20))).status == 200
    answer = await log.post(b"x" * ((1 << 20) + 1))
    assert (answer.status, answer.code) == (413, "too_large")


async def test_logs_are_for_operators_and_their_own_reporter(client: Client) -> None:
    log = await Log.made(client, TEXT)
    for role, status in (("operator", 200), ("host", 403), ("reporter", 403), (None, 401)):
        token = await client.token(role) if role else None
        for rest in ("", "/lines", "/search?q=x"):
            assert (await client.ask("GET", log.path + rest, token=token)).status == status, (role, rest)
    assert (await client.ask("POST", log.path, raw=b"x", token=await client.token("reporter"))).status == 403
    assert (await client.ask("POST", log.path, raw=b"x")).status == 401
    assert (await client.ask("GET", "/api/tasks/T1/logs/none", token=ADMIN)).status == 404


async def test_a_reader_that_leaves_stops_its_answer(client: Client, running: server.Running) -> None:
    log = await Log.made(client)
    for _ in range(12):
        await log.post(b"x" * (1 << 20))
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(f"GET {log.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {log.token}\r\n\r\n".encode())
    assert await reader.readexactly(1000)
    writer.transport.abort()
    assert (await log.get("?limit=1")).body == b"x"


async def test_a_log_that_goes_while_it_is_read_is_seen_to_be_cut_off(client: Client, running: server.Running) -> None:
    log = await Log.made(client)
    for _ in range(12):
        await log.post(b"x" * (1 << 20))
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(f"GET {log.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {log.token}\r\n\r\n".encode())
    assert b"Content-Length: 12582912" in await reader.readuntil(b"\r\n\r\n")
    await running.services.logs.forget("T1")
    size = 0
    while data := await reader.read(1 << 20):
        size += len(data)
    assert size < 12 << 20
    writer.close()
    await writer.wait_closed()
