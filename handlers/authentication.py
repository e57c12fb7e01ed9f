"""Who sent a request, and what they may do: tokens, cookies, the origin of forms, and rights."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator

from handlers.http_headers import SAFE, client_address, is_trusted
from handlers.query_arguments import argument
from handlers.transport.handler import LeanHandler
from livewall.errors import LivewallError, NotAllowed, invalid
from livewall.identity import MAY, NOBODY, ROLES, Who, either
from livewall.limits import is_guess
from livewall.own_addresses import limited
from livewall.services import Services

VOTER_COOKIE_SECONDS = 365 * 86400
SIGN_IN_COOKIE_SECONDS = 12 * 3600


class Authentication(LeanHandler):
    """Identifies the client of a request, and refuses changes that a page of another site has caused."""

    services: Services
    who: Who
    by_token: bool
    as_audience: bool
    requires_own_page = False
    """Whether a change must come from one of our own pages even if it carries no cookie."""
    accepts_forms = False
    """Whether a form may prove by a hidden field that it is ours."""
    needs_form_token = False

    async def identify(self) -> None:
        """Identify the client by its Bearer token, or else by its cookies. Raises NotAllowed (`bad_token`)."""
        header = self.request.headers.get("Authorization")
        credentials = self.services.credentials
        if header is not None:
            scheme, _, token = header.partition(" ")
            if scheme.lower() != "bearer":
                raise NotAllowed("bad_token", "use Authorization: Bearer TOKEN")
            # A token wins over cookies. Only programs send one, so no other site can make a browser send it.
            self.by_token = True
            self.who = await credentials.who(token.strip())
        else:
            signed_in = self.own_cookie(self.role_cookie)
            voter = self.own_cookie(self.voter_cookie)
            # Longer values were never ours, and need no store lookup.
            holder = await credentials.holder(signed_in) if signed_in and len(signed_in) < 200 else None
            self.who = Who(
                role=holder.role if holder else None,
                name=holder.name if holder else "",
                credential=holder.credential if holder else "",
                voter=self.services.secrets.voter(voter) if voter else None,
            )
        if self.request.method in SAFE and "as" in self.request.query_arguments:
            if argument(self.request, "as") != "audience":  # A typing error must not show more than was asked for.
                raise invalid("as", "must be audience")
            self.who, self.as_audience = NOBODY, True

    def refuse_forgery(self) -> None:
        """Raise unless a change that is authorized by a cookie comes from one of our own pages."""
        if self.by_token or (self.who.role is None and self.who.voter is None and not self.requires_own_page):
            return
        if self.services.site.is_proved_own(self.request.headers, self.request.host, self.schemes):
            return
        # Old browsers send neither header. Their forms prove by a hidden field that they are ours.
        silent = self.request.headers.get("Sec-Fetch-Site") is None and self.request.headers.get("Origin") is None
        if silent and self.accepts_forms:
            self.needs_form_token = True
        elif silent:
            raise NotAllowed("forbidden", "a request with a cookie must say which page made it")
        else:
            raise NotAllowed("forbidden", f"this request was made by a page of another site{self.services.site.hint}")

    def refuse_other_host(self) -> None:
        """Raise if the server has a public address and a change was sent to another one."""
        site, request = self.services.site, self.request
        by_cookie = not self.by_token and (self.who.role is not None or self.who.voter is not None)
        if site.refuses_host(request.headers, request.host, by_token=self.by_token, by_cookie=by_cookie):
            raise NotAllowed("forbidden", f"this server is at {site.url}; open it there")

    @property
    def schemes(self) -> tuple[str, ...]:
        """The schemes by which this request may have come: https only if a trusted proxy says so."""
        trusted = self.services.settings.trusted_proxy
        forwarded = self.request.headers.get("X-Forwarded-Proto", "") if trusted else ""
        if forwarded and is_trusted(self.request.remote_ip or "", trusted):
            return (forwarded.rpartition(",")[2].strip().lower(),)
        return ("http",)

    @property
    def form_owner(self) -> str:
        """Return who the forms of this page belong to: the sign-in, or else the voter."""
        return self.who.credential or self.who.voter or ""

    def form_token(self) -> str:
        """Return the value of the hidden field `_form`. It proves that a form is ours where the browser sends no
        origin."""
        return self.services.secrets.sign("form", self.form_owner)

    def check_form_token(self, token: str) -> None:
        """Raise unless the headers of the request or this token prove that the form is ours."""
        if self.needs_form_token and not hmac.compare_digest(token.encode(), self.form_token().encode()):
            raise NotAllowed("forbidden", "the form is too old; go back, reload the page and send it again")

    @property
    def role_cookie(self) -> str:
        return f"livewall_role_{self.services.secrets.folder_id}"

    @property
    def voter_cookie(self) -> str:
        return f"livewall_voter_{self.services.secrets.folder_id}"

    def own_cookie(self, name: str) -> str | None:
        """Return the value of one of our cookies. The other cookies of this host are not parsed, because there may be
        thousands."""
        cookies = self.request.headers.get("Cookie", "")
        if name not in cookies:
            return None
        for part in cookies.split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value.strip('"')
        return None

    def set_own_cookie(self, name: str, value: str, seconds: int) -> None:
        secure = (self.services.settings.public_url or "").startswith("https:")
        self.set_cookie(name, value, max_age=seconds, path="/", httponly=True, samesite="Lax", secure=secure)

    def ensure_voter(self) -> None:
        """Give the browser a voter cookie if it has none. Screens, and hosts who view a page as the audience, never get
        one."""
        if self.who.voter is None and not self.by_token and not self.as_audience:
            self.services.limits.new_voter(self.address, self.services.monotonic())
            voter, token = self.services.secrets.new_voter()
            self.set_own_cookie(self.voter_cookie, token, VOTER_COOKIE_SECONDS)
            self.who = Who(self.who.role, self.who.name, self.who.credential, voter)

    @property
    def address(self) -> str:
        """The client's address, by which limits are counted. Forwarded headers count only if a trusted proxy sent
        them."""
        peer = self.request.remote_ip or ""
        trusted = self.services.settings.trusted_proxy
        if trusted:
            peer = client_address(peer, self.request.headers.get_list("X-Forwarded-For"), trusted)
        return limited(peer)

    @property
    def counted_as(self) -> str:
        """Who a limit counts that holds for strangers, too: the sign-in or voter, or else the address."""
        return self.form_owner or self.address

    def require(self, *rights: str) -> None:
        """Raise unless the client has one of these rights: host, operator, reporter or admin."""
        if not any(getattr(self.who, right) for right in rights):
            message = f"this needs the role {either(role for role in ROLES if any(role in MAY[r] for r in rights))}"
            if self.who.role is None:
                raise NotAllowed("unauthenticated", f"{message}; sign in or send a token")
            raise NotAllowed("forbidden", f"{message}; you are signed in as {self.who.role}")

    @contextlib.asynccontextmanager
    async def code_turn(self, voter: str, code: str | None) -> AsyncIterator[None]:
        """Delay a ballot with a code until its turn, and count the code if it was wrong. Raises Busy (`rate`)."""
        if not code:
            yield
            return
        limits, address = self.services.limits, self.address
        wait, is_wrong = limits.code_delay(voter, address, self.services.monotonic()), False
        try:
            if wait:
                await asyncio.sleep(wait)
            yield
        except LivewallError as error:
            is_wrong = is_guess(error)
            raise
        finally:
            limits.code_checked(voter, address, self.services.monotonic(), wrong=is_wrong)
