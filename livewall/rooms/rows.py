"""Rooms, messages and people as rows: read and written inside a transaction, with the events about them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from livewall import wire
from livewall.errors import NotFound
from livewall.hub.log import WINDOW
from livewall.hub.position import View
from livewall.rooms.access import Access, Read, Write
from livewall.store.transaction import Transaction

STORED_WINDOW = 5 * WINDOW
"""How many of the newest messages a reader may have missed and still resume; the stream starts anew beyond it."""
GROUP = "message"


class Room(msgspec.Struct):
    """A room as it is sent on the wire. `slow` is the seconds between two messages of a person."""

    name: str
    title: str
    write: Write
    slow: int
    closed: bool
    messages: int


class RoomRow(msgspec.Struct):
    room: Room
    read: Read
    version: int


class Message(msgspec.Struct, rename={"said_by": "from"}):
    """A message as it is sent on the wire."""

    n: int
    id: str
    said_by: str
    name: str
    role: str
    text: str
    at: str
    edited_at: str | UnsetType = UNSET
    reply_to: int | UnsetType = UNSET


class Withdrawn(msgspec.Struct):
    """What is left of a message that was withdrawn, by its author or by a host."""

    n: int
    withdrawn: str
    at: str


class PersonRow(msgspec.Struct):
    """What is kept of somebody in a room. `name` is None for one who never chose one."""

    name: str | None = None
    muted: bool = False
    said_at: str | None = None


class PersonShown(msgspec.Struct):
    """Somebody in a room as it is sent on the wire."""

    id: str
    name: str
    role: str
    muted: bool
    here: bool


_ROOM = "name, title, write_right, slow, closed, messages, read_right, version"
_MESSAGE = "number, given, said_by, name, role, text, said_at, edited_at, reply_to, withdrawn"


def stream_of(room: str) -> str:
    return f"rooms/{room}"


# -- rooms


def find(asks: Any, name: str) -> RoomRow:
    """Return a room. Raises NotFound."""
    row = asks.execute(f"SELECT {_ROOM} FROM rooms WHERE name = :name", {"name": name}).fetchone()
    if row is None:
        raise NotFound("not_found", f"there is no room {name[:80]}")
    return _room(row)


def page_of_rooms(asks: Any, after: str, limit: int, *, for_everyone: bool) -> list[RoomRow]:
    """Return the rooms whose names follow `after`, in their order; `for_everyone` only those that everyone reads."""
    wanted = "name > :after AND read_right = 'all'" if for_everyone else "name > :after"
    query = f"SELECT {_ROOM} FROM rooms WHERE {wanted} ORDER BY name LIMIT :limit"
    return [_room(row) for row in asks.execute(query, {"after": after, "limit": limit})]


def _room(row: Sequence[Any]) -> RoomRow:
    return RoomRow(Room(row[0], row[1], row[2], row[3], bool(row[4]), row[5]), row[6], row[7])


def exists(tx: Transaction, name: str) -> bool:
    return tx.one("SELECT 1 FROM rooms WHERE name = :name", {"name": name}) is not None


def insert(tx: Transaction, room: Room, read: Read, now: str) -> None:
    tx.execute(
        """INSERT INTO rooms (name, title, write_right, read_right, slow, closed, messages, version, created_at)
        VALUES (:name, :title, :write, :read, :slow, :closed, 0, 1, :now)""",
        {**msgspec.structs.asdict(room), "read": read, "now": now},
    )
    append_access(tx, room.name, read)
    append_room(tx, room)


def save(tx: Transaction, row: RoomRow) -> None:
    """Write the title, rights, pace and state of a room."""
    tx.execute(
        """UPDATE rooms SET title = :title, write_right = :write, read_right = :read, slow = :slow, closed = :closed,
        version = version + 1 WHERE name = :name""",
        {**msgspec.structs.asdict(row.room), "read": row.read},
    )
    append_access(tx, row.room.name, row.read)
    append_room(tx, row.room)


def append_access(tx: Transaction, name: str, read: Read | None) -> None:
    tx.append(stream_of(name), "access", None if read is None else wire.text(Access(read)), view=View.NONE)


def append_room(tx: Transaction, room: Room) -> None:
    tx.append(stream_of(room.name), "room", wire.text(room), view=View.FULL)


def delete(tx: Transaction, name: str) -> None:
    """Delete a room with everything that was said there."""
    for table, column in (("messages", "room"), ("looks", "room"), ("people", "room"), ("rooms", "name")):
        tx.execute(f"DELETE FROM {table} WHERE {column} = :name", {"name": name})
    append_access(tx, name, None)
    tx.append(stream_of(name), "room", None, view=View.FULL)
    tx.end_stream(stream_of(name))


# -- messages


def message(row: Sequence[Any]) -> Message | Withdrawn:
    number, given, said_by, name, role, text, at, edited_at, reply_to, withdrawn = row
    if withdrawn is not None:
        return Withdrawn(number, withdrawn, at)
    return Message(
        number, given or "", said_by or "", name, role, text, at, edited_at or UNSET,
        UNSET if reply_to is None else reply_to,
    )  # fmt: skip


def said(asks: Any, room: str, number: int) -> Message | Withdrawn:
    """Return a message. Raises NotFound."""
    row = asks.execute(
        f"SELECT {_MESSAGE} FROM messages WHERE room = :room AND number = :number", {"room": room, "number": number}
    ).fetchone()
    if row is None:
        raise NotFound("not_found", f"there is no message {number} in this room")
    return message(row)


def said_before(tx: Transaction, room: str, person: str, given: str) -> Message | Withdrawn | None:
    """Return the message that a person gave this id, or None."""
    query = f"SELECT {_MESSAGE} FROM messages WHERE room = :room AND given = :given AND said_by"
    row = tx.one(f"{query} = :person", {"room": room, "person": person, "given": given}) or tx.one(
        f"{query} IS NULL", {"room": room, "given": _trace(person, given)}
    )
    return None if row is None else message(row)


def insert_message(tx: Transaction, room: str, made: Message) -> None:
    """Write the next message of a room, and forget the event of one that nobody resumes over any more."""
    tx.execute(
        """INSERT INTO messages (room, number, said_by, given, name, role, text, folded, reply_to, said_at)
        VALUES (:room, :n, :said_by, :id, :name, :role, :text, :folded, :reply_to, :at)""",
        {**_given(made), "room": room, "folded": _folded(made.text)},
    )
    tx.execute("UPDATE rooms SET messages = :n WHERE name = :room", {"n": made.n, "room": room})
    tx.append(stream_of(room), f"{GROUP}/{made.n}", wire.text(made), view=View.FULL)
    tx.forget_number(stream_of(room), GROUP, made.n - STORED_WINDOW)


def change_message(tx: Transaction, room: str, changed: Message | Withdrawn) -> None:
    """Write a message that was edited or withdrawn, everywhere it is kept."""
    if isinstance(changed, Withdrawn):
        said_by, given = tx.one(
            "SELECT said_by, given FROM messages WHERE room = :room AND number = :n", {"room": room, "n": changed.n}
        )
        # A late repetition of the call that said it must not say it again.
        trace = None if said_by is None or given is None else _trace(said_by, given)
        tx.execute(
            """UPDATE messages SET said_by = NULL, given = :trace, name = '', role = '', text = '', folded = NULL,
            reply_to = NULL, edited_at = NULL, withdrawn = :withdrawn WHERE room = :room AND number = :n""",
            {**msgspec.structs.asdict(changed), "room": room, "trace": trace},
        )
    else:
        tx.execute(
            """UPDATE messages SET text = :text, folded = :folded, edited_at = :edited_at
            WHERE room = :room AND number = :n""",
            {**_given(changed), "room": room, "folded": _folded(changed.text)},
        )
    # However old it is: a reader who came long ago may hold it.
    tx.append(stream_of(room), f"{GROUP}/{changed.n}", wire.text(changed), view=View.FULL, change=True)
    tx.forget_changes(stream_of(room))


def standing_of(asks: Any, room: str, person: str, limit: int) -> list[int]:
    """Return messages of a person that were not withdrawn."""
    found = asks.execute(
        "SELECT number FROM messages WHERE room = :room AND said_by = :person AND withdrawn IS NULL LIMIT :limit",
        {"room": room, "person": person, "limit": limit},
    )
    return [number for (number,) in found]


def standing_before(asks: Any, before: str, limit: int) -> list[tuple[str, int]]:
    """Return messages of all rooms that were said before a time and not withdrawn: the room and the number."""
    found = asks.execute(
        "SELECT room, number FROM messages WHERE withdrawn IS NULL AND said_at < :before LIMIT :limit",
        {"before": before, "limit": limit},
    )
    return [(room, number) for room, number in found]


def _trace(person: str, given: str) -> str:
    """Return what is kept of the id of a withdrawn message: it can be compared, and names nobody."""
    return hashlib.sha256(f"{person}:{given}".encode()).hexdigest()[:32]


def _given(made: Message) -> dict[str, Any]:
    return {name: None if value is UNSET else value for name, value in msgspec.structs.asdict(made).items()}


def _folded(text: str) -> str | None:
    """Return a text as it is searched, or None where that is what SQLite's `lower` makes of it."""
    folded = text.casefold()
    return None if folded.encode() == text.encode().lower() else folded


