"""A wall as its hosts steer it: every item in its order, with what a remote needs to show and to change it."""

from __future__ import annotations

import msgspec

from livewall.errors import NotFound
from livewall.voting import rows
from livewall.voting.poll import Poll, Tally
from livewall.walls.walls import Wall, find


class Entry(msgspec.Struct):
    """An item: a poll with its version and the tally of its round, or a task's title and state."""

    item: str
    title: str
    version: int = 0
    poll: Poll | None = None
    tally: Tally | None = None
    state: str = ""


def agenda(asks: rows.Asks, code: str) -> tuple[Wall, int, list[Entry]]:
    """The wall, its version and its items, as they stand together. For hosts only. Raises NotFound."""
    row = find(asks, code)
    return row.wall, row.version, [entry(asks, item) for item in row.wall.items]


def entry(asks: rows.Asks, item: str) -> Entry:
    kind, _, item_id = item.partition("/")
    if kind == "tasks":
        found = asks.execute("SELECT title, state FROM tasks WHERE id = :id", {"id": item_id}).fetchone()
        return Entry(item, found[0], state=found[1]) if found else Entry(item, "")
    try:
        row = rows.find(asks, item_id)
    except NotFound:
        return Entry(item, "")
    return Entry(item, row.poll.title, row.version, row.poll, rows.tally(asks, row.poll))
