"""Rehearsals in this process, against a server into which a fault was planted: each must be found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from clients import ADMIN, Client

from livewall.client.calls import Server
from livewall.limits import Limit
from livewall.rehearsal.crowd import Crowd
from livewall.rehearsal.network import GOOD
from livewall.rehearsal.observer import Observer
from livewall.rehearsal.report import Limits, Report
from livewall.rehearsal.sequence import Plan, rehearse
from server import Running

AMPLE = Limits(ack=60.0, screen=60.0)


async def rehearsed(client: Client, began: Callable[[Crowd], None] = lambda crowd: None, voters: int = 6) -> Report:
    wanted = Plan(voters=voters, seconds=1.6, screens=2, network=GOOD, seed=3, limits=AMPLE)
    return await rehearse(Server(client.url, ADMIN), wanted, say=lambda text: None, started=began)


def kinds(report: Report) -> set[str]:
    return {fault.kind for fault in report.faults}


def spoil(eyes: Observer, change: Callable[[dict[str, Any]], bool]) -> None:
    """Between the wire and a reader: `change` may alter a message, and says whether it arrives."""
    take = eyes.apply

    def spoilt(message: dict[str, Any]) -> None:
        if change(message):
            take(message)

    eyes.apply = spoilt  # type: ignore[method-assign]


async def test_a_server_that_does_right_passes_and_nothing_is_left(client: Client) -> None:
    report = await rehearsed(client)
    assert report.passed, report.failures()
    assert report.figures.joined == 6 and report.figures.acknowledged_ballots > 6 and report.server() is not None
    assert (await client.host("GET", "/api/walls"))["items"] == []
    assert (await client.host("GET", "/api/polls"))["items"] == []


async def test_a_ballot_that_the_server_lost_is_found(client: Client, running: Running) -> None:
    lost: list[asyncio.Future[Any]] = []

    def began(crowd: Crowd) -> None:
        async def lose() -> None:
            await crowd.run.over.wait()
            await running.services.store.write(
                lambda tx: tx.execute("DELETE FROM choices WHERE receipt = (SELECT MIN(receipt) FROM choices)")
            )

        lost.append(asyncio.ensure_future(lose()))

    report = await rehearsed(client, began)
    await lost[0]
    assert kinds(report) == {"ballot", "count"} and not report.passed


async def test_a_screen_that_shows_something_else_is_found(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livewall.rehearsal.crowd.COMPARE_TIMEOUT", 0.4)  # it is not going to be right

    def one_more(message: dict[str, Any]) -> bool:
        if message.get("key") == "tally" and message["data"]:
            message["data"]["ballots"] += 1
        return True

    report = await rehearsed(client, lambda crowd: spoil(crowd.screens[1], one_more))
    assert kinds(report) == {"screen"} and "screen 2" in report.faults[0].text


async def test_an_event_that_never_came_is_found(client: Client) -> None:
    left_out: list[Any] = []

    def lose_one(message: dict[str, Any]) -> bool:
        if message.get("key") == "poll" and message["data"] and message["data"]["phase"] == "open" and not left_out:
            left_out.append(message)
            return False
        return True

    report = await rehearsed(client, lambda crowd: spoil(crowd.screens[0], lose_one))
    assert left_out and kinds(report) == {"hole"}


async def test_who_is_told_to_wait_waits_and_comes_in(client: Client, running: Running) -> None:
    running.services.limits.on = True
    running.services.limits._new_voters = Limit(4, 2)
    report = await rehearsed(client)
    assert report.passed, report.failures()
    assert report.figures.rate_limited > 0 and report.figures.joined == 6
