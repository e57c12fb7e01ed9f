"""Signing in and out (DESIGN §8): links, a pasted token, cookies; and the tokens of programs."""

from __future__ import annotations

import re

import tornado.escape

from handlers.base import SIGN_IN_COOKIE_SECONDS, ApiHandler, BaseHandler
from livewall import wire
from livewall.errors import LivewallError, NotAllowed
from livewall.identity import Role


class TokensHandler(ApiHandler):
    """POST and GET /api/tokens"""

    async def get(self) -> None:
        self.need("admin")
        self.answer(await self.services.credentials.list())

    async def post(self) -> None:
        self.need("admin")
        given = self.body(wire.TokenIn)
        self.answer(await self.services.credentials.create_token(given.role, given.name, self.who), 201)


class TokenHandler(ApiHandler):
    """DELETE /api/tokens/ID: takes back a token or a sign-in, and closes its sockets."""

    async def delete(self, id: str) -> None:
        self.need("admin")
        self.body(wire.Nothing)
        await self.services.credentials.revoke(id, self.who)
        self.answer({})


class LoginsHandler(ApiHandler):
    """POST /api/logins: a link that signs a browser in, for a role not above one's own."""

    async def post(self) -> None:
        given = self.body(wire.LoginIn)
        if self.who.role is None:
            raise NotAllowed("unauthenticated", "sign in or send a token first")
        role: Role = given.role or self.who.role
        code, expires_at = await self.services.credentials.create_link(role, self.who)
        self.answer({"link": f"{self.services.base_url}/login/{code}", "expires_at": expires_at}, 201)


class FormHandler(ApiHandler):
    """A page that takes a form. The forms here sign in, so each must prove that it is ours."""

    page = True
    must_be_own = True
    takes_forms = True
    most = 64 << 10
    """Bytes of a form."""

    def fields(self) -> dict[str, str]:
        """The last value of each field. Raises where the form cannot prove itself."""
        if self._size > self.most:
            raise LivewallError("too_large", "the form is too large")
        text = b"".join(self._body).decode("utf-8", "replace")
        values = tornado.escape.parse_qs_bytes(text, keep_blank_values=True)
        found = {name: each[-1].decode("utf-8", "replace") for name, each in values.items()}
        self.check_form_token(found.get("_form", ""))
        return found

    def show_error(self, error: LivewallError) -> None:
        show_error_page(self, error)


class LoginPage(FormHandler):
    """GET /login/CODE shows what the link would do; its button's POST uses it up and leads to `?next=`."""

    @property
    def form_owner(self) -> str:
        return f"login:{self.path_args[0]}"

    async def get(self, code: str) -> None:
        link = await self.services.credentials.look(code)
        self.set_header("X-Robots-Tag", "noindex")
        if link is None:
            self.set_status(404)
            self.render("login.html", role=None, code=code, expires_at=None, error="used")
            return
        self.render("login.html", role=link.role, code=code, expires_at=link.expires_at, error=None)

    async def post(self, code: str) -> None:
        self.services.limits.sign_in(self.address, self.services.monotonic())
        self.fields()
        token = await self.services.credentials.use(code)
        self.set_own_cookie(self.role_cookie, token, SIGN_IN_COOKIE_SECONDS)
        self.redirect(local(self.argument("next")), status=303)


class SignInPage(FormHandler):
    """POST /: signs in with a pasted token."""

    async def post(self) -> None:
        self.services.limits.sign_in(self.address, self.services.monotonic())
        given = self.fields().get("token", "").strip()
        who = await self.services.credentials.who(given)
        token = await self.services.credentials.sign_in(who)
        self.set_own_cookie(self.role_cookie, token, SIGN_IN_COOKIE_SECONDS)
        self.redirect("/", status=303)


class LogoutPage(FormHandler):
    """POST /logout: ends this sign-in, everywhere it is used."""

    async def post(self) -> None:
        self.fields()
        if self.who.credential and not self.by_token:
            await self.services.credentials.revoke(self.who.credential, self.who)
        self.clear_cookie(self.role_cookie, path="/")
        self.redirect("/", status=303)


def local(path: str) -> str:
    """An address of ours to go on to; `/` for anything that a browser could take for another site's."""
    return path if re.fullmatch(r"/(?:[A-Za-z0-9][A-Za-z0-9._/-]{0,199})?", path) else "/"


def show_error_page(handler: BaseHandler, error: LivewallError) -> None:
    handler.set_header("Content-Type", "text/html; charset=utf-8")
    handler.render("error.html", status=error.status, code=error.code, message=error.message)


