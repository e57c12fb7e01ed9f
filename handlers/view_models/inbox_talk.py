"""Private messages as their page shows them without scripts. static/js/inbox/conversations.js does the same."""

from __future__ import annotations

from collections.abc import Sequence

from livewall.rooms.rows import Message, Withdrawn


def first_unread(messages: Sequence[Message | Withdrawn], me: str, unread: int) -> int | None:
    """Return the number of the first unread message of a conversation; None if there is none, or not among these."""
    if not unread:
        return None
    for message in reversed(messages):
        if isinstance(message, Message) and message.said_by != me:
            unread -= 1
            if not unread:
                return message.n
    return None


def short_time(at: str, now: str) -> str:
    """Return the time of a message in a list: the time of today, or else the day."""
    return f"{at[11:16]} UTC" if at[:10] == now[:10] else at[:10]