def history(
    asks: Any, room: str, *, before: int | None, after: int | None, limit: int, search: str
) -> list[Message | Withdrawn]:
    """Return messages by number, the newest last: the last before a number, or the first after one.

    `search` is a text, with its case folded, that they must have.
    """
    wanted = ["room = :room"]
    if before is not None:
        wanted.append("number < :before")
    if after is not None:
        wanted.append("number > :after")
    if search:
        # All of it is done in C, without the lock of the interpreter: a function in Python would hold up the server.
        wanted.append("instr(COALESCE(folded, lower(text)), :search) > 0")
    order = "ASC" if after is not None and before is None else "DESC"
    found = asks.execute(
        f"SELECT {_MESSAGE} FROM messages WHERE {' AND '.join(wanted)} ORDER BY number {order} LIMIT :limit",
        {"room": room, "before": before, "after": after, "limit": limit, "search": search},
    ).fetchall()
    return [message(row) for row in (found if order == "ASC" else reversed(found))]


# -- people


def person(asks: Any, room: str, person: str) -> PersonRow:
    row = asks.execute(
        "SELECT name, muted, said_at FROM people WHERE room = :room AND person = :person",
        {"room": room, "person": person},
    ).fetchone()
    return PersonRow() if row is None else PersonRow(row[0], bool(row[1]), row[2])


