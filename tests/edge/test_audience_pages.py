"""What the audience's pages say without script, and to browsers that know no modules."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie

import pytest
from conftest import Client

PLACES = {
    "countdown": r'<span id="countdown"([^>]*)>([^<]*)</span>',
    "receipt": r'<div id="receipt"([^>]*)>(.*?)</div>',
}


async def page(client: Client, path: str, **headers: str) -> str:
    answer = await client.ask("GET", path, headers=headers)
    assert answer.status == 200
    return answer.body.decode()


def said(text: str, place: str) -> str:
    """The words of a place of the page; nothing where it is hidden."""
    found = re.search(PLACES[place], text, re.S)
    assert found
    return "" if "hidden" in found[1] else " ".join(re.sub("<[^>]+>", " ", found[2]).split())


@pytest.mark.parametrize("hidden", [False, True])
async def test_a_closed_poll_says_so_and_since_when(client: Client, hidden: bool) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "Forum"}))["code"]
    fields = {"results": "on_publish"} if hidden else {}
    poll = (await client.poll(wall=wall, **fields))["id"]
    await client.host("PUT", f"/api/walls/{wall}", {"active": f"polls/{poll}"})
    addresses = [f"/polls/{poll}", f"/w/{wall}"]
    for address in addresses:
        text = await page(client, address)
        assert said(text, "countdown") == said(text, "receipt") == ""
    await client.host("POST", f"/api/polls/{poll}/close")
    at = (await client.ask("GET", f"/api/polls/{poll}")).json["closed_at"]
    for address in [*addresses, f"/polls/{poll}/screen", f"/w/{wall}/screen"]:
        assert said(await page(client, address), "countdown") == f"closed at {at[11:16]} UTC"
    for address in addresses:
        assert said(await page(client, address), "receipt") == "Voting is closed."
        assert said(await page(client, f"{address}?lang=zh-CN"), "receipt") == "投票已结束。"
    await client.host("POST", f"/api/polls/{poll}/open")
    assert said(await page(client, f"/polls/{poll}"), "countdown") == ""


async def test_who_voted_reads_that_it_was_counted_and_where_ballots_are_erased_nobody_is_told_they_did_not(
    client: Client,
) -> None:
    poll = (await client.poll())["id"]
    first = await client.ask("GET", f"/polls/{poll}")
    cookie = "; ".join(f"{name}={each.value}" for name, each in SimpleCookie(first.headers["Set-Cookie"]).items())
    own = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
    cast = await client.ask("PUT", f"/api/polls/{poll}/ballot", {"choices": ["1"]}, headers=own)
    assert cast.status == 201
    await client.host("POST", f"/api/polls/{poll}/close")
    assert said(await page(client, f"/polls/{poll}", Cookie=cookie), "receipt").startswith("Your ballot was counted.")
    await client.host("DELETE", f"/api/polls/{poll}/ballots")
    text = await page(client, f"/polls/{poll}", Cookie=cookie)
    assert said(text, "receipt") == "" and said(text, "countdown").startswith("closed at ")
