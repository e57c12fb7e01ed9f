"""Who is in a room, and who types there: volatile events, sent at most once a second.

`here` has the number of people, and their names up to `NAMED` people. `typing` has up to three names. Both are taken
from the hub's index of readers, whose tags are the speakers of people (livewall/rooms/people.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from livewall import wire
from livewall.clock import Clock, iso
from livewall.errors import NotFound
from livewall.hub.hub import Hub
from livewall.hub.viewers import Viewers, interval
from livewall.identity import Secrets, Who
from livewall.rooms import rows
from livewall.rooms.access import check_may_say, speaker
from livewall.rooms.people import Person, person_in
from livewall.store.transaction import Transaction, Write
from livewall.store.writer import Done

KIND = "rooms/"
NAMED = 100
"""The largest number of people in a room whose names are sent."""
TYPES = 6.0
"""Seconds for which somebody types after an act `typing`; pages repeat it every three."""
MAX_TYPING = 1000
"""The largest number of people of a room that are remembered as typing."""
NOTED_EVERY = 600.0
"""Seconds after which it is noted again when the people who are in a room were last there."""


class Here(msgspec.Struct):
    people: int
    names: list[str] | UnsetType = UNSET


class TypingShown(msgspec.Struct):
    names: list[str]
    more: int


class StoreAccess(Protocol):
    """The part of the store that presence uses."""

    def submit(self, write: Write, done: Done) -> None: ...

    async def read(self, ask: Callable[[Any], Any]) -> Any: ...


class _Room:
    """What is remembered of a room that somebody reads."""

    def __init__(self) -> None:
        self.present: dict[str, Who] = {}
        self.typing: dict[str, tuple[float, Who]] = {}
        self.sent: Collection[str] | None = None
        """Who was there when `here` was last sent; None if it must be sent again."""
        self.sent_at = 0.0
        self.sent_typing: Collection[str] = ()
        self.busy = False
        self.noted_at = 0.0
        self.people: dict[str, Person] = {}
        """Those who are there and were asked for, by their tags."""


class RoomPresence:
    """The presence in all rooms of this process. `now` is monotonic, in seconds. `spawn` runs a coroutine."""

    def __init__(
        self,
        hub: Hub,
        viewers: Viewers,
        store: StoreAccess,
        secrets: Secrets,
        *,
        now: Callable[[], float],
        clock: Clock,
        spawn: Callable[[Any], None],
    ) -> None:
        self._hub = hub
        self._viewers = viewers
        self._store = store
        self._secrets = secrets
        self._now = now
        self._clock = clock
        self._spawn = spawn
        self._rooms: dict[str, _Room] = {}

    def people(self, room: str) -> dict[str, Person]:
        """Return who is in a room now, by the ids of people. Their names are those before they chose one."""
        known = self._rooms[room].people if room in self._rooms else {}
        found = {}
        for tag, who in self._viewers.present(rows.stream_of(room)).items():
            person = known.get(tag)
            if person is None:
                # An HMAC: kept, since thousands may be there.
                person = known[tag] = person_in(room, who, self._secrets)
            found[person.id] = person
        return found

    def count(self, room: str) -> int:
        """Return how many people are in a room now."""
        return self._viewers.count(rows.stream_of(room))

    def present(self, room: str) -> Collection[Who]:
        """Return who is in a room now."""
        return self._viewers.present(rows.stream_of(room)).values()

    def visited(self, room: str, who: Who) -> None:
        """Note that somebody was shown the page of a room, which has no connection where there is no script."""
        if who.role is not None or who.voter is not None:
            self._viewers.polled(rows.stream_of(room), speaker(who), who)

    def types(self, room: str, who: Who) -> None:
        """Note that somebody types. Raises NotFound, NotAllowed, Refused for one who may not say anything there.

        Somebody who was muted is left out when it is sent.
        """
        stream = self._hub.streams.get(rows.stream_of(room))
        state = {} if stream is None else stream.state
        access, held = state.get("access"), state.get("room")
        if access is None or held is None:
            raise NotFound("not_found", f"you do not read a room {room[:80]}")
        check_may_say(access.read, held.write, closed=held.closed and not who.host, who=who)  # type: ignore[attr-defined]
        typing = self._rooms.setdefault(room, _Room()).typing
        if speaker(who) in typing or len(typing) < MAX_TYPING:
            typing[speaker(who)] = (self._now() + TYPES, who)

    def said(self, room: str, who: Who) -> None:
        """Note that somebody said something, and types no longer."""
        if room in self._rooms:
            self._rooms[room].typing.pop(speaker(who), None)

    def renamed(self, room: str) -> None:
        """Note that names in a room have changed."""
        if room in self._rooms:
            self._rooms[room].sent = None

    def update(self) -> None:
        """Send what changed, and note who has left. Called once a second."""
        now = self._now()
        for stream in self._hub.streams.values():
            if stream.name.startswith(KIND) and stream.cursors:
                self._rooms.setdefault(stream.name.removeprefix(KIND), _Room())
        for name in self._viewers.polled_streams(KIND):
            self._rooms.setdefault(name.removeprefix(KIND), _Room())
        for room, held in list(self._rooms.items()):
            self._update(room, held, now)

    def _update(self, room: str, held: _Room, now: float) -> None:
        present = self._viewers.present(rows.stream_of(room))
        left = [who for tag, who in held.present.items() if tag not in present]
        if now - held.noted_at >= NOTED_EVERY:
            left += present.values()
            held.noted_at = now
        if left:
            self._note_here(room, left)
        held.present = present
        if held.people:
            held.people = {tag: person for tag, person in held.people.items() if tag in present}
        held.typing = {tag: typed for tag, typed in held.typing.items() if typed[0] > now and tag in present}
        stream = self._hub.streams.get(rows.stream_of(room))
        if not present and (stream is None or not stream.cursors):
            del self._rooms[room]
        elif not held.busy and now - held.sent_at >= interval(len(stream.cursors) if stream else 0) - 0.1:
            here = held.sent is None or held.sent != present.keys()
            typing = held.sent_typing != held.typing.keys()
            if here or typing:
                held.busy, held.sent_at = True, now
                self._spawn(self._send(room, held, here=here, typing=typing))

    async def _send(self, room: str, held: _Room, *, here: bool, typing: bool) -> None:
        try:
            present = dict(held.present) if here else {}
            typed = {tag: who for tag, (_, who) in held.typing.items()} if typing else {}
            named = {**(present if len(present) <= NAMED else {}), **dict(list(typed.items())[:NAMED])}
            people = {tag: person_in(room, who, self._secrets) for tag, who in named.items()}
            known = await self._store.read(lambda db: rows.people(db, room, [p.id for p in people.values()]))
            stream = rows.stream_of(room)
            if here:
                held.sent = present.keys()
                names = UNSET if len(present) > NAMED else sorted(_name(people[tag], known) for tag in present)
                self._hub.volatile(stream, "here", wire.text(Here(len(present), names)), retain=True)
            if typing:
                held.sent_typing = typed.keys()
                heard = [tag for tag in typed if tag not in people or not known[people[tag].id].muted]
                names = [_name(people[tag], known) for tag in heard if tag in people][:3]
                self._hub.volatile(stream, "typing", wire.text(TypingShown(names, len(heard) - len(names))))
        finally:
            held.busy = False

    def _note_here(self, room: str, left: list[Who]) -> None:
        ids, now = [person_in(room, who, self._secrets).id for who in left], iso(self._clock())

        def write(tx: Transaction) -> None:
            rows.note_here(tx, room, ids, now)

        self._store.submit(write, lambda result, error: None)


def _name(person: Person, known: dict[str, rows.PersonRow]) -> str:
    return known[person.id].name or person.name
