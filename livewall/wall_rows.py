"""Walls as rows: read and written inside a transaction, with the events about them.

A wall is an ordered list of items, one of them active, behind a code that people type. It has two views: a host's with
all items, and everyone's with the items that were opened and the active one. Anyone may read the active item; the
item's own stream says that it is active (`stage`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from livewall import wire
from livewall.errors import NotFound, invalid
from livewall.hub.position import View
from livewall.names import new_wall_code, wall_code
from livewall.store.transaction import Transaction
from livewall.visible_text import readable

MAX_ITEMS = 500
"""The largest number of items of a wall."""


QuestionsSetting = Literal["off", "open", "moderated", "closed"]
"""Whether the audience asks questions, and whether a host looks at each before everyone sees it."""


class Wall(msgspec.Struct):
    """A wall as it is sent on the wire. `questions` and `reactions` are left out where they are off."""

    code: str
    title: str
    items: list[str]
    active: str | None
    questions: QuestionsSetting | UnsetType = UNSET
    reactions: bool | UnsetType = UNSET

    @property
    def setting(self) -> QuestionsSetting:
        return "off" if self.questions is UNSET else self.questions


class WallRow(msgspec.Struct):
    wall: Wall
    version: int


_WALL = "code, title, items, active, questions, reactions"


def stream_of(code: str) -> str:
    return f"walls/{code}"


def as_everyone_sees(wall: Wall, opened: set[str]) -> Wall:
    """Return the wall without the items that come later."""
    return msgspec.structs.replace(wall, items=[i for i in wall.items if i in opened or i == wall.active])


def title_of(text: str) -> str:
    """Return the title of a wall, on one line. Raises BadInput."""
    return readable(text, "title")


def find(asks: Any, code: str) -> WallRow:
    row = asks.execute(f"SELECT {_WALL}, version FROM walls WHERE code = :code", {"code": code}).fetchone()
    if row is None:
        raise NotFound("not_found", f"there is no wall {code[:12]}")
    return WallRow(_wall(row), row[-1])


def page_of_walls(asks: Any, at: str, code: str, limit: int) -> list[tuple[Wall, str]]:
    """Return the walls that were made before a time (and code), the newest first, each with its time."""
    query = f"""SELECT {_WALL}, created_at FROM walls
        WHERE created_at < :at OR (created_at = :at AND code < :code)
        ORDER BY created_at DESC, code DESC LIMIT :limit"""
    return [(_wall(row), row[-1]) for row in asks.execute(query, {"at": at, "code": code, "limit": limit})]


def _wall(row: Sequence[Any]) -> Wall:
    questions = UNSET if row[4] == "off" else row[4]
    return Wall(row[0], row[1], msgspec.json.decode(row[2], type=list[str]), row[3], questions, bool(row[5]) or UNSET)


def check_item(asks: Any, item: str, code: str) -> None:
    """Raise BadInput unless `item` is a poll, a task or a room that exists, or the questions of this wall."""
    kind, _, item_id = item.partition("/")
    if kind == "polls":
        row = asks.execute("SELECT 1 FROM polls WHERE id = :id AND archived = 0", {"id": item_id}).fetchone()
    elif kind == "tasks":
        row = asks.execute("SELECT 1 FROM tasks WHERE id = :id", {"id": item_id}).fetchone()
    elif kind == "rooms":
        row = asks.execute("SELECT 1 FROM rooms WHERE name = :name", {"name": item_id}).fetchone()
    elif kind == "questions":
        row = (1,) if item_id == code else None
    else:
        raise invalid("items", f"{item[:40]!r} is not an item: polls/ID, tasks/ID, rooms/NAME or questions/CODE")
    if row is None:
        raise invalid("items", f"there is no {item[:90]}")


def opened_items(asks: Any, items: Sequence[str]) -> set[str]:
    """Return those of the items that everyone sees: polls that were opened once, questions, and rooms for all."""
    opened = set()
    for item in items:
        kind, _, item_id = item.partition("/")
        if kind == "questions":
            opened.add(item)
        if kind == "rooms":
            row = asks.execute("SELECT read_right FROM rooms WHERE name = :name", {"name": item_id}).fetchone()
            if row and row[0] == "all":
                opened.add(item)
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
        """UPDATE walls SET title = :title, items = :items, active = :active, questions = :questions,
        reactions = :reactions, version = version + 1 WHERE code = :code""",
        {
            **msgspec.structs.asdict(wall),
            "items": wire.text(wall.items),
            "questions": wall.setting,
            "reactions": wall.reactions is True,
        },
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
        save(tx, wall, msgspec.structs.replace(wall, items=left, active=None if wall.active == item else wall.active))


def item_opened(tx: Transaction, item: str) -> None:
    """Mark a poll as opened for the first time, and append the `wall` event of its walls: everyone sees it there
    now."""
    tx.execute("UPDATE polls SET opened = 1 WHERE id = :id", {"id": item.partition("/")[2]})
    for (code,) in tx.all("SELECT code FROM walls WHERE items LIKE :like", {"like": f'%"{item}"%'}):
        append_wall_event(tx, find(tx, code).wall)
