"""People in a room: the id by which a person is known there, and the names they have. Pure."""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

from livewall.identity import Secrets, Who, keyed
from livewall.rooms.access import speaker
from livewall.rooms.friendly_names import friendly_name

ID_LENGTH = 12
GUEST = "guest"
"""The role of one who never chose a name."""


class Person(NamedTuple):
    """Somebody in a room. `id` is the same for ever there, of no use in another room, and never joined to a ballot."""

    id: str
    name: str
    role: str
    moderates: bool


def person_in(room: str, who: Who, secrets: Secrets) -> Person:
    """Return who somebody is in a room, before they chose a name there. Raises NotAllowed (`no_voter`)."""
    digest = keyed(secrets.cookie, f"person:{room}:{speaker(who)}".encode())
    id = base64.b32encode(digest).decode().lower()[:ID_LENGTH]
    if who.role is not None:
        return Person(id, who.name or who.role, who.role, who.host)
    return Person(id, friendly_name(digest), GUEST, moderates=False)


def is_person(text: str) -> bool:
    """Return whether a text has the form of a person's id."""
    return re.fullmatch(f"[a-z2-7]{{{ID_LENGTH}}}", text) is not None
