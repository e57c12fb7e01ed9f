"""The hub: fans out what the store sequenced to the readers of this process.

It knows no HTTP, no clock and no socket, and does nothing by itself: `publish` takes committed events in, and whoever
drives it asks for `work()` and performs the loads it wants. Everything a reader gets comes out of `_piece`: a snapshot,
a resume and what a slow reader missed are the same operation at different positions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from livewall.errors import LivewallError, NotFound
from livewall.hub import position
from livewall.hub.framing import Framing, batch, event_json, reset_json, synced_json, volatile_json
from livewall.hub.log import Event, Log
from livewall.hub.position import View
from livewall.hub.reader import Cursor, Reader, State
from livewall.hub.stream import Lane, Rule, Stream

CHUNK = 500
"""Readers served between two yields of a publication."""
MOVES = 50
"""Readers given a snapshot between two yields."""
PIECE = 32 * 1024
"""Bytes of catching up handed to a socket at once."""


class Loaded(NamedTuple):
    """What the store holds of a stream: the newest event of each key of each view and the last ones without key,
    oldest first. From position `base` on they are the whole; `earlier` says that older ones without key exist."""

    seq: int
    heads: dict[View, int]
    events: list[Event]
    base: int = 0
    earlier: bool = False


class Open(NamedTuple):
    """The hub wants a stream's log from the store: answer with `Hub.loaded`."""

    stream: Stream


class Backfill(NamedTuple):
    """A cursor stands below what memory holds: answer with `Hub.backfilled`."""

    cursor: Cursor


class Facts(NamedTuple):
    """A rule needs to know something of this reader's own: answer with `Hub.facts`."""

    cursor: Cursor


Wish = Open | Backfill | Facts


