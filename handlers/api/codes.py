"""The voting codes of a wall. The response that creates a code is the only one that shows it."""

from __future__ import annotations

from handlers.base import ApiHandler
from livewall import wire


class CodesHandler(ApiHandler):
    """POST and GET /api/walls/CODE/codes"""

    write_right = "host"

    async def get(self, code: str) -> None:
        self.require("host")
        self.answer(await self.services.voter_codes.list(code, **self.page_arguments()))

    async def post(self, code: str) -> None:
        codes = await self.services.voter_codes.make(code, self.body(wire.CodesIn).count, self.who)
        self.set_header("Cache-Control", "no-store")
        self.answer(codes, 201)


class CodeHandler(ApiHandler):
    """DELETE /api/walls/CODE/codes/ID"""

    write_right = "host"

    async def delete(self, code: str, code_id: str) -> None:
        self.body(wire.Nothing)
        await self.services.voter_codes.revoke(code, code_id, self.who)
        self.answer({})


class ReplaceHandler(ApiHandler):
    """POST /api/walls/CODE/codes/ID/replace: create another code for the same holder."""

    write_right = "host"

    async def post(self, code: str, code_id: str) -> None:
        self.body(wire.Nothing)
        codes = await self.services.voter_codes.replace(code, code_id, self.who)
        self.set_header("Cache-Control", "no-store")
        self.answer(codes, 201)
