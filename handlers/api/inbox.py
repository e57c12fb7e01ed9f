"""Private messages over HTTP: everybody reads their own."""

from __future__ import annotations

from handlers.api.rooms import MAX_PAGE
from handlers.base import ApiHandler
from livewall import wire
from livewall.rooms.access import check_is_somebody, speaker


class InboxHandler(ApiHandler):
    """GET /api/inbox"""

    async def get(self) -> None:
        self.answer(await self.services.inbox.list(self.who, **self.page_arguments()))


class ConversationHandler(ApiHandler):
    """PUT /api/inbox/CONV"""

    def authorize_change(self) -> None:
        check_is_somebody(self.who)

    async def put(self, conversation: str) -> None:
        self.services.limits.act(speaker(self.who), self.services.monotonic())
        given = self.body(wire.ConversationEdit)
        self.answer(await self.services.inbox.edit(conversation, given, self.who))


class ConversationMessagesHandler(ApiHandler):
    """GET /api/inbox/CONV/messages"""

    async def get(self, conversation: str) -> None:
        before = self.number("before", None, minimum=1)
        limit = self.number("limit", 50, minimum=1, maximum=MAX_PAGE) or 0
        found = await self.services.inbox.messages(conversation, self.who, before=before, limit=limit)
        self.answer({"items": found})
