"""A kind of poll that another package adds: voted with over every transport and page, as the kinds of Livewall are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from clients import ADMIN, Client
from tornado.ioloop import IOLoop
from watchers import TRANSPORTS, Watcher

import server
from livewall.errors import LivewallError
from livewall.settings import Settings
from livewall.tasks.kinds import kinds as step_kinds
from livewall.voting.kinds import check_kind, kinds
from livewall.voting.recount import recount

INSTALLED = Path(__file__).parents[1] / "installed"
OPTIONS = ["Red", "Green", "Blue"]


@pytest.fixture
def settings(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(INSTALLED)
    kinds.cache_clear()
    step_kinds.cache_clear()
    yield settings
    kinds.cache_clear()
    step_kinds.cache_clear()


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
        "round": 1,
        "counts": {"1": 4, "2": 1, "3": 1},
        "ballots": 2,
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


async def test_the_ballots_of_a_kind_that_was_uninstalled_stand(
    client: Client, running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "Colours"}))["code"]
    poll = await pair(client, wall=wall)
    voter = await client.voter()
    ballot = f"/api/polls/{poll}/ballot"
    assert (await client.ask("PUT", ballot, {"choices": ["1", "3"]}, token=voter)).status == 201
    monkeypatch.undo()
    kinds.cache_clear()
    step_kinds.cache_clear()
    counts = {"1": 2, "2": 0, "3": 1}
    assert (await client.host("GET", f"/api/polls/{poll}"))["tally"]["counts"] == counts
    assert (await client.ask("GET", f"/polls/{poll}")).status == 200
    for refused in (
        await client.ask("PUT", ballot, {"choices": ["1"]}, token=voter),
        await client.ask("DELETE", ballot, token=voter),
    ):
        assert refused.status == 409 and "'pair' is not installed" in refused.json["error"]["message"]
    assert (await client.host("GET", f"/api/polls/{poll}"))["tally"] == {"round": 1, "counts": counts, "ballots": 1}
    with pytest.raises(LivewallError, match="'pair' is not installed"):
        recount(running.services.settings.data / "livewall.db", poll)
    assert "kind: pair" in (await client.ask("GET", f"/api/walls/{wall}/deck.md", token=ADMIN)).body.decode()


@pytest.mark.parametrize(
    ("method", "value"),
    [("max_choices", "two"), ("max_choices", -5), ("check_ballot", ("nope", 5)), ("check_ballot", None)],
)
async def test_what_a_broken_kind_returns_is_not_stored(
    client: Client, monkeypatch: pytest.MonkeyPatch, expected_logs: list[str], method: str, value: Any
) -> None:
    expected_logs += ["is broken", "internal", "500 "]
    if method == "max_choices":
        monkeypatch.setattr(type(kinds()["pair"]), method, lambda *_: value)
        body = {"title": "T", "options": OPTIONS, "kind": "pair"}
        assert (await client.ask("POST", "/api/polls", body, token=ADMIN)).status == 500
        assert not (await client.host("GET", "/api/polls"))["items"]
        return
    poll = await pair(client)
    monkeypatch.setattr(type(kinds()["pair"]), method, lambda *_: value)
    ballot = f"/api/polls/{poll}/ballot"
    assert (await client.ask("PUT", ballot, {"choices": ["1"]}, token=await client.voter())).status == 500
    assert (await client.host("GET", f"/api/polls/{poll}"))["tally"]["ballots"] == 0


async def test_a_kind_that_ends_the_interpreter_ends_neither_the_writer_nor_the_server(
    client: Client, monkeypatch: pytest.MonkeyPatch, expected_logs: list[str]
) -> None:
    def leave(*_: Any) -> Any:
        raise SystemExit(7)

    expected_logs += ["SystemExit", "internal", "500 "]
    poll, other = await pair(client), (await client.poll())["id"]
    monkeypatch.setattr(type(kinds()["pair"]), "check_ballot", leave)
    ballot = f"/api/polls/{poll}/ballot"
    assert (await client.ask("PUT", ballot, {"choices": ["1"]}, token=await client.voter())).status == 500
    assert (await client.vote(other, "1")).status == 201
    assert (await client.ask("GET", "/readyz")).status == 200


async def test_a_broken_setting_of_a_kind_hides_no_other_problem_of_a_deck(
    client: Client, monkeypatch: pytest.MonkeyPatch, expected_logs: list[str]
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    expected_logs += ["is broken", "internal", "500 "]
    monkeypatch.setattr(type(kinds()["pair"]), "read_setting", broken)
    wall = (await client.host("POST", "/api/walls", {"title": "Colours"}))["code"]
    deck = b"## Which?\n- A\n- B\nchoices: zork\n"
    headers = {"Content-Type": "text/markdown"}
    refused = await client.ask("POST", f"/api/walls/{wall}/deck", raw=deck, token=ADMIN, headers=headers)
    assert refused.status == 422


def test_a_kind_that_does_not_exist_is_refused_with_the_names_of_those_that_do() -> None:
    with pytest.raises(LivewallError) as caught:
        check_kind("many")
    assert getattr(caught.value, "fields", None) == {"kind": f"must be one of {', '.join(kinds())}"}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("pair = pair_kind:Absent", "cannot be loaded"),
        ("single = pair_kind:Pair", "two entry points"),
        ("leave = leave_kind:Leave", "cannot be loaded"),
    ],
)
def test_a_kind_that_cannot_be_loaded_is_named(
    io_loop: IOLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str, why: str
) -> None:
    folder = tmp_path / "broken-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(f"[livewall.poll_kinds]\n{entry}\n")
    (tmp_path / "leave_kind.py").write_text("raise SystemExit(7)")
    monkeypatch.syspath_prepend(tmp_path)
    kinds.cache_clear()
    step_kinds.cache_clear()
    try:
        with pytest.raises(LivewallError, match=why):
            kinds()
        with pytest.raises(LivewallError, match=why):  # the server does not start
            io_loop.run_sync(lambda: server.start(Settings(port=0, data=tmp_path / "data")))
    finally:
        monkeypatch.undo()
        kinds.cache_clear()
        step_kinds.cache_clear()
