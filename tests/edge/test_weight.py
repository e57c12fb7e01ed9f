"""What a phone has to fetch to join, how it is compressed, and when it is not."""

from __future__ import annotations

import gzip
import re

import pytest
from clients import Answer, Client
from rawclient import Raw

import server

ZIP = {"Accept-Encoding": "gzip"}
MOST_BYTES, MOST_REQUESTS = 60_000, 8
HEADERS = 1000
"""Bytes allowed for the headers of each answer."""


def text(answer: Answer) -> str:
    packed = answer.headers.get("Content-Encoding") == "gzip"
    return (gzip.decompress(answer.body) if packed else answer.body).decode()


async def get(client: Client, path: str, **headers: str) -> Answer:
    return await client.ask("GET", path, headers={**ZIP, **headers}, decompress_response=False)


async def test_joining_takes_few_requests_and_few_bytes(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "Autumn Forum"}))["code"]
    poll = (await client.poll(wall=wall, options=[f"Answer number {n}" for n in range(20)]))["id"]
    await client.host("PUT", f"/api/walls/{wall}", {"active": f"polls/{poll}"})
    for path in (f"/w/{wall}", f"/w/{wall}?lang=zh", f"/polls/{poll}", "/w"):
        page = await get(client, path)
        shown = re.sub(r"(?s)<noscript>.*?</noscript>|<script nomodule.*?</script>", "", text(page))
        needed = set(re.findall(r'(?:src|href)="(/(?:static|packs)/[^"]+)"', shown))
        answers = [page, *[await get(client, url) for url in needed]]
        assert all(answer.status == 200 for answer in answers)
        assert len(answers) + len(["the stream", "one's own ballot"]) <= MOST_REQUESTS, needed
        assert sum(len(answer.body) + HEADERS for answer in answers) <= MOST_BYTES


async def test_a_pack_is_kept_for_long_under_its_own_address_only(client: Client) -> None:
    page = text(await get(client, f"/polls/{(await client.poll())['id']}"))
    url = page[page.index("/packs/poll.js") :].partition('"')[0]
    plain = await client.ask("GET", url, decompress_response=False)
    small = await get(client, url)
    assert "Content-Encoding" not in plain.headers and small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.body) == plain.body
    assert plain.headers["ETag"] != small.headers["ETag"]
    for answer in (plain, small):
        assert "immutable" in answer.headers["Cache-Control"] and answer.headers["Vary"] == "Accept-Encoding"
        assert "Set-Cookie" not in answer.headers and answer.headers["Content-Type"].startswith("text/javascript")
    other = await get(client, "/packs/poll.js?v=0123456789")
    assert (other.status, other.headers["Cache-Control"]) == (200, "public, no-cache")


async def test_a_pack_that_is_held_already_is_not_sent_again(client: Client) -> None:
    held = (await get(client, "/packs/pages.css")).headers["ETag"]
    answer = await get(client, "/packs/pages.css", **{"If-None-Match": held})
    assert (answer.status, answer.body) == (304, b"")
    other = await get(client, "/packs/pages.css", **{"If-None-Match": held, "Accept-Encoding": "identity"})
    assert other.status == 200


@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_a_pack_from_memory_is_what_its_handler_answers(
    client: Client, running: server.Running, coding: str
) -> None:
    for name in ("poll.js", "pages.css", "watch.js"):
        pack = running.services.assets.pack(name)
        found = await get(client, pack.url, **{"Accept-Encoding": coding})
        asked = await client.ask("GET", f"{pack.url}&", headers={"Accept-Encoding": coding}, decompress_response=False)
        assert found.body == asked.body == pack.body(coding == "gzip")
        assert {**found.headers, "Date": ""} == {**asked.headers, "Date": ""}


async def test_packs_are_sent_one_after_the_other_and_requests_of_other_kinds_are_answered_as_before(
    running: server.Running,
) -> None:
    url, port = running.services.assets.pack("watch.js").url, running.port
    raw = await Raw.open(port)
    for _ in range(2):
        raw.say(f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        for _ in range(2):
            status, headers, _ = await raw.answer()
            assert (status, "connection" in headers) == (200, False)
    raw.say(f"HEAD {url} HTTP/1.1\r\nHost: x\r\n\r\n")
    head = (await raw.reader.readuntil(b"\r\n\r\n")).decode()
    assert head.startswith("HTTP/1.1 200 ")
    raw.say(f"GET {url} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
    assert (await raw.answer())[0] == 200
    raw.say(f"POST {url} HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await raw.answer())[0] == 405
    raw.say(f"GET {url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    status, headers, _ = await raw.answer()
    assert (status, headers["connection"], await raw.rest()) == (200, "close", b"")
    raw.close()
    old = await Raw.open(port)
    old.say(f"GET {url} HTTP/1.0\r\n\r\n")
    assert (await old.rest()).startswith(b"HTTP/1.1 200 ")
    old.close()


async def test_a_pack_that_is_sent_is_a_line_in_the_log_of_requests(
    client: Client, running: server.Running, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG", "livewall.access"):
        await get(client, running.services.assets.pack("watch.js").url)
    assert any(line.getMessage().startswith("200 GET /packs/watch.js ") for line in caplog.records)


async def test_there_are_no_packs_but_those_of_the_pages(client: Client) -> None:
    for name in ("nothing.js", "tally.js", "legacy.js", "nothing.css"):
        answer = await get(client, f"/packs/{name}")
        assert (answer.status, answer.code) == (404, "not_found")


async def test_a_page_with_text_of_its_address_in_it_is_not_compressed(client: Client) -> None:
    poll = (await client.poll())["id"]
    for path, compressed in (("", True), ("?lang=zh", True), ("?code=ABC", False), ("?receipt=ABC", False)):
        answer = await get(client, f"/polls/{poll}{path}")
        assert answer.status == 200 and answer.headers["Vary"] == "Authorization, Cookie, Accept-Encoding"
        assert (answer.headers.get("Content-Encoding") == "gzip") is compressed


async def test_a_browser_that_takes_no_gzip_gets_none(client: Client) -> None:
    for accepted in ("", "identity", "gzip;q=0", "br, gzip; q=0.0"):
        answer = await get(client, "/w", **{"Accept-Encoding": accepted})
        assert "Content-Encoding" not in answer.headers and answer.body.startswith(b"<!doctype")


async def test_streams_and_ballots_are_never_compressed(client: Client) -> None:
    poll = (await client.poll(options=[f"Answer number {n}" for n in range(20)]))["id"]
    for path in (f"/api/polls/{poll}", f"/updates/polls/{poll}?wait=0"):
        assert "Content-Encoding" not in (await get(client, path)).headers


async def test_a_page_can_be_had_with_its_modules_unpacked(client: Client) -> None:
    page = text(await get(client, f"/polls/{(await client.poll())['id']}?packs=off"))
    assert '<script type="importmap">' in page and "/static/js/pages/poll.js?v=" in page
    assert "/packs/poll.js" not in page
