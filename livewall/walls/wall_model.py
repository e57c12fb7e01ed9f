"""The model of a wall for its hosts: every item in order, with the data that a host page needs to show and change
it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from livewall.errors import NotFound
from livewall.voting import rows
from livewall.voting.poll import Poll, Tally
from livewall.wall_rows import Wall, find


class WallItem(msgspec.Struct):
    """An item of a wall: a poll with its version and the tally of its round, a task's title and state, a room's title
    and the number of its messages, or the questions of the wall, which have no title."""

    item: str
    title: str
    version: int = 0
    poll: Poll | None = None
    tally: Tally | None = None
    state: str = ""
    count: int | None = None


class WallModel(NamedTuple):
    """A wall, its version and its items, read together."""

    wall: Wall
    version: int
    items: list[WallItem]


def wall_model(asks: rows.Asks, code: str) -> WallModel:
    """Return a wall as its hosts control it; for hosts only. Raises NotFound."""
    row = find(asks, code)
    return WallModel(row.wall, row.version, [wall_item(asks, item) for item in row.wall.items])


def wall_item(asks: rows.Asks, item: str) -> WallItem:
    kind, _, item_id = item.partition("/")
    if kind == "tasks":
        task_row = asks.execute("SELECT title, state FROM tasks WHERE id = :id", {"id": item_id}).fetchone()
        return WallItem(item, task_row[0], state=task_row[1]) if task_row else WallItem(item, "")
    if kind == "rooms":
        room_row = asks.execute("SELECT title, messages FROM rooms WHERE name = :name", {"name": item_id}).fetchone()
        return WallItem(item, room_row[0], count=room_row[1]) if room_row else WallItem(item, "")
    if kind != "polls":
        return WallItem(item, "")
    try:
        row = rows.find(asks, item_id)
    except NotFound:
        return WallItem(item, "")
    return WallItem(item, row.poll.title, row.version, row.poll, rows.tally(asks, row.poll))
