"""The service of rooms: what hosts do with them, and what people say there. Acknowledged is what was committed."""

from __future__ import annotations

import secrets as random
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET

from livewall import audit, wire
from livewall.clock import Clock, iso
from livewall.entity_versions import Wanted, check_version
from livewall.errors import NotAllowed, NotFound, Refused
from livewall.hub.live_hub import LiveHub
from livewall.identity import Secrets, Who
from livewall.listing import Listing
from livewall.rooms import inbox_rows, rows, rules
from livewall.rooms.access import Read, check_may_read, check_may_say, check_may_take_name
from livewall.rooms.confusable_names import looks_of
from livewall.rooms.house_names import is_reserved
from livewall.rooms.inbox_names import inbox_of, sealed
from livewall.rooms.message_text import message_text, person_name
from livewall.rooms.one_at_a_time import OneAtATime
from livewall.rooms.people import GUEST, Person, is_person, person_in
from livewall.rooms.presence import NAMED, RoomPresence
from livewall.rooms.rows import Message, PersonShown, Room, RoomRow, Withdrawn
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.store.writer import Done
from livewall.visible_text import readable

EXPORTED_AT_ONCE = 500
History = list[Message | Withdrawn]


class Said(msgspec.Struct):
    """A message, and whether this call said it: otherwise the same `id` had said it before."""

    message: Message | Withdrawn
    new: bool


