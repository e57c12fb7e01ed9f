"""What may be said, changed and withdrawn, and when. Pure: everything is an argument, time included."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from livewall.clock import moment
from livewall.errors import Busy, NotAllowed, Refused
from livewall.rooms.people import Person
from livewall.rooms.rows import Message, PersonRow, Room, Withdrawn

NAME_SECONDS = 24 * 3600
"""Seconds for which a name is held after its holder was last there."""
EDIT_SECONDS = 15 * 60
"""Seconds within which an author may change or withdraw a message."""


def check_may_speak(room: Room, person: Person, held: PersonRow, now: str) -> None:
    """Raise NotAllowed (`muted`), or Busy (`slow`) with the seconds until the next message. Hosts are exempt."""
    check_not_muted(person, held)
    if person.moderates:
        return
    if room.slow and held.said_at is not None:
        left = (moment(held.said_at) + timedelta(seconds=room.slow) - moment(now)).total_seconds()
        if left > 0:
            said = f"{room.slow} seconds" if room.slow != 1 else "one second"
            raise Busy("slow", f"one message in {said} in this room; try again shortly", retry_after=left)


def check_not_muted(person: Person, held: PersonRow) -> None:
    """Raise NotAllowed (`muted`) for somebody whom a host has muted. Hosts are exempt."""
    if held.muted and not person.moderates:
        raise NotAllowed("muted", "a host has muted you in this room")


def edited(before: Message | Withdrawn, text: str, person: Person, now: str) -> Message | None:
    """Return a message with another text, or None if it has that text. Raises NotAllowed, Refused."""
    if isinstance(before, Withdrawn):
        raise Refused("conflict", "this message was withdrawn")
    if before.said_by != person.id:
        raise NotAllowed("forbidden", "only its author changes a message")
    if not _is_recent(before, now):
        raise NotAllowed("forbidden", f"a message can be changed for {EDIT_SECONDS // 60} minutes")
    return None if before.text == text else msgspec.structs.replace(before, text=text, edited_at=now)


def withdrawn(before: Message | Withdrawn, person: Person, now: str) -> Withdrawn | None:
    """Return what is left of a message, or None if it was withdrawn before. Raises NotAllowed."""
    if isinstance(before, Withdrawn):
        return None
    own = before.said_by == person.id
    if not own and not person.moderates:
        raise NotAllowed("forbidden", "only its author and hosts withdraw a message")
    if own and not person.moderates and not _is_recent(before, now):
        raise NotAllowed("forbidden", f"a message can be withdrawn for {EDIT_SECONDS // 60} minutes; ask a host")
    return Withdrawn(before.n, "author" if own else "host", before.at)


def is_free(here_at: str, now: str) -> bool:
    """Return whether a name is free again whose holder was last there at `here_at`."""
    return (moment(now) - moment(here_at)).total_seconds() >= NAME_SECONDS


def _is_recent(message: Message, now: str) -> bool:
    return (moment(now) - moment(message.at)).total_seconds() <= EDIT_SECONDS
