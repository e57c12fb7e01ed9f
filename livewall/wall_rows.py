"""Walls as rows: read and written inside a transaction, with the events about them.

A wall is an ordered list of items, one of them active, behind a code that people type. It has two views: a host's with
all items, and everyone's with the items that were opened and the active one. Anyone may read the active item; the
item's own stream says that it is active (`stage`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from livewall import wire
from livewall.errors import NotFound, invalid
from livewall.hub.position import View
from livewall.names import new_wall_code, wall_code
from livewall.store.transaction import Transaction
from livewall.visible_text import readable

MAX_ITEMS = 500
"""The largest number of items of a wall."""


class Wall(msgspec.Struct):
    """A wall as it is sent on the wire."""

    code: str
    title: str
    items: list[str]
    active: str | None


class WallRow(msgspec.Struct):
    wall: Wall
    version: int


def stream_of(code: str) -> str:
    return f"walls/{code}"


def as_everyone_sees(wall: Wall, opened: set[str]) -> Wall:
    """Return the wall without the items that come later."""
    return Wall(wall.code, wall.title, [i for i in wall.items if i in opened or i == wall.active], wall.active)


def title_of(text: str) -> str:
    """Return the title of a wall, on one line. Raises BadInput."""
    return readable(text, "title")


def find(asks: Any, code: str) -> WallRow:
    row = asks.execute(
        "SELECT code, title, items, active, version FROM walls WHERE code = :code", {"code": code}
    ).fetchone()
    if row is None:
        raise NotFound("not_found", f"there is no wall {code[:12]}")
    return WallRow(Wall(row[0], row[1], msgspec.json.decode(row[2], type=list[str]), row[3]), row[4])


def check_item(asks: Any, item: str) -> None:
    """Raise BadInput unless `item` is a poll or task that exists."""
    kind, _, item_id = item.partition("/")
    if kind == "polls":
        row = asks.execute("SELECT 1 FROM polls WHERE id = :id AND archived = 0", {"id": item_id}).fetchone()
    elif kind == "tasks":
        row = asks.execute("SELECT 1 FROM tasks WHERE id = :id", {"id": item_id}).fetchone()
    else:
        raise invalid("items", f"{item[:40]!r} is not an item: polls/ID or tasks/ID")
    if row is None:
        raise invalid("items", f"there is no {item[:90]}")


def opened_items(asks: Any, items: Sequence[str]) -> set[str]:
    """Return those of the items that are polls and were opened once."""
    opened = set()
    for item in items:
        kind, _, item_id = item.partition("/")
        if kind == "polls":
            row = asks.execute("SELECT opened FROM polls WHERE id = :id AND archived = 0", {"id": item_id}).fetchone()
            if row and row[0]:
                opened.add(item)
    return opened


def insert(tx: Transaction, title: str, now: str) -> Wall:
    """Insert a new wall without items."""
    code = new_wall_code()
    while tx.one("SELECT 1 FROM walls WHERE code = :code", {"code": code}):
        code = new_wall_code()
    wall = Wall(code, title, [], None)
    tx.execute(
        """INSERT INTO walls (code, title, items, active, version, created_at)
        VALUES (:code, :title, '[]', NULL, 1, :now)""",
        {"code": code, "title": title, "now": now},
    )
    append_wall_event(tx, wall)
    return wall


def save(tx: Transaction, before: Wall, wall: Wall) -> None:
    tx.execute(
        "UPDATE walls SET title = :title, items = :items, active = :active, version = version + 1 WHERE code = :code",
        {"title": wall.title, "items": wire.text(wall.items), "active": wall.active, "code": wall.code},
    )
    append_wall_event(tx, wall)
    if before.active != wall.active:
        append_stage_event(tx, before.active)
        append_stage_event(tx, wall.active)


def append_wall_event(tx: Transaction, wall: Wall) -> None:
    """Append the `wall` event of both views; that of everyone's view only if it changed."""
    tx.append(stream_of(wall.code), "wall", wire.text(wall), view=View.FULL)
    public = wire.text(as_everyone_sees(wall, opened_items(tx, wall.items)))
    held = tx.one(
        "SELECT data FROM latest WHERE stream = :stream AND view = :view AND key = 'wall'",
        {"stream": stream_of(wall.code), "view": int(View.MASKED)},
    )
    if held is None or held[0] != public:
        tx.append(stream_of(wall.code), "wall", public, view=View.MASKED)


def append_stage_event(tx: Transaction, item: str | None) -> None:
    """Append whether a task is the active item of a wall now to the task's stream, for its rule."""
    if item is None or not item.startswith("tasks/"):
        return
    on = tx.one("SELECT 1 FROM walls WHERE active = :item LIMIT 1", {"item": item}) is not None
    tx.append(item, "stage", wire.text(on), view=View.NONE)


def append_item(tx: Transaction, code: str, item: str) -> str:
    """Append an item to a wall; return the wall's code as it is stored. Raises NotFound, and BadInput where the wall is
    full."""
    row = find(tx, wall_code(code))
    if len(row.wall.items) >= MAX_ITEMS:
        raise invalid("wall", f"a wall has at most {MAX_ITEMS} items")
    save(tx, row.wall, msgspec.structs.replace(row.wall, items=[*row.wall.items, item]))
    return row.wall.code


def remove_item(tx: Transaction, item: str) -> None:
    """Remove an item from every wall that has it."""
    for (each,) in tx.all("SELECT code FROM walls WHERE items LIKE :like", {"like": f'%"{item}"%'}):
        wall = find(tx, each).wall
        left = [i for i in wall.items if i != item]
        save(tx, wall, Wall(wall.code, wall.title, left, None if wall.active == item else wall.active))


def item_opened(tx: Transaction, item: str) -> None:
    """Mark a poll as opened for the first time, and append the `wall` event of its walls: everyone sees it there
    now."""
    tx.execute("UPDATE polls SET opened = 1 WHERE id = :id", {"id": item.partition("/")[2]})
    for (code,) in tx.all("SELECT code FROM walls WHERE items LIKE :like", {"like": f'%"{item}"%'}):
        append_wall_event(tx, find(tx, code).wall)
