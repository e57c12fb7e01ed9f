"""The tally of a round over time."""

from __future__ import annotations

from handlers.base import BaseHandler
from livewall.errors import invalid


def round_of(handler: BaseHandler) -> int | None:
    """Return the requested round, or None for the current one. Raises BadInput."""
    text = handler.argument("round")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 8 and int(text)):
        raise invalid("round", "a whole number of at least 1")
    return int(text)


class ReplayHandler(BaseHandler):
    """GET /api/polls/ID/replay"""

    async def get(self, poll_id: str) -> None:
        _, replay = await self.services.replays.get(poll_id, round_of(self), self.who)
        self.answer(replay)
