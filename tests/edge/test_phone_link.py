"""A phone is signed in from a laptop, and led to the wall it is to steer."""

from __future__ import annotations

import logging
import re

import pytest
from clients import ADMIN, Answer, Client

from handlers.pages.login import local_path

OWN = {"Sec-Fetch-Site": "same-origin"}


async def shown(client: Client, wall: str, token: str = ADMIN) -> Answer:
    return await client.ask("POST", f"/w/{wall}/phone", raw=b"", token=token, headers=OWN)


async def test_the_link_signs_a_phone_in_once_and_leads_to_the_wall(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    answer = await shown(client, wall)
    found = re.search(r'href="http://[^/"]+(/login/[^"]+)"', answer.body.decode())
    assert answer.status == 200 and found and "<svg" in answer.body.decode()
    assert found[1].endswith(f"?next=/w/{wall}/host")
    signed = await client.ask("POST", found[1], raw=b"", headers=OWN)
    assert (signed.status, signed.headers["Location"]) == (303, f"/w/{wall}/host")
    held = {"Cookie": signed.headers["Set-Cookie"].partition(";")[0]}
    assert (await client.ask("GET", f"/w/{wall}/host", headers=held)).status == 200
    assert (await client.ask("POST", found[1], raw=b"", headers=OWN)).status == 403


async def test_the_link_is_kept_nowhere(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    answer = await shown(client, wall)
    code = re.findall(r"/login/([\w-]+)", answer.body.decode())[0]
    assert answer.headers["Cache-Control"] == "no-store"
    told = await client.ask("GET", "/api/audit", token=ADMIN)
    assert code not in caplog.text and code not in told.body.decode() and "login.link" in told.body.decode()


async def test_only_a_host_gets_a_link_and_only_by_a_form_of_ours(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    assert (await shown(client, wall, await client.token("operator"))).status == 403
    assert (await client.ask("POST", f"/w/{wall}/phone", raw=b"", headers=OWN)).status == 401
    assert (await shown(client, "ZZZZZZ")).status == 404
    host = await client.ask("POST", f"/login/{await link(client)}", raw=b"", headers=OWN)
    held = {"Cookie": host.headers["Set-Cookie"].partition(";")[0]}
    foreign = await client.ask("POST", f"/w/{wall}/phone", raw=b"", headers=held | {"Sec-Fetch-Site": "cross-site"})
    assert foreign.status == 403 and b"/login/" not in foreign.body
    again = await client.ask("GET", f"/w/{wall}/phone", headers=held)
    assert (again.status, again.headers["Location"]) == (302, f"/w/{wall}/host")


async def link(client: Client) -> str:
    made = await client.host("POST", "/api/logins", {"role": "host"})
    return str(made["link"]).partition("/login/")[2]


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:1", "/a b", "/%2f/x", "", "/?a=b"]
)
def test_nobody_is_led_to_another_site(path: str) -> None:
    assert local_path(path) == "/"


def test_one_is_led_on_to_a_page_of_ours() -> None:
    assert local_path("/w/K7M2QD/host") == "/w/K7M2QD/host"


async def test_a_link_with_a_foreign_address_leads_to_the_start(client: Client) -> None:
    path = f"/login/{await link(client)}?next=//evil.example/"
    assert (await client.ask("POST", path, raw=b"", headers=OWN)).headers["Location"] == "/"
