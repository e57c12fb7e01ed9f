"""The tally of a round over time, from the stored tally events. Their times are those of publications, at most some
twenty a second: no ballot has a time of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from livewall.charts.thinning import thin
from livewall.hub.live_hub import LiveHub
from livewall.identity import Who
from livewall.store.store import Store
from livewall.voting import rounds, rows
from livewall.voting.poll import Option, Phase, Poll, Tally
from livewall.voting.rounds import Shown

T = TypeVar("T")

MAX_MOMENTS = 2000
"""The largest number of moments in an answer."""
_READ = 8000
"""The largest number of events that are read; of a round with more events, a part is read."""
_KEPT_FOR = 2.0
"""Seconds for which the replay of a round that may still change is cached."""
_CACHED = 16

_tally: msgspec.json.Decoder[Tally] = msgspec.json.Decoder(Tally)


class Moment(msgspec.Struct, frozen=True):
    """The tally from the time `at` on."""

    at: str
    counts: dict[str, int]
    ballots: int


class Replay(msgspec.Struct):
    """A round over time, oldest first. A poll that was closed and opened again has a pause in it."""

    round: int
    options: list[Option]
    items: list[Moment]


def monotonic(items: Iterable[Moment]) -> list[Moment]:
    """Return the moments with times that never go back, as those of a clock that was set do."""
    moments: list[Moment] = []
    for item in items:
        if moments and item.at < moments[-1].at:
            item = Moment(moments[-1].at, item.counts, item.ballots)
        moments.append(item)
    return moments


def sampled(events: Iterable[tuple[str, str]], round_number: int, most: int = _READ) -> list[tuple[str, str]]:
    """Return events of the round as (time, text), beginning with the last one before its first ballot: all of them, or
    if there are more than `most`, every second, fourth, … and the last. Each text begins with its round and ends with
    its ballots, so most are dropped without being parsed."""
    own, empty = f'{{"round":{round_number},', '"ballots":0}'
    kept: list[tuple[str, str]] = []
    first: tuple[str, str] | None = None
    last: tuple[str, str] | None = None
    count, stride = 0, 1
    for event in events:
        if not event[1].startswith(own):
            if last is not None:
                break
            continue
        if not count and event[1].endswith(empty):
            first = last = event
            continue
        last = event
        count += 1
        if count % stride == 0:
            kept.append(event)
            if len(kept) > most:
                kept, stride = kept[1::2], stride * 2
    ends = [last] if last is not None and (not kept or kept[-1] is not last) and last is not first else []
    return [*([first] if first is not None else []), *kept, *ends]


def read(asks: rows.Asks, poll: Poll, round_number: int, most: int = MAX_MOMENTS) -> list[Moment]:
    """Return at most `most` moments of the round, from its opening on."""
    order = [option.id for option in poll.options]
    events = asks.execute(
        "SELECT at, data FROM kept WHERE stream = :stream AND key = 'tally' ORDER BY seq",
        {"stream": rows.stream_of(poll.id)},
    )
    items = []
    for at, data in sampled(events, round_number):
        tally = _tally.decode(data)
        items.append(Moment(at, {poll_id: tally.counts.get(poll_id, 0) for poll_id in order}, tally.ballots))
    return thin(monotonic(items), most)


class Replays:
    """Replays for readers. One is read at a time, in a worker thread, and cached as long as the store has nothing
    newer."""

    def __init__(self, store: Store, hub: LiveHub, clock: Callable[[], float]) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock
        self._reading = asyncio.Lock()
        self._drawing = asyncio.Lock()
        self._held: dict[tuple[str, int], tuple[tuple[Any, ...], float, Replay]] = {}

    async def get(self, poll_id: str, round_number: int | None, who: Who) -> tuple[Shown, Replay]:
        """Return what may be seen of a poll, and the replay of one of its rounds, the current one unless another is
        named.

        Raises NotFound, and NotAllowed while `who` may not see the tally.
        """
        shown = await rounds.shown(self._store, self._hub, poll_id, who)
        wanted = rounds.chosen(shown, round_number).round
        # Whoever waits here finds the answer in the cache, because most ask for the same round.
        async with self._reading:
            return shown, await self._read(shown.poll, wanted, shown.head)

    async def in_thread(self, draw: Callable[[], T]) -> T:
        """Run a slow drawing in a worker thread, one at a time, because everyone who may see a tally may ask for it."""
        async with self._drawing:
            return await asyncio.to_thread(draw)

    async def _read(self, poll: Poll, round_number: int, head: int) -> Replay:
        key, now = (poll.id, round_number), self._clock()
        state = (poll.options, head if round_number == poll.round else None)  # a round that is over does not change
        held = self._held.get(key)
        if held is not None:
            # During a poll every ballot changes the newest position, and all viewers would read everything again.
            fresh = poll.phase is Phase.OPEN and held[0][0] == state[0] and now - held[1] < _KEPT_FOR
            if fresh or held[0] == state:
                return held[2]
        items = await self._store.read(lambda connection: read(connection, poll, round_number))
        replay = Replay(round_number, poll.options, items)
        self._held.pop(key, None)
        while len(self._held) >= _CACHED:
            self._held.pop(next(iter(self._held)))
        self._held[key] = (state, now, replay)
        return replay
