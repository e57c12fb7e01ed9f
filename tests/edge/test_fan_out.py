"""The hub on real sockets of little room, read at every pace, with replies and pings between: nobody waits for ever,
nobody misses anything."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from checker import Checker
from tornado.ioloop import IOLoop

from handlers.transport.stream import LiveStream
from livewall.errors import LivewallError
from livewall.hub.framing import Framing, SseFraming, WebSocketFraming
from livewall.hub.live_hub import LiveHub
from livewall.hub.load_requests import Loaded
from livewall.hub.log import Event
from livewall.hub.position import View
from livewall.hub.reader import Reader

sys.path.insert(0, str(Path(__file__).parents[1] / "core" / "hub"))
from wires import Parser

NAME = "polls/a"
EVENTS = 3000 if os.environ.get("LIVEWALL_TORTURE") else 400


class Open:
    """A rule under which all see all."""

    keys: Mapping[str, Any] = {}

    def view(self, state: Any, who: Any, viewer_state: Any) -> View:
        return View.FULL

    def needs_viewer_state(self, state: Any, who: Any) -> bool:
        return False

    async def load_viewer_state(self, name: str, who: Any) -> Any:
        return None

    def viewer_tag(self, name: str, who: Any) -> str | None:
        return None


class Streams:
    def __init__(self) -> None:
        self.events: list[Event] = []

    async def load(self, name: str) -> Loaded | None:
        return Loaded(0, {}, [])

    async def since(self, name: str, view: View, n: int) -> list[Event] | None:
        await asyncio.sleep(0.001)
        return sorted(e for e in {e.key: e for e in self.events}.values() if e.seq > n)


class Socket:
    """Both ends: the outlet the hub writes to, and the reader with its pace."""

    def __init__(self, live: LiveHub, framing: Framing, pace: int) -> None:
        ours, self.other = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.other.setblocking(False)
        self.live, self.framing, self.pace = live, framing, pace
        self.stream = LiveStream(ours)
        self.send = ours.send
        self.reader = Reader(self, None)
        self.parser, self.checker = Parser(framing), Checker(NAME)
        self.stream.on_buffered = lambda: live.hub.busy(self.reader)
        self.stream.on_empty = lambda: live.hub.ready(self.reader)
        self.behind = 0

    def keep(self, rest: bytes) -> None:
        self.behind += 1
        self.stream.keep(rest)

    def watch(self) -> None:
        self.behind += 1
        self.stream.watch()

    def ended(self, stream: str, error: LivewallError) -> None: ...

    def lost(self) -> None:
        raise AssertionError("nobody leaves here")

    def reply(self) -> None:
        self.stream.write(self.framing.frame('{"ref":"1","ok":{}}', None))

    def read(self, amount: int) -> int:
        try:
            data = self.other.recv(amount)
        except BlockingIOError:
            return 0
        for message, _ids in self.parser.feed(data):
            if "ref" not in message:
                self.checker.feed(message)
        return len(data)

    def close(self) -> None:
        self.stream.on_buffered = self.stream.on_empty = None
        self.live.hub.gone(self.reader)
        self.stream.close()
        self.other.close()


def play(live: LiveHub, store: Streams, sockets: list[Socket], dice: random.Random, seq: int) -> None:
    """One event, some reading, now and then a reply."""
    key = f"message/{seq // 3}" if seq % 3 == 0 else dice.choice(["tally", "step/a", "step/b"])
    store.events.append(Event(seq, key, json.dumps({"n": seq, "pad": "x" * dice.choice([10, 200])}), 3))
    live.publish(NAME, store.events[-1:])
    for each in dice.sample(sockets, 10):
        each.read(each.pace)
    if dice.random() < 0.3:
        dice.choice(sockets).reply()


async def drain(live: LiveHub, sockets: list[Socket]) -> None:
    while any([each.read(10**5) for each in sockets]) or live.hub.behind:
        await asyncio.sleep(0)
        await live.idle()


async def test_readers_of_every_pace_end_right(io_loop: IOLoop) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    dice, store = random.Random(seed), Streams()
    live = LiveHub("e1", {"polls": Open()}, store, now=lambda: "T", clock=float, cpu_clock=float)
    paces = (10**6, 3000, 300, 30)
    sockets = [Socket(live, SseFraming(shared=True) if n % 5 == 0 else WebSocketFraming(), paces[n % 4])
               for n in range(40)]  # fmt: skip
    try:
        for each in sockets:
            await live.attach(each.reader, NAME, None)
            live.hub.start(each.reader)
        for seq in range(1, EVENTS + 1):
            play(live, store, sockets, dice, seq)
            if dice.random() < 0.3:
                await asyncio.sleep(0)
        await asyncio.wait_for(drain(live, sockets), 20)
        state = {e.key: json.loads(e.data or "") for e in store.events}
        said = {key: data for key, data in state.items() if key.startswith("message/")}
        for each in sockets:
            held = each.checker.numbered
            assert {k: data for k, data in each.checker.state.items() if k not in said} == {
                k: data for k, data in state.items() if k not in said
            }
            assert list(held.values()) == list(said.values())[-len(held) :]
            assert each.checker.pos == f"e1.{EVENTS}"
        assert sum(each.behind for each in sockets) > 20
    finally:
        for each in sockets:
            each.close()
        await asyncio.sleep(0)
