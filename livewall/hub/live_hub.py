"""The driver of the hub on the event loop: it performs the load requests and runs the hub's work with yields.

The hub itself is pure; everything that takes time is here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from livewall.background_tasks import BackgroundTasks
from livewall.errors import Busy, LivewallError, NotFound
from livewall.hub.hub import Hub
from livewall.hub.load_requests import LoadBackfill, Loaded, LoadRequest, LoadStream, LoadViewerState
from livewall.hub.log import Event
from livewall.hub.position import View
from livewall.hub.reader import Cursor, Reader
from livewall.hub.stream import Rule, Stream

log = logging.getLogger(__name__)


class Streams(Protocol):
    """The part of the store that the hub uses."""

    async def load(self, name: str) -> Loaded | None: ...

    async def since(self, name: str, view: View, n: int) -> list[Event] | None: ...


class LiveHub:
    """The hub and the loop that drives it.

    `personal` are the streams of which everybody has one of their own, by the name by which readers ask for theirs: a
    function of who asks returns the name under which it is stored, or raises LivewallError. The kind of such a name is
    that of personal streams only, and nobody can ask for one of them by its stored name.
    `spent(seconds)` is called with the time of this thread that each stretch of fan-out took, by `cpu_clock`;
    `finished(seconds)` with the time from the first change to the last send, by `clock`.
    """

    def __init__(
        self,
        epoch: str,
        rules: dict[str, Rule],
        streams: Streams,
        *,
        now: Callable[[], str],
        clock: Callable[[], float],
        cpu_clock: Callable[[], float],
        spent: Callable[[float], None] = lambda seconds: None,
        finished: Callable[[float], None] = lambda seconds: None,
        personal: Mapping[str, Callable[[Any], str]] | None = None,
    ) -> None:
        self.hub = Hub(epoch, rules, now=now, wake=self._wake)
        self._streams = streams
        self._personal = dict(personal or {})
        self._personal_kinds = {kind_of(name) for name in self._personal}
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._spent = spent
        self._finished = finished
        self._loop = asyncio.get_running_loop()
        self._scheduled = False
        self._since = 0.0
        self._tasks = BackgroundTasks(log, "the hub's work failed")
        self._opening: dict[Stream, asyncio.Future[None]] = {}

    # -- what happens after a commit

    def publish(self, name: str, events: list[Event]) -> None:
        """Publish committed events. If that fails, the stream is closed, so its readers come back and lack nothing."""
        try:
            self.hub.publish(name, events)
        except Exception:
            log.exception("a commit to %s could not be published; its readers are made to reconnect", name)
            self.hub.abandon(name, Busy("unavailable", "the stream was interrupted; subscribe again"))

    def set_viewer_state(self, name: str, tag: str, viewer_state: Any) -> None:
        self.hub.set_viewer_state(name, tag, viewer_state)

    # -- reading

    async def open(self, name: str) -> Stream:
        """Return a stream that is nobody's own, once it is loaded. Raises NotFound (`no_such_stream`) and Busy."""
        if kind_of(name) in self._personal_kinds:
            raise no_such_stream(name)
        return await self._loaded(self.hub.open(name))

    async def open_for(self, name: str, who: Any) -> Stream:
        """Return the stream that `who` means by a name, once it is loaded. Raises NotFound (`no_such_stream`), Busy,
        and what `personal` raises for somebody who has no such stream."""
        stored_name = self._personal.get(name)
        if stored_name is None:
            return await self.open(name)
        return await self._loaded(self.hub.open(stored_name(who), name))

    async def _loaded(self, stream: Stream) -> Stream:
        if stream.loading:
            future = self._opening.get(stream)
            if future is None:
                future = self._opening[stream] = self._loop.create_future()
                # A caller may give up waiting; the others still wait for the same answer.
                future.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.shield(future)
        return stream

    async def view(self, name: str, who: Any) -> View:
        """Return the view of a stream that `who` gets. Raises the refusals of its rule."""
        stream = await self.open_for(name, who)
        viewer_state = None
        if stream.rule.needs_viewer_state(stream.state, who):
            viewer_state = await stream.rule.load_viewer_state(name, who)
        return stream.rule.view(stream.state, who, viewer_state)

    async def attach(self, reader: Reader, name: str, since: str | None) -> None:
        """Give a reader a cursor on a stream; `hub.start` sends the first bytes. Raises NotFound, NotAllowed."""
        stream = await self.open_for(name, reader.who)
        self.hub.attach(reader, stream, since)

    async def settled(self, reader: Reader) -> None:
        """Wait until no load request of `reader` is open."""
        while any(c.loading or c.waiting for c in reader.cursors.values()):
            if self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.sleep(0)

    # -- driving

    def _wake(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._since = self._clock()
            self._loop.call_soon(self._run_turn)

    def _run_turn(self) -> None:
        """Run the hub's work. Most publications end within one turn of the loop; only a long one becomes a task."""
        self._perform_loads()
        work = self.hub.work()
        more = False
        try:
            more = self._step(work)
        finally:  # however one publication ends, the next ones must run
            if more:
                self._tasks.spawn(self._continue(work))
            else:
                self._turn_done()

    def _step(self, work: Any) -> bool:
        """Run one stretch of work; return False at its end. A failure is logged and does not stop later work."""
        start = self._cpu_clock()
        try:
            next(work)
            return True
        except StopIteration:
            return False
        except Exception:
            log.exception("the hub's work failed")
            return False
        finally:
            self._spent(self._cpu_clock() - start)

    async def _continue(self, work: Any) -> None:
        try:
            await asyncio.sleep(0)
            while self._step(work):
                # a reader of another stream does not wait until all readers of this one are served
                self._perform_loads()
                await asyncio.sleep(0)
        finally:
            self._turn_done()

    def _turn_done(self) -> None:
        self._scheduled = False
        self._finished(self._clock() - self._since)
        self._perform_loads()
        if self.hub.dirty:
            self._wake()

    def _perform_loads(self) -> None:
        while self.hub.load_requests:
            self._tasks.spawn(self._perform_load(self.hub.load_requests.popleft()))

    async def _perform_load(self, load_request: LoadRequest) -> None:
        match load_request:
            case LoadStream(stream):
                await self._load_stream(stream)
            case LoadBackfill(cursor):
                await self._load_backfill(cursor)
            case LoadViewerState(cursor):
                self.hub.viewer_state_loaded(cursor, await self._load_viewer_state(cursor))

    async def _load_viewer_state(self, cursor: Cursor) -> Any:
        """Return the state of a viewer. None, with which a viewer sees less, if the store cannot be read."""
        try:
            return await cursor.stream.rule.load_viewer_state(cursor.stream.name, cursor.reader.who)
        except Exception as error:
            self._load_failed("what a reader may see", cursor.stream, error)
            return None

    async def _load_stream(self, stream: Stream) -> None:
        error: LivewallError | None = None
        loaded: Loaded | None = None
        try:
            loaded = await self._streams.load(stream.name)
        except LivewallError as problem:
            error = problem
        except Exception as problem:
            error = self._load_failed("what it holds", stream, problem)
        self.hub.loaded(stream, loaded)
        if stream.loading and error is None:
            error = no_such_stream(stream.name)
        future = self._opening.pop(stream, None)
        if future is not None and not future.done():
            if stream.loading and error is not None:
                future.set_exception(error)
            else:
                future.set_result(None)

    async def _load_backfill(self, cursor: Cursor) -> None:
        try:
            events = await self._streams.since(cursor.stream.name, cursor.view, cursor.n)
        except Exception as error:
            self._load_failed("what a reader lacks", cursor.stream, error)
            events = None
        self.hub.backfilled(cursor, events)

    def _load_failed(self, missing: str, stream: Stream, error: Exception) -> Busy:
        """Log that a load failed and return the error for its caller, which would wait forever without one."""
        is_expected = isinstance(error, LivewallError)
        log.warning(
            "%s of %s is not known: %s", missing, stream.wire_name, error, exc_info=None if is_expected else error
        )
        return Busy("unavailable", "the stream cannot be read at the moment; try again")

    async def idle(self) -> None:
        """Wait until all committed events have been sent to every reader that could take them."""
        while self._tasks or self._scheduled:
            if self._tasks:
                await asyncio.wait(self._tasks)
            else:
                await asyncio.sleep(0)


def kind_of(name: str) -> str:
    """Return the part of a stream's name that says what it is a stream of."""
    return name.partition("/")[0]


def no_such_stream(name: str) -> NotFound:
    return NotFound("no_such_stream", f"there is no stream {name[:80]}")