class Rooms:
    def __init__(self, store: Store, hub: LiveHub, presence: RoomPresence, secrets: Secrets, clock: Clock) -> None:
        self._store = store
        self._hub = hub
        self._presence = presence
        self._secrets = secrets
        self._clock = clock
        self._searches = OneAtATime("searches")

    # -- rooms

    async def create(self, given: wire.RoomIn, who: Who) -> tuple[Room, int]:
        """Create a room. Raises Refused (`conflict`) if there is one of this name, BadInput."""
        now = iso(self._clock())
        room = Room(given.name, readable(given.title or given.name, "title"), given.write, given.slow, False, 0)

        def write(tx: Transaction) -> tuple[Room, int]:
            if rows.exists(tx, room.name):
                raise Refused("conflict", f"there is a room {room.name} already")
            rows.insert(tx, room, given.read, now)
            audit.note(tx, who, now, "room.create", rows.stream_of(room.name))
            return room, 1

        return await self._store.write(write)

    async def list(self, who: Who, *, limit: int = 50, before: str | None = None) -> Listing[Room]:
        """Return the rooms that `who` may read, by name; `before` is the cursor of the page before."""
        ask = partial(rows.page_of_rooms, after=before or "", limit=limit + 1, for_everyone=who.role is None)
        found = await self._store.read(ask)
        return Listing([row.room for row in found[:limit]], found[limit - 1].room.name if len(found) > limit else None)

    async def get(self, name: str, who: Who) -> tuple[Room, int]:
        """Return a room and its version. Raises NotFound, NotAllowed."""
        await self._check_may_read(name, who)
        row = await self._store.read(lambda db: rows.find(db, name))
        return row.room, row.version

    async def edit(self, name: str, edit: wire.RoomEdit, who: Who, *, version: Wanted = None) -> tuple[Room, int]:
        """Change what is given. Raises NotFound, Stale, BadInput."""
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[Room, int]:
            row = rows.find(tx, name)
            check_version(row.version, version)
            after = _edited(row, edit)
            if after == row:
                return row.room, row.version
            rows.save(tx, after)
            fields = [f for f in ("title", "write", "slow", "closed") if getattr(after.room, f) != getattr(row.room, f)]
            audit.note(
                tx, who, now, "room.edit", rows.stream_of(name),
                fields=[*fields, *(["read"] if after.read != row.read else [])],
            )  # fmt: skip
            return after.room, row.version + 1

        return await self._store.write(write)

    async def delete(self, name: str, who: Who) -> None:
        """Delete a room with everything that was said there, in private conversations too. Raises NotFound."""
        now = iso(self._clock())

        def write(tx: Transaction) -> None:
            rows.find(tx, name)
            inbox_rows.delete_of_room(tx, name)
            rows.delete(tx, name)
            audit.note(tx, who, now, "room.delete", rows.stream_of(name))
            gone = NotFound("no_such_stream", "this room was deleted")
            tx.after_commit(lambda: self._hub.hub.abandon(rows.stream_of(name), gone))

        await self._store.write(write)

    # -- messages

    def say(self, name: str, given: wire.MessageIn, who: Who, done: Done) -> None:
        """Say something; `done` gets a `Said` once it is on the disk. Raises NotAllowed, BadInput, Busy at once, and
        passes NotFound, NotAllowed, Refused, Busy (`slow`) to `done`."""
        person, text = person_in(name, who, self._secrets), message_text(given.text)
        id = given.id or random.token_urlsafe(12)
        now = iso(self._clock())

        def write(tx: Transaction) -> Said:
            row = rows.find(tx, name)
            if (before := rows.said_before(tx, name, person.id, id)) is not None:
                return Said(before, False)
            check_may_say(row.read, row.room.write, closed=row.room.closed and not who.host, who=who)
            held = rows.person(tx, name, person.id)
            rules.check_may_speak(row.room, person, held, now)
            if given.reply_to is not UNSET:
                rows.said(tx, name, given.reply_to)
            said_as, role = inbox_rows.said_as(person, held.name)
            made = Message(row.room.messages + 1, id, person.id, said_as, role, text, now, UNSET, given.reply_to)
            rows.insert_message(tx, name, made)
            rows.note_said(tx, name, person.id, now)
            tx.after_commit(lambda: self._presence.said(name, who))
            inbox_rows.note_person(tx, name, person, self._seal(name, person, who), now)
            return Said(made, True)

        self._store.submit(write, done)

    async def edit_message(self, name: str, number: int, given: wire.MessageEdit, who: Who) -> Message | Withdrawn:
        """Change one's own message. Raises NotFound, NotAllowed, Refused, BadInput."""
        person, text, now = person_in(name, who, self._secrets), message_text(given.text), iso(self._clock())

        def write(tx: Transaction) -> Message | Withdrawn:
            row = rows.find(tx, name)
            check_may_read(row.read, who)
            before = rows.said(tx, name, number)
            check_may_say(row.read, row.room.write, closed=row.room.closed and not who.host, who=who)
            rules.check_not_muted(person, rows.person(tx, name, person.id))
            after = rules.edited(before, text, person, now)
            if after is not None:
                rows.change_message(tx, name, after)
            return after or before

        return await self._store.write(write)

    async def withdraw(self, name: str, number: int, who: Who) -> Message | Withdrawn:
        """Withdraw a message; its text is then nowhere. Raises NotFound, NotAllowed."""
        person, now = person_in(name, who, self._secrets), iso(self._clock())

        def write(tx: Transaction) -> Message | Withdrawn:
            check_may_read(rows.find(tx, name).read, who)
            before = rows.said(tx, name, number)
            after = rules.withdrawn(before, person, now)
            if after is None:
                return before
            rows.change_message(tx, name, after)
            if after.withdrawn == "host":
                audit.note(tx, who, now, "room.withdraw", rows.stream_of(name), message=number)
            return after

        return await self._store.write(write)

    async def history(
        self, name: str, who: Who, *, before: int | None, after: int | None, limit: int, search: str
    ) -> History:
        """Return messages by number, the newest last. One search runs at a time. Raises NotFound, NotAllowed, and Busy
        if too many searches wait."""
        await self._check_may_read(name, who)
        folded = search.casefold()

        def ask(db: Any) -> History:
            return rows.history(db, name, before=before, after=after, limit=limit, search=folded)

        if not search:
            return await self._store.read(ask)
        async with self._searches.turn():
            return await self._store.read(ask)

    async def all_messages(self, name: str, who: Who) -> AsyncIterator[History]:
        """Yield all messages by number, some at a time. Raises NotFound, NotAllowed."""
        last = 0
        while found := await self.history(name, who, before=None, after=last, limit=EXPORTED_AT_ONCE, search=""):
            yield found
            last = found[-1].n

    # -- people

    async def claim_name(self, room: str, given: wire.PersonName, who: Who) -> PersonShown:
        """Take a name in a room. Raises NotFound, NotAllowed, BadInput, and Refused (`name_taken`) for one that
        somebody else has, or that looks like it."""
        person, name, now = person_in(room, who, self._secrets), person_name(given.name), iso(self._clock())
        check_may_take_name(who)
        looks, present = looks_of(name), self._presence.people(room).keys()

        def write(tx: Transaction) -> PersonShown:
            row = rows.find(tx, room)
            check_may_read(row.read, who)
            rules.check_not_muted(person, rows.person(tx, room, person.id))
            for other, here_at in rows.holders(tx, room, looks).items():
                if other != person.id and (other in present or not rules.is_free(here_at, now)):
                    raise Refused("name_taken", "somebody here has this name, or one that looks like it")
                if other != person.id:
                    rows.free_name(tx, room, other)
                    inbox_rows.name_changed(tx, room, other)
            if is_reserved(name, person.name, rows.names_of_roles(tx)):
                raise Refused("name_taken", "this name is taken, or looks like one that is")
            rows.save_name(tx, room, person.id, name, looks, now)
            tx.after_commit(lambda: self._presence.renamed(room))
            inbox_rows.note_person(tx, room, person, self._seal(room, person, who), now)
            inbox_rows.name_changed(tx, room, person.id)
            return PersonShown(person.id, name, "", rows.person(tx, room, person.id).muted, True)

        return await self._store.write(write)

    async def people(self, room: str, who: Who, *, limit: int = 50, before: str | None = None) -> Listing[PersonShown]:
        """Return people by their ids: to hosts all who are there, spoke, chose a name or were muted; to others those
        who are there, in a room with up to NAMED people, and not who is muted. Raises NotFound, NotAllowed."""
        await self._check_may_read(room, who)
        if not who.host and self._presence.count(room) > NAMED:
            raise NotAllowed("forbidden", f"more than {NAMED} people are here, so only hosts list them")
        here = self._presence.people(room)

        def ask(db: Any) -> Listing[PersonShown]:
            kept = rows.page_of_people(db, room, before or "", limit + 1) if who.host else []
            ids = sorted({*kept, *(id for id in here if id > (before or ""))})
            page = ids[:limit]
            known = rows.people(db, room, page)
            shown = [
                _shown(id, known[id], here.get(id), rows.last_name(db, room, id), for_host=who.host) for id in page
            ]
            return Listing(shown, page[-1] if len(ids) > limit else None)

        return await self._store.read(ask)

    async def me(self, room: str, who: Who) -> PersonShown | None:
        """Return who somebody is in a room, or None for a reader without a role and without a voter."""
        if who.role is None and who.voter is None:
            return None
        person = person_in(room, who, self._secrets)
        held = await self._store.read(lambda db: rows.person(db, room, person.id))
        role = "" if held.name and person.role == GUEST else person.role
        return PersonShown(person.id, held.name or person.name, role, held.muted, True)

    async def muted(self, room: str) -> dict[str, str]:
        """Return the ids of those who are muted in a room, with the names under which they spoke."""
        return await self._store.read(lambda db: rows.muted_people(db, room))

    async def mute(self, name: str, person: str, who: Who, *, muted: bool) -> None:
        """Mute somebody in a room, or no longer. Raises NotFound."""
        now = iso(self._clock())

        def write(tx: Transaction) -> None:
            rows.find(tx, name)
            if not is_person(person):
                raise NotFound("not_found", f"there is nobody {person[:20]} in this room")
            if rows.person(tx, name, person).muted == muted:
                return
            rows.save_muted(tx, name, person, now, muted=muted)
            audit.note(tx, who, now, "room.mute" if muted else "room.unmute", rows.stream_of(name), person=person)

        await self._store.write(write)

    def _seal(self, room: str, person: Person, who: Who) -> bytes:
        return sealed(inbox_of(who, self._secrets), room, person.id, self._secrets)

    async def _check_may_read(self, name: str, who: Who) -> None:
        try:
            await self._hub.view(rows.stream_of(name), who)
        except NotFound:
            raise NotFound("not_found", f"there is no room {name[:80]}") from None


def _shown(id: str, kept: rows.PersonRow, here: Person | None, last: tuple[str, str], *, for_host: bool) -> PersonShown:
    name, role = (here.name, here.role) if here is not None else last
    if kept.name is not None:
        name, role = kept.name, ""
    return PersonShown(id, name, role, kept.muted and for_host, here is not None)


def _edited(row: RoomRow, edit: wire.RoomEdit) -> RoomRow:
    given: dict[str, Any] = {name: value for name, value in msgspec.structs.asdict(edit).items() if value is not UNSET}
    read: Read = given.pop("read", row.read)
    if "title" in given:
        given["title"] = readable(given["title"], "title")
    return RoomRow(msgspec.structs.replace(row.room, **given), read, row.version)
