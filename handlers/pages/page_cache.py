"""A cache of pages that are the same for many readers. They are rendered and compressed once, and kept until something
that they show changes.

A page depends on the committed data, its address, its language and its theme. The cache counts the commits that changed
a poll or a wall, and never sends a page again that was rendered before the last of them. Figures change far more often,
many times a second while an audience votes. A page may show figures that are up to `FIGURES_AGE` seconds old, because
its script follows the stream from there. The cache does not decide who may see a page.
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
"""The keys of events that change while people vote."""
FIGURES_AGE = 0.25
"""The time in seconds for which a page is still sent after its figures have changed."""
MAX_PAGES = 128
"""The number of pages in the cache. The least recently used one is dropped first."""
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


class SharedPage:
    """The bytes of a page with gaps for the text that differs between readers, plain and as gzip (RFC 1952).

    The text in the gaps is not compressed: it may be secret, and the length of the page must not depend on it.
    """

    def __init__(self, text: bytes, gap: bytes, poll: tuple[str, int] | None = None, questions: str = "") -> None:
        """`gap` is the text that marks the gaps, of which there may be any number. `poll` is the id and the round of
        the poll that the page shows, and `questions` the code of the wall whose questions it shows."""
        self.poll = poll
        self.questions = questions
        self._parts = text.split(gap)
        self._packed = [_deflate(part, last=False) for part in self._parts[:-1]]
        self._packed.append(_deflate(self._parts[-1], last=True))

    def plain(self, filling: bytes) -> bytes:
        return filling.join(self._parts)

    def gzipped(self, filling: bytes) -> bytes:
        # A stored block (RFC 1951 section 3.2.4); the part before it ends on the boundary of a byte.
        size = len(filling)
        stored = struct.pack("<BHH", 0, size, size ^ 0xFFFF) + filling
        plain = self.plain(filling)
        trailer = struct.pack("<II", zlib.crc32(plain), len(plain) & 0xFFFFFFFF)
        return b"".join((_GZIP_HEADER, stored.join(self._packed), trailer))


def _deflate(part: bytes, *, last: bool) -> bytes:
    """Return a part of a deflate stream that refers to nothing before it."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(part) + packer.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)


class _Version(NamedTuple):
    """The number of commits that changed a poll or a wall, of those that changed only figures, and of those that
    changed questions."""

    state: int
    figures: int
    questions: int


class _Cached(NamedTuple):
    """A page, with the version and the time at which rendering began."""

    page: SharedPage
    version: _Version
    at: float


class _Rendering(NamedTuple):
    page: asyncio.Future[SharedPage | None]
    version: _Version
    at: float


Render = Callable[[], Coroutine[Any, Any, SharedPage | None]]


class PageCache:
    """The cached pages of one server. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._version = _Version(0, 0, 0)
        self._cached: OrderedDict[Hashable, _Cached] = OrderedDict()
        self._rendering: dict[Hashable, _Rendering] = {}

    def __len__(self) -> int:
        return len(self._cached)

    def changed(self, stream: str, events: Iterable[Event]) -> None:
        """Count a commit, before any reader is told of it."""
        # Pages that show a task, a room or private messages are not cached.
        if stream.startswith(("tasks", "rooms/", "inbox/")):
            return
        version = self._version
        if stream.startswith("questions/"):
            self._version = version._replace(questions=version.questions + 1)
        elif all(event.key in FIGURES for event in events):
            self._version = version._replace(figures=version.figures + 1)
        else:
            self._version = version._replace(state=version.state + 1)

    def cached(self, key: Hashable) -> SharedPage | None:
        """Return a page that may be sent now, or None."""
        cached = self._cached.get(key)
        if cached is None or not self._is_current(cached.version, cached.at, questions=bool(cached.page.questions)):
            return None
        self._cached.move_to_end(key)
        return cached.page

    def _is_current(self, version: _Version, at: float, *, questions: bool) -> bool:
        """Return whether data that was read at this version and time may be sent now. `questions` says whether there
        are questions among it."""
        if version.state != self._version.state or (questions and version.questions != self._version.questions):
            return False
        return version.figures == self._version.figures or self._clock() - at < FIGURES_AGE

    async def get(self, key: Hashable, render: Render) -> SharedPage | None:
        """Return the page under `key`. If none is cached, `render` is called once for all who ask meanwhile. It returns
        None for a page that must not be shared. Raises what `render` raises."""
        page = self.cached(key)
        if page is not None:
            return page
        rendering = self._rendering.get(key)
        # Whether a page shows questions is known when it is rendered.
        if rendering is None or not self._is_current(rendering.version, rendering.at, questions=True):
            future = asyncio.ensure_future(render())
            rendering = self._rendering[key] = _Rendering(future, self._version, self._clock())
            future.add_done_callback(functools.partial(self._rendered, key, rendering))
        return await asyncio.shield(rendering.page)

    def _rendered(self, key: Hashable, rendering: _Rendering, done: asyncio.Future[SharedPage | None]) -> None:
        """Store a page if it is still current. Its data was read after the commits that its version counts. If more was
        committed meanwhile, the page may contain part of that, and is not stored."""
        if self._rendering.get(key) is rendering:
            del self._rendering[key]
        if done.cancelled() or done.exception() is not None or (page := done.result()) is None:
            return
        if self._is_current(rendering.version, rendering.at, questions=bool(page.questions)):
            self._cached[key] = _Cached(page, rendering.version, rendering.at)
            self._cached.move_to_end(key)
            while len(self._cached) > MAX_PAGES:
                self._cached.popitem(last=False)
