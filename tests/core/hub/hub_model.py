"""A room without sockets: a store that answers late, outlets of little room, readers that judge what they get.

`Room` drives a real Hub. Whatever the hub hands out is judged twice: when it is sent (was this reader entitled to it at
that moment, was the outlet free) and when it is read (no hole, nothing twice: tests/checker.py).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from checker import Broken, Checker, at
from wires import Parser, parse_all

from livewall.errors import Busy, LivewallError, NotAllowed
from livewall.hub.framing import Framing, JsonFraming, SseFraming, WebSocketFraming, text_frame
from livewall.hub.hub import Hub
from livewall.hub.load_requests import LoadBackfill, Loaded, LoadRequest, LoadStream, LoadViewerState
from livewall.hub.log import Event
from livewall.hub.position import View
from livewall.hub.reader import Reader, State

EPOCH = "e1"
NOW = "2026-01-01T00:00:00Z"


class Who:
    def __init__(self, name: str, host: bool) -> None:
        self.name = name
        self.host = host


class ShowRule:
    """A poll's rule in small: `show` says who sees the full view, `owner` is seen by the rule only."""

    keys: Mapping[str, Any] = {"show": Any, "owner": Any}

    def view(self, state: Mapping[str, Any], who: Who, viewer_state: Any) -> View:
        show = (state.get("show") or {"show": "none"})["show"]
        if who.host or (state.get("owner") or {}).get("name") == who.name:
            return View.FULL
        if show == "private":
            raise NotAllowed()
        if show == "all" or (show == "voted" and viewer_state is True):
            return View.FULL
        return View.MASKED

    def needs_viewer_state(self, state: Mapping[str, Any], who: Who) -> bool:
        return not who.host and (state.get("show") or {}).get("show") == "voted"

    def viewer_tag(self, name: str, who: Who) -> str | None:
        return None if who.host else who.name


def number_of(key: str) -> int:
    """The number of a numbered key, and 0 of another."""
    return int(key.removeprefix("message/")) if key.startswith("message/") else 0


class Kept:
    """One stream as the store has it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.floor = 0

    @property
    def seq(self) -> int:
        return len(self.events)

    @property
    def highest(self) -> int:
        return max(map(number_of, (e.key for e in self.events)), default=0)

    def newest(self, view: View) -> dict[str, Event]:
        """The newest event of each key; of a numbered one the first with the newest data."""
        found: dict[str, Event] = {}
        for e in self.events:
            if e.view & view or view == e.view:
                found[e.key] = found[e.key]._replace(data=e.data) if e.change else e
        return found

    def held(self, view: View) -> list[Event]:
        """What the store still has of a view: what it forgot has a number at or below the window's, or is a change."""
        newest = list(self.newest(view).values())
        changes = {e.key: e for e in self.events if e.change and e.view & view}
        return [e for e in newest if number_of(e.key) == 0 or e.seq > self.floor] + [
            e for e in changes.values() if e.seq > self.floor
        ]

    def state_at(self, seq: int) -> dict[str, Any]:
        state: dict[str, Any] = {}
        for e in self.events[:seq]:
            if e.key in ShowRule.keys and e.view != View.MASKED:
                state[e.key] = None if e.data is None else json.loads(e.data)
        return state

    def load(self) -> Loaded | None:
        if not self.events:
            return None
        events = {e.seq: e for view in (View.NONE, View.FULL, View.MASKED) for e in self.held(view)}
        heads = {v: max((e.seq for e in self.events if e.view & v), default=0) for v in (View.FULL, View.MASKED)}
        return Loaded(self.seq, heads, [events[n] for n in sorted(events)], self.floor)

    def since(self, view: View, n: int, limit: int) -> list[Event] | None:
        if n < self.floor:
            return None
        return sorted(e for e in self.held(view) if e.seq > n)[:limit]


