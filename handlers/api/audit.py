"""The audit log: what hosts and operators did."""

from __future__ import annotations

import msgspec

from handlers.base import BaseHandler
from livewall.audit import Line


def need_reader(handler: BaseHandler) -> None:
    """Raise unless the client is a host or an operator."""
    handler.require("operator", "host")


async def lines(handler: BaseHandler) -> tuple[list[Line], str | None]:
    arguments = handler.page_arguments()
    return await handler.services.audit.page(**arguments)


class AuditHandler(BaseHandler):
    """GET /api/audit"""

    async def get(self) -> None:
        need_reader(self)
        items, next_cursor = await lines(self)
        self.answer({"items": msgspec.to_builtins(items), "next": next_cursor})
