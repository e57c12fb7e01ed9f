"""Walls: an ordered list of items, one of them active, behind a code that people type.

A wall has two views: a host's with all items, and everyone's with those that were opened and the active one. An item
that stands on a wall as the active one may be read by anyone: the item's own stream says so (`stage`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from livewall import audit, wire
from livewall.clock import Clock, iso
from livewall.entity_versions import Wanted, check_version
from livewall.errors import NotFound, invalid
from livewall.hub.live_hub import LiveHub
from livewall.hub.position import View
from livewall.hub.stream import StateRule
from livewall.identity import Who
from livewall.names import new_wall_code, wall_code
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.visible_text import readable
from livewall.voting import rows
from livewall.voting.voter_codes import codes

MOST_ITEMS = 500
"""Items of a wall that a deck may fill."""


class Wall(msgspec.Struct):
    """A wall as it stands on the wire."""

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
    """The wall without its coming items."""
    return Wall(wall.code, wall.title, [i for i in wall.items if i in opened or i == wall.active], wall.active)


class WallRule(StateRule):
    """The rule of streams `walls/CODE`."""

    keys = frozenset({"wall"})

    def view(self, state: dict[str, Any], who: Who, viewer_state: Any) -> View:
        if state.get("wall") is None:
            raise NotFound("no_such_stream", "there is no such wall")
        return View.FULL if who.host else View.MASKED

    def viewer_tag(self, name: str, who: Who) -> str | None:
        """The voter, so that the hub knows who of the audience is there (livewall/walls/presence.py)."""
        return None if who.host else who.voter


class Walls:
    def __init__(self, store: Store, hub: LiveHub, clock: Clock) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock

    async def create(self, given: wire.WallIn, who: Who) -> tuple[Wall, int]:
        title = title_of(given.title)
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[Wall, int]:
            wall = insert(tx, title, now)
            audit.note(tx, who, now, "wall.create", stream_of(wall.code))
            return wall, 1

        return await self._store.write(write)

    async def list(self, *, limit: int = 50, before: str | None = None) -> dict[str, Any]:
        """Walls, the newest first; `next` is the cursor of the page after this one."""
        at, _, code = (before or "~~").partition("~")

        def ask(connection: sqlite3.Connection) -> list[Any]:
            return connection.execute(
                """SELECT code, title, items, active, created_at FROM walls
                WHERE created_at < :at OR (created_at = :at AND code < :code)
                ORDER BY created_at DESC, code DESC LIMIT :limit""",
                {"at": at or "~", "code": code, "limit": limit + 1},
            ).fetchall()

        page = await self._store.read(ask)
        more = f"{page[limit - 1][4]}~{page[limit - 1][0]}" if len(page) > limit else None
        found = [Wall(r[0], r[1], msgspec.json.decode(r[2], type=list[str]), r[3]) for r in page[:limit]]
        return {"items": msgspec.to_builtins(found), "next": more}

    async def get(self, code: str, who: Who) -> tuple[dict[str, Any], int]:
        """The wall as `who` may see it, and its version. Raises NotFound."""
        code = wall_code(code)
        try:
            view = await self._hub.view(stream_of(code), who)
        except NotFound:
            raise NotFound("not_found", f"there is no wall {code[:12]}") from None

        def ask(connection: sqlite3.Connection) -> tuple[WallRow, set[str]]:
            row = find(connection, code)
            return row, opened_items(connection, row.wall.items)

        row, opened = await self._store.read(ask)
        wall = row.wall if view is View.FULL else as_everyone_sees(row.wall, opened)
        found: dict[str, Any] = msgspec.to_builtins(wall)
        return found, row.version

    async def meant(self, code: str, alike: Sequence[str]) -> str:
        """The wall with this code, else the only one with one of those that look like it. Raises NotFound."""

        def ask(connection: sqlite3.Connection) -> set[str]:
            places = ", ".join("?" * len(alike))
            return {row[0] for row in connection.execute(f"SELECT code FROM walls WHERE code IN ({places})", alike)}

        found = await self._store.read(ask)
        if code in found:
            return code
        if len(found) != 1:
            raise NotFound("not_found", f"there is no wall {code}")
        return found.pop()

    async def edit(self, code: str, edit: wire.WallEdit, who: Who, *, version: Wanted) -> tuple[Wall, int]:
        """Change title, items or the active item; raises Refused (`conflict`) when `version` is not the newest."""
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[Wall, int]:
            row = find(tx, code)
            check_version(row.version, version)
            wall = edited(row.wall, edit)
            known = set(row.wall.items)
            for item in [*wall.items, *([wall.active] if wall.active else [])]:
                if item not in known:
                    check_item(tx, item)
            if wall == row.wall:
                return wall, row.version
            save(tx, row.wall, wall)
            if fields := [n for n in ("title", "items") if getattr(wall, n) != getattr(row.wall, n)]:
                audit.note(tx, who, now, "wall.edit", stream_of(code), fields=fields)
            if wall.active != row.wall.active:
                audit.note(tx, who, now, "wall.activate", stream_of(code), item=wall.active)
            return wall, row.version + 1

        code = wall_code(code)
        return await self._store.write(write)

    async def delete(self, code: str, who: Who) -> None:
        """Take a wall away; its polls and tasks stay."""
        now = iso(self._clock())
        code = wall_code(code)

        def write(tx: Transaction) -> None:
            row = find(tx, code)
            tx.execute("DELETE FROM walls WHERE code = :code", {"code": code})
            codes.forget(tx, code)
            for (item_id,) in tx.all("SELECT id FROM polls WHERE wall = :code AND archived = 0", {"code": code}):
                held = rows.find(tx, item_id)
                poll = msgspec.structs.replace(held.poll, wall=None)
                rows.update(tx, msgspec.structs.replace(held, poll=poll))
                rows.tell(tx, poll)
            tx.append(stream_of(code), "wall", None)
            stage(tx, row.wall.active)
            audit.note(tx, who, now, "wall.delete", stream_of(code))

        await self._store.write(write)


def title_of(text: str) -> str:
    """The title of a wall or a task, on one line. Raises BadInput."""
    return readable(text, "title")


def edited(wall: Wall, edit: wire.WallEdit) -> Wall:
    """The wall after an edit; fields left out stay. An item that left is active no more. Raises BadInput."""
    title = wall.title if edit.title is msgspec.UNSET else title_of(edit.title)
    items = wall.items if edit.items is msgspec.UNSET else list(edit.items)
    if len(set(items)) != len(items):
        raise invalid("items", "an item stands there twice")
    if edit.active is not msgspec.UNSET:
        active = edit.active
        if active is not None and active not in items:
            raise invalid("active", f"{active} is not an item of this wall")
    else:
        active = wall.active if wall.active in items else None
    return Wall(wall.code, title, items, active)


def find(asks: Any, code: str) -> WallRow:
    found = asks.execute(
        "SELECT code, title, items, active, version FROM walls WHERE code = :code", {"code": code}
    ).fetchone()
    if found is None:
        raise NotFound("not_found", f"there is no wall {code[:12]}")
    return WallRow(Wall(found[0], found[1], msgspec.json.decode(found[2], type=list[str]), found[3]), found[4])


def check_item(asks: Any, item: str) -> None:
    """Raise BadInput unless `item` is a poll or task that exists."""
    kind, _, item_id = item.partition("/")
    if kind == "polls":
        found = asks.execute("SELECT 1 FROM polls WHERE id = :id AND archived = 0", {"id": item_id}).fetchone()
    elif kind == "tasks":
        found = asks.execute("SELECT 1 FROM tasks WHERE id = :id", {"id": item_id}).fetchone()
    else:
        raise invalid("items", f"{item[:40]!r} is no item: polls/ID or tasks/ID")
    if found is None:
        raise invalid("items", f"there is no {item[:90]}")


def opened_items(asks: Any, items: Sequence[str]) -> set[str]:
    """Those of the items that are polls and were opened once."""
    opened = set()
    for item in items:
        kind, _, item_id = item.partition("/")
        if kind == "polls":
            found = asks.execute("SELECT opened FROM polls WHERE id = :id AND archived = 0", {"id": item_id}).fetchone()
            if found and found[0]:
                opened.add(item)
    return opened


def insert(tx: Transaction, title: str, now: str) -> Wall:
    """A new wall with nothing on it."""
    code = new_wall_code()
    while tx.one("SELECT 1 FROM walls WHERE code = :code", {"code": code}):
        code = new_wall_code()
    wall = Wall(code, title, [], None)
    tx.execute(
        """INSERT INTO walls (code, title, items, active, version, created_at)
        VALUES (:code, :title, '[]', NULL, 1, :now)""",
        {"code": code, "title": title, "now": now},
    )
    tell(tx, wall)
    return wall


def save(tx: Transaction, before: Wall, wall: Wall) -> None:
    tx.execute(
        "UPDATE walls SET title = :title, items = :items, active = :active, version = version + 1 WHERE code = :code",
        {"title": wall.title, "items": wire.text(wall.items), "active": wall.active, "code": wall.code},
    )
    tell(tx, wall)
    if before.active != wall.active:
        stage(tx, before.active)
        stage(tx, wall.active)


def tell(tx: Transaction, wall: Wall) -> None:
    """The `wall` event of both views; the one of everyone's only if it changed."""
    tx.append(stream_of(wall.code), "wall", wire.text(wall), view=View.FULL)
    seen = wire.text(as_everyone_sees(wall, opened_items(tx, wall.items)))
    held = tx.one(
        "SELECT data FROM latest WHERE stream = :stream AND view = :view AND key = 'wall'",
        {"stream": stream_of(wall.code), "view": int(View.MASKED)},
    )
    if held is None or held[0] != seen:
        tx.append(stream_of(wall.code), "wall", seen, view=View.MASKED)


