"""The service of private messages. Each person reads their own; a host has no way to read those of others."""

from __future__ import annotations

import asyncio
import secrets as random
from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol, TypeVar

from msgspec import UNSET

from livewall import wire
from livewall.clock import Clock, iso, moment
from livewall.errors import NotFound, Refused, invalid
from livewall.identity import MAY, Secrets, Who
from livewall.listing import Listing
from livewall.rooms import inbox_pages, inbox_rows, rows
from livewall.rooms.access import check_may_read
from livewall.rooms.inbox_names import inbox_of, opened, sealed
from livewall.rooms.inbox_pages import Listed, Pair
from livewall.rooms.inbox_rows import Conversation, Side
from livewall.rooms.inbox_rules import DAY, MAX_RECEIVED, MAX_SENT, check_may_write, check_not_too_many
from livewall.rooms.message_text import message_text
from livewall.rooms.people import Person, is_person, person_in
from livewall.rooms.presence import NAMED
from livewall.rooms.rows import Message, PersonShown, RoomRow, Withdrawn
from livewall.store.store import Store
from livewall.store.transaction import Transaction

History = list[Message | Withdrawn]
T = TypeVar("T")


class Written(NamedTuple):
    """A private message, and whether this call wrote it: otherwise the same `id` had written it before."""

    message: Message | Withdrawn
    new: bool


class Present(Protocol):
    """The part of the presence in rooms that private messages use."""

    def present(self, room: str) -> Collection[Who]:
        """Return who is in a room now."""


