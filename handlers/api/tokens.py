"""Tokens of programs, and links that sign a browser in."""

from __future__ import annotations

from handlers.base import ApiHandler
from livewall import wire
from livewall.identity import ROLES, Role


class TokensHandler(ApiHandler):
    """POST and GET /api/tokens"""

    write_right = "admin"

    async def get(self) -> None:
        self.require("admin")
        self.answer(await self.services.credentials.list())

    async def post(self) -> None:
        body = self.body(wire.TokenIn)
        self.answer(await self.services.credentials.create_token(body.role, body.name, self.who), 201)


class TokenHandler(ApiHandler):
    """DELETE /api/tokens/ID: revoke a token or a sign-in, and close its connections."""

    write_right = "admin"

    async def delete(self, token_id: str) -> None:
        self.body(wire.Nothing)
        await self.services.credentials.revoke(token_id, self.who)
        self.answer({})


class LoginsHandler(ApiHandler):
    """POST /api/logins: create a link that signs a browser in, with a role no higher than the client's own."""

    def authorize_change(self) -> None:
        self.require(*ROLES)

    async def post(self) -> None:
        body = self.body(wire.LoginIn)
        assert self.who.role is not None
        role: Role = body.role or self.who.role
        code, expires_at = await self.services.credentials.create_link(role, self.who)
        self.answer({"link": f"{self.services.base_url}/login/{code}", "expires_at": expires_at}, 201)
