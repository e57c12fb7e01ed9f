"""A valid link, token or code is never refused because others were not; only invalid ones are counted."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest
from clients import ADMIN, Client

OWN = {"Sec-Fetch-Site": "same-origin"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(autouse=True)
def limited(running: Any) -> None:
    running.services.limits.on = True


async def link(client: Client) -> str:
    return str((await client.host("POST", "/api/logins", {"role": "host"}))["link"]).partition("/login/")[2]


async def test_a_right_link_signs_in_after_any_number_of_wrong_ones(client: Client) -> None:
    answers = [await client.ask("POST", f"/login/wrong{n}", raw=b"", headers=OWN) for n in range(60)]
    assert {answer.status for answer in answers} == {403, 429}
    assert answers[-1].status == 429 and int(answers[-1].headers["Retry-After"]) >= 1
    right = await client.ask("POST", f"/login/{await link(client)}", raw=b"", headers=OWN)
    assert right.status == 303 and "Set-Cookie" in right.headers


async def test_a_pasted_token_signs_in_after_any_number_of_wrong_ones(client: Client) -> None:
    async def pasted(token: str) -> int:
        body = urlencode({"token": token}).encode()
        return (await client.ask("POST", "/", raw=body, headers={**FORM, **OWN})).status

    assert {await pasted(f"wrong{n}") for n in range(60)} == {401, 429}
    assert await pasted(ADMIN) == 303


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Origin": "http://evil.example"}, b""),
        ({"Sec-Fetch-Site": "cross-site"}, b""),
        ({}, b"_form=wrong"),
        ({}, b""),
    ],
)
async def test_what_is_refused_as_foreign_is_not_counted(client: Client, headers: dict[str, str], body: bytes) -> None:
    for path in ("/login/wrong", "/"):
        for _ in range(60):
            answer = await client.ask("POST", path, raw=body, headers={**FORM, **headers})
            assert (answer.status, "foreign" in headers) == (403, False)
    assert (await client.ask("POST", "/login/wrong", raw=b"", headers=OWN)).status == 403
    right = await client.ask("POST", f"/login/{await link(client)}", raw=b"", headers=OWN)
    assert right.status == 303


async def test_a_right_bearer_token_works_after_any_number_of_wrong_ones(client: Client) -> None:
    wrong = await asyncio.gather(*(client.ask("GET", "/api/polls", token=f"wrong{n}") for n in range(60)))
    assert {answer.status for answer in wrong} == {401}
    assert (await client.ask("GET", "/api/polls", token=ADMIN)).status == 200


async def test_a_right_wall_code_leads_on_after_any_number_of_wrong_ones(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livewall.limits.LONGEST_DELAY", 0.0)
    code = (await client.host("POST", "/api/walls", {"title": "T"}))["code"]
    wrong = await asyncio.gather(*(client.ask("GET", f"/w?code=K7M2{a}{b}") for a in "ABCDEF" for b in "ABCDEFGHJK"))
    assert {answer.status for answer in wrong} <= {404, 429}
    assert (await client.ask("GET", f"/w?code={code}")).status == 303
