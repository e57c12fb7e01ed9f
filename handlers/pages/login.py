"""Signing in and out: links, a pasted token, cookies."""

from __future__ import annotations

import re

from handlers.authentication import SIGN_IN_COOKIE_SECONDS
from handlers.pages.form import FormHandler


class LoginPage(FormHandler):
    """GET /login/CODE shows what the link is for. The POST of its button uses it up and redirects to `?next=`."""

    @property
    def form_owner(self) -> str:
        return f"login:{self.path_args[0]}"

    async def get(self, code: str) -> None:
        link = await self.services.credentials.find_link(code)
        self.set_header("X-Robots-Tag", "noindex")
        if link is None:
            self.set_status(404)
            self.render("login.html", role=None, code=code, expires_at=None, error="used")
            return
        self.render("login.html", role=link.role, code=code, expires_at=link.expires_at, error=None)

    async def post(self, code: str) -> None:
        self.fields()
        with self.limit_guesses():
            token = await self.services.credentials.use(code)
        self.set_own_cookie(self.role_cookie, token, SIGN_IN_COOKIE_SECONDS)
        self.redirect(local_path(self.argument("next")), status=303)


class SignInPage(FormHandler):
    """POST /: sign in with a pasted token."""

    async def post(self) -> None:
        typed_token = self.fields().get("token", "").strip()
        with self.limit_guesses():
            who = await self.services.credentials.who(typed_token)
        token = await self.services.credentials.sign_in(who)
        self.set_own_cookie(self.role_cookie, token, SIGN_IN_COOKIE_SECONDS)
        self.redirect("/", status=303)


class LogoutPage(FormHandler):
    """POST /logout: end this sign-in in every browser that uses it."""

    async def post(self) -> None:
        self.fields()
        if self.who.credential and not self.by_token:
            await self.services.credentials.revoke(self.who.credential, self.who)
        self.clear_cookie(self.role_cookie, path="/")
        self.redirect("/", status=303)


def local_path(path: str) -> str:
    """Return a path of this server to redirect to, or `/` for anything that a browser could take for another site."""
    return path if re.fullmatch(r"/(?:[A-Za-z0-9][A-Za-z0-9._/-]{0,199})?", path) else "/"
