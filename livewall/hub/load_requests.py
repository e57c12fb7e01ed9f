"""What the hub wants to know: it asks nobody itself, whoever drives it performs these and hands the answers in."""

from __future__ import annotations

from typing import NamedTuple

from livewall.hub.log import Event
from livewall.hub.position import View
from livewall.hub.reader import Cursor
from livewall.hub.stream import Stream


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
