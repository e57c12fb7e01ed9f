"""Requests that nobody sends by mistake: each gets its answer in the one shape, and shows nothing it should not."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import resource
from ipaddress import ip_network
from typing import Any

import pytest
from clients import ADMIN, Client

from handlers.http_headers import client_address
from livewall import file_limit

HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
}


@pytest.mark.parametrize("name", ["a\n", "a\r", "a\u2028", " a", "a b", "a/b", ".a", "a" * 81, ""])
async def test_names_that_would_break_an_event_are_refused(client: Client, name: str) -> None:
    for body in ({"title": "T", "steps": [{"name": name}]}, {"title": "T", "steps": [{"name": "a"}], "id": name}):
        answer = await client.ask("POST", "/api/tasks", body, token=ADMIN)
        assert (answer.status, answer.code) == (422, "invalid"), (body, answer.body)


async def test_an_option_whose_id_ends_in_a_newline_is_refused(client: Client) -> None:
    body = {"title": "T", "options": [{"id": "1\n", "label": "A"}]}
    answer = await client.ask("POST", "/api/polls", body, token=ADMIN)
    assert (answer.status, list(answer.json["error"]["fields"])) == (422, ["options[0].id"])


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "null", "", "//", "file://", "http://evil.example"])
async def test_an_origin_that_is_no_address_is_foreign(client: Client, running: Any, origin: str) -> None:
    poll, voter = await client.poll(), await client.voter()
    held = {"Origin": origin, "Cookie": f"livewall_voter_{running.services.secrets.folder_id}={voter}"}
    path = f"/api/polls/{poll['id']}/ballot"
    for method, where, headers in (("PUT", path, {}), ("GET", f"/ws/polls/{poll['id']}", HANDSHAKE)):
        answer = await client.ask(method, where, headers={**held, **headers})
        assert (answer.status, answer.code) == (403, "forbidden"), (where, answer.body)


async def test_a_foreign_origin_gets_no_websocket_whatever_else_it_says(client: Client) -> None:
    poll = await client.poll()
    held = {**HANDSHAKE, "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}
    answer = await client.ask("GET", f"/ws/polls/{poll['id']}", headers=held)
    assert (answer.status, answer.code) == (403, "forbidden")


@pytest.mark.parametrize("lacks", ["Upgrade", "Connection", "Sec-WebSocket-Key"])
async def test_half_a_handshake_is_an_error_in_json(client: Client, lacks: str) -> None:
    answer = await client.ask("GET", "/ws/tasks", headers={n: v for n, v in HANDSHAKE.items() if n != lacks})
    assert (answer.status, answer.code) == (400, "malformed")


async def test_only_get_begins_a_websocket(client: Client) -> None:
    answer = await client.ask("POST", "/ws/tasks", headers=HANDSHAKE)
    assert (answer.status, answer.code, answer.headers["Allow"]) == (405, "method_not_allowed", "GET")


@pytest.mark.parametrize("said", ["Audience", "host", "", "audience%20", "audience&as=host"])
async def test_a_misspelt_audience_shows_a_host_no_hidden_tally(client: Client, said: str) -> None:
    poll = await client.poll(results="on_publish")
    for path in (f"/api/polls/{poll['id']}?", f"/updates/polls/{poll['id']}?wait=0&", f"/sse/polls/{poll['id']}?"):
        answer = await client.ask("GET", f"{path}as={said}", token=ADMIN)
        assert (answer.status, answer.code) == (422, "invalid"), path
    socket = await client.socket(f"/ws/polls/{poll['id']}?as={said}", token=ADMIN)
    assert await socket.closed() == 4505


async def test_looking_on_as_the_audience_takes_nobodys_voter_away(client: Client, running: Any) -> None:
    poll, voter = await client.poll(), await client.voter()
    held = {"Cookie": f"livewall_voter_{running.services.secrets.folder_id}={voter}"}
    answer = await client.ask("GET", f"/polls/{poll['id']}?as=audience", headers=held)
    assert answer.status == 200 and "Set-Cookie" not in answer.headers


async def test_no_log_has_the_code_of_a_link_or_a_token(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    poll, voter = await client.poll(), await client.voter()
    code = (await client.host("POST", "/api/logins", {"role": "host"}))["link"].rpartition("/")[2]
    await client.ask("GET", f"/login/{code}")
    signed_in = await client.ask("POST", f"/login/{code}", raw=b"", headers={"Sec-Fetch-Site": "same-origin"})
    cookie = signed_in.headers["Set-Cookie"].partition(";")[0]
    await client.ask("GET", "/", headers={"Cookie": cookie})
    await client.vote(poll["id"], "1", voter)
    await client.updates(f"polls/{poll['id']}", f"wait=0&token={ADMIN}", token=ADMIN)
    said = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("livewall"))
    assert "/login/" in said
    for secret in (code, ADMIN, voter, cookie.partition("=")[2]):
        assert secret not in said


async def raw(port: int, data: bytes) -> bytes:
    """What comes back on a connection of its own, until it is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    found = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return found


