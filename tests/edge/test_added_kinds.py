"""A kind of poll that another package adds: voted with over every transport and page, as the kinds of Livewall are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from conftest import ADMIN, Client
from watchers import TRANSPORTS, Watcher

from livewall.errors import LivewallError
from livewall.voting.kinds import check_kind, kinds

INSTALLED = Path(__file__).parents[1] / "installed"
OPTIONS = ["Red", "Green", "Blue"]


@pytest.fixture
def settings(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(INSTALLED)
    kinds.cache_clear()
    yield settings
    kinds.cache_clear()


async def pair(client: Client, **fields: Any) -> str:
    return str((await client.poll(title="Which two?", options=OPTIONS, kind="pair", **fields))["id"])


def form(**fields: Any) -> dict[str, Any]:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    return {"raw": urlencode(fields, doseq=True).encode(), "headers": headers}


async def test_every_transport_shows_what_every_way_of_voting_counts(client: Client) -> None:
    poll = await pair(client)
    watchers = [Watcher(client.url, transport, f"polls/{poll}", token=ADMIN) for transport in TRANSPORTS]
    for watcher in watchers:
        watcher.start()
    # by HTTP
    answer = await client.ask("PUT", f"/api/polls/{poll}/ballot", {"choices": ["2", "1"]}, token=await client.voter())
    assert answer.status == 201 and answer.json["choices"] == ["1", "2"]
    # by WebSocket, changed once
    socket = await client.socket(f"/ws/polls/{poll}", token=await client.voter())
    assert (await socket.act("vote", choices=["1", "3"]))["ok"]["choices"] == ["1", "3"]
    assert (await socket.act("vote", "2", choices=["2", "3"]))["ok"]["choices"] == ["2", "3"]
    # by the form of a page without script
    page = await client.ask("GET", f"/polls/{poll}")
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    token = re.search(r'name="_form" value="([^"]+)"', page.body.decode())
    assert token
    sent = form(_form=token[1], next=f"/polls/{poll}", round=1, choices=["1", "3"])
    sent["headers"]["Cookie"] = cookie
    assert (await client.ask("POST", f"/polls/{poll}/ballot", **sent)).status == 303
    wanted = {"round": 1, "counts": {"1": 4, "2": 3, "3": 2}, "ballots": 3}
    for watcher in watchers:
        await watcher.until(lambda held: held.state.get("tally") == wanted)
        await watcher.stop()
    # taken back, by both
    assert "ok" in await socket.act("retract", "3")
    assert (await client.host("GET", f"/api/polls/{poll}"))["tally"] == {
        "round": 1, "counts": {"1": 4, "2": 1, "3": 1}, "ballots": 2,
    }


async def test_a_ballot_that_the_kind_refuses_is_refused_everywhere(client: Client) -> None:
    poll = await pair(client)
    answer = await client.ask("PUT", f"/api/polls/{poll}/ballot", {"choices": ["1"]}, token=await client.voter())
    assert answer.status == 422 and answer.json["error"]["fields"] == {"choices": "choose exactly two"}
    socket = await client.socket(f"/ws/polls/{poll}", token=await client.voter())
    assert (await socket.act("vote", choices=["1"]))["error"]["fields"] == {"choices": "choose exactly two"}
    assert (await client.host("GET", f"/api/polls/{poll}"))["tally"]["ballots"] == 0


async def test_it_is_drawn_printed_exported_and_put_into_a_deck(client: Client) -> None:
    poll = await pair(client)
    await client.ask("PUT", f"/api/polls/{poll}/ballot", {"choices": ["1", "3"]}, token=await client.voter())
    page = (await client.ask("GET", f"/polls/{poll}")).body.decode()
    assert page.count('type="checkbox" name="choices"') == 3 and "Choose up to 2." in page
    assert '"kinds": {"pair": "multi"}' in page or '"kinds":{"pair":"multi"}' in page
    await client.host("POST", f"/api/polls/{poll}/close")
    screen = (await client.ask("GET", f"/polls/{poll}/screen")).body.decode()
    assert "up to 2 choices" in screen
    for path in (f"/polls/{poll}/print", f"/api/polls/{poll}/results.svg", f"/api/polls/{poll}/race.svg"):
        answer = await client.ask("GET", path, token=ADMIN)
        assert answer.status == 200 and "Red" in answer.body.decode(), path
    csv = (await client.ask("GET", f"/api/polls/{poll}/ballots.csv", token=ADMIN)).body.decode().split("\r\n")
    assert csv[0] == "receipt,round,higher,lower" and csv[1].endswith(",1,1,3")
    results = await client.host("GET", f"/api/polls/{poll}/results.json")
    assert results["rounds"] == [{"round": 1, "counts": {"1": 2, "2": 0, "3": 1}, "ballots": 1}]
    wall = (await client.host("POST", "/api/walls", {"title": "Colours"}))["code"]
    deck = b"## Which two?\n- Red\n- Green\n- Blue\nchoices: a pair\n"
    headers = {"Content-Type": "text/markdown"}
    made = (await client.ask("POST", f"/api/walls/{wall}/deck", raw=deck, token=ADMIN, headers=headers)).json["polls"]
    assert (made[0]["kind"], made[0]["max_choices"]) == ("pair", 2)
    text = (await client.ask("GET", f"/api/walls/{wall}/deck.md", token=ADMIN)).body.decode()
    assert "choices: a pair" in text


async def test_hosts_choose_it_in_the_form_of_a_poll(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "Colours"}))["code"]
    page = (await client.ask("GET", f"/w/{wall}/host", token=ADMIN)).body.decode()
    assert '<option value="pair">pair</option>' in page
    sent = form(title="Which two?", options="\n".join(OPTIONS), kind="pair", results="live", wall=wall)
    assert (await client.ask("POST", "/desk/polls", token=ADMIN, **sent)).status == 303
    [item] = (await client.host("GET", f"/api/walls/{wall}"))["items"]
    made = await client.host("GET", f"/api/{item}")
    assert (made["kind"], made["max_choices"]) == ("pair", 2)


async def test_a_poll_whose_kind_was_uninstalled_is_shown_and_takes_no_ballot(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = await pair(client)
    voter = await client.voter()
    assert (await client.ask("PUT", f"/api/polls/{poll}/ballot", {"choices": ["1", "3"]}, token=voter)).status == 201
    monkeypatch.undo()
    kinds.cache_clear()
    await asyncio.sleep(0)
    assert (await client.host("GET", f"/api/polls/{poll}"))["tally"]["counts"] == {"1": 2, "2": 0, "3": 1}
    assert (await client.ask("GET", f"/polls/{poll}")).status == 200
    refused = await client.ask("PUT", f"/api/polls/{poll}/ballot", {"choices": ["1"]}, token=voter)
    assert refused.status == 409 and "'pair'" in refused.json["error"]["message"]


def test_a_kind_that_does_not_exist_is_refused_by_its_name() -> None:
    with pytest.raises(LivewallError) as caught:
        check_kind("many")
    assert getattr(caught.value, "fields", None) == {"kind": "must not be 'many': there is no such choice"}


@pytest.mark.parametrize(
    ("entry", "why"),
    [("pair = pair_kind:Absent", "cannot be loaded"), ("single = pair_kind:Pair", "two entry points")],
)
def test_a_kind_that_cannot_be_loaded_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str, why: str
) -> None:
    folder = tmp_path / "broken-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(f"[livewall.poll_kinds]\n{entry}\n")
    monkeypatch.syspath_prepend(tmp_path)
    kinds.cache_clear()
    try:
        with pytest.raises(LivewallError, match=why):
            kinds()
    finally:
        monkeypatch.undo()
        kinds.cache_clear()
