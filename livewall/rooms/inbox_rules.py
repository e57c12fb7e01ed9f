"""Who may write a private message to whom, and how many. Pure: everything is an argument, time included."""

from __future__ import annotations

from datetime import timedelta

from livewall.clock import moment
from livewall.errors import Busy, NotAllowed, Refused
from livewall.rooms.people import Person
from livewall.rooms.rows import PersonRow
from livewall.rooms.rules import check_not_muted

DAY = timedelta(days=1)
MAX_SENT = 200
"""The most private messages that somebody sends in a day to people who never answered."""
MAX_RECEIVED = 1000
"""The most private messages that somebody gets in a day from people whom they never answered."""


def check_may_write(person: Person, held: PersonRow, *, to_host: bool, blocks: bool, blocked: bool) -> None:
    """Raise Refused for somebody who `blocks` the other, and NotAllowed for one who is `blocked` or muted.

    Those who are muted in the room may still write to its hosts.
    """
    if blocks:
        raise Refused("conflict", "you have blocked this person; unblock them before you write")
    if blocked:
        raise NotAllowed("blocked", "this person takes no messages from you")
    if not to_host:
        check_not_muted(person, held)


def check_not_too_many(last: str | None, now: str) -> None:
    """Raise Busy (`rate`) until a day after `last`: the time of the message that filled the limit, or None."""
    if last is not None:
        left = (moment(last) + DAY - moment(now)).total_seconds()
        raise Busy("rate", "too many private messages without an answer; try again later", retry_after=max(1.0, left))
