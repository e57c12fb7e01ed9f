"""The hub on a loop: whoever waits for the store gets an answer, whatever else goes on and whatever becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

import pytest
from tornado.ioloop import IOLoop

from livewall.errors import Busy, LivewallError, NotFound
from livewall.hub import hub as hub_module
from livewall.hub import log as log_module
from livewall.hub.framing import JsonFraming
from livewall.hub.live_hub import LiveHub
from livewall.hub.load_requests import Loaded
from livewall.hub.log import Event
from livewall.hub.position import View
from livewall.hub.reader import Reader

NAME = "polls/a"


class Everyone:
    """A rule under which all see all."""

    keys: Mapping[str, Any] = {}

    def view(self, state: Any, who: Any, viewer_state: Any) -> View:
        return View.FULL

    def needs_viewer_state(self, state: Any, who: Any) -> bool:
        return bool(who == "voter")

    async def load_viewer_state(self, name: str, who: Any) -> Any:
        raise ZeroDivisionError

    def viewer_tag(self, name: str, who: Any) -> str | None:
        return None


class Streams:
    """A store that answers what it is told to."""

    def __init__(self) -> None:
        self.loads: Callable[[str], Loaded | None] = lambda name: Loaded(1, {View.FULL: 1}, [Event(1, "a", "1", 3)])
        self.waits = asyncio.Event()
        self.waits.set()

    async def load(self, name: str) -> Loaded | None:
        await self.waits.wait()
        return self.loads(name)

    async def since(self, name: str, view: View, n: int) -> list[Event] | None:
        raise ZeroDivisionError


class Collector:
    framing = JsonFraming()

    def __init__(self) -> None:
        self.text = ""

    def send(self, data: bytes) -> int:
        self.text += data.decode()
        return len(data)

    def keep(self, rest: bytes) -> None: ...

    def watch(self) -> None: ...

    def ended(self, stream: str, error: LivewallError) -> None: ...

    def lost(self) -> None: ...


class Live(LiveHub):
    def __init__(self) -> None:
        self.store = Streams()
        super().__init__(
            "e1",
            {"polls": Everyone(), "own": Everyone()},
            self.store,
            now=lambda: "T",
            clock=float,
            cpu_clock=float,
            personal={"own/me": lambda who: f"own/of-{who}"},
        )


async def come(live: LiveHub, who: Any = None, name: str = NAME) -> Collector:
    outlet = Collector()
    reader = Reader(outlet, who)
    await live.attach(reader, name, None)
    live.hub.start(reader)
    await live.settled(reader)
    return outlet


def fail(name: str) -> Loaded | None:
    raise ZeroDivisionError


async def test_a_stream_is_opened_while_another_never_comes_to_rest(io_loop: IOLoop) -> None:
    live = Live()
    for _ in range(5):
        await come(live)
    seq = 1

    def more() -> None:
        nonlocal seq
        seq += 1
        live.publish(NAME, [Event(seq, "a", "2", 3)])

    with patch.object(hub_module, "SNAPSHOTS_PER_TURN", 1):
        step = live._step
        live._step = lambda work: (more(), step(work))[1]  # type: ignore[method-assign]
        more()
        outlet = await asyncio.wait_for(come(live, name="polls/b"), 5)
        live._step = step  # type: ignore[method-assign]
    assert '"synced":true' in outlet.text
    await live.idle()


async def test_a_store_that_fails_in_an_unheard_of_way_is_an_answer(io_loop: IOLoop, expected_logs: list[str]) -> None:
    expected_logs.append("is not known")
    live = Live()
    good = live.store.loads
    live.store.loads = fail
    with pytest.raises(Busy):
        await asyncio.wait_for(live.open(NAME), 5)
    live.store.loads = good
    assert (await live.open(NAME)).seq == 1
    await live.idle()


async def test_what_the_store_does_not_have_is_not_found_by_all_who_wait(io_loop: IOLoop) -> None:
    live = Live()
    live.store.loads = lambda name: None
    found = await asyncio.gather(live.open(NAME), live.open(NAME), return_exceptions=True)
    assert [type(f) for f in found] == [NotFound, NotFound]
    await live.idle()


async def test_who_gives_up_waiting_does_not_take_the_stream_from_others(io_loop: IOLoop) -> None:
    live = Live()
    live.store.waits.clear()
    first, second = asyncio.ensure_future(live.open(NAME)), asyncio.ensure_future(live.open(NAME))
    await asyncio.sleep(0)
    first.cancel()
    live.store.waits.set()
    assert (await second).seq == 1
    await live.idle()


async def test_a_stream_that_began_while_the_store_was_asked_is_found(io_loop: IOLoop) -> None:
    live = Live()
    live.store.loads = lambda name: None
    live.store.waits.clear()
    waiting = asyncio.ensure_future(live.open(NAME))
    await asyncio.sleep(0)
    live.publish(NAME, [Event(1, "a", "1", 3)])
    live.store.waits.set()
    assert (await waiting).seq == 1
    await live.idle()


async def test_a_backfill_that_fails_is_a_reset(io_loop: IOLoop, expected_logs: list[str]) -> None:
    expected_logs.append("is not known")
    live = Live()
    with patch.object(log_module, "WINDOW", 2):
        outlet = await come(live)
        live.publish(NAME, [Event(n, f"message/{n - 1}", "1", 3) for n in range(2, 9)])
        await live.idle()
    assert outlet.text.count('"reset":true') == 2
    assert outlet.text.rstrip(",").endswith('"now":"T"}')


async def test_facts_that_cannot_be_asked_for_show_less_and_hold_nobody_up(
    io_loop: IOLoop, expected_logs: list[str]
) -> None:
    expected_logs.append("is not known")
    outlet = await asyncio.wait_for(come(Live(), "voter"), 5)
    assert '"synced":true' in outlet.text


async def test_everybody_asks_for_a_personal_stream_by_the_same_name_and_gets_their_own(io_loop: IOLoop) -> None:
    live = Live()
    live.store.loads = lambda name: None
    readers = {who: await come(live, who, "own/me") for who in ("ann", "bo")}
    assert all('"stream":"own/me","reset":true' in reader.text for reader in readers.values()), "it exists at once"
    live.publish("own/of-ann", [Event(1, "a", "7", 3)])
    live.hub.volatile("own/of-bo", "typing", "8")
    await live.idle()
    assert '{"stream":"own/me","pos":"e1.1","prev":"e1.0","key":"a","data":7}' in readers["ann"].text
    assert '{"stream":"own/me","key":"typing","data":8}' in readers["bo"].text
    assert "data" not in readers["ann"].text.partition('"data":7')[2] and '"data":7' not in readers["bo"].text
    assert "of-" not in readers["ann"].text + readers["bo"].text


async def test_a_personal_stream_cannot_be_asked_for_by_its_stored_name(io_loop: IOLoop) -> None:
    live = Live()
    await come(live, "ann", "own/me")
    for name in ("own/of-ann", "own/", "own"):
        with pytest.raises(NotFound):
            await come(live, "ann", name)
        with pytest.raises(NotFound):
            await live.view(name, "ann")
    assert await live.view("own/me", "ann") is View.FULL
