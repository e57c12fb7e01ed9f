"""Conversations and private messages as rows: read and written inside a transaction, with the events about them."""

from __future__ import annotations

import secrets as random
from collections.abc import Sequence
from typing import Any

import msgspec

from livewall import wire
from livewall.errors import NotFound
from livewall.hub.log import MAX_NUMBERED, WINDOW
from livewall.hub.position import View
from livewall.rooms.people import GUEST, Person
from livewall.rooms.rows import GROUP, Message, PersonShown, Withdrawn, message
from livewall.store.transaction import Transaction

MAX_CONVERSATIONS = 500
"""How many conversations the stream of a person holds: those with the newest activity. The list has all of them."""


class Conversation(msgspec.Struct, rename={"other": "with"}):
    """A conversation as one of the two sees it on the wire. `messages` is the number of the last message."""

    id: str
    room: str
    other: PersonShown
    unread: int
    blocked: bool
    messages: int


class Side(msgspec.Struct):
    """One of the two of a conversation. `blocked` says that this one blocks the other."""

    conversation: str
    person: str
    inbox: str
    last_read: int = 0
    unread: int = 0
    blocked: bool = False
    wrote: bool = False
    activity: int = 0


_SIDE = "conversation, person, inbox, last_read, unread, blocked, wrote, activity"
_MESSAGE = "number, given, said_by, name, role, text, said_at, NULL, NULL, withdrawn"
_SHOWN = """
SELECT mine.conversation, conversations.room, theirs.person, coalesce(people.name, people.given_name, ''),
    CASE WHEN people.name IS NOT NULL AND people.role = 'guest' THEN '' ELSE coalesce(people.role, 'guest') END,
    mine.unread, mine.blocked, conversations.messages, mine.activity
FROM sides AS mine
JOIN conversations ON conversations.id = mine.conversation
JOIN sides AS theirs ON theirs.conversation = mine.conversation AND theirs.person <> mine.person
LEFT JOIN people ON people.room = conversations.room AND people.person = theirs.person
"""


# -- people


def note_person(tx: Transaction, room: str, person: Person, seal: bytes, now: str) -> None:
    """Keep what is needed to write to a person, who is in the room now. `seal` is the person's stream, sealed."""
    tx.execute(
        """INSERT INTO people (room, person, here_at, inbox, given_name, role) VALUES
        (:room, :person, :now, :seal, :name, :role) ON CONFLICT (room, person)
        DO UPDATE SET inbox = :seal, given_name = :name, role = :role
        WHERE inbox IS NULL OR given_name <> :name OR role <> :role""",
        {"room": room, "person": person.id, "now": now, "seal": seal, "name": person.name, "role": person.role},
    )


class Addressee(msgspec.Struct):
    """Somebody to whom others of the room can write."""

    seal: bytes
    role: str


def addressee(asks: Any, room: str, person: str) -> Addressee:
    """Return what is needed to write to a person of a room. Raises NotFound."""
    row = asks.execute(
        "SELECT inbox, role FROM people WHERE room = :room AND person = :person AND inbox IS NOT NULL",
        {"room": room, "person": person},
    ).fetchone()
    if row is None:
        raise nobody(person)
    return Addressee(*row)


def nobody(person: str) -> NotFound:
    return NotFound("not_found", f"there is nobody {person[:20]} in this room")


# -- conversations


def between(asks: Any, room: str, one: str, other: str) -> str | None:
    """Return the id of the conversation of two persons of a room, or None."""
    first, second = sorted((one, other))
    row = asks.execute(
        "SELECT id FROM conversations WHERE room = :room AND first = :first AND second = :second",
        {"room": room, "first": first, "second": second},
    ).fetchone()
    return None if row is None else str(row[0])


def begin(tx: Transaction, room: str, one: tuple[str, str], other: tuple[str, str]) -> str:
    """Make the conversation of two, given as the id and the stream of each; return its id."""
    # Not only digits: the parts of a key of a message are told apart by them.
    id = f"c{random.token_hex(8)}"
    first, second = sorted((one[0], other[0]))
    tx.execute(
        "INSERT INTO conversations (id, room, first, second, messages) VALUES (:id, :room, :first, :second, 0)",
        {"id": id, "room": room, "first": first, "second": second},
    )
    for person, inbox in (one, other):
        tx.execute(
            "INSERT INTO sides (conversation, person, inbox) VALUES (:id, :person, :inbox)",
            {"id": id, "person": person, "inbox": inbox},
        )
    return id


def sides(asks: Any, conversation: str, person: str) -> tuple[Side, Side]:
    """Return the side of a person, and that of the other."""
    one, other = _sides(asks, conversation)
    return (one, other) if one.person == person else (other, one)


