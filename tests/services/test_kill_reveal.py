"""A server that ends in the middle of a reveal, asked to or not: afterwards what is stored is what everybody shows, on
every transport and on the projector's page, and what was answered is stored."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from child_server import Server
from crowd import Line, Lost
from watchers import TRANSPORTS, Watcher

pytest_plugins = ("server_fixtures",)

MOMENTS = ("as it is asked", "a little later", "as it is answered")


async def publish(server: Server, poll: str, end: Callable[[], None], moment: str, pause: float) -> bool:
    """Ask for the reveal, and let the server end at that moment; whether it was answered."""
    line = Line(server.url)
    late: list[asyncio.TimerHandle] = []

    def asked() -> None:
        if moment == MOMENTS[0]:
            end()
        elif moment == MOMENTS[1]:
            late.append(asyncio.get_running_loop().call_later(pause, end))

    answered = False
    with contextlib.suppress(Lost, OSError):
        status, found = await line.ask(
            "POST", f"/api/polls/{poll}/publish", {"published": True}, token=server.admin, sent=asked
        )
        assert (status, found.get("published")) == (200, True) or status == 503, (status, found)
        answered = status == 200
    line.close()
    if moment == MOMENTS[2]:
        end()
    assert server.process is not None
    await asyncio.to_thread(server.process.wait)
    return answered


def page(server: Server, poll: str) -> str:
    with urllib.request.urlopen(f"{server.url}/polls/{poll}/screen", timeout=20) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_all_show_what_is_stored_after_a_reveal_that_was_cut_short(
    child: Server, chance: random.Random, say: Callable[[str], None], how: signal.Signals
) -> None:
    poll = child.poll(results="on_publish")
    voters = [child.voter() for _ in TRANSPORTS]
    for number, voter in enumerate(voters):
        assert child.vote(poll, "12"[number % 2], voter)[0] == 201
    tally = {"round": 1, "counts": {"1": 2, "2": 2}, "ballots": 4}
    watchers = [
        Watcher(child.url, transport, f"polls/{poll}", token=token, query=query)
        for transport, voter in zip(TRANSPORTS, voters, strict=True)
        for token, query in ((voter, ""), (None, "&as=audience"))
    ]
    for watcher in watchers:
        watcher.pause = 0.05
        watcher.start()

    async def agree() -> dict[str, Any]:
        """All hold what is stored, and the page of the projector begins with it."""
        stored: dict[str, Any] = child.host("GET", f"/api/polls/{poll}")
        told = ("published", "reveal_at")
        for watcher in watchers:
            await watcher.until(
                lambda c: (
                    all((c.state.get("poll") or {}).get(key) == stored.get(key) for key in told)
                    and c.state.get("tally") == (tally if stored["published"] else None)
                )
            )
        assert ("50%" in page(child, poll)) is stored["published"]
        return stored

    def end() -> None:
        assert child.process is not None
        child.process.send_signal(how)

    try:
        for moment in MOMENTS:
            assert not (await agree())["published"]
            answered = await publish(child, poll, end, moment, chance.uniform(0, 0.02))
            await asyncio.to_thread(child.start)
            stored = await agree()
            say(f"{how.name} {moment}: answered {answered}, stored {stored['published']}")
            assert stored["published"] or not answered
            again = child.host("POST", f"/api/polls/{poll}/publish", {"published": True})
            assert again["reveal_at"] == stored.get("reveal_at", again["reveal_at"]), "what was shown is not shown anew"
            await agree()
            child.host("POST", f"/api/polls/{poll}/publish", {"published": False})
    finally:
        for watcher in watchers:
            await watcher.stop()
