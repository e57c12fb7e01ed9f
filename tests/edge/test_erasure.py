"""Ballots erased on demand and after days, against a real server: what goes, what stays, what is said of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from clients import ADMIN, Answer, Client

import server
from handlers.etags import versions_in
from livewall.clock import utc_now
from livewall.purge import Purge
from livewall.settings import Settings
from livewall.voting.erasure import Erasure
from livewall.voting.recount import erased_rounds, recount


async def voted(client: Client, *, close: bool = True, **fields: Any) -> tuple[str, str]:
    """The address of a poll with two ballots, and the receipt of one."""
    here = f"/api/polls/{(await client.poll(**fields))['id']}"
    receipt = await vote(client, here)
    await vote(client, here)
    if close:
        await client.host("POST", f"{here}/close")
    return here, receipt


async def vote(client: Client, here: str) -> str:
    cast = await client.vote(here.rpartition("/")[2], "2")
    assert cast.status == 201
    return str(cast.json["receipt"])


async def erase(client: Client, here: str, **options: Any) -> Answer:
    return await client.ask("DELETE", f"{here}/ballots", token=ADMIN, **options)


async def rows_of(running: server.Running, here: str) -> tuple[int, int]:
    """How many ballots and marks of a poll are in the database; marks of nobody would be found, too."""
    id = here.rpartition("/")[2]

    def ask(asks: Any) -> tuple[int, int]:
        [ballots] = asks.execute("SELECT COUNT(*) FROM ballots WHERE poll = :id", {"id": id}).fetchone()
        [all_ballots] = asks.execute("SELECT COUNT(*) FROM ballots").fetchone()
        [marks] = asks.execute("SELECT COUNT(*) FROM choices").fetchone()
        return ballots, marks - (all_ballots - ballots)

    return await running.services.store.read(ask)


async def test_ballots_go_and_counts_stay(client: Client, running: server.Running) -> None:
    here, _ = await voted(client)
    other, _ = await voted(client)
    before = (await client.host("GET", here))["tally"]
    erased = await erase(client, here)
    assert erased.status == 200 and erased.json["erased_at"] and erased.json["phase"] == "closed"
    found = await client.ask("GET", here, token=ADMIN)
    assert found.json["tally"] == before == {"round": 1, "counts": {"1": 0, "2": 2}, "ballots": 2}
    assert found.json["erased_at"] == erased.json["erased_at"]
    assert versions_in(found.headers["ETag"]) == versions_in(erased.headers["ETag"])
    assert await rows_of(running, here) == (0, 0)
    assert await rows_of(running, other) == (2, 2)
    line = (await client.host("GET", "/api/audit?limit=1"))["items"][0]
    assert (line["act"], line["about"], line["detail"]) == ("poll.erase", here[5:], {"rounds": [1]})


async def test_once_more_is_fine_and_changes_nothing(client: Client) -> None:
    here, _ = await voted(client)
    first, second = await erase(client, here), await erase(client, here)
    assert (second.status, second.body, second.headers["ETag"]) == (200, first.body, first.headers["ETag"])
    acts = [line["act"] for line in (await client.host("GET", "/api/audit"))["items"]]
    assert acts.count("poll.erase") == 1


async def test_receipts_are_unknown_and_exports_say_why(client: Client) -> None:
    here, receipt = await voted(client)
    await erase(client, here)
    asked = await client.ask("GET", f"{here}/receipts/{receipt}")
    assert (asked.status, asked.code) == (404, "not_found")
    table = await client.ask("GET", f"{here}/ballots.csv", token=ADMIN)
    assert table.body == b"receipt,round,choices\r\n"
    at = (await client.host("GET", here))["erased_at"]
    assert table.headers["Livewall-Ballots-Erased"] == f"round 1 at {at}"
    assert "-erased.csv" in table.headers["Content-Disposition"]
    results = await client.host("GET", f"{here}/results.json")
    assert results["erased"] == [{"round": 1, "at": at}] and results["ballot_days"] is None
    assert results["rounds"] == [{"round": 1, "counts": {"1": 0, "2": 2}, "ballots": 2}]


async def test_a_voter_has_no_ballot_any_more(client: Client) -> None:
    here, voter = f"/api/polls/{(await client.poll())['id']}", await client.voter()
    await client.ask("PUT", f"{here}/ballot", {"choices": ["1"]}, token=voter)
    await client.host("POST", f"{here}/close")
    await erase(client, here)
    assert (await client.ask("GET", here, token=voter)).json["ballot"] is None
    assert (await client.ask("PUT", f"{here}/ballot", {"choices": ["1"]}, token=voter)).code == "closed"


@pytest.mark.parametrize("phase", ["draft", "open"])
async def test_only_a_closed_poll_s_ballots_are_erased(client: Client, running: server.Running, phase: str) -> None:
    here, _ = await voted(client, close=False)
    if phase == "draft":
        here = f"/api/polls/{(await client.poll(open=False))['id']}"
    refused = await erase(client, here)
    assert (refused.status, refused.code) == (409, "conflict")
    assert (await rows_of(running, here))[0] == (0 if phase == "draft" else 2)


async def test_who_saw_an_older_poll_erases_nothing(client: Client, running: server.Running) -> None:
    here, _ = await voted(client)
    assert (await erase(client, here, headers={"If-Match": '"1"'})).code == "conflict"
    assert (await rows_of(running, here))[0] == 2


async def test_an_erased_round_is_not_opened_again_and_a_new_one_is(client: Client, running: server.Running) -> None:
    here, old = await voted(client)
    await erase(client, here)
    again = await client.ask("POST", f"{here}/open", {}, token=ADMIN)
    assert (again.status, again.code) == (409, "conflict")
    assert "erased_at" not in await client.host("POST", f"{here}/reset", {"round": 1})
    await client.host("POST", f"{here}/open")
    receipt = await vote(client, here)
    assert (await client.host("GET", f"{here}/receipts/{receipt}"))["round"] == 2
    assert (await client.ask("GET", f"{here}/receipts/{old}", token=ADMIN)).status == 404
    rows = (await client.ask("GET", f"{here}/ballots.csv", token=ADMIN)).body.decode().splitlines()
    assert rows[1:] == [f"{receipt},2,2"]
    database, id = running.app.folder.database, here.rpartition("/")[2]
    [found] = await asyncio.to_thread(recount, database, id)
    assert (found.round, found.agrees, found.counted.ballots) == (2, True, 1)
    assert list(await asyncio.to_thread(erased_rounds, database, id)) == [1]
    await client.host("POST", f"{here}/close")
    assert (await erase(client, here)).json["erased_at"]
    assert await rows_of(running, here) == (0, 0)
    assert [r["round"] for r in (await client.host("GET", f"{here}/results.json"))["erased"]] == [1, 2]


async def test_earlier_rounds_go_while_the_next_one_is_a_draft(client: Client, running: server.Running) -> None:
    here, _ = await voted(client)
    await client.host("POST", f"{here}/reset", {"round": 1})
    assert "erased_at" not in (await erase(client, here)).json
    assert await rows_of(running, here) == (0, 0)


async def test_readers_are_told(client: Client) -> None:
    here, _ = await voted(client)
    socket = await client.socket(f"/ws{here[4:]}")
    await socket.synced()
    await erase(client, here)
    [*_, event] = await socket.until(lambda m: m.get("key") == "poll")
    assert event["data"]["erased_at"]


async def test_more_ballots_than_one_batch_go(
    client: Client, running: server.Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livewall.voting.erasure.BATCH", 2)
    here = f"/api/polls/{(await client.poll(kind='multi', max_choices=2))['id']}"
    for _ in range(5):
        token = await client.voter()
        await client.ask("PUT", f"{here}/ballot", {"choices": ["1", "2"]}, token=token)
    await client.host("POST", f"{here}/close")
    assert await rows_of(running, here) == (5, 10)
    await erase(client, here)
    assert await rows_of(running, here) == (0, 0)


# -- so many days after closing


def after(running: server.Running, days: float) -> Erasure:
    """What erases after thirty days, so many days from now."""
    return Erasure(running.services.store, lambda: utc_now() + timedelta(days=days), days=30)


async def test_ballots_are_erased_when_their_time_is_over_and_not_before(
    client: Client, running: server.Running
) -> None:
    here, _ = await voted(client)
    await after(running, 29.9).purge()
    assert (await rows_of(running, here))[0] == 2
    await after(running, 30.1).purge()
    assert await rows_of(running, here) == (0, 0)
    found = await client.host("GET", here)
    assert found["erased_at"] and found["tally"]["ballots"] == 2
    line = (await client.host("GET", "/api/audit?limit=1"))["items"][0]
    assert (line["act"], line["role"], line["about"]) == ("poll.erase", "system", here[5:])


async def test_an_open_poll_keeps_its_ballots_also_when_it_was_closed_before(
    client: Client, running: server.Running
) -> None:
    here, _ = await voted(client)
    await client.host("POST", f"{here}/open")
    await after(running, 400).purge()
    assert (await rows_of(running, here))[0] == 2


async def test_a_round_that_is_over_goes_while_the_next_one_is_open(client: Client, running: server.Running) -> None:
    here, _ = await voted(client)
    await client.host("POST", f"{here}/reset", {"round": 1})
    await client.host("POST", f"{here}/open")
    await vote(client, here)
    await after(running, 31).purge()
    assert (await rows_of(running, here))[0] == 1
    found = await client.host("GET", here)
    assert "erased_at" not in found and found["tally"]["ballots"] == 1


@pytest.mark.parametrize("close", [True, False])
async def test_archived_polls_are_not_forgotten(client: Client, running: server.Running, close: bool) -> None:
    here, _ = await voted(client, close=close)
    await client.host("DELETE", here)
    await after(running, 31).purge()
    assert await rows_of(running, here) == (0, 0)
    assert (await client.ask("GET", here, token=ADMIN)).status == 404
    back = await client.host("POST", f"{here}/restore")
    assert back["phase"] == "closed" and back["erased_at"]


async def test_an_archived_poll_can_be_erased_on_demand(client: Client, running: server.Running) -> None:
    here, _ = await voted(client, close=False)
    await client.host("DELETE", here)
    assert (await erase(client, here)).status == 200
    assert await rows_of(running, here) == (0, 0)


async def test_a_poll_put_back_open_takes_its_ballots_with_it(client: Client, running: server.Running) -> None:
    here, _ = await voted(client, close=False)
    await client.host("DELETE", here)
    await client.host("POST", f"{here}/restore")
    await after(running, 31).purge()
    assert (await rows_of(running, here))[0] == 2


async def test_a_sweep_that_failed_is_said_and_does_not_keep_the_server_from_its_end(
    running: server.Running, expected_logs: list[str]
) -> None:
    expected_logs.append("could not be erased")

    def broken() -> datetime:
        raise OSError("no time")

    purge = Purge("ballots", Erasure(running.services.store, broken, days=30).purge)
    purge.soon()
    while not purge._running or not purge._running.done():
        await asyncio.sleep(0.001)
    await purge.close()


async def test_without_days_nothing_is_erased(client: Client, running: server.Running) -> None:
    here, _ = await voted(client)
    await Erasure(running.services.store, lambda: utc_now() + timedelta(days=9999), days=None).purge()
    assert (await rows_of(running, here))[0] == 2


class TestWhereItIsSet:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, ballot_days=30)

    async def test_the_vote_page_and_the_export_state_it(self, client: Client) -> None:
        here, receipt = await voted(client, close=False)
        said = "Ballots are erased 30 days after voting closes. The counts are kept."
        assert said in (await client.ask("GET", here[4:])).body.decode()
        assert (await client.host("GET", f"{here}/results.json"))["ballot_days"] == 30
        await client.host("POST", f"{here}/close")
        await erase(client, here)
        text = (await client.ask("GET", f"{here[4:]}?receipt={receipt}")).body.decode()
        date = (await client.host("GET", here))["erased_at"][:10]
        assert said not in text and f"The ballots were erased on {date}. The counts are kept." in text
        assert f"The ballots were erased on {date}, together with their receipts" in text

    async def test_the_desk_states_it_and_has_the_button(self, client: Client, running: server.Running) -> None:
        here, _ = await voted(client)
        desk = (await client.ask("GET", "/", token=ADMIN)).body.decode()
        assert "Ballots are erased 30 days after voting closes" in desk and 'value="erase"' in desk
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        form = {"raw": b"do=erase", "headers": headers, "token": ADMIN}
        sent = await client.ask("POST", f"/desk/polls/{here.rpartition('/')[2]}", **form)
        assert sent.status == 303 and "done=erase" in sent.headers["Location"]
        assert await rows_of(running, here) == (0, 0)
        desk = (await client.ask("GET", sent.headers["Location"], token=ADMIN)).body.decode()
        assert "The ballots are erased." in desk and "ballots erased on " in desk
        assert 'value="erase"' not in desk and 'name="do" value="open"' not in desk
