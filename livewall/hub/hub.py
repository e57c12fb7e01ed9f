"""The hub: fans out the events that the store has sequenced to the readers of this process.

It knows no HTTP, no clock and no socket, and it does nothing by itself: `publish` takes committed events, and the
driver (`LiveHub`) runs `work()` and performs the load requests. Every byte that a reader gets comes out of
`catch_up_batch`: a snapshot, a resume and catching up are the same operation at different positions.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from livewall.errors import Busy, LivewallError, NotFound
from livewall.hub import position
from livewall.hub.catch_up import catch_up_batch, missing_events
from livewall.hub.framing import batch, volatile_json
from livewall.hub.load_requests import LoadBackfill, Loaded, LoadRequest, LoadStream, LoadViewerState
from livewall.hub.log import Event, Log
from livewall.hub.position import View
from livewall.hub.reader import Cursor, Reader, State
from livewall.hub.stream import Lane, Rule, Stream

logger = logging.getLogger("livewall.hub")

READERS_PER_TURN = 500
"""The number of readers that are served between two yields of a publication."""
SNAPSHOTS_PER_TURN = 50
"""The number of readers that are given a snapshot between two yields."""
BATCH_BYTES = 32 * 1024
"""The size in bytes of a batch that is handed to a socket at once."""


class Hub:
    """All open streams of this process.

    `rules` decide who may read, by the kind of stream; `now` returns the time as text for `synced`; `wake` is called
    when there is work.
    """

    def __init__(
        self, epoch: str, rules: dict[str, Rule], *, now: Callable[[], str], wake: Callable[[], None] = lambda: None
    ) -> None:
        self.epoch = epoch
        self.rules = rules
        self.now = now
        self.wake = wake
        self.streams: dict[str, Stream] = {}
        self.load_requests: deque[LoadRequest] = deque()
        self.dirty: dict[Stream, None] = {}
        self.readers = 0
        self.behind = 0
        self.deliveries = 0

    # -- streams

    def open(self, name: str, wire_name: str | None = None) -> Stream:
        """Return the open stream `name`; one that was not open begins to load. Readers know it as `wire_name`.

        Raises NotFound for an unknown kind of stream.
        """
        stream = self.streams.get(name)
        if stream is None:
            rule = self.rules.get(name.partition("/")[0])
            if rule is None:
                raise NotFound("no_such_stream", f"there is no stream {name[:80]!r}")
            stream = self.streams[name] = Stream(name, rule, wire_name)
            self._request_load(LoadStream(stream))
        stream.idle = 0
        return stream

    def loaded(self, stream: Stream, loaded: Loaded | None) -> None:
        """Take the store's answer to `LoadStream`. None closes the stream again: it does not exist. A personal stream
        always exists, and is empty at first."""
        if not stream.loading or self.streams.get(stream.name) is not stream:
            return
        created = bool(stream.pending) and stream.pending[0].seq == 1  # while the store was being read
        if loaded is None and (created or stream.is_personal):
            loaded = Loaded(0, {}, [])
        if loaded is None:
            del self.streams[stream.name]
            return
        for view in (View.FULL, View.MASKED):
            log = Log(head=loaded.heads.get(view, 0), base=loaded.base)
            log.load(e for e in loaded.events if e.view & view)
            stream.logs[view] = log
        stream.seq = loaded.seq
        for event in loaded.events:
            stream.note(event)
        stream.loading = False
        pending, stream.pending = stream.pending, []
        self._apply(stream, pending)

    def publish(self, name: str, events: Sequence[Event]) -> None:
        """Take the events of one commit, in the order of their numbers. Events of streams that are not open are
        ignored."""
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
        self._mark_dirty(stream)

    def volatile(self, name: str, key: str, data: str, view: View = View.BOTH, *, retain: bool = False) -> None:
        """Send an event without a position to the readers that are connected (presence, typing). It is not stored.

        With `retain`, the event is also sent to each lasting connection that comes later, until the next event of its
        key.
        """
        stream = self.streams.get(name)
        if stream is not None and not stream.loading:
            message = volatile_json(stream.wire_name, key, data)
            if retain:
                stream.retained[key] = (view, message)
            stream.volatile.append((view, message))
            self._mark_dirty(stream)

    def evict(self) -> int:
        """Close the streams that had no reader at this call nor at the one before; return how many."""
        idle = [s for s in self.streams.values() if not s.cursors and not s.loading and not s.being_served and s.idle]
        for stream in idle:
            del self.streams[stream.name]
            self.dirty.pop(stream, None)
        for stream in self.streams.values():
            stream.idle = 0 if stream.cursors else 1
        return len(idle)

    def is_watched(self, *kinds: str) -> bool:
        """Return whether a stream whose name begins with one of `kinds` has a reader, or had one a moment ago."""
        return any(name.startswith(kinds) for name in self.streams)

    def abandon(self, name: str, error: LivewallError) -> None:
        """Close a stream whose log can no longer be trusted. Its readers get `error`; the next reader loads it anew."""
        stream = self.streams.pop(name, None)
        if stream is not None:
            self.dirty.pop(stream, None)
            for cursor in list(stream.cursors):
                self._end(cursor, error)

    # -- readers

    def attach(self, reader: Reader, stream: Stream, since: str | None, viewer_state: Any = None) -> Cursor:
        """Begin (or move) the cursor of `reader` on a loaded stream at the position `since`; nothing is sent before
        `start`.

        A `viewer_state` of None is not known yet: where the rule needs it, the store is asked, and nothing is sent
        before its answer, so that no `set_viewer_state` between the read and this call can be missed. A reader that is
        gone gets a cursor that is never served. Raises the refusals of the stream's rule, and Busy when the stream was
        closed since it was opened.
        """
        view = stream.rule.view(stream.state, reader.who, viewer_state)
        cursor = Cursor(reader, stream, view, viewer_state)
        if reader.state is State.GONE:
            return cursor
        if stream.loading or self.streams.get(stream.name) is not stream:
            raise Busy("unavailable", f"the stream {stream.wire_name} was closed; subscribe again")
        old = reader.cursors.get(stream.wire_name)
        if old is not None:
            self._drop(old)
        elif not reader.cursors:
            self.readers += 1
        reader.cursors[stream.wire_name] = cursor
        stream.cursors[cursor] = None
        cursor.tag = stream.rule.viewer_tag(stream.name, reader.who)
        if cursor.tag is not None:
            stream.tags.setdefault(cursor.tag, {})[cursor] = None
        if viewer_state is None and stream.rule.needs_viewer_state(stream.state, reader.who):
            cursor.waiting, cursor.claimed_position = True, since
            self._request_viewer_state(cursor)
        else:
            self._take_position(cursor, since)
        return cursor

    def _take_position(self, cursor: Cursor, since: str | None) -> None:
        """Take the position that a reader claims if it is one of this view of this stream. Otherwise the cursor
        needs a snapshot."""
        claimed = position.parse(since) if since else None
        log = cursor.stream.logs[cursor.view]
        if claimed and claimed.epoch == self.epoch and claimed.view == cursor.view and claimed.n <= cursor.stream.seq:
            cursor.n = min(claimed.n, log.head)
            cursor.needs_reset = cursor.needs_synced = False

    def detach(self, reader: Reader, name: str | None = None) -> None:
        """Remove one cursor of a reader, or all of them."""
        had = bool(reader.cursors)
        cursors = list(reader.cursors.values()) if name is None else [c for c in (reader.cursors.get(name),) if c]
        for cursor in cursors:
            self._drop(cursor)
            del reader.cursors[cursor.stream.wire_name]
        if had and not reader.cursors:
            self.readers -= 1

    def gone(self, reader: Reader) -> None:
        """Forget a reader whose connection is closed."""
        self.detach(reader)
        self._set_state(reader, State.GONE)

    def _drop(self, cursor: Cursor) -> None:
        stream = cursor.stream
        if cursor.lane is not None:
            cursor.lane.leave(cursor)
        stream.cursors.pop(cursor, None)
        same_viewer = stream.tags.get(cursor.tag) if cursor.tag is not None else None
        if same_viewer is not None and cursor.tag is not None:
            same_viewer.pop(cursor, None)
            if not same_viewer:
                del stream.tags[cursor.tag]

    def _set_state(self, reader: Reader, state: State) -> None:
        self.behind += (state is State.BLOCKED) - (reader.state is State.BLOCKED)
        reader.state = state

    def busy(self, reader: Reader) -> None:
        """Note that the connection holds bytes of its own (a reply, a ping): no direct send may overtake them until
        `ready`."""
        if reader.state is State.READY:
            self._set_state(reader, State.BLOCKED)
            reader.leave_lanes()

    def ready(self, reader: Reader) -> None:
        """Note that the connection can take bytes: bring every cursor up to date and back on its lane."""
        if reader.state is State.GONE:
            return
        self._set_state(reader, State.READY)
        self.start(reader)

    def start(self, reader: Reader) -> None:
        """Send the first bytes of every attached cursor; a reader that is blocked gets them when it is ready."""
        cursors = list(reader.cursors.values())
        for cursor in cursors:
            cursor.started = True
        for cursor in cursors:
            if reader.state is not State.READY:
                return
            self._catch_up(cursor)

    def positions(self, reader: Reader) -> dict[str, str]:
        """Return the reader's position in each stream whose snapshot is complete."""
        return reader.positions(self.epoch)

    # -- rights

    def recheck(self, stream: Stream) -> None:
        """Decide again what each reader may see. Readers whose view changes need a snapshot of the new one."""
        for cursor in list(stream.cursors):
            if cursor in stream.cursors:  # the end of one reader's stream may end others of the same connection
                self._decide(cursor)

    def viewer_state_loaded(self, cursor: Cursor, viewer_state: Any) -> None:
        """Take the answer to `LoadViewerState`. If `set_viewer_state` was called meanwhile, the answer is stale, and
        the state is requested again where the rule needs it."""
        if cursor not in cursor.stream.cursors or not cursor.state_requested:
            return
        if cursor.state_superseded:
            cursor.state_superseded = cursor.state_requested = False
            self._decide(cursor)
        else:
            cursor.viewer_state = viewer_state
            self._decide(cursor)
            cursor.state_requested = False
        if cursor.waiting and not cursor.state_requested and cursor in cursor.stream.cursors:
            cursor.waiting = False
            self._take_position(cursor, cursor.claimed_position)
            self._catch_up(cursor)

    def _request_viewer_state(self, cursor: Cursor) -> None:
        cursor.state_requested = True
        self._request_load(LoadViewerState(cursor))

    def set_viewer_state(self, name: str, tag: str, viewer_state: Any) -> None:
        """Set the state of a viewer (it cast or retracted a ballot) for all its cursors on a stream."""
        stream = self.streams.get(name)
        if stream is None:
            return
        for cursor in list(stream.tags.get(tag, ())):
            if cursor.viewer_state == viewer_state and not cursor.state_requested:
                continue  # a ballot changed in the same round: what its voter may see does not change
            if cursor in stream.cursors:
                cursor.viewer_state = viewer_state
                cursor.state_superseded = cursor.state_requested
                self._decide(cursor)

    def invalidate_viewer_state(self, name: str, concerned: Callable[[Any], bool]) -> None:
        """Forget the state of the viewers for whom `concerned(who)` holds, and request it again where a rule needs
        it."""
        stream = self.streams.get(name)
        if stream is None:
            return
        for tag, cursors in list(stream.tags.items()):
            if concerned(next(iter(cursors)).reader.who):
                self.set_viewer_state(name, tag, None)

    def _decide(self, cursor: Cursor) -> None:
        stream, reader = cursor.stream, cursor.reader
        try:
            view = stream.rule.view(stream.state, reader.who, cursor.viewer_state)
            lacks = (
                cursor.viewer_state is None
                and not cursor.state_requested
                and stream.rule.needs_viewer_state(stream.state, reader.who)
            )
        except LivewallError as error:
            self._end(cursor, error)
            return
        except Exception:  # a viewer that cannot be judged sees nothing; the others are judged all the same
            logger.exception("the rule of %s failed", stream.wire_name)
            self._end(cursor, LivewallError())
            return
        if lacks:
            self._request_viewer_state(cursor)
        if view is cursor.view:
            return
        if cursor.lane is not None:
            cursor.lane.leave(cursor)
        cursor.view = view
        cursor.needs_reset = cursor.needs_synced = True
        stream.moving.append(cursor)
        self._mark_dirty(stream)

    def _end(self, cursor: Cursor, error: LivewallError) -> None:
        reader = cursor.reader
        self.detach(reader, cursor.stream.wire_name)
        try:
            reader.outlet.ended(cursor.stream.wire_name, error)
        except Exception as failure:
            self._failed(failure)
            self._drop_reader(reader)

    # -- work

    def _request_load(self, load_request: LoadRequest) -> None:
        self.load_requests.append(load_request)
        self.wake()

    def _mark_dirty(self, stream: Stream) -> None:
        self.dirty[stream] = None
        self.wake()

    def work(self) -> Iterator[None]:
        """Bring all readers up to date. The generator yields where other work of this process may run.

        One driver at a time runs it to its end. Streams take turns: events that arrive for a stream while it is served
        wait until the other streams were served.
        """
        while self.dirty:
            stream = next(iter(self.dirty))
            del self.dirty[stream]
            if stream.loading:
                continue
            stream.being_served = True
            try:
                yield from self._serve(stream)
            finally:
                stream.being_served = False

    def _serve(self, stream: Stream) -> Iterator[None]:
        for moved in range(1, len(stream.moving) + 1):
            self._catch_up(stream.moving.popleft())
            if moved % SNAPSHOTS_PER_TURN == 0:
                yield
        for lane in list(stream.lanes.values()):
            if lane.sent != stream.logs[lane.view].head:
                yield from self._publish(stream, lane)
        for _ in range(len(stream.volatile)):
            yield from self._send_volatile(stream, *stream.volatile.popleft())
        for key in [key for key, lane in stream.lanes.items() if lane.empty]:
            del stream.lanes[key]

    def _publish(self, stream: Stream, lane: Lane) -> Iterator[None]:
        """Send everything up to the head, framed once, to every reader of the lane.

        A reader that falls behind keeps the unsent rest of the batch in memory, so a large publication is sent in
        several batches.
        """
        log = stream.logs[lane.view]
        head, framed = log.head, b""
        if lane.sent < log.base:
            # More events arrived at once than memory holds: each cursor is backfilled from the store.
            stream.moving.extend(lane.clear())
            self._mark_dirty(stream)
        if lane.sends or lane.joining:
            events = log.after(lane.sent)
            name = stream.wire_name
            framed, position = batch(lane.framing, name, self.epoch, lane.view, lane.sent, events, BATCH_BYTES)
            if position < len(events):
                head = events[position - 1].seq
                self._mark_dirty(stream)
        catching_up = lane.begin(head)
        if lane.sends:
            yield from self._send_all(lane, framed, counts=True)
        lane.end()
        for served, cursor in enumerate([*catching_up, *lane.individual], 1):
            if cursor.lane is lane:
                lane.leave(cursor)
                self._catch_up(cursor)
            if served % SNAPSHOTS_PER_TURN == 0:
                yield

    def _send_all(self, lane: Lane, data: bytes, *, counts: bool) -> Iterator[None]:
        size = len(data)
        total = len(lane.sends)
        for start in range(0, total, READERS_PER_TURN):
            if start:
                yield
            for index, send in enumerate(lane.sends[start : start + READERS_PER_TURN], start):
                try:
                    sent = send(data)
                except BlockingIOError:
                    sent = 0
                except Exception as error:
                    sent = self._failed(error)
                if sent != size:
                    self._fell_behind(lane, index, sent, data)
            if counts:
                lane.progress = min(start + READERS_PER_TURN, total)
        self.deliveries += total

    def _fell_behind(self, lane: Lane, index: int, sent: int, data: bytes) -> None:
        """Remove from its lanes a reader that accepted only part of a batch, or none, until it can take more."""
        cursor = lane.cursors[index]
        if cursor is None:
            return
        reached = lane.target if sent > 0 and lane.target is not None else cursor.current_n
        lane.leave(cursor)
        cursor.n = reached
        self._settle(cursor.reader, data, sent)

    def _send_volatile(self, stream: Stream, view: int, message: str) -> Iterator[None]:
        for lane in list(stream.lanes.values()):
            if not lane.view & view:
                continue
            data = lane.framing.frame(message, None)
            if lane.sends:
                # Positions stand still: `begin` and `end` only protect the list from readers that come and go
                # meanwhile.
                lane.begin(lane.sent)
                yield from self._send_all(lane, data, counts=False)
                lane.end()
            for served, cursor in enumerate(list(lane.individual), 1):
                if cursor.lane is lane:
                    sent = self._offer(cursor.reader, data)
                    if sent != len(data):
                        self._settle(cursor.reader, data, sent)
                if served % READERS_PER_TURN == 0:
                    yield

    # -- catching up

    def _catch_up(self, cursor: Cursor) -> None:
        """Send a cursor the events it lacks, in batches, and put it on its lane, unless its socket fills up first."""
        stream = cursor.stream
        while cursor.can_receive:
            log = stream.logs[cursor.view]
            if cursor.needs_synced:
                if log.base > max(cursor.n, cursor.snapshot_base):
                    # events that the rest of this snapshot needs were dropped from memory meanwhile
                    cursor.needs_reset = True
            elif cursor.n >= log.head:
                if self._send_retained(cursor):
                    continue
                lane = stream.lane(cursor.view, cursor.reader.outlet.framing)
                lane.join(cursor)
                if cursor in lane.joining:
                    self._mark_dirty(stream)
                return
            elif cursor.n < log.base:
                cursor.loading = True
                self._request_load(LoadBackfill(cursor))
                return
            self._send_batch(cursor, missing_events(cursor, log), to_head=True)

    def _send_retained(self, cursor: Cursor) -> bool:
        """Send the retained events to a cursor that has just come; return whether there were any."""
        framing = cursor.reader.outlet.framing
        retained = [message for view, message in cursor.stream.retained.values() if view & cursor.view]
        if cursor.retained_sent or not retained or not framing.lasting:
            return False
        cursor.retained_sent = True
        data = b"".join(framing.frame(message, None) for message in retained)
        sent = self._offer(cursor.reader, data)
        if sent != len(data):
            self._settle(cursor.reader, data, sent)
        return True

    def backfilled(self, cursor: Cursor, events: Sequence[Event] | None) -> None:
        """Take the store's answer to `LoadBackfill`: the events after the cursor in its view, oldest first, or the
        first of them. None means that the store no longer holds all of them, or cannot be read at the moment."""
        if not cursor.loading:
            return
        cursor.loading = False
        if cursor.needs_reset or not cursor.can_receive:
            # It has moved to another view since, or asks again when it is ready.
            self._catch_up(cursor)
            return
        # The store may be ahead of the events that were published, also in a change of rights: events that were not
        # published yet must wait.
        stream = cursor.stream
        known = [e for e in events or () if e.seq <= stream.seq]
        if not events:
            cursor.needs_reset = cursor.needs_synced = True
        while known and cursor.can_receive:
            self._send_batch(cursor, known, to_head=False)
            known = [e for e in known if e.seq > cursor.n]
        if not known and events and events[-1].seq > stream.seq and cursor.n < stream.logs[cursor.view].base:
            stream.moving.append(cursor)  # asks again after the publication that must be on its way
        else:
            self._catch_up(cursor)

    def _send_batch(self, cursor: Cursor, events: Sequence[Event], *, to_head: bool) -> None:
        """Send one batch, beginning with a reset if it needs one. The cursor moves only if bytes were sent."""
        reader, log = cursor.reader, cursor.stream.logs[cursor.view]
        ids = cursor.other_positions(self.epoch)
        catch_up = catch_up_batch(
            cursor, log, events, epoch=self.epoch, now=self.now, ids=ids, to_head=to_head, max_bytes=BATCH_BYTES
        )
        sent = self._offer(reader, catch_up.data)
        if sent > 0 or not catch_up.data:
            cursor.n = catch_up.n
            cursor.needs_reset = False
            cursor.needs_synced = cursor.needs_synced and not catch_up.synced
        if sent != len(catch_up.data):
            self._settle(reader, catch_up.data, sent)

    # -- outlets

    def _offer(self, reader: Reader, data: bytes) -> int:
        """Return how many bytes the reader takes now; a negative number when its connection failed."""
        self.deliveries += 1
        try:
            return reader.outlet.send(data)
        except BlockingIOError:
            return 0
        except Exception as error:
            return self._failed(error)

    def _failed(self, error: Exception) -> int:
        """Note that a connection failed. An error other than OSError is also logged."""
        if not isinstance(error, OSError):
            logger.error("an outlet failed", exc_info=error)
        return -1

    def _settle(self, reader: Reader, data: bytes, sent: int) -> None:
        """Handle an outlet that did not take all bytes. Must be the caller's last step, because the outlet may call
        `ready` before this returns."""
        if sent < 0:
            self._drop_reader(reader)
            return
        self._set_state(reader, State.BLOCKED)
        reader.leave_lanes()
        try:
            if sent > 0:
                reader.outlet.keep(data[sent:])
            else:
                reader.outlet.watch()
        except Exception as error:
            self._failed(error)
            self._drop_reader(reader)

    def _drop_reader(self, reader: Reader) -> None:
        """Remove a reader whose connection failed during a send, and have the connection closed."""
        self.gone(reader)
        try:
            reader.outlet.lost()
        except Exception as error:
            self._failed(error)
