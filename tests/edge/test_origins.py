"""Origins are compared whole: scheme, host and port; and with a public address only that one acts."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from clients import ADMIN, Client
from tornado.httputil import HTTPHeaders

from handlers.origins import Origin, Site, origin_of

HTTP, HTTPS = ("http",), ("https",)
PUBLIC = "https://wall.example.org"
HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
}


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://a.example", Origin("http", "a.example", 80)),
        ("HTTPS://A.example:443/x?y", Origin("https", "a.example", 443)),
        ("http://a.example:8888", Origin("http", "a.example", 8888)),
        ("http://[::1]:8888", Origin("http", "::1", 8888)),
        ("http://me@a.example/", Origin("http", "a.example", 80)),
        *((bad, None) for bad in ("null", "", "//", "a.example", "file:///x", "http://", "http://[", "http://a:b")),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: Origin | None) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        (PUBLIC, True),
        (PUBLIC + ":443", True),
        ("https://WALL.example.org", True),
        ("http://wall.example.org", False),
        ("http://wall.example.org:443", False),
        ("https://wall.example.org:8443", False),
        ("https://wall.example.org.", False),
        ("https://wall.example.org.evil.example", False),
        ("https://evil.example", False),
        ("null", False),
    ],
)
def test_with_a_public_address_only_its_whole_origin_is_ours(origin: str, ours: bool) -> None:
    site, host = Site(PUBLIC), "wall.example.org"
    for site_says in ({}, {"Sec-Fetch-Site": "same-origin"}):
        headers = HTTPHeaders({"Origin": origin, **site_says})
        if origin != "null" or not site_says:
            assert site.is_proved_own(headers, host, HTTP) is ours
        assert site.is_foreign(headers, host, HTTP) is not ours
    assert site.is_proved_own(HTTPHeaders({"Referer": origin + "/w"}), host, HTTP) is (ours and origin != "null")
    crossing = HTTPHeaders({"Origin": origin, "Sec-Fetch-Site": "cross-site"})
    assert site.is_foreign(crossing, host, HTTP) and not site.is_proved_own(crossing, host, HTTP)


@pytest.mark.parametrize(
    ("origin", "host", "schemes", "ours"),
    [
        ("http://hall.example:8888", "hall.example:8888", HTTP, True),
        ("http://hall.example", "hall.example:80", HTTP, True),
        ("http://hall.example", "hall.example:8888", HTTP, False),
        ("https://hall.example:8888", "hall.example:8888", HTTP, False),
        ("https://hall.example", "hall.example", HTTPS, True),
        ("http://hall.example", "hall.example", HTTPS, False),
    ],
)
def test_without_a_public_address_ours_is_where_the_request_was_sent(
    origin: str, host: str, schemes: tuple[str, ...], ours: bool
) -> None:
    assert Site(None).is_proved_own(HTTPHeaders({"Origin": origin}), host, schemes) is ours


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": PUBLIC}, True),
        ({"Sec-Fetch-Site": "same-site", "Origin": PUBLIC}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://other.example.org"}, True),
        ({"Origin": PUBLIC}, False),
    ],
)
def test_a_socket_is_foreign_where_a_browser_says_so(headers: dict[str, str], foreign: bool) -> None:
    assert Site(PUBLIC).is_foreign(HTTPHeaders(headers), "wall.example.org", HTTP) is foreign


def test_a_browser_that_calls_a_page_same_origin_vouches_for_a_scheme_that_a_proxy_hides() -> None:
    headers = HTTPHeaders({"Origin": "https://hall.example", "Sec-Fetch-Site": "same-origin"})
    assert Site(None).is_proved_own(headers, "hall.example", HTTP)
    assert not Site(None).is_proved_own(headers, "evil.example", HTTP)


@pytest.mark.parametrize(
    ("host", "headers", "by", "refused"),
    [
        ("wall.example.org", {}, "cookie", False),
        ("wall.example.org:443", {"Origin": PUBLIC}, "cookie", False),
        ("127.0.0.1:8888", {}, "token", False),
        ("localhost:8888", {}, "", False),
        ("[::1]:8888", {}, "", False),
        ("evil.example", {}, "token", False),
        ("evil.example", {}, "", True),
        ("evil.example", {}, "cookie", True),
        ("evil.example", {"Origin": "http://evil.example"}, "token", True),
        ("evil.example", {"Sec-Fetch-Site": "same-origin"}, "", True),
        ("10.0.0.5:8888", {}, "", False),
        ("10.0.0.5:8888", {}, "cookie", True),
        ("wall.example.org:8888", {"Origin": PUBLIC}, "cookie", True),
        ("localhost.evil.example", {}, "", True),
    ],
)
def test_with_a_public_address_another_host_does_not_act_for_a_browser(
    host: str, headers: dict[str, str], by: str, refused: bool
) -> None:
    site = Site(PUBLIC)
    found = site.refuses_host(HTTPHeaders(headers), host, by_token=by == "token", by_cookie=by == "cookie")
    assert found is refused
    assert not Site(None).refuses_host(HTTPHeaders(headers), host, by_token=False, by_cookie=True)


class TestBehindHttps:
    @pytest.fixture
    def settings(self, settings: Any) -> Any:
        return dataclasses.replace(settings, public_url=PUBLIC)

    async def acting(self, client: Client, running: Any, **headers: str) -> tuple[int, int]:
        """The status of a ballot and of a WebSocket, with a voter's cookie."""
        poll, voter = await client.poll(), await client.voter()
        held = {"Cookie": f"livewall_voter_{running.services.secrets.folder_id}={voter}", **headers}
        ballot = await client.ask("PUT", f"/api/polls/{poll['id']}/ballot", {"choices": ["1"]}, headers=held)
        opened = await client.ask(
            "GET", f"/ws/polls/{poll['id']}", headers={**held, **HANDSHAKE, "Sec-WebSocket-Version": "12"}
        )
        return ballot.status, opened.status

    async def test_a_page_of_ours_acts(self, client: Client, running: Any) -> None:
        found = await self.acting(client, running, Host="wall.example.org", Origin=PUBLIC)
        assert found == (201, 426)

    @pytest.mark.parametrize(
        ("host", "origin", "site"),
        [
            ("wall.example.org", "http://wall.example.org", ""),
            ("wall.example.org", "http://wall.example.org", "cross-site"),
            ("wall.example.org", "http://wall.example.org", "same-origin"),
            ("wall.example.org", PUBLIC, "cross-site"),
            ("wall.example.org", "https://wall.example.org:8443", ""),
            ("evil.example", "http://evil.example", ""),
            ("evil.example", "http://evil.example", "same-origin"),
            ("evil.example", PUBLIC, "same-origin"),
        ],
    )
    async def test_a_page_of_another_origin_does_not(
        self, client: Client, running: Any, host: str, origin: str, site: str
    ) -> None:
        more = {"Sec-Fetch-Site": site} if site else {}
        assert await self.acting(client, running, Host=host, Origin=origin, **more) == (403, 403)

    async def test_programs_on_this_machine_go_on_with_a_token_and_without(self, client: Client) -> None:
        poll = await client.poll()
        assert (await client.vote(poll["id"], "1")).status == 201
        socket = await client.socket(f"/ws/polls/{poll['id']}", token=await client.voter())
        await socket.synced()
        assert "ok" in await socket.act("vote", choices=["2"])

    async def test_what_is_refused_says_where_the_server_is(self, client: Client) -> None:
        answer = await client.ask("POST", "/api/voters", headers={"Host": "evil.example"})
        assert (answer.status, answer.code) == (403, "forbidden")
        assert PUBLIC in answer.json["error"]["message"]

    async def test_a_program_with_a_token_may_come_by_another_name(self, client: Client) -> None:
        headers = {"Host": "hall-server:8888"}
        assert (await client.ask("POST", "/api/walls", {"title": "T"}, token=ADMIN, headers=headers)).status == 201
