"""Signing in by a link or a pasted token, cookies, and requests that other sites forge."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from clients import ADMIN, Client

OWN = {"Sec-Fetch-Site": "same-origin"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def link(client: Client, role: str = "host") -> str:
    made = await client.host("POST", "/api/logins", {"role": role})
    return str(made["link"]).partition("/login/")[2]


async def cookie(client: Client, role: str = "host") -> str:
    answer = await client.ask("POST", f"/login/{await link(client, role)}", raw=b"", headers=OWN)
    assert answer.status == 303, answer.body
    return answer.headers["Set-Cookie"].partition(";")[0]


async def test_looking_at_a_link_changes_nothing(client: Client) -> None:
    code = await link(client)
    for _ in range(3):
        answer = await client.ask("GET", f"/login/{code}")
        assert answer.status == 200 and b"host" in answer.body.lower() and "Set-Cookie" not in answer.headers


async def test_a_link_signs_in_once(client: Client) -> None:
    code = await link(client)
    first = await client.ask("POST", f"/login/{code}", raw=b"", headers=OWN)
    assert first.status == 303
    for part in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in first.headers["Set-Cookie"]
    assert "Domain" not in first.headers["Set-Cookie"] and "Secure" not in first.headers["Set-Cookie"]
    again = await client.ask("POST", f"/login/{code}", raw=b"", headers=OWN)
    assert again.status == 403 and "Set-Cookie" not in again.headers


async def test_a_pasted_token_signs_in(client: Client) -> None:
    body = urlencode({"token": ADMIN}).encode()
    answer = await client.ask("POST", "/", raw=body, headers={**FORM, **OWN})
    assert answer.status == 303
    held = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
    assert (await client.ask("GET", "/api/polls", headers=held)).status == 200


async def test_a_voters_token_does_not_sign_in(client: Client) -> None:
    body = urlencode({"token": await client.voter()}).encode()
    answer = await client.ask("POST", "/", raw=body, headers={**FORM, **OWN})
    assert answer.status == 401 and "Set-Cookie" not in answer.headers


async def test_signing_out_ends_the_sign_in_and_its_sockets(client: Client) -> None:
    held = await cookie(client, "operator")
    socket = await client.socket("/ws/tasks", headers={"Cookie": held, "Origin": client.url})
    await socket.synced()
    answer = await client.ask("POST", "/logout", raw=b"", headers={"Cookie": held, **OWN})
    assert answer.status == 303
    assert await socket.closed() == 4501
    assert (await client.ask("GET", "/api/tasks", headers={"Cookie": held})).status == 401


async def test_a_sign_in_is_listed_and_revocable(client: Client) -> None:
    held = await cookie(client)
    [listed] = [c for c in (await client.host("GET", "/api/tokens"))["items"] if c["kind"] == "signin"]
    assert listed["role"] == "host" and listed["expires_at"] is not None
    await client.host("DELETE", f"/api/tokens/{listed['id']}")
    assert (await client.ask("GET", "/api/polls", headers={"Cookie": held})).status == 401


async def test_nobody_makes_a_link_for_a_role_above_the_own(client: Client) -> None:
    operator = await client.token("operator")
    for role, status in (("admin", 403), ("host", 403), ("operator", 201), ("reporter", 201)):
        assert (await client.ask("POST", "/api/logins", {"role": role}, token=operator)).status == status


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "SELF"}, True),
        ({"Referer": "SELF/w"}, True),
        ({"Content-Type": "application/json"}, False),
        ({}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Referer": "http://evil.example/x"}, False),
        ({"Content-Type": "application/json", "Origin": "http://evil.example"}, False),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site", "Origin": "SELF"}, False),
    ],
)
async def test_a_change_with_a_cookie_must_come_from_a_page_of_ours(
    client: Client, headers: dict[str, str], allowed: bool
) -> None:
    held = {"Cookie": await cookie(client), **{n: v.replace("SELF", client.url) for n, v in headers.items()}}
    held.setdefault("Content-Type", "text/plain")
    answer = await client.ask("POST", "/api/walls", {"title": "T"}, headers=held)
    assert (answer.status == 201) is allowed, answer.body
    if not allowed:
        assert answer.code == "forbidden"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "SELF"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"}, False),
    ],
)
async def test_a_foreign_page_never_gets_a_websocket(client: Client, headers: dict[str, str], allowed: bool) -> None:
    poll = await client.poll()
    held = {n: v.replace("SELF", client.url) for n, v in headers.items()}
    if allowed:
        await (await client.socket(f"/ws/polls/{poll['id']}", headers=held)).synced()
        return
    held |= {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
    }
    answer = await client.ask("GET", f"/ws/polls/{poll['id']}", headers=held)
    assert (answer.status, answer.code) == (403, "forbidden")


async def test_cookies_of_two_servers_on_one_host_do_not_meet(client: Client, running: Any) -> None:
    name = (await cookie(client)).partition("=")[0]
    assert name.endswith(running.services.secrets.folder_id)


async def test_no_page_or_answer_has_a_script_in_line_or_lets_itself_be_framed(client: Client) -> None:
    for path in ("/", "/w", "/healthz", "/api/polls/x", "/nowhere"):
        answer = await client.ask("GET", path)
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert "Server" not in answer.headers and answer.headers["Referrer-Policy"] == "same-origin"


async def test_an_error_of_the_api_is_json_wherever_it_happens(client: Client) -> None:
    for method, path in (("GET", "/api/nowhere"), ("PATCH", "/api/polls"), ("GET", "/api/polls/nope")):
        answer = await client.ask(method, path)
        assert set(json.loads(answer.body)) == {"error"}, (path, answer.body)