def people(asks: Any, room: str, ids: Sequence[str]) -> dict[str, PersonRow]:
    """Return what is kept of some people in a room; of one of whom nothing is kept, an empty row."""
    places = ", ".join("?" * len(ids))
    found = asks.execute(
        f"SELECT person, name, muted, said_at FROM people WHERE room = ? AND person IN ({places})", [room, *ids]
    )
    kept = {row[0]: PersonRow(row[1], bool(row[2]), row[3]) for row in found}
    return {id: kept.get(id, PersonRow()) for id in ids}


def last_name(asks: Any, room: str, person: str) -> tuple[str, str]:
    """Return the name and the role under which somebody last said something; empty ones for nothing."""
    row = asks.execute(
        """SELECT name, role FROM messages WHERE room = :room AND said_by = :person AND given IS NOT NULL
        ORDER BY number DESC LIMIT 1""",
        {"room": room, "person": person},
    ).fetchone()
    return ("", "") if row is None else (row[0], row[1])


def page_of_people(asks: Any, room: str, after: str, limit: int) -> list[str]:
    """Return the ids of people of whom something is kept, in their order."""
    query = "SELECT person FROM people WHERE room = :room AND person > :after ORDER BY person LIMIT :limit"
    return [id for (id,) in asks.execute(query, {"room": room, "after": after, "limit": limit})]


def note_here(tx: Transaction, room: str, ids: Iterable[str], now: str) -> None:
    """Write when those who hold a name were last there."""
    for id in ids:
        tx.execute(
            "UPDATE people SET here_at = :now WHERE room = :room AND person = :id AND name IS NOT NULL",
            {"room": room, "id": id, "now": now},
        )


def note_said(tx: Transaction, room: str, person: str, now: str) -> None:
    tx.execute(
        """INSERT INTO people (room, person, said_at, here_at) VALUES (:room, :person, :now, :now)
        ON CONFLICT (room, person) DO UPDATE SET said_at = :now, here_at = :now""",
        {"room": room, "person": person, "now": now},
    )


def save_muted(tx: Transaction, room: str, person: str, now: str, *, muted: bool) -> None:
    tx.execute(
        """INSERT INTO people (room, person, muted, here_at) VALUES (:room, :person, :muted, :now)
        ON CONFLICT (room, person) DO UPDATE SET muted = :muted""",
        {"room": room, "person": person, "muted": int(muted), "now": now},
    )


def muted_people(asks: Any, room: str) -> dict[str, str]:
    """Return those who are muted: their ids, and the names under which they spoke last."""
    found = asks.execute("SELECT person, name FROM people WHERE room = :room AND muted LIMIT 500", {"room": room})
    return {person: name or last_name(asks, room, person)[0] for person, name in found.fetchall()}


def holders(asks: Any, room: str, looks: Iterable[str]) -> dict[str, str]:
    """Return who holds a name with one of these looks, and when each was last there."""
    found: dict[str, str] = {}
    for look in looks:
        found |= asks.execute(
            """SELECT people.person, here_at FROM looks JOIN people USING (room, person)
            WHERE room = :room AND look = :look""",
            {"room": room, "look": look},
        ).fetchall()
    return found


def names_of_roles(asks: Any) -> list[str]:
    """Return the names of all who have a role, and of those who had one."""
    return [name for (name,) in asks.execute("SELECT DISTINCT name FROM credentials")]


def free_name(tx: Transaction, room: str, person: str) -> None:
    """Take the name from somebody, or the present one before another."""
    params = {"room": room, "person": person}
    tx.execute("DELETE FROM looks WHERE room = :room AND person = :person", params)
    tx.execute("UPDATE people SET name = NULL WHERE room = :room AND person = :person", params)


def save_name(tx: Transaction, room: str, person: str, name: str, looks: Iterable[str], now: str) -> None:
    free_name(tx, room, person)
    tx.execute(
        """INSERT INTO people (room, person, name, here_at) VALUES (:room, :person, :name, :now)
        ON CONFLICT (room, person) DO UPDATE SET name = :name, here_at = :now""",
        {"room": room, "person": person, "name": name, "now": now},
    )
    for look in looks:
        tx.execute(
            "INSERT INTO looks (room, look, person) VALUES (:room, :look, :person)",
            {"room": room, "look": look, "person": person},
        )
