"""What pages show of the private messages of their reader: conversations with their last message, and two persons who
may write to one another. Read only."""

from __future__ import annotations

from typing import Any, NamedTuple

from livewall.rooms import inbox_rows, rows
from livewall.rooms.inbox_rows import Conversation
from livewall.rooms.rows import Message, PersonShown, Room, Withdrawn


class Listed(NamedTuple):
    """A conversation with the title of its room and its last message."""

    conversation: Conversation
    title: str
    last: Message | Withdrawn


class Pair(NamedTuple):
    """Two persons of a room. `me` is the id of whoever asks; `conversation` is None until one of them has written."""

    room: Room
    me: str
    other: PersonShown
    conversation: Conversation | None


def listed(asks: Any, inbox: str, before: int | None, limit: int) -> list[tuple[Listed, int]]:
    """Return conversations as `inbox_rows.page_of_conversations` does."""
    found: list[tuple[Listed, int]] = []
    for conversation, activity in inbox_rows.page_of_conversations(asks, inbox, before, limit):
        title = rows.find(asks, conversation.room).room.title
        last = inbox_rows.history(asks, conversation.id, None, 1)
        found.append((Listed(conversation, title, last[-1]), activity))
    return found


def unread(asks: Any, inbox: str) -> int:
    """Return how many private messages somebody has not read."""
    row = asks.execute("SELECT coalesce(sum(unread), 0) FROM sides WHERE inbox = :inbox", {"inbox": inbox}).fetchone()
    return int(row[0])


def pair_of(asks: Any, conversation: str, inbox: str) -> Pair:
    """Return the two of a conversation of whoever has this stream. Raises NotFound."""
    side, _ = inbox_rows.own_side(asks, conversation, inbox)
    shown = inbox_rows.shown(asks, side)
    return Pair(rows.find(asks, shown.room).room, side.person, shown.other, shown)


def between(asks: Any, room: Room, me: str, other: str) -> Pair | None:
    """Return two persons of a room. None says that the other is not known there."""
    id = inbox_rows.between(asks, room.name, me, other)
    if id is not None:
        shown = inbox_rows.shown(asks, inbox_rows.sides(asks, id, me)[0])
        return Pair(room, me, shown.other, shown)
    row = asks.execute(
        """SELECT coalesce(name, given_name, ''),
            CASE WHEN name IS NOT NULL AND role = 'guest' THEN '' ELSE coalesce(role, 'guest') END
        FROM people WHERE room = :room AND person = :person AND inbox IS NOT NULL""",
        {"room": room.name, "person": other},
    ).fetchone()
    return None if row is None else Pair(room, me, PersonShown(other, row[0], row[1], muted=False, here=False), None)
