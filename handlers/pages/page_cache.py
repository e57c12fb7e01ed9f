"""Pages that are the same for many readers: rendered and compressed once, and kept until something they show changes.

A page is a function of what is committed, of its address, its language and its theme. The cache counts the commits
that changed a poll or a wall, and a page that was rendered before the last of them is never sent again. Figures move
far more often, many times a second while a hall votes: a page may show those of `FIGURES_AGE` seconds ago, as its
script follows the stream from there. Nothing here decides who may see a page.
"""

from __future__ import annotations

import asyncio
import functools
import struct
import zlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable, Iterable
from typing import Any, NamedTuple

from livewall.hub.log import Event

FIGURES = frozenset({"tally", "turnout"})
"""The keys of events that move while people vote."""
FIGURES_AGE = 0.25
"""Seconds for which a page is sent although its figures have moved."""
MAX_PAGES = 128
"""Pages that are kept; the one that was not asked for longest goes first."""
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


class SharedPage:
    """The bytes of a page with a gap for what differs between its readers, plain and as gzip (RFC 1952).

    What fills the gap is not compressed: it may be secret, and the length of the whole must not depend on it.
    """

    def __init__(self, text: bytes, gap: bytes, poll: tuple[str, int] | None = None) -> None:
        """`gap` is the text that marks the places to be filled, of which there may be any number; `poll` is the poll
        that the page shows, by its id and its round."""
        self.poll = poll
        self._parts = text.split(gap)
        self._packed = [_deflated(part, last=False) for part in self._parts[:-1]]
        self._packed.append(_deflated(self._parts[-1], last=True))

    def plain(self, filling: bytes) -> bytes:
        return filling.join(self._parts)

    def gzipped(self, filling: bytes) -> bytes:
        # A stored block (RFC 1951 section 3.2.4); the part before it ends on the boundary of a byte.
        size = len(filling)
        stored = struct.pack("<BHH", 0, size, size ^ 0xFFFF) + filling
        plain = self.plain(filling)
        trailer = struct.pack("<II", zlib.crc32(plain), len(plain) & 0xFFFFFFFF)
        return b"".join((_GZIP_HEADER, stored.join(self._packed), trailer))


def _deflated(part: bytes, *, last: bool) -> bytes:
    """A part of a deflate stream that refers to nothing before it."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(part) + packer.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)


class _Version(NamedTuple):
    """How many commits changed a poll or a wall, and how many moved a figure."""

    state: int
    figures: int


class _Held(NamedTuple):
    """A page, and the version and the time as they were when it was begun."""

    page: SharedPage
    version: _Version
    at: float


class _Rendering(NamedTuple):
    page: asyncio.Future[SharedPage | None]
    version: _Version
    at: float


Render = Callable[[], Coroutine[Any, Any, SharedPage | None]]


class PageCache:
    """The pages of one server. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._version = _Version(0, 0)
        self._held: OrderedDict[Hashable, _Held] = OrderedDict()
        self._rendering: dict[Hashable, _Rendering] = {}

    def __len__(self) -> int:
        return len(self._held)

    def changed(self, stream: str, events: Iterable[Event]) -> None:
        """Take note of what a commit changed, before anybody is told of it."""
        if stream.startswith("tasks"):  # pages with a task on them are not kept
            return
        state, figures = self._version
        if all(event.key in FIGURES for event in events):
            self._version = _Version(state, figures + 1)
        else:
            self._version = _Version(state + 1, figures)

    def held(self, key: Hashable) -> SharedPage | None:
        """Return a page that may be sent now."""
        held = self._held.get(key)
        if held is None or not self._is_current(held.version, held.at):
            return None
        self._held.move_to_end(key)
        return held.page

    def _is_current(self, version: _Version, at: float) -> bool:
        """Whether what was read at this version, and at this time, may be sent now."""
        if version.state != self._version.state:
            return False
        return version.figures == self._version.figures or self._clock() - at < FIGURES_AGE

    async def get(self, key: Hashable, render: Render) -> SharedPage | None:
        """Return the page under `key`, rendered by `render` where none is kept, once for all who ask meanwhile. None
        is what `render` returns for a page that is not to be shared. Raises what `render` raises."""
        page = self.held(key)
        if page is not None:
            return page
        begun = self._rendering.get(key)
        if begun is None or not self._is_current(begun.version, begun.at):
            future = asyncio.ensure_future(render())
            begun = self._rendering[key] = _Rendering(future, self._version, self._clock())
            future.add_done_callback(functools.partial(self._rendered, key, begun))
        return await asyncio.shield(begun.page)

    def _rendered(self, key: Hashable, rendering: _Rendering, done: asyncio.Future[SharedPage | None]) -> None:
        """Keep a page. What it was made of was read after all that its version counts; where more was committed
        meanwhile, it may hold some of that as well, and is not sent again."""
        if self._rendering.get(key) is rendering:
            del self._rendering[key]
        if done.cancelled() or done.exception() is not None or (page := done.result()) is None:
            return
        if self._is_current(rendering.version, rendering.at):
            self._held[key] = _Held(page, rendering.version, rendering.at)
            self._held.move_to_end(key)
            while len(self._held) > MAX_PAGES:
                self._held.popitem(last=False)
