"""Who may read a room, and who may say something there: one decision for every transport and for the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from livewall.errors import NotAllowed, NotFound, Refused
from livewall.hub.position import View
from livewall.hub.stream import State, StateRule
from livewall.identity import Who

Write = Literal["all", "signed_in", "hosts"]
Read = Literal["all", "signed_in"]


class Access(msgspec.Struct):
    """The part of a room that decides; an event of the stream that only its rule reads."""

    read: Read


class RoomState(msgspec.Struct):
    """The parts of a room's own event that decide who may say something."""

    write: Write
    closed: bool


class RoomRule(StateRule):
    """The rule of streams `rooms/NAME`, which have one view."""

    keys: Mapping[str, Any] = {"access": Access, "room": RoomState}

    def view(self, state: State, who: Who, viewer_state: Any) -> View:
        access: Access | None = state.get("access")
        if access is None:
            raise NotFound("no_such_stream", "there is no such room")
        check_may_read(access.read, who)
        return View.FULL

    def viewer_tag(self, name: str, who: Who) -> str | None:
        """Return the person, so that the hub can tell who is there (livewall/rooms/presence.py)."""
        return None if who.role is None and who.voter is None else speaker(who)


def speaker(who: Who) -> str:
    """Return what all messages of one person count for, in whatever room. Raises NotAllowed (`no_voter`)."""
    check_is_somebody(who)
    return f"voter:{who.voter}" if who.role is None else f"role:{who.credential}"


def check_may_read(read: Read, who: Who) -> None:
    """Raise NotAllowed unless `who` may read the room."""
    if read == "signed_in" and who.role is None:
        raise NotAllowed("unauthenticated", "this room is for those who are signed in; sign in")


def check_may_say(read: Read, write: Write, *, closed: bool, who: Who) -> None:
    """Raise NotAllowed or Refused (`closed`) unless `who` may say something in the room."""
    check_may_read(read, who)
    if write == "hosts" and not who.host:
        raise NotAllowed("forbidden", "only hosts write in this room")
    if write == "signed_in" and who.role is None:
        raise NotAllowed("unauthenticated", "only those who are signed in write in this room; sign in")
    check_is_somebody(who)
    if closed:
        raise Refused("closed", "this room is closed")


def check_may_take_name(who: Who) -> None:
    """Raise NotAllowed unless `who` may choose a name: those who are signed in have that of their sign-in."""
    if who.role is not None:
        raise NotAllowed("no_voter", "those who are signed in have the name of their sign-in")
    check_is_somebody(who)


def check_is_somebody(who: Who) -> None:
    """Raise NotAllowed (`no_voter`) for a reader without a role and without a voter."""
    if who.role is None and who.voter is None:
        raise NotAllowed("no_voter", "get a voter with POST /api/voters, and send its token")
