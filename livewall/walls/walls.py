"""The service of walls: what hosts do with them, and what readers see. Their rows are in `livewall/wall_rows.py`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from livewall import audit, wall_rows, wire
from livewall.clock import Clock, iso
from livewall.entity_versions import Wanted, check_version
from livewall.errors import NotFound, invalid
from livewall.hub.live_hub import LiveHub
from livewall.hub.position import View
from livewall.hub.stream import State, StateRule
from livewall.identity import Who
from livewall.listing import Listing
from livewall.names import wall_code
from livewall.questions import rows as question_rows
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.voting import rows
from livewall.voting.voter_codes import codes
from livewall.wall_rows import Wall, WallRow
from livewall.walls.wall_model import WallModel, wall_model
from livewall.walls.wall_results import WallResults, wall_results

EDITED = ("title", "items", "questions", "reactions")
"""The fields whose change is one line of the audit log."""


class WallRule(StateRule):
    """The rule of streams `walls/CODE`."""

    keys: Mapping[str, Any] = {"wall": Any}

    def view(self, state: State, who: Who, viewer_state: Any) -> View:
        if state.get("wall") is None:
            raise NotFound("no_such_stream", "there is no such wall")
        return View.FULL if who.host else View.MASKED

    def viewer_tag(self, name: str, who: Who) -> str | None:
        """Return the voter, so that the hub can tell which voters are present (livewall/walls/presence.py)."""
        return None if who.host else who.voter


class Walls:
    """`orphaned(tx, poll, now)` is called for each poll of a wall, in the transaction that deletes the wall."""

    def __init__(
        self, store: Store, hub: LiveHub, clock: Clock, orphaned: Callable[[Transaction, str, str], None]
    ) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock
        self._orphaned = orphaned

    async def create(self, given: wire.WallIn, who: Who) -> tuple[Wall, int]:
        title = wall_rows.title_of(given.title)
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[Wall, int]:
            wall = wall_rows.insert(tx, title, now)
            audit.note(tx, who, now, "wall.create", wall_rows.stream_of(wall.code))
            return wall, 1

        return await self._store.write(write)

    async def list(self, *, limit: int = 50, before: str | None = None) -> Listing[Wall]:
        """Return walls, the newest first, and the cursor of the next page."""
        at, _, code = (before or "~~").partition("~")

        page = await self._store.read(lambda db: wall_rows.page_of_walls(db, at or "~", code, limit + 1))
        more = f"{page[limit - 1][1]}~{page[limit - 1][0].code}" if len(page) > limit else None
        return Listing([wall for wall, _ in page[:limit]], more)

    async def get(self, code: str, who: Who) -> tuple[Wall, int]:
        """Return the wall as `who` may see it, and its version. Raises NotFound."""
        code = wall_code(code)
        try:
            view = await self._hub.view(wall_rows.stream_of(code), who)
        except NotFound:
            raise NotFound("not_found", f"there is no wall {code[:12]}") from None

        def ask(connection: sqlite3.Connection) -> tuple[WallRow, set[str]]:
            row = wall_rows.find(connection, code)
            return row, wall_rows.opened_items(connection, row.wall.items)

        row, opened = await self._store.read(ask)
        wall = row.wall if view is View.FULL else wall_rows.as_everyone_sees(row.wall, opened)
        return wall, row.version

    async def results(self, code: str, who: Who) -> WallResults:
        """Return the results of a wall that `who` may see. Raises NotFound."""
        return await self._store.read(lambda connection: wall_results(connection, code, who))

    async def model(self, code: str) -> WallModel:
        """Return a wall as its hosts control it; for hosts only. Raises NotFound."""
        return await self._store.read(lambda connection: wall_model(connection, wall_code(code)))

    async def find_code(self, code: str, alike: Sequence[str]) -> str:
        """Return the wall with this code, or else the only one whose code looks like it. Raises NotFound."""

        def ask(connection: sqlite3.Connection) -> set[str]:
            places = ", ".join("?" * len(alike))
            return {row[0] for row in connection.execute(f"SELECT code FROM walls WHERE code IN ({places})", alike)}

        codes = await self._store.read(ask)
        if code in codes:
            return code
        if len(codes) != 1:
            raise NotFound("not_found", f"there is no wall {code}")
        return codes.pop()

    async def edit(self, code: str, edit: wire.WallEdit, who: Who, *, version: Wanted) -> tuple[Wall, int]:
        """Change title, items or the active item. Raises Refused (`conflict`) when `version` is not the newest."""
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[Wall, int]:
            row = wall_rows.find(tx, code)
            check_version(row.version, version)
            wall = edited(row.wall, edit)
            known = set(row.wall.items)
            for item in [*wall.items, *([wall.active] if wall.active else [])]:
                # Items that stand there already are not checked: one whose task is gone must not block an edit.
                if item not in known:
                    wall_rows.check_item(tx, item, code)
            if wall == row.wall:
                return wall, row.version
            wall_rows.save(tx, row.wall, wall)
            if wall.questions != row.wall.questions:
                question_rows.append_info(tx, code, wall.setting)
            if fields := [n for n in EDITED if getattr(wall, n) != getattr(row.wall, n)]:
                audit.note(tx, who, now, "wall.edit", wall_rows.stream_of(code), fields=fields)
            if wall.active != row.wall.active:
                audit.note(tx, who, now, "wall.activate", wall_rows.stream_of(code), item=wall.active)
            return wall, row.version + 1

        code = wall_code(code)
        return await self._store.write(write)

    async def delete(self, code: str, who: Who) -> None:
        """Delete a wall with its codes; its polls and tasks remain."""
        now = iso(self._clock())
        code = wall_code(code)

        def write(tx: Transaction) -> None:
            row = wall_rows.find(tx, code)
            tx.execute("DELETE FROM walls WHERE code = :code", {"code": code})
            codes.forget(tx, code)
            question_rows.forget(tx, code)
            for (item_id,) in tx.all("SELECT id FROM polls WHERE wall = :code AND archived = 0", {"code": code}):
                held = rows.find(tx, item_id)
                poll = msgspec.structs.replace(held.poll, wall=None)
                rows.update(tx, msgspec.structs.replace(held, poll=poll))
                rows.append_poll_event(tx, poll)
                self._orphaned(tx, item_id, now)
            tx.append(wall_rows.stream_of(code), "wall", None)
            wall_rows.append_stage_event(tx, row.wall.active)
            audit.note(tx, who, now, "wall.delete", wall_rows.stream_of(code))

        await self._store.write(write)


def edited(wall: Wall, edit: wire.WallEdit) -> Wall:
    """Return the wall after an edit; fields left out stay. An item that is removed is no longer active. Raises
    BadInput."""
    title = wall.title if edit.title is UNSET else wall_rows.title_of(edit.title)
    items = wall.items if edit.items is UNSET else list(edit.items)
    if len(set(items)) != len(items):
        raise invalid("items", "an item is listed twice")
    if edit.active is not UNSET:
        active = edit.active
        if active is not None and active not in items:
            raise invalid("active", f"{active} is not an item of this wall")
    else:
        active = wall.active if wall.active in items else None
    questions = wall.questions if edit.questions is UNSET else edit.questions
    reactions = wall.reactions if edit.reactions is UNSET else edit.reactions or UNSET
    return Wall(wall.code, title, items, active, UNSET if questions == "off" else questions, reactions)
