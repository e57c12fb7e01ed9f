"""A room as its page shows it without scripts: messages by day and author. static/js/room/groups.js groups alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec import UNSET

from livewall.clock import moment
from livewall.identity import Who
from livewall.rooms.links import Piece, pieces
from livewall.rooms.rows import Message, Room, Withdrawn

GROUP_SECONDS = 300
"""Seconds within which the next message of the same author stands below the one before, without a name of its own."""
EXCERPT = 100
"""The most characters of a message that is quoted."""


class Talker(Protocol):
    """What decides which messages are the reader's own."""

    id: str


@dataclass(frozen=True)
class Line:
    """A message on the page. `day` is set where a day begins, `first` where a group does."""

    message: Message | Withdrawn
    day: str
    first: bool
    own: bool
    is_withdrawn: bool
    pieces: list[Piece]
    quoted: Message | Withdrawn | int | None
    """The message that this one answers; its number where it is not on the page."""


def lines_of(messages: Sequence[Message | Withdrawn], me: Talker | None) -> list[Line]:
    """Return the lines of a page, oldest first."""
    by_number = {message.n: message for message in messages}
    lines: list[Line] = []
    before: Message | Withdrawn | None = None
    day_before = ""
    for message in messages:
        said = message if isinstance(message, Message) else None
        # What is left of a withdrawn message has the time at which that happened, perhaps days later.
        day = "" if said is None or said.at[:10] == day_before else said.at[:10]
        day_before = day or day_before
        answers = said.reply_to if said is not None and said.reply_to is not UNSET else None
        lines.append(
            Line(
                message,
                day,
                bool(day) or not continues(before, message),
                own=said is not None and me is not None and said.said_by == me.id,
                is_withdrawn=said is None,
                pieces=pieces(said.text) if said else [],
                quoted=None if answers is None else by_number.get(answers, answers),
            )
        )
        before = message
    return lines


def continues(before: Message | Withdrawn | None, message: Message | Withdrawn) -> bool:
    """Return whether a message belongs to the group of the one before it: the same author under the same name, soon."""
    if not isinstance(before, Message) or not isinstance(message, Message):
        return False
    same = (before.said_by, before.name, before.role) == (message.said_by, message.name, message.role)
    return same and (moment(message.at) - moment(before.at)).total_seconds() < GROUP_SECONDS


def excerpt(text: str) -> str:
    """Return the beginning of a text on one line."""
    line = re.sub(r"\s+", " ", text).strip()
    return line if len(line) <= EXCERPT else f"{line[: EXCERPT - 1]}…"


def why_not(room: Room, who: Who) -> str:
    """Return why somebody may say nothing in a room: `hosts`, `signed_in`, `closed`, or nothing if they may."""
    if room.write == "hosts" and not who.host:
        return "hosts"
    if room.write == "signed_in" and who.role is None:
        return "signed_in"
    return "closed" if room.closed and not who.host else ""
