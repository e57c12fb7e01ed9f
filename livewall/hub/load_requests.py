"""Requests of the hub to load something from the store.

The hub does no I/O: its driver performs these requests and passes the results back to the hub.
"""

from __future__ import annotations

from typing import NamedTuple

from livewall.hub.log import Event
from livewall.hub.position import View
from livewall.hub.reader import Cursor
from livewall.hub.stream import Stream


class Loaded(NamedTuple):
    """The events that the store holds of a stream: the newest of each key of each view, oldest first. From position
    `base` on they are complete."""

    seq: int
    heads: dict[View, int]
    events: list[Event]
    base: int = 0


class LoadStream(NamedTuple):
    """A stream was opened and its log is needed. Answered by `Hub.loaded`."""

    stream: Stream


class LoadBackfill(NamedTuple):
    """A cursor is behind the oldest event in memory. Answered by `Hub.backfilled`."""

    cursor: Cursor


class LoadViewerState(NamedTuple):
    """A rule needs the state of this viewer (its ballot, say). Answered by `Hub.viewer_state_loaded`."""

    cursor: Cursor


LoadRequest = LoadStream | LoadBackfill | LoadViewerState