def stage(tx: Transaction, item: str | None) -> None:
    """Note in a task's stream, for its rule, whether it is the active item of a wall now."""
    if item is None or not item.startswith("tasks/"):
        return
    on = tx.one("SELECT 1 FROM walls WHERE active = :item LIMIT 1", {"item": item}) is not None
    tx.append(item, "stage", wire.text(on), view=View.NONE)


def append_item(tx: Transaction, code: str, item: str) -> str:
    """Put a new item at the end of a wall; returns the wall's code as it is stored. Raises NotFound, and BadInput where
    it is full."""
    row = find(tx, wall_code(code))
    if len(row.wall.items) >= MOST_ITEMS:
        raise invalid("wall", f"a wall has at most {MOST_ITEMS} items")
    save(tx, row.wall, msgspec.structs.replace(row.wall, items=[*row.wall.items, item]))
    return row.wall.code


def remove_item(tx: Transaction, item: str) -> None:
    """Take an item off every wall that has it."""
    for (each,) in tx.all("SELECT code FROM walls WHERE items LIKE :like", {"like": f'%"{item}"%'}):
        wall = find(tx, each).wall
        left = [i for i in wall.items if i != item]
        save(tx, wall, Wall(wall.code, wall.title, left, None if wall.active == item else wall.active))


def item_opened(tx: Transaction, item: str) -> None:
    """A poll was opened for the first time: everyone's view of its walls gets it."""
    tx.execute("UPDATE polls SET opened = 1 WHERE id = :id", {"id": item.partition("/")[2]})
    for (code,) in tx.all("SELECT code FROM walls WHERE items LIKE :like", {"like": f'%"{item}"%'}):
        tell(tx, find(tx, code).wall)
