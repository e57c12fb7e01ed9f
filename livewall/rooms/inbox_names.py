"""The stream that holds somebody's private messages: its stored name, and how a room keeps that name. Pure.

Everybody asks for `inbox/me`. The stored name is an HMAC, so it says nothing of its person and cannot be guessed. A
room keeps it sealed, differently for each person and room: the ids of one person in two rooms cannot be joined without
the keys of the server.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from livewall.hub.position import View
from livewall.hub.stream import State, StateRule
from livewall.identity import Secrets, Who, keyed
from livewall.rooms.access import speaker

ON_THE_WIRE = "inbox/me"
_BYTES = 20


class InboxRule(StateRule):
    """The rule of the streams of private messages. Each has one reader, since its name follows from who asks."""

    keys: Mapping[str, Any] = {}

    def view(self, state: State, who: Who, viewer_state: Any) -> View:
        return View.FULL


def inbox_of(who: Who, secrets: Secrets) -> str:
    """Return the stored name of the stream of `who`. Raises NotAllowed (`no_voter`)."""
    digest = keyed(secrets.cookie, f"inbox:{speaker(who)}".encode())[:_BYTES]
    return f"inbox/{base64.b32encode(digest).decode().lower()}"


def sealed(inbox: str, room: str, person: str, secrets: Secrets) -> bytes:
    """Return the stored name of a stream as a room keeps it with a person."""
    digest = base64.b32decode(inbox.partition("/")[2].upper())
    return _mixed(digest, room, person, secrets)


def opened(seal: bytes, room: str, person: str, secrets: Secrets) -> str:
    """Return the stored name of a stream from what a room keeps with a person."""
    digest = _mixed(seal, room, person, secrets)
    return f"inbox/{base64.b32encode(digest).decode().lower()}"


def _mixed(digest: bytes, room: str, person: str, secrets: Secrets) -> bytes:
    # One text is mixed with each pad at most: the name of the stream of a person in a room never changes.
    pad = keyed(secrets.cookie, f"seal:{room}:{person}".encode())
    return bytes(one ^ other for one, other in zip(digest, pad, strict=False))