class Inbox:
    def __init__(self, store: Store, presence: Present, secrets: Secrets, clock: Clock) -> None:
        self._store = store
        self._presence = presence
        self._secrets = secrets
        self._clock = clock

    def write(self, room: str, other: str, given: wire.PrivateMessageIn, who: Who) -> asyncio.Future[Written]:
        """Write a private message to a person of a room; return a future with it.

        Raises NotAllowed (`no_voter`), BadInput and NotFound at once; the future may have NotFound, NotAllowed
        (`blocked`, `muted`), Refused (`conflict`, `closed`) and Busy (`rate`).
        """
        person, text = person_in(room, who, self._secrets), message_text(given.text)
        if not is_person(other):
            raise inbox_rows.nobody(other)
        inbox = inbox_of(who, self._secrets)
        there = self._there(room, other, who)
        id = given.id or random.token_urlsafe(12)
        now = iso(self._clock())

        def write(tx: Transaction) -> Written:
            row = rows.find(tx, room)
            check_may_read(row.read, who)
            if there is not None:
                inbox_rows.note_person(tx, room, *there, now)
            addressee = inbox_rows.addressee(tx, room, other)
            if other == person.id:
                raise Refused("conflict", "this is you; nobody writes to themselves")
            found = inbox_rows.between(tx, room, person.id, other)
            if found is not None and (before := inbox_rows.said_before(tx, found, person.id, id)) is not None:
                return Written(before, False)
            sides = inbox_rows.sides(tx, found, person.id) if found is not None else None
            held = rows.person(tx, room, person.id)
            check_may_write(
                person, held, to_host=addressee.role in MAY["host"],
                blocks=sides is not None and sides[0].blocked, blocked=sides is not None and sides[1].blocked,
            )  # fmt: skip
            if sides is None:
                sides = self._begin(tx, row, person, inbox, other, addressee, who)
            if not sides[1].wrote:
                self._check_not_too_many(tx, *sides, now)
            inbox_rows.note_person(tx, room, person, sealed(inbox, room, person.id, self._secrets), now)
            name, role = inbox_rows.said_as(person, held.name)
            number = inbox_rows.last_number(tx, sides[0].conversation) + 1
            made = Message(number, id, person.id, name, role, text, now)
            inbox_rows.insert_message(tx, made, *sides)
            return Written(made, True)

        return self._store.write(write)

    def _there(self, room: str, other: str, who: Who) -> tuple[Person, bytes] | None:
        """Return a person who is in the room now, with their stream as the room keeps it: they may never have said
        anything there. Only hosts find out about them in a room with more than `NAMED` people."""
        present = self._presence.present(room)
        for each in present if who.host or len(present) <= NAMED else ():
            person = person_in(room, each, self._secrets)
            if person.id == other:
                return person, sealed(inbox_of(each, self._secrets), room, other, self._secrets)
        return None

    def _begin(
        self, tx: Transaction, row: RoomRow, person: Person, inbox: str, other: str,
        addressee: inbox_rows.Addressee, who: Who,
    ) -> tuple[Side, Side]:  # fmt: skip
        """Begin a conversation. Raises Refused in a room that is closed: only hosts begin one there."""
        room = row.room.name
        if row.room.closed and not who.host:
            raise Refused("closed", "this room is closed, and nobody begins a conversation there")
        theirs = opened(addressee.seal, room, other, self._secrets)
        id = inbox_rows.begin(tx, room, (person.id, inbox), (other, theirs))
        return inbox_rows.sides(tx, id, person.id)

    def _check_not_too_many(self, tx: Transaction, sender: Side, recipient: Side, now: str) -> None:
        since = iso(moment(now) - DAY)
        for column, side, most in (("sender", sender, MAX_SENT), ("recipient", recipient, MAX_RECEIVED)):
            check_not_too_many(inbox_rows.filled_at(tx, column, side.inbox, since, most), now)

    async def list(self, who: Who, *, limit: int = 50, before: str | None = None) -> Listing[Conversation]:
        """Return the conversations of `who`, the newest activity first. Raises NotAllowed (`no_voter`), BadInput."""
        inbox, cursor = inbox_of(who, self._secrets), cursor_of(before)
        found = await self._store.read(lambda db: inbox_rows.page_of_conversations(db, inbox, cursor, limit + 1))
        return _page(found, limit)

    async def overview(self, who: Who, *, limit: int, before: str | None) -> Listing[Listed]:
        """Return conversations as `list` does, each with its last message. Raises as `list` does."""
        inbox, cursor = inbox_of(who, self._secrets), cursor_of(before)
        found = await self._store.read(lambda db: inbox_pages.listed(db, inbox, cursor, limit + 1))
        return _page(found, limit)

    async def unread(self, who: Who) -> int:
        """Return how many private messages `who` has not read; 0 for a reader without a role and without a voter."""
        if who.role is None and who.voter is None:
            return 0
        inbox = inbox_of(who, self._secrets)
        return await self._store.read(lambda db: inbox_pages.unread(db, inbox))

    async def pair(self, conversation: str, who: Who) -> Pair:
        """Return the two of a conversation of `who`. Raises NotAllowed (`no_voter`), NotFound."""
        inbox = inbox_of(who, self._secrets)
        return await self._store.read(lambda db: inbox_pages.pair_of(db, conversation, inbox))

    async def pair_in(self, room: str, other: str, who: Who) -> Pair:
        """Return `who` and another person of a room. Raises NotAllowed, and NotFound for oneself, too."""
        me = person_in(room, who, self._secrets).id
        there = self._there(room, other, who)

        def read(db: object) -> Pair:
            row = rows.find(db, room)
            check_may_read(row.read, who)
            if other == me:
                raise NotFound("not_found", "this is you; nobody writes to themselves")
            found = inbox_pages.between(db, row.room, me, other)
            if found is None and there is not None:
                person = there[0]
                return Pair(row.room, me, PersonShown(other, person.name, person.role, muted=False, here=False), None)
            if found is None:
                raise inbox_rows.nobody(other)
            return found

        return await self._store.read(read)

    async def messages(self, conversation: str, who: Who, *, before: int | None, limit: int) -> History:
        """Return messages of a conversation of `who`, the newest last. Raises NotAllowed (`no_voter`), NotFound."""
        inbox = inbox_of(who, self._secrets)

        def read(db: object) -> History:
            inbox_rows.own_side(db, conversation, inbox)
            return inbox_rows.history(db, conversation, before, limit)

        return await self._store.read(read)

    async def edit(self, conversation: str, given: wire.ConversationEdit, who: Who) -> Conversation:
        """Note what `who` has read, and whom they block. Raises NotAllowed (`no_voter`), NotFound.

        What was read stays read: a lower number changes nothing. Nothing of it reaches the other person.
        """
        inbox = inbox_of(who, self._secrets)

        def write(tx: Transaction) -> Conversation:
            before, messages = inbox_rows.own_side(tx, conversation, inbox)
            last_read = before.last_read if given.read is UNSET else max(before.last_read, min(given.read, messages))
            blocked = before.blocked if given.blocked is UNSET else given.blocked
            if (last_read, blocked) != (before.last_read, before.blocked):
                before.last_read, before.blocked = last_read, blocked
                inbox_rows.save_side(tx, before)
            return inbox_rows.shown(tx, before)

        return await self._store.write(write)


def cursor_of(before: str | None) -> int | None:
    """Return the place in a list that its `next` names. Raises BadInput."""
    if before and not (before.isdecimal() and len(before) < 16):
        raise invalid("before", "must be the `next` of an answer")
    return int(before) if before else None


def _page(found: Sequence[tuple[T, int]], limit: int) -> Listing[T]:
    more = str(found[limit - 1][1]) if len(found) > limit else None
    return Listing([each for each, _ in found[:limit]], more)