def _sides(asks: Any, conversation: str) -> list[Side]:
    rows = asks.execute(f"SELECT {_SIDE} FROM sides WHERE conversation = :id", {"id": conversation})
    return [_side(row) for row in rows.fetchall()]


def own_side(asks: Any, conversation: str, inbox: str) -> tuple[Side, int]:
    """Return the side of whoever has this stream, and the number of the last message. Raises NotFound for a
    conversation of others, as for one that does not exist."""
    row = asks.execute(
        f"""SELECT {_SIDE}, messages FROM sides JOIN conversations ON id = conversation
        WHERE conversation = :id AND inbox = :inbox""",
        {"id": conversation, "inbox": inbox},
    ).fetchone()
    if row is None:
        raise NotFound("not_found", f"you have no conversation {conversation[:40]}")
    return _side(row), row[8]


def _side(row: Sequence[Any]) -> Side:
    return Side(row[0], row[1], row[2], row[3], row[4], bool(row[5]), bool(row[6]), row[7])


def shown(asks: Any, side: Side) -> Conversation:
    """Return a conversation as one of the two sees it."""
    query = f"{_SHOWN} WHERE mine.conversation = :id AND mine.person = :person"
    return _shown(asks.execute(query, {"id": side.conversation, "person": side.person}).fetchone())


def page_of_conversations(asks: Any, inbox: str, before: int | None, limit: int) -> list[tuple[Conversation, int]]:
    """Return the conversations of one person, the newest activity first, each with its cursor."""
    query = f"""{_SHOWN} WHERE mine.inbox = :inbox AND (:before IS NULL OR mine.activity < :before)
        ORDER BY mine.activity DESC LIMIT :limit"""
    found = asks.execute(query, {"inbox": inbox, "before": before, "limit": limit})
    return [(_shown(row), row[8]) for row in found]


def _shown(row: Sequence[Any]) -> Conversation:
    # Whether the other is there, and may speak, is the room's business: nobody learns it here, least of all somebody
    # who is blocked.
    other = PersonShown(row[2], row[3], row[4], muted=False, here=False)
    return Conversation(row[0], row[1], other, row[5], bool(row[6]), row[7])


def save_side(tx: Transaction, side: Side) -> None:
    """Write what one of the two has read, and whether it blocks the other."""
    tx.execute(
        """UPDATE sides SET last_read = :last_read, blocked = :blocked, unread = (SELECT count(*) FROM private_messages
            WHERE private_messages.conversation = :conversation AND number > :last_read AND said_by <> :person)
        WHERE conversation = :conversation AND person = :person""",
        {**msgspec.structs.asdict(side), "blocked": int(side.blocked)},
    )
    append_conversation(tx, side)


def append_conversation(tx: Transaction, side: Side) -> int:
    """Tell one of the two of the conversation; return the sequence number of the event."""
    data = wire.text(shown(tx, side))
    return tx.append(side.inbox, f"conversation/{side.conversation}", data, view=View.FULL)


# -- messages


def said_before(asks: Any, conversation: str, person: str, given: str) -> Message | Withdrawn | None:
    """Return the message that a person gave this id in a conversation, or None."""
    row = asks.execute(
        f"SELECT {_MESSAGE} FROM private_messages WHERE conversation = :id AND said_by = :person AND given = :given",
        {"id": conversation, "person": person, "given": given},
    ).fetchone()
    return None if row is None else message(row)


def last_number(asks: Any, conversation: str) -> int:
    row = asks.execute("SELECT messages FROM conversations WHERE id = :id", {"id": conversation}).fetchone()
    return int(row[0])


def insert_message(tx: Transaction, made: Message, sender: Side, recipient: Side) -> None:
    """Write the next message of a conversation, and tell both."""
    params = {**msgspec.structs.asdict(made), "id": sender.conversation, "given": made.id}
    params |= {"sender": sender.inbox, "recipient": recipient.inbox, "unanswered": int(not recipient.wrote)}
    tx.execute(
        """INSERT INTO private_messages
            (conversation, number, said_by, given, name, role, text, said_at, sender, recipient, unanswered)
        VALUES (:id, :n, :said_by, :given, :name, :role, :text, :at, :sender, :recipient, :unanswered)""",
        {name: value for name, value in params.items() if value is not msgspec.UNSET},
    )
    tx.execute("UPDATE conversations SET messages = :n WHERE id = :id", params)
    if not sender.wrote:  # it answers what the other wrote
        tx.execute(
            "UPDATE private_messages SET unanswered = 0 WHERE conversation = :id AND recipient = :sender", params
        )
    for side in (sender, recipient):
        begins = side.activity == 0
        activity = _append_message(tx, side, made)
        tx.execute(
            """UPDATE sides SET activity = :activity, wrote = wrote OR person = :said_by,
            unread = unread + (person <> :said_by) WHERE conversation = :id AND person = :person""",
            {**params, "activity": activity, "person": side.person},
        )
        append_conversation(tx, side)
        if begins:
            tx.forget_oldest(side.inbox, "conversation/", MAX_CONVERSATIONS)