class Hub:
    """All open streams of this process.

    `rules` says by kind who may read; `now` gives the time as text for `synced`; `wake` is called when there is work.
    """

    def __init__(
        self, epoch: str, rules: dict[str, Rule], *, now: Callable[[], str], wake: Callable[[], None] = lambda: None
    ) -> None:
        self.epoch = epoch
        self.rules = rules
        self.now = now
        self.wake = wake
        self.streams: dict[str, Stream] = {}
        self.wishes: deque[Wish] = deque()
        self.dirty: dict[Stream, None] = {}
        self.readers = 0
        self.behind = 0
        self.deliveries = 0

    # -- streams

    def open(self, name: str) -> Stream:
        """The open stream `name`, begun to be loaded if it was not open. Raises NotFound for a kind unknown here."""
        stream = self.streams.get(name)
        if stream is None:
            rule = self.rules.get(name.partition("/")[0])
            if rule is None:
                raise NotFound("no_such_stream", f"there is no stream {name[:80]!r}")
            stream = self.streams[name] = Stream(name, rule)
            self._wish(Open(stream))
        stream.idle = 0
        return stream

    def loaded(self, stream: Stream, found: Loaded | None) -> None:
        """The store's answer to `Open`; None closes the stream again: there is no such thing."""
        if found is None:
            self.streams.pop(stream.name, None)
            return
        for view in (View.FULL, View.MASKED):
            log = Log(head=found.heads.get(view, 0), base=found.base, earlier=found.earlier)
            log.load(e for e in found.events if e.view & view)
            stream.logs[view] = log
        stream.seq = found.seq
        for event in found.events:
            stream.note(event)
        stream.loading = False
        pending, stream.pending = stream.pending, []
        self._apply(stream, pending)

    def publish(self, name: str, events: Sequence[Event]) -> None:
        """Take the events of one commit, in the order of their numbers. Streams nobody has open are left alone."""
        stream = self.streams.get(name)
        if stream is None:
            return
        if stream.loading:
            stream.pending.extend(events)
            return
        self._apply(stream, events)

    def _apply(self, stream: Stream, events: Sequence[Event]) -> None:
        ruled = False
        for event in events:
            if event.seq > stream.seq:
                ruled = stream.apply(event) or ruled
        if ruled:
            self.recheck(stream)
        self._touch(stream)

    def volatile(self, name: str, key: str, data: str, view: View = View.BOTH) -> None:
        """Tell those who are there, without a position and without a replay (who is online, typing)."""
        stream = self.streams.get(name)
        if stream is not None and not stream.loading:
            stream.volatile.append((view, volatile_json(name, key, data)))
            self._touch(stream)

    def evict(self) -> int:
        """Close streams that had no reader at this call and the one before; returns how many."""
        gone = [s for s in self.streams.values() if not s.cursors and not s.loading and not s.sweeping and s.idle]
        for stream in gone:
            del self.streams[stream.name]
            self.dirty.pop(stream, None)
        for stream in self.streams.values():
            stream.idle = 0 if stream.cursors else 1
        return len(gone)

    # -- readers

    def attach(self, reader: Reader, stream: Stream, since: str | None, facts: Any = None) -> Cursor:
        """Begin (or move) `reader`'s cursor on a loaded stream at `since`. Raises what the stream's rule raises."""
        view = stream.rule.view(stream.state, reader.who, facts)
        old = reader.cursors.get(stream.name)
        if old is not None:
            self._drop(old)
        elif not reader.cursors:
            self.readers += 1
        cursor = Cursor(reader, stream, view, facts)
        reader.cursors[stream.name] = cursor
        stream.cursors[cursor] = None
        tag = stream.rule.tag(stream.name, reader.who)
        if tag is not None:
            stream.tags.setdefault(tag, {})[cursor] = None
        self._stand(cursor, since)
        return cursor

    def _stand(self, cursor: Cursor, since: str | None) -> None:
        """Take a position the reader claims, if it is one of this view of this stream; else a snapshot is owed."""
        found = position.parse(since) if since else None
        log = cursor.stream.logs[cursor.view]
        if found and found.epoch == self.epoch and found.view == cursor.view and found.n <= cursor.stream.seq:
            cursor.n = min(found.n, log.head)
            cursor.owes_reset = cursor.owes_synced = False

    def detach(self, reader: Reader, name: str | None = None) -> None:
        """Forget one cursor of a reader, or all of them."""
        had = bool(reader.cursors)
        cursors = list(reader.cursors.values()) if name is None else [c for c in (reader.cursors.get(name),) if c]
        for cursor in cursors:
            self._drop(cursor)
            del reader.cursors[cursor.stream.name]
        if had and not reader.cursors:
            self.readers -= 1

    def gone(self, reader: Reader) -> None:
        """The connection is closed."""
        self.detach(reader)
        self._state(reader, State.GONE)

    def _drop(self, cursor: Cursor) -> None:
        stream = cursor.stream
        if cursor.lane is not None:
            cursor.lane.leave(cursor)
        stream.cursors.pop(cursor, None)
        tag = stream.rule.tag(stream.name, cursor.reader.who)
        if tag is not None and tag in stream.tags:
            stream.tags[tag].pop(cursor, None)
            if not stream.tags[tag]:
                del stream.tags[tag]

    def _state(self, reader: Reader, state: State) -> None:
        self.behind += (state is State.BLOCKED) - (reader.state is State.BLOCKED)
        reader.state = state

    def busy(self, reader: Reader) -> None:
        """The connection holds bytes of its own (a reply, a ping): no direct send may pass them until `ready`."""
        if reader.state is State.READY:
            self._state(reader, State.BLOCKED)
            self._off(reader)

    def ready(self, reader: Reader) -> None:
        """The connection can take bytes: bring every cursor up to date and back on the lists."""
        if reader.state is State.GONE:
            return
        self._state(reader, State.READY)
        self.start(reader)

    def start(self, reader: Reader) -> None:
        """Send what was attached; a reader that is blocked gets it when it is ready."""
        for cursor in list(reader.cursors.values()):
            if not self._catch_up(cursor):
                return

    def positions(self, reader: Reader) -> dict[str, str]:
        """Where the reader stands in each stream of which it has the whole."""
        return {
            name: f"{position.prefix(self.epoch, c.view)}{c.place}"
            for name, c in reader.cursors.items()
            if not c.owes_reset and not c.owes_synced
        }

    # -- rights

    def recheck(self, stream: Stream) -> None:
        """Decide again, for each reader, what it may see; those whose view changes are owed a snapshot of the new."""
        for cursor in list(stream.cursors):
            self._decide(cursor)

    def facts(self, cursor: Cursor, facts: Any) -> None:
        """The answer to `Facts`."""
        if cursor.facts is None and cursor in cursor.stream.cursors:
            cursor.facts = facts
            self._decide(cursor)
            self._touch(cursor.stream)

    def tell(self, name: str, tag: str, facts: Any) -> None:
        """News of a reader's own (it cast or retracted a ballot), for all its cursors on a stream."""
        stream = self.streams.get(name)
        if stream is None or tag not in stream.tags:
            return
        for cursor in list(stream.tags[tag]):
            cursor.facts = facts
            if not stream.loading:
                self._decide(cursor)
        self._touch(stream)

    def _decide(self, cursor: Cursor) -> None:
        stream, reader = cursor.stream, cursor.reader
        try:
            view = stream.rule.view(stream.state, reader.who, cursor.facts)
        except LivewallError as error:
            self.detach(reader, stream.name)
            if reader.state is not State.GONE:
                reader.outlet.ended(stream.name, error)
            return
        if cursor.facts is None and stream.rule.needs_facts(stream.state, reader.who):
            self._wish(Facts(cursor))
        if view is cursor.view:
            return
        if cursor.lane is not None:
            cursor.lane.leave(cursor)
        cursor.view = view
        cursor.owes_reset = cursor.owes_synced = True
        stream.moving.append(cursor)

    # -- work

    def _wish(self, wish: Wish) -> None:
        self.wishes.append(wish)
        self.wake()

    def _touch(self, stream: Stream) -> None:
        self.dirty[stream] = None
        self.wake()

    def work(self) -> Iterator[None]:
        """Bring readers to the newest, yielding where others of this process may run in between."""
        while self.dirty:
            stream = next(iter(self.dirty))
            del self.dirty[stream]
            if stream.loading:
                continue
            stream.sweeping = True
            try:
                yield from self._sweep(stream)
            finally:
                stream.sweeping = False

    def _sweep(self, stream: Stream) -> Iterator[None]:
        while True:
            moved = 0
            while stream.moving:
                self._catch_up(stream.moving.popleft())
                moved += 1
                if moved % MOVES == 0:
                    yield
            while stream.volatile:
                yield from self._tell_all(stream, *stream.volatile.popleft())
            late = [lane for lane in stream.lanes.values() if lane.sent != stream.logs[lane.view].head]
            if not late:
                break
            for lane in late:
                yield from self._publish(stream, lane)
        for key in [key for key, lane in stream.lanes.items() if lane.empty]:
            del stream.lanes[key]

    def _publish(self, stream: Stream, lane: Lane) -> Iterator[None]:
        """One publication: everything up to the newest, framed once, to every reader of the lane."""
        log = stream.logs[lane.view]
        head = log.head
        odd = lane.begin(head)
        if lane.sends:
            data = batch(lane.framing, stream.name, self.epoch, lane.view, lane.sent, log.after(lane.sent))
            yield from self._send_all(lane, data, counts=True)
        lane.end()
        for served, cursor in enumerate([*odd, *lane.individual], 1):
            if cursor.lane is lane:
                lane.leave(cursor)
                self._catch_up(cursor)
            if served % MOVES == 0:
                yield

    def _send_all(self, lane: Lane, data: bytes, *, counts: bool) -> Iterator[None]:
        size = len(data)
        total = len(lane.sends)
        for start in range(0, total, CHUNK):
            if start:
                yield
            for index, send in enumerate(lane.sends[start : start + CHUNK], start):
                try:
                    sent = send(data)
                except BlockingIOError:
                    sent = 0
                except OSError:
                    sent = -1
                if sent != size:
                    self._fell_behind(lane, index, sent, data)
            if counts:
                lane.progress = min(start + CHUNK, total)
        self.deliveries += total

    def _fell_behind(self, lane: Lane, index: int, sent: int, data: bytes) -> None:
        """A reader took part of a piece, or none of it: off the lists until it can take more."""
        cursor = lane.cursors[index]
        assert cursor is not None
        reader = cursor.reader
        reached = lane.target if sent > 0 and lane.target is not None else cursor.place
        self._state(reader, State.GONE if sent < 0 else State.BLOCKED)
        self._off(reader)
        cursor.n = reached
        if sent > 0:
            reader.outlet.keep(data[sent:])
        elif sent == 0:
            reader.outlet.watch()

    def _tell_all(self, stream: Stream, view: int, message: str) -> Iterator[None]:
        for lane in list(stream.lanes.values()):
            if not lane.view & view:
                continue
            data = lane.framing.frame(message, None)
            if lane.sends:
                # Positions stand still: begin and end only keep those who come and go out of the way.
                lane.begin(lane.sent)
                yield from self._send_all(lane, data, counts=False)
                lane.end()
            for cursor in list(lane.individual):
                self._send(cursor, data)

    def _off(self, reader: Reader) -> None:
        for cursor in reader.cursors.values():
            if cursor.lane is not None:
                cursor.lane.leave(cursor)

    # -- catching up

    def _catch_up(self, cursor: Cursor) -> bool:
        """Send a cursor what it lacks, in pieces, and put it on its lane. False when its socket is full."""
        reader = cursor.reader
        if cursor.lane is not None or cursor.loading:
            return True
        if reader.state is not State.READY or cursor not in cursor.stream.cursors:
            return False
        stream = cursor.stream
        while True:
            log = stream.logs[cursor.view]
            if not cursor.owes_reset and self._below(cursor, log):
                return True
            if not cursor.owes_reset and cursor.n >= log.head and not cursor.owes_synced:
                break
            if not self._hand(cursor, self._snapshot_or_log(cursor, log), to_head=True):
                return False
        lane = stream.lane(cursor.view, reader.outlet.framing)
        lane.join(cursor)
        if cursor in lane.joining:
            self._touch(stream)
        return True

    def _below(self, cursor: Cursor, log: Log) -> bool:
        """Whether memory no longer holds what follows the cursor: a load is wished for, or a snapshot begun anew."""
        if cursor.owes_synced:
            if log.base > max(cursor.n, cursor.base):
                cursor.owes_reset = True
            return False
        if cursor.n >= log.base:
            return False
        cursor.loading = True
        self._wish(Backfill(cursor))
        return True

    def backfilled(self, cursor: Cursor, events: Sequence[Event] | None) -> None:
        """The store's answer to `Backfill`, oldest first; None when it no longer holds all that followed."""
        cursor.loading = False
        if cursor not in cursor.stream.cursors or cursor.reader.state is State.GONE or cursor.owes_reset:
            if cursor.owes_reset:
                self._catch_up(cursor)
            return
        if cursor.reader.state is State.BLOCKED:
            return
        if events is None:
            cursor.owes_reset = cursor.owes_synced = True
        elif events and not self._hand(cursor, events, to_head=False):
            return
        self._catch_up(cursor)

    def _snapshot_or_log(self, cursor: Cursor, log: Log) -> list[Event]:
        if cursor.owes_reset:
            cursor.n = 0
            cursor.base = log.base
            cursor.skip = log.head
        events = log.after(cursor.n)
        if cursor.owes_synced:
            events = [e for e in events if e.data is not None or e.seq > cursor.skip]
        return events

    def _hand(self, cursor: Cursor, events: Sequence[Event], *, to_head: bool) -> bool:
        """Send one piece, beginning with a reset where it is owed; the cursor moves only if bytes went out."""
        stream, framing = cursor.stream, cursor.reader.outlet.framing
        log = stream.logs[cursor.view]
        start = position.prefix(self.epoch, cursor.view)
        parts: list[bytes] = []
        size, n, whole = 0, cursor.n, True
        if cursor.owes_reset:
            parts.append(framing.frame(reset_json(stream.name, log.earlier), None))
        for event in events:
            if size > PIECE:
                whole = False
                break
            ids = None if cursor.owes_synced else self._ids(cursor, f"{start}{event.seq}", framing)
            parts.append(framing.frame(event_json(stream.name, start, event, n), ids))
            size += len(parts[-1])
            n = event.seq
        synced = False
        if whole and to_head:
            n = max(n, log.head)
            if cursor.owes_synced:
                synced = True
                here = f"{start}{n}"
                ids = self._ids(cursor, here, framing)
                parts.append(framing.frame(synced_json(stream.name, here, self.now()), ids))
        if not self._send(cursor, b"".join(parts)):
            return False
        cursor.owes_reset = False
        cursor.n = n
        if synced:
            cursor.owes_synced = False
        return cursor.reader.state is State.READY

    def _ids(self, cursor: Cursor, here: str, framing: Framing) -> str:
        """What a reader of several streams may resume from: one position each, empty where it has none."""
        if framing.shared:
            return here
        held = self.positions(cursor.reader)
        held[cursor.stream.name] = here
        return ",".join(held.get(name, "") for name in cursor.reader.cursors)

    def _send(self, cursor: Cursor, data: bytes) -> bool:
        """Hand bytes to one reader; True when at least a part went out."""
        reader = cursor.reader
        if reader.state is not State.READY:
            return False
        try:
            sent = reader.outlet.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            sent = -1
        self.deliveries += 1
        if sent == len(data):
            return True
        self._state(reader, State.GONE if sent < 0 else State.BLOCKED)
        self._off(reader)
        if sent > 0:
            reader.outlet.keep(data[sent:])
            return True
        if sent == 0:
            reader.outlet.watch()
        return False
