"""What the audience's pages say without script, and to browsers that know no modules."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie

import pytest
from clients import ADMIN, Client

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


def lobby(text: str) -> list[str]:
    """The lines of what is said where there is nothing to vote on."""
    found = re.search(r'<section class="lobby">(.*?)</section>', text, re.S)
    assert found
    return [line for line in re.sub("<[^>]+>", "\n", found[1]).split("\n") if line]


async def asked(client: Client, wall: str, **fields: str) -> str:
    """A poll of the wall that was asked and is closed."""
    poll = str((await client.poll(wall=wall, **fields))["id"])
    await client.host("POST", f"/api/polls/{poll}/close")
    return poll


async def test_at_the_end_of_a_wall_a_phone_is_led_to_the_results(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "Forum"}))["code"]
    nothing = ["Nothing to vote on yet", "Stay on this page: the question appears here by itself."]
    assert lobby(await page(client, f"/w/{wall}")) == nothing
    first = await asked(client, wall)
    await client.host("PUT", f"/api/walls/{wall}", {"active": f"polls/{first}"})
    assert 'class="lobby"' not in await page(client, f"/w/{wall}")
    await client.host("PUT", f"/api/walls/{wall}", {"active": None})
    text = await page(client, f"/w/{wall}")
    rest = "If another one follows, it appears here by itself."
    assert lobby(text) == ["Forum", "All questions have been asked", "See all results", rest]
    assert f'href="/w/{wall}/print"' in text and (await client.ask("GET", f"/w/{wall}/print")).status == 200
    assert "查看全部结果" in lobby(await page(client, f"/w/{wall}?lang=zh-CN"))
    await client.poll(wall=wall, open=False)
    assert lobby(await page(client, f"/w/{wall}")) == nothing


async def test_where_no_result_is_public_there_is_nothing_to_lead_to_for_hosts_either(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "Forum"}))["code"]
    poll = await asked(client, wall, title="Secret?", results="on_publish")
    for token in (None, ADMIN):
        text = (await client.ask("GET", f"/w/{wall}", token=token)).body.decode()
        assert "The results have not been published." in lobby(text) and "/print" not in text and "Secret?" not in text
    await client.host("POST", f"/api/polls/{poll}/publish", {"published": True})
    assert f'href="/w/{wall}/print"' in await page(client, f"/w/{wall}")
