"""Signing in and out: links, a pasted token, cookies; and the tokens of programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import tornado.escape

from handlers.base import SIGN_IN_COOKIE_SECONDS, ApiHandler, BaseHandler, BodyTooLarge
from livewall import wire
from livewall.errors import BadInput, LivewallError, NotAllowed
from livewall.identity import ROLES, Role


class TokensHandler(ApiHandler):
    """POST and GET /api/tokens"""

    changes = "admin"

    async def get(self) -> None:
        self.need("admin")
        self.answer(await self.services.credentials.list())

    async def post(self) -> None:
        given = self.body(wire.TokenIn)
        self.answer(await self.services.credentials.create_token(given.role, given.name, self.who), 201)


class TokenHandler(ApiHandler):
    """DELETE /api/tokens/ID: takes back a token or a sign-in, and closes its sockets."""

    changes = "admin"

    async def delete(self, token_id: str) -> None:
        self.body(wire.Nothing)
        await self.services.credentials.revoke(token_id, self.who)
        self.answer({})


class LoginsHandler(ApiHandler):
    """POST /api/logins: a link that signs a browser in, for a role not above one's own."""

    def may_change(self) -> None:
        self.need(*ROLES)

    async def post(self) -> None:
        given = self.body(wire.LoginIn)
        assert self.who.role is not None
        role: Role = given.role or self.who.role
        code, expires_at = await self.services.credentials.create_link(role, self.who)
        self.answer({"link": f"{self.services.base_url}/login/{code}", "expires_at": expires_at}, 201)


class FormHandler(ApiHandler):
    """A page that takes a form. The forms here sign in, so each must prove that it is ours."""

    page = True
    must_be_own = True
    takes_forms = True
    most_fields = 64
    _values: dict[str, list[bytes]] | None = None

    def values(self) -> dict[str, list[bytes]]:
        """Every value of each field, parsed once. Raises BadInput, before parsing, for a form with too many fields."""
        if self._values is None:
            raw = self.raw()
            if raw.count(b"&") >= self.most_fields:
                raise BadInput("too_large", f"a form has at most {self.most_fields} fields here")
            self._values = tornado.escape.parse_qs_bytes(raw, keep_blank_values=True)
        return self._values

    def fields(self) -> dict[str, str]:
        """The last value of each field. Raises where the form cannot prove itself."""
        found = {name: each[-1].decode("utf-8", "replace") for name, each in self.values().items()}
        self.check_form_token(found.get("_form", ""))
        return found

    @contextmanager
    def guessed(self) -> Iterator[None]:
        """Count a wrong code or token for its address; a right one is never counted and never refused. Raises Busy
        (`rate`) in place of the refusal where too many were wrong."""
        try:
            yield
        except NotAllowed:
            self.services.limits.wrong_sign_in(self.address, self.services.monotonic())
            raise

    def show_error(self, error: LivewallError) -> None:
        if isinstance(error, BodyTooLarge):
            error = BadInput(error.code, self.say("error.form_limit", limit=error.limit))
        show_error_page(self, error, self.way_back())

    def way_back(self) -> tuple[str, str]:
        """Where a refused form leads: an address, and what it is called."""
        return self.reverse_url("home"), self.say("error.home")


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
        self.fields()
        with self.guessed():
            token = await self.services.credentials.use(code)
        self.set_own_cookie(self.role_cookie, token, SIGN_IN_COOKIE_SECONDS)
        self.redirect(local(self.argument("next")), status=303)


class SignInPage(FormHandler):
    """POST /: signs in with a pasted token."""

    async def post(self) -> None:
        given = self.fields().get("token", "").strip()
        with self.guessed():
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


def show_error_page(
    handler: BaseHandler, error: LivewallError, back: tuple[str, str] | None = None, *, key: str = ""
) -> None:
    """`back`: an address to lead to, and what it is called; else the start page. `key` names other words of the
    catalogue than those of the error's code, without its message."""
    back = back or (handler.reverse_url("home"), handler.say("error.home"))
    handler.set_header("Content-Type", "text/html; charset=utf-8")
    code, message = (key, "") if key else (error.code, error.message)
    handler.render("error.html", status=error.status, code=code, message=message, back=back)