class Outlet:
    """Room for `capacity` bytes the reader did not read yet; `eager` ones find room for a rest at once."""

    def __init__(self, room: Room, client: Client, framing: Framing, capacity: int, eager: bool, polite: bool) -> None:
        self.room = room
        self.client = client
        self.framing = framing
        self.capacity = capacity
        self.eager = eager
        self.polite = polite
        self.pipe = bytearray()
        self.rest = b""
        self.watched = False
        self.broken = False
        self.lost_it = False
        self.send = self._send

    def _send(self, data: bytes) -> int:
        if self.broken:
            raise BrokenPipeError
        self.room.deny(not data, "nothing was sent")
        self.room.deny(bool(self.rest) or self.watched, "bytes were sent past a rest that was kept")
        self.room.deny(self.client.outlet is not self, "bytes were sent to a connection that is closed")
        space = self.capacity - len(self.pipe)
        if space <= 0:
            if self.polite:
                return 0
            raise BlockingIOError
        for message, _ids in parse_all(self.framing, data):
            self.room.judge(self.client, message)
        self.pipe += data[:space]
        return min(space, len(data))

    def keep(self, rest: bytes) -> None:
        self.room.deny(bool(self.rest), "two rests were kept")
        self.rest = rest
        if self.eager:
            self.flush(10**6)

    def watch(self) -> None:
        self.watched = True

    def own(self, message: dict[str, Any], slow: bool = False) -> None:
        """Something of the transport's own: a reply, a ping. It leaves at once, or waits its turn (`slow`)."""
        data = self.framing.frame(json.dumps(message), None)
        if slow or self.rest or len(self.pipe) + len(data) > self.capacity:
            self.room.hub.busy(self.client.reader)
            self.rest += data
        else:
            self.pipe += data

    def ended(self, stream: str, error: LivewallError) -> None:
        self.own({"stream": stream, "reset": True})
        self.own({"stream": stream, "error": error.body()})

    def lost(self) -> None:
        self.lost_it = True
        self.client.outlet = None

    def flush(self, capacity: int | None = None) -> None:
        space = (capacity or self.capacity) - len(self.pipe)
        if space <= 0:
            return
        self.pipe += self.rest[:space]
        self.rest = self.rest[space:]
        if not self.rest:
            self.watched = False
            self.room.hub.ready(self.client.reader)

    def read(self, amount: int) -> None:
        """The reader takes `amount` bytes."""
        taken = bytes(self.pipe[:amount])
        del self.pipe[:amount]
        self.client.take(taken)
        if self.rest or self.watched:
            self.flush()


class Client:
    """Somebody with a page: keeps what it holds from one connection to the next."""

    outlet: Outlet | None
    reader: Reader
    parser: Parser

    def __init__(self, name: str, host: bool) -> None:
        self.who = Who(name, host)
        self.outlet = None
        self.checkers: dict[str, Checker] = {}
        self.past: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        self.claims: dict[str, tuple[str, str | None, int | None]] = {}
        self.marks = 0
        self.asked_for: list[str] = []

    def checker(self, name: str) -> Checker:
        if name not in self.checkers:
            self.checkers[name] = Checker(name)
        return self.checkers[name]

    def take(self, data: bytes) -> None:
        for message, ids in self.parser.feed(data):
            if "heartbeat" in message:
                for name, pos in message["heartbeat"].items():
                    self.checkers[name].heartbeat(pos)
                continue
            if "ref" in message:
                self.claim(*self.claims.pop(message["ref"]))
                continue
            checker = self.checkers[message["stream"]]
            checker.feed(message)
            if not checker.in_snapshot and checker.pos is not None:
                self.past.setdefault(checker.stream, []).append((checker.pos, dict(checker.state)))
            if ids is not None:
                self._ids(ids)

    def mark(self, name: str, since: str | None, page: int | None) -> str:
        """`claim`, but from the message with the returned mark on: others are still under way."""
        self.marks += 1
        self.claims[str(self.marks)] = (name, since, page)
        return str(self.marks)

    def claim(self, name: str, since: str | None, page: int | None) -> None:
        checker = self.checker(name)
        if page is not None:
            checker.resume(*self.past[name][page])
        else:
            checker.connect(since)

    def _ids(self, ids: list[str]) -> None:
        """An SSE id must name for each stream where this reader is, and nothing where it has not the whole."""
        if len(ids) != len(self.asked_for) or list(self.reader.cursors) != self.asked_for:
            return  # some were not attached yet, or were lost
        for name, here in zip(self.asked_for, ids, strict=True):
            if here:
                self.checkers[name].heartbeat(here)


