"""Erasure of messages: those of one person on demand, and all of them a number of days after they were said. Private
messages are erased with them, of which no answer and no line of the audit log says anything.

An erased message is a withdrawn one: its number stays, and its text and its author are nowhere. A batch of messages is
one transaction with its line of the audit log, so that other writes run in between.
"""

from __future__ import annotations

from msgspec import Struct

from livewall import audit
from livewall.clock import Clock, iso, later
from livewall.errors import NotFound
from livewall.identity import Who
from livewall.rooms import inbox_rows, rows
from livewall.rooms.people import is_person
from livewall.rooms.rows import Withdrawn
from livewall.store.store import Store
from livewall.store.transaction import Transaction

BATCH = 200
"""Messages erased in one transaction, which takes the writer some milliseconds."""
DAY = 86400


class MessagesErased(Struct):
    """How many messages were erased."""

    messages: int


class MessageErasure:
    """Erases messages `days` after they were said; with None only on demand."""

    def __init__(self, store: Store, clock: Clock, *, days: int | None) -> None:
        self._store = store
        self._clock = clock
        self._days = days

    async def erase(self, room: str, person: str, who: Who) -> MessagesErased:
        """Erase all messages of a person in a room, and the name that the person chose there. A repetition changes
        nothing. Raises NotFound."""
        if not is_person(person):
            raise NotFound("not_found", f"there is nobody {person[:20]} in this room")
        now, erased = iso(self._clock()), 0

        def write(tx: Transaction) -> int:
            rows.find(tx, room)
            rows.free_name(tx, room, person)
            inbox_rows.name_changed(tx, room, person)
            return _erase(tx, room, rows.standing_of(tx, room, person, BATCH), now, who, person)

        while count := await self._store.write(write):
            erased += count
        while await self._store.write(lambda tx: inbox_rows.erase_of(tx, room, person, BATCH)):
            pass
        return MessagesErased(erased)

    async def purge(self) -> None:
        """Erase all messages that are due. Raises Busy."""
        if self._days is None:
            return
        before, now = later(self._clock(), -self._days * DAY), iso(self._clock())

        def write(tx: Transaction) -> int:
            due = rows.standing_before(tx, before, BATCH)
            rooms: dict[str, list[int]] = {}
            for room, number in due:
                rooms.setdefault(room, []).append(number)
            return sum(_erase(tx, room, numbers, now, None, None) for room, numbers in rooms.items())

        while await self._store.write(write):
            pass
        while await self._store.write(lambda tx: inbox_rows.erase_before(tx, before, BATCH)):
            pass


def _erase(tx: Transaction, room: str, numbers: list[int], now: str, who: Who | None, person: str | None) -> int:
    if not numbers:
        return 0
    for number in numbers:
        rows.change_message(tx, room, Withdrawn(number, "host", rows.said(tx, room, number).at))
    detail = {"messages": len(numbers)} if person is None else {"messages": len(numbers), "person": person}
    audit.note(tx, who, now, "room.erase", rows.stream_of(room), **detail)
    return len(numbers)