@pytest.mark.parametrize(
    "head",
    [
        "POST /api/voters HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /api/voters HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "POST /api/voters HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST /api/voters HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}",
        "POST /api/voters HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\n{}",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a b<>\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n\r\n",
    ],
)
async def test_a_request_that_two_servers_could_read_differently_is_400(running: Any, head: str) -> None:
    assert (await raw(running.port, head.encode())).split()[1] == b"400"


async def test_what_follows_a_request_for_events_on_its_connection_is_not_answered(
    client: Client, running: Any
) -> None:
    poll = await client.poll()
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(f"GET /sse/polls/{poll['id']} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await reader.readuntil(b'"synced":true')
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 10_000)
    await client.vote(poll["id"], "1")
    seen = await asyncio.wait_for(reader.readuntil(b'"ballots":1'), 10)
    assert b"HTTP/1.1" not in seen
    writer.close()


async def test_errors_of_every_address_of_the_api_are_json(client: Client) -> None:
    poll = await client.poll()
    for method, path, status in [
        ("OPTIONS", f"/api/polls/{poll['id']}", 405),
        ("TRACE", "/healthz", 405),
        ("GET", "/api", 404),
        ("GET", f"/api/polls/{poll['id']}/", 404),
        ("GET", "/updates/polls/%ff", 400),
        ("GET", "/sse/nothing", 404),
        ("GET", f"/updates/polls/{poll['id']},", 404),
        ("POST", f"/updates/polls/{poll['id']}", 405),
    ]:
        answer = await client.ask(method, path)
        assert answer.status == status, (method, path, answer.status)
        assert set(json.loads(answer.body)["error"]) >= {"code", "message"}
        assert (answer.headers["Cache-Control"], "Server" in answer.headers) == ("private, no-cache", False)
        assert ("Allow" in answer.headers) is (status == 405)


async def test_a_reader_that_leaves_before_its_events_came_leaves_nothing(client: Client, running: Any) -> None:
    poll = await client.poll()
    hub, attach = running.services.hub, running.services.hub.attach
    began, left, attached = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(*args: Any) -> None:
        began.set()
        await left.wait()
        await attach(*args)
        attached.set()

    hub.attach = slow
    for path in ("/sse/", "/updates/"):
        for event in (began, left, attached):
            event.clear()
        others = running.http.connections.count
        _, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(f"GET {path}polls/{poll['id']} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        async with asyncio.timeout(20):
            await began.wait()
            writer.close()
            while running.http.connections.count > others:
                await asyncio.sleep(0.001)
            left.set()
            await attached.wait()
            while (hub.hub.readers, len(running.connections)) != (0, 0):
                await asyncio.sleep(0.01)


async def test_a_socket_of_one_poll_whose_name_was_escaped_is_that_polls(client: Client) -> None:
    poll = await client.poll()
    socket = await client.socket(f"/ws/polls%2F{poll['id']}", token=await client.voter())
    await socket.synced()
    assert (await socket.act("vote", choices=["1"]))["ok"]["round"] == 1


class TestBehindHttps:
    @pytest.fixture
    def settings(self, settings: Any) -> Any:
        return dataclasses.replace(settings, public_url="https://wall.example")

    async def test_cookies_are_secure_and_links_lead_there(self, client: Client) -> None:
        poll = await client.poll()
        link = (await client.host("POST", "/api/logins", {"role": "host"}))["link"]
        assert link.startswith("https://wall.example/login/")
        own = {"Origin": "https://wall.example", "Host": "wall.example"}
        signed_in = await client.ask("POST", f"/login/{link.rpartition('/')[2]}", raw=b"", headers=own)
        page = await client.ask("GET", f"/polls/{poll['id']}")
        for answer in (signed_in, page):
            parts = {part.strip() for part in answer.headers["Set-Cookie"].split(";")}
            assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= parts
        made = await client.ask("POST", "/api/walls", {"title": "T"}, token=ADMIN, headers={"Host": "evil.example"})
        assert b"evil" not in made.body and made.json["links"]["audience"].startswith("https://wall.example/w/")


def test_a_forwarded_address_counts_from_a_trusted_proxy_only() -> None:
    inside = [ip_network("10.0.0.0/8")]
    assert client_address("9.9.9.9", ["1.1.1.1"], inside) == "9.9.9.9"
    assert client_address("10.0.0.1", ["6.6.6.6, 1.1.1.1"], inside) == "1.1.1.1"
    assert client_address("10.0.0.1", ["6.6.6.6", "1.1.1.1, 10.0.0.2"], inside) == "1.1.1.1"
    assert client_address("10.0.0.1", ["junk"], inside) == "junk"
    assert client_address("10.0.0.1", [], inside) == "10.0.0.1"


def test_a_server_may_have_more_than_1024_connections() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
        file_limit.raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(before[1], file_limit.MAX_FILES)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_of_thousands_of_forwarded_addresses_only_the_last_are_looked_at() -> None:
    inside = [ip_network("10.0.0.0/8")]
    assert client_address("10.0.0.1", ["6.6.6.6, " + "10.0.0.2, " * 10_000 + "10.0.0.3"], inside) == "10.0.0.2"
    assert client_address("10.0.0.1", ["6.6.6.6, " * 10_000 + "1.1.1.1, 10.0.0.3"], inside) == "1.1.1.1"