class Ask:
    """A wish of the hub's on its way to the store and back."""

    def __init__(self, wish: LoadRequest) -> None:
        self.wish = wish
        self.read = False
        self.answer: Any = None


class Room:
    def __init__(self) -> None:
        self.faults: list[str] = []
        self.kept: dict[str, Kept] = {}
        self.voted: dict[tuple[str, str], bool] = {}
        self.told: dict[tuple[str, str], bool] = {}
        self.queue: deque[tuple[Any, ...]] = deque()
        self.asks: list[Ask] = []
        self.clients: list[Client] = []
        self.wanted: list[tuple[Client, str, Any, str | None, int | None]] = []
        self.woken = 0
        self.limit = 100
        self.hub = Hub(EPOCH, {"polls": ShowRule(), "rooms": ShowRule()}, now=lambda: NOW, wake=self._wake)
        self.working: Iterator[None] | None = None

    def _wake(self) -> None:
        self.woken += 1

    def deny(self, bad: bool, why: str) -> None:
        if bad:
            self.faults.append(why)

    # -- the store

    def stream(self, name: str) -> Kept:
        return self.kept.setdefault(name, Kept())

    def commit(self, name: str, events: list[tuple[str | None, Any, View]]) -> None:
        kept = self.stream(name)
        made = []
        for key, data, view in events:
            seq = kept.seq + 1
            change = False
            if key is None:  # the next numbered key
                key = f"message/{kept.highest + 1}"
            elif key.startswith("message/-"):  # a change of the one so many below the highest
                if not kept.highest:
                    continue
                key, change = f"message/{max(1, kept.highest - int(key.removeprefix('message/-')))}", True
            text = None if data is None else json.dumps({**data, "n": seq, "v": int(view)})
            made.append(Event(seq, key, text, int(view), change))
            kept.events.append(made[-1])
        self.queue.append(("events", name, made))

    def vote(self, name: str, who: str, voted: bool) -> None:
        self.voted[name, who] = voted
        self.queue.append(("news", name, who, voted))

    def publish(self) -> None:
        what, name, *rest = self.queue.popleft()
        if what == "events":
            self.hub.publish(name, rest[0])
        else:
            self.told[name, rest[0]] = rest[1]
            self.hub.set_viewer_state(name, rest[0], rest[1])

    def collect(self) -> None:
        while self.hub.load_requests:
            self.asks.append(Ask(self.hub.load_requests.popleft()))

    def read(self, ask: Ask) -> None:
        if ask.read:
            return
        ask.read = True
        wish = ask.wish
        if isinstance(wish, LoadStream):
            ask.answer = self.stream(wish.stream.name).load()
        elif isinstance(wish, LoadBackfill):
            cursor = wish.cursor
            ask.answer = self.stream(cursor.stream.name).since(cursor.view, cursor.n, self.limit)
        else:
            ask.answer = self.voted.get((wish.cursor.stream.name, wish.cursor.reader.who.name), False)

    def answer(self, ask: Ask) -> None:
        self.read(ask)
        self.asks.remove(ask)
        wish = ask.wish
        if isinstance(wish, LoadStream):
            self.hub.loaded(wish.stream, ask.answer)
        elif isinstance(wish, LoadBackfill):
            self.hub.backfilled(wish.cursor, ask.answer)
        else:
            assert isinstance(wish, LoadViewerState)
            self.hub.viewer_state_loaded(wish.cursor, ask.answer)

    # -- what may be sent

    def judge(self, client: Client, message: dict[str, Any]) -> None:
        """A message on its way: is it what the store has, and may this reader see it now?"""
        if "ref" in message or "error" in message or message.get("reset"):
            return
        name = message["stream"]
        stream = self.hub.streams.get(name)
        if stream is None or name not in client.reader.cursors:
            self.faults.append(f"{message} of a stream that was not subscribed")
            return
        state = self.stream(name).state_at(stream.seq)
        views = set()
        under_way = [w[3] for w in self.queue if w[0] == "news" and w[1:3] == (name, client.who.name)]
        # None: not known yet, which shows less for as long as the store is asked.
        for facts in (None, self.told.get((name, client.who.name)), *under_way):
            try:
                views.add(ShowRule().view(state, client.who, facts))
            except LivewallError:
                views.add(View.NONE)
        if "pos" not in message:
            view = View(message["data"]["v"])
            self.deny(not any(view & v for v in views), f"{client.who.name} was told {message}, entitled to {views}")
            return
        there = at(message["pos"])
        view = View.MASKED if there.epoch.endswith("~") else View.FULL
        self.deny(view not in views, f"{client.who.name} was sent {message}, entitled to {views}")
        if "synced" in message:
            return
        event = self.stream(name).events[there.n - 1]
        self.deny(there.n > stream.seq, f"{message} was sent before it was published")
        self.deny(not event.view & view, f"{message} is not of the view {view!r}")
        # A change replaces the data of the first event of its key, which keeps its place: in the store, also before the
        # change is published.
        later = self.stream(name).events[there.n :] if number_of(event.key) else []
        datas = [e.data and json.loads(e.data) for e in (event, *later) if e.key == event.key]
        self.deny(message["data"] not in datas or event.key != message["key"], f"{message} is not {event}")

    # -- readers

    def join(self, name: str, host: bool) -> Client:
        client = Client(name, host)
        self.clients.append(client)
        return client

    def connect(self, client: Client, framing: Framing, capacity: int = 10**6, eager: bool = False,
                polite: bool = False) -> None:  # fmt: skip
        if client.outlet is not None:
            self.drop(client)
        client.outlet = Outlet(self, client, framing, capacity, eager, polite)
        client.reader = Reader(client.outlet, client.who)
        client.parser = Parser(framing)
        client.claims.clear()
        client.asked_for = []
        for checker in client.checkers.values():
            checker.connect()

    def drop(self, client: Client) -> None:
        """The connection is closed, with whatever was under way on it."""
        client.outlet = None
        self.hub.gone(client.reader)

    def subscribe(self, client: Client, name: str, since: str | None, page: int | None = None) -> None:
        """Wanted from now on; attached when the stream is loaded."""
        stream = self.hub.open(name)
        client.asked_for.append(name)
        self.wanted.append((client, name, (stream, client.outlet, client.reader), since, page))

    def unsubscribe(self, client: Client, name: str) -> None:
        self.hub.detach(client.reader, name)

    def attach(self, index: int, ask_facts: bool = True) -> None:
        client, name, (stream, outlet, reader), since, page = self.wanted.pop(index)
        if stream.loading:
            again = self.hub.streams.get(name)
            if again is stream:
                self.wanted.append((client, name, (stream, outlet, reader), since, page))
            return  # else there is no such stream
        if client.outlet is not outlet:  # it closed while the stream was loaded: whoever waited for that goes on
            try:
                self.hub.attach(reader, stream, since)
            except LivewallError:
                pass
            self.hub.start(reader)
            return
        fresh = not any(w[0] == "news" and w[1:3] == (name, client.who.name) for w in self.queue)
        facts = None if ask_facts or not fresh else self.voted.get((name, client.who.name), False)
        try:
            self.hub.attach(client.reader, stream, since, facts)
        except Busy:
            self.subscribe(client, name, since, page)
            return
        except NotAllowed:
            return
        if isinstance(outlet.framing, WebSocketFraming):
            outlet.own({"ref": client.mark(name, since, page)})
        else:
            client.claim(name, since, page)
        self.hub.start(client.reader)

    # -- work

    def work(self, steps: int = 10**9) -> None:
        for _ in range(steps):
            if self.working is None:
                self.working = self.hub.work()
            try:
                next(self.working)
            except StopIteration:
                self.working = None
                if not self.hub.dirty:
                    return

    def settle(self) -> None:
        """Everything that is under way arrives."""
        for _ in range(2000):
            before = self.woken
            while self.queue:
                self.publish()
            self.collect()
            for ask in list(self.asks):
                self.answer(ask)
            for _ in range(len(self.wanted)):
                self.attach(0)
            self.work()
            for client in self.clients:
                if client.outlet is not None:
                    client.outlet.read(len(client.outlet.pipe))
            if not (self.queue or self.asks or self.wanted or self.hub.load_requests or self.hub.dirty or
                    self.working or
                    any(c.outlet and (c.outlet.pipe or c.outlet.rest or c.outlet.watched) for c in self.clients)
                    or self.woken != before):  # fmt: skip
                return
        raise Broken("the room does not settle")

    # -- what must hold

    def check_counts(self) -> None:
        connected = [c for c in self.clients if c.outlet is not None]
        if self.faults:
            raise Broken("; ".join(self.faults))
        hub = self.hub
        assert hub.readers == sum(bool(c.reader.cursors) for c in connected)
        assert hub.behind == sum(c.reader.state is State.BLOCKED for c in connected)
        readers = {c.reader for c in connected}
        for stream in hub.streams.values():
            for cursor in stream.cursors:
                assert cursor.reader in readers, "a stream holds a reader that left"
                assert cursor.reader.cursors[stream.name] is cursor
            for lane in stream.lanes.values():
                assert len(lane.sends) == len(lane.cursors)
                held = [c for c in lane.cursors if c is not None]
                for cursor in (*held, *lane.joining, *lane.individual):
                    assert cursor.lane is lane
                    assert cursor in stream.cursors, "a lane holds a reader that left"
                    assert cursor.reader.state is State.READY, "a lane holds a reader that is behind"
                for index, cursor in enumerate(lane.cursors):
                    assert cursor is None or (cursor.index == index and lane.sends[index] is cursor.reader.outlet.send)
            for tagged in stream.tags.values():
                assert tagged and all(c in stream.cursors for c in tagged)

    def check_end(self) -> None:
        """After `settle`: every reader holds what the store says for its view."""
        self.check_counts()
        for client in self.clients:
            if client.outlet is None:
                continue
            positions = self.hub.positions(client.reader)
            for name in client.reader.cursors:
                kept, checker = self.stream(name), client.checkers[name]
                view = ShowRule().view(kept.state_at(kept.seq), client.who, self.voted.get((name, client.who.name)))
                assert not checker.in_snapshot and checker.synced, f"{client.who.name} waits for {name}"
                state = {k: json.loads(e.data) for k, e in kept.newest(view).items() if e.view & view and e.data}
                numbered = {number_of(key): state.pop(key) for key in list(state) if number_of(key)}
                held = checker.numbered
                assert {k: data for k, data in checker.state.items() if not number_of(k)} == state
                assert list(held) == list(numbered)[len(numbered) - len(held) :], "a hole"
                assert all(data == numbered[number] for number, data in held.items())
                base = self.hub.streams[name].logs[view].base
                assert len(held) >= sum(e.seq > base for e in kept.newest(view).values() if number_of(e.key))
                checker.heartbeat(positions[name])
                assert at(positions[name]).n == max((e.seq for e in kept.events if e.view & view), default=0)


FRAMINGS: dict[str, Framing] = {
    "ws": WebSocketFraming(),
    "sse": SseFraming(shared=True),
    "sse-several": SseFraming(shared=False),
    "json": JsonFraming(),
}

__all__ = ["FRAMINGS", "NOW", "Client", "Kept", "Outlet", "Room", "ShowRule", "Who", "text_frame"]
