"""Any interleaving of commits, loads, votes, readers and their sockets ends with every reader right (hub_model.py)."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from hub_model import FRAMINGS, Room, number_of
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from livewall.hub import hub as hub_module
from livewall.hub import log as log_module
from livewall.hub.load_requests import LoadViewerState
from livewall.hub.position import View

NAMES = st.sampled_from(["polls/a", "polls/a", "polls/a", "polls/b", "rooms/c"])
PEOPLE = st.sampled_from(["ann", "bob", "cy"])
INDEX = st.integers(0, 30)
SHOWS = st.sampled_from(["all", "voted", "voted", "voted", "none", "private"])
FOREIGN = ["", "e0.1", "e0~.3", "e1.999", "e1~.999", "e1.0", "e1~.0", "junk", "e1.-1", "e1.1x", "x" * 10_000, "é.1"]


@st.composite
def events(draw: st.DrawFn) -> list[tuple[str | None, Any, View]]:
    made: list[tuple[str | None, Any, View]] = []
    for kind in draw(st.lists(st.sampled_from("ttkkdduueeUso"), min_size=1, max_size=5)):
        pad = "x" * draw(st.sampled_from([0, 0, 5, 70, 200]))
        match kind:
            case "t":
                made += [("tally", {"pad": pad}, View.FULL), ("turnout", {}, View.MASKED)]
            case "k" | "d":
                key = draw(st.sampled_from(["k1", "k2", "k3", "k4", "k5"]))
                made.append((key, {"pad": pad} if kind == "k" else None, View.BOTH))
            case "u":
                made.append((None, {"pad": pad}, View.BOTH))
            case "e":  # a change of one that is held, or of an old one
                made.append((f"message/-{draw(st.integers(0, 12))}", {"pad": pad}, View.BOTH))
            case "U":  # more than memory holds, at once
                made += [(None, {"pad": ""}, View.BOTH)] * 6
            case "s":
                made.append(("show", {"show": draw(SHOWS)}, View.BOTH))
            case "o":
                made.append(("owner", {"name": draw(PEOPLE)}, View.NONE))
    return made


class HubMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.patches = [
            patch.multiple(hub_module, READERS_PER_TURN=1, SNAPSHOTS_PER_TURN=1, BATCH_BYTES=150),
            patch.multiple(log_module, WINDOW=4, MAX_LEFT_OUT=2),
        ]
        for each in self.patches:
            each.start()
        self.room = Room()
        for name in ("polls/a", "polls/b", "rooms/c"):
            self.room.commit(name, [("show", {"show": "all"}, View.BOTH)])

    @initialize(
        limit=st.sampled_from([3, 100]),
        capacities=st.lists(st.sampled_from([10**6, 10**6, 300, 60]), min_size=3, max_size=6),
    )
    def some_are_there(self, limit: int, capacities: list[int]) -> None:
        self.room.limit = limit
        for index, capacity in enumerate(capacities):
            client = self.room.join(["ann", "bob", "cy"][index % 3], index == 2)
            names = ["polls/a", "rooms/c"] if index % 2 else ["polls/a"]
            self._connect(client, names, ["ws", "ws", "ws", "ws", "json", "sse"][index], capacity, False, index == 5)
        self.room.settle()

    def teardown(self) -> None:
        try:
            self.room.settle()
            self.room.check_end()
        finally:
            for each in self.patches:
                each.stop()

    def client(self, index: int) -> Any:
        return self.room.clients[index % len(self.room.clients)]

    def connected(self, index: int) -> Any:
        there = [c for c in self.room.clients if c.outlet is not None]
        return there[index % len(there)] if there else None

    # -- the store and its driver

    @rule(name=NAMES, events=events())
    def commit(self, name: str, events: list[Any]) -> None:
        self.room.commit(name, events)

    @rule(name=NAMES, events=events())
    def commit_and_publish(self, name: str, events: list[Any]) -> None:
        self.room.commit(name, events)
        while self.room.queue:
            self.room.publish()

    @rule(name=NAMES, events=events(), steps=st.integers(1, 5))
    def half_a_publication(self, name: str, events: list[Any], steps: int) -> None:
        self.commit_and_publish(name, events)
        self.room.work(steps)

    @precondition(lambda self: self.room.queue)
    @rule()
    def publish(self) -> None:
        self.room.publish()

    @rule(name=NAMES, show=SHOWS)
    def show(self, name: str, show: str) -> None:
        self.room.commit(name, [("show", {"show": show}, View.BOTH)])

    @rule(name=NAMES, who=PEOPLE, voted=st.booleans(), publish=st.booleans())
    def vote(self, name: str, who: str, voted: bool, publish: bool) -> None:
        self.room.vote(name, who, voted)
        while publish and self.room.queue:
            self.room.publish()

    @precondition(lambda self: self.room.hub.load_requests or self.room.asks)
    @rule(index=INDEX, answer=st.booleans())
    def ask_the_store(self, index: int, answer: bool) -> None:
        self.room.collect()
        ask = self.room.asks[index % len(self.room.asks)]
        if answer:
            self.room.answer(ask)
        else:
            self.room.read(ask)

    @rule()
    def the_store_answers(self) -> None:
        self.room.collect()
        for ask in list(self.room.asks):
            self.room.answer(ask)
        for _ in range(len(self.room.wanted)):
            self.room.attach(0)

    @rule(name=NAMES, read=st.booleans(), later=events() | st.none(), publish=st.booleans())
    def more_than_memory_holds(self, name: str, read: bool, later: list[Any] | None, publish: bool) -> None:
        """Readers fall below the base; while they ask the store, it moves on."""
        self.commit_and_publish(name, [(None, {}, View.BOTH)] * 6)
        self.room.work()
        self.room.collect()
        for ask in self.room.asks if read else []:
            self.room.read(ask)
        if later is not None:
            self.room.commit(name, later)
        while publish and self.room.queue:
            self.room.publish()

    @rule(index=INDEX)
    def a_vote_overtakes_the_question(self, index: int) -> None:
        self.room.collect()
        asks = [ask for ask in self.room.asks if isinstance(ask.wish, LoadViewerState)]
        if asks:
            ask = asks[index % len(asks)]
            self.room.read(ask)
            cursor = ask.wish.cursor
            self.vote(cursor.stream.name, cursor.reader.who.name, not ask.answer, True)

    @rule(name=NAMES, index=INDEX)
    def trim(self, name: str, index: int) -> None:
        kept = self.room.stream(name)
        below = [
            event.seq
            for event in kept.newest(View.BOTH).values()
            if 0 < number_of(event.key) <= kept.highest - log_module.WINDOW and event.seq > kept.floor
        ]
        if below:
            kept.floor = below[index % len(below)]

    @rule()
    def evict(self) -> None:
        self.room.hub.evict()

    @precondition(lambda self: self.room.working or self.room.hub.dirty)
    @rule(steps=st.sampled_from([1, 1, 2, 3, 10**6]))
    def work(self, steps: int) -> None:
        self.room.work(steps)

    @rule(name=NAMES, view=st.sampled_from([View.FULL, View.MASKED, View.BOTH]))
    def volatile(self, name: str, view: View) -> None:
        self.room.hub.volatile(name, "online", f'{{"v":{int(view)}}}', view)

    @rule(name=NAMES)
    def recheck(self, name: str) -> None:
        stream = self.room.hub.streams.get(name)
        if stream is not None and not stream.loading:
            self.room.hub.recheck(stream)

    # -- readers

    @rule(
        who=PEOPLE,
        host=st.sampled_from([False, False, False, True]),
        names=st.lists(NAMES, min_size=1, max_size=3).map(lambda names: list(dict.fromkeys(names))),
        framing=st.sampled_from(["ws", "ws", "ws", "sse", "json"]),
        capacity=st.sampled_from([10**6, 10**6, 40, 150, 400]),
        polite=st.booleans(),
    )
    def come(self, who: str, host: bool, names: list[str], framing: str, capacity: int, polite: bool) -> None:
        if len(self.room.clients) < 8:
            self._connect(self.room.join(who, host), names, framing, capacity, polite, False)

    @precondition(lambda self: self.room.clients)
    @rule(
        index=INDEX,
        names=st.lists(NAMES, min_size=1, max_size=3).map(lambda names: list(dict.fromkeys(names))),
        framing=st.sampled_from(["ws", "sse", "json"]),
        capacity=st.sampled_from([10**6, 40, 150, 400]),
        polite=st.booleans(),
        eager=st.booleans(),
    )
    def come_back(self, index: int, names: list[str], framing: str, capacity: int, polite: bool, eager: bool) -> None:
        self._connect(self.client(index), names, framing, capacity, polite, eager)

    def _connect(self, client: Any, names: list[str], framing: str, capacity: int, polite: bool, eager: bool) -> None:
        if framing == "sse" and len(names) > 1:
            framing = "sse-several"
        self.room.connect(client, FRAMINGS[framing], capacity, eager, polite)
        for name in names:
            checker = client.checker(name)
            self.room.subscribe(client, name, checker.pos)

    @precondition(lambda self: self.room.clients)
    @rule(index=INDEX, name=NAMES, old=st.none() | INDEX, foreign=st.sampled_from(FOREIGN))
    def subscribe(self, index: int, name: str, old: int | None, foreign: str) -> None:
        client = self.connected(index)
        if client is None or client.outlet.framing is not FRAMINGS["ws"]:
            return
        past = client.past.get(name)
        if old is not None and past:
            page = old % len(past)
            self.room.subscribe(client, name, past[page][0], page)
        elif foreign not in ("e1.0", "e1~.0"):  # these are positions: of those who hold nothing, and lack all
            self.room.subscribe(client, name, foreign)

    @precondition(lambda self: self.room.wanted)
    @rule(index=INDEX, ask=st.booleans())
    def attach(self, index: int, ask: bool) -> None:
        self.room.attach(index % len(self.room.wanted), ask)

    @precondition(lambda self: self.room.clients)
    @rule(index=INDEX, name=NAMES)
    def unsubscribe(self, index: int, name: str) -> None:
        client = self.connected(index)
        if client is not None and client.outlet.framing is FRAMINGS["ws"]:
            self.room.unsubscribe(client, name)

    @precondition(lambda self: self.room.clients)
    @rule(index=INDEX, amount=st.sampled_from([1, 30, 100, 1000, 10**6]))
    def read(self, index: int, amount: int) -> None:
        client = self.connected(index)
        if client is not None:
            client.outlet.read(amount)

    @precondition(lambda self: self.room.clients)
    @rule(index=INDEX, slow=st.booleans())
    def ping(self, index: int, slow: bool) -> None:
        client = self.connected(index)
        if client is not None and client.outlet.framing is FRAMINGS["ws"]:
            client.outlet.own({"heartbeat": self.room.hub.positions(client.reader)}, slow)

    @precondition(lambda self: self.room.clients)
    @rule(index=INDEX)
    def leave(self, index: int) -> None:
        client = self.connected(index)
        if client is not None:
            self.room.drop(client)

    @precondition(lambda self: self.room.clients)
    @rule(index=INDEX)
    def cut(self, index: int) -> None:
        client = self.connected(index)
        if client is not None:
            client.outlet.broken = True

    @invariant()
    def counts_are_right(self) -> None:
        self.room.check_counts()


TestHub = HubMachine.TestCase