def _append_message(tx: Transaction, side: Side, made: Message) -> int:
    seq = tx.append(side.inbox, f"{GROUP}/{side.conversation}/{made.n}", wire.text(made), view=View.FULL)
    if seq % WINDOW < 2:  # now and then: what is beyond the limit does no harm for a while
        tx.forget_oldest(side.inbox, f"{GROUP}/", MAX_NUMBERED)
    return seq


def history(asks: Any, conversation: str, before: int | None, limit: int) -> list[Message | Withdrawn]:
    """Return the last messages of a conversation before a number, the newest last."""
    found = asks.execute(
        f"""SELECT {_MESSAGE} FROM private_messages WHERE conversation = :id AND (:before IS NULL OR number < :before)
        ORDER BY number DESC LIMIT :limit""",
        {"id": conversation, "before": before, "limit": limit},
    ).fetchall()
    return [message(row) for row in reversed(found)]


def filled_at(asks: Any, column: str, inbox: str, since: str, most: int) -> str | None:
    """Return the time of the message without an answer that filled the limit of `most` since then, or None.

    `column` is `sender` or `recipient`.
    """
    row = asks.execute(
        f"""SELECT said_at FROM private_messages WHERE {column} = :inbox AND said_at > :since AND unanswered = 1
        ORDER BY said_at DESC LIMIT 1 OFFSET :others""",
        {"inbox": inbox, "since": since, "others": most - 1},
    ).fetchone()
    return None if row is None else str(row[0])


# -- erasure


def erase_of(tx: Transaction, room: str, person: str, limit: int) -> int:
    """Erase private messages of a person in a room; return how many."""
    return _erase(
        tx,
        """SELECT conversation, number, said_at FROM private_messages JOIN conversations ON id = conversation
        WHERE (first = :person OR second = :person) AND room = :room AND said_by = :person LIMIT :limit""",
        {"room": room, "person": person, "limit": limit},
    )


def erase_before(tx: Transaction, before: str, limit: int) -> int:
    """Erase private messages that were written before a time; return how many."""
    return _erase(
        tx,
        """SELECT conversation, number, said_at FROM private_messages WHERE said_at < :before AND withdrawn IS NULL
        ORDER BY said_at LIMIT :limit""",
        {"before": before, "limit": limit},
    )


def _erase(tx: Transaction, which: str, params: dict[str, Any]) -> int:
    found = tx.all(which, params)
    for conversation, number, at in found:
        gone = Withdrawn(number, "host", at)
        tx.execute(
            """UPDATE private_messages SET said_by = NULL, given = NULL, name = '', role = '', text = '', sender = '',
            recipient = '', unanswered = 0, withdrawn = :withdrawn
            WHERE conversation = :conversation AND number = :n""",
            {**msgspec.structs.asdict(gone), "conversation": conversation},
        )
        for side in _sides(tx, conversation):
            key = f"{GROUP}/{conversation}/{number}"
            tx.append(side.inbox, key, wire.text(gone), view=View.FULL, change=True)
    for conversation in {conversation for conversation, _, _ in found}:
        for side in _sides(tx, conversation):
            tx.forget_changes(side.inbox)
            save_side(tx, side)
    return len(found)


# -- what happens to a room


def name_changed(tx: Transaction, room: str, person: str) -> None:
    """Tell those with whom a person of a room has a conversation under which name that person is there now."""
    found = tx.all(
        """SELECT id FROM conversations WHERE room = :room AND (first = :person OR second = :person) ORDER BY id
        LIMIT :most""",
        {"room": room, "person": person, "most": MAX_CONVERSATIONS},
    )
    for (id,) in found:
        append_conversation(tx, sides(tx, id, person)[1])


def delete_of_room(tx: Transaction, room: str) -> None:
    """Delete the conversations of a room, and tell those who have them."""
    for (id,) in tx.all("SELECT id FROM conversations WHERE room = :room", {"room": room}):
        params = {"id": id}
        for (inbox,) in tx.all("SELECT inbox FROM sides WHERE conversation = :id", params):
            tx.delete_group(inbox, f"{GROUP}/{id}", view=View.FULL)
            tx.append(inbox, f"conversation/{id}", None, view=View.FULL)
            tx.forget_deletions(inbox)
        tx.execute("DELETE FROM private_messages WHERE conversation = :id", params)
        tx.execute("DELETE FROM sides WHERE conversation = :id", params)
        tx.execute("DELETE FROM conversations WHERE id = :id", params)


def said_as(person: Person, name: str | None) -> tuple[str, str]:
    """Return the name and the role with which a person says something who chose this name in the room, or none."""
    return name or person.name, "" if name and person.role == GUEST else person.role
