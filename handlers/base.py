"""The base class of every handler: identity, security headers and errors in one shape. It holds no rule of the product.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Sequence
from ipaddress import ip_address
from typing import Any, TypeVar

import tornado.locale
import tornado.web
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler

from handlers.etags import is_held, tag_of, versions_in
from handlers.transport.handler import LeanHandler
from handlers.transport.header import date
from handlers.transport.http1 import abandon, is_unread
from livewall import wire
from livewall.clock import iso
from livewall.entity_versions import Wanted
from livewall.errors import BadInput, Busy, LivewallError, NotAllowed, NotFound, invalid
from livewall.identity import MAY, NOBODY, ROLES, Who, either
from livewall.limits import is_guess
from livewall.own_addresses import limited
from livewall.pending_bodies import Share
from livewall.services import Services
from livewall.settings import Network

log = logging.getLogger("livewall.http")
T = TypeVar("T")

SMALL, LARGE, BODY_LIMIT = 8 << 10, 256 << 10, 1 << 20
"""The largest bodies in bytes: where anybody may send, for a poll or a wall, and at any address at all."""
CHUNK = 16
"""The smallest average size in bytes of the chunks of a body, at the largest size that is allowed. Reading a chunk
costs as much as reading a header field, however short it is."""
THEMES = ("dark", "light", "contrast")
LANGUAGES = {"en": "en_US", "zh": "zh_CN"}
SAFE = ("GET", "HEAD", "OPTIONS")
HOPS = 20
"""The number of forwarded addresses of one request that are looked at. A header can hold thousands."""
VOTER_COOKIE_SECONDS = 365 * 86400
SIGN_IN_COOKIE_SECONDS = 12 * 3600


def path_of(request: HTTPServerRequest) -> str:
    """Return the path of a request as it may be logged: without its query and without the code of a sign-in link."""
    return "/login/…" if request.path.startswith("/login/") else str(request.path)


def language_of(accepted: str) -> str:
    """Return the catalogue for an Accept-Language header (RFC 9110 §12.5.4) or for one language tag: Chinese for any
    kind of Chinese, otherwise English."""
    best, found = 0.0, "en_US"
    for part in accepted.split(",")[:20]:
        tag, _, rest = part.partition(";")
        name = LANGUAGES.get(tag.strip().lower().partition("-")[0].partition("_")[0])
        try:
            weight = float(rest.strip().removeprefix("q=")) if rest.strip() else 1.0
        except ValueError:
            continue
        if name is not None and best < weight <= 1:
            best, found = weight, name
    return found


def takes_gzip(request: HTTPServerRequest) -> bool:
    """Return whether the response may be compressed (RFC 9110 §12.5.3)."""
    for part in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "").rstrip("0") not in ("q=", "q=0.")
    return False


def client_address(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the address of the client: going back from the peer, the first address that is not a trusted proxy."""
    hops = [hop.strip() for hop in ",".join(forwarded).rsplit(",", HOPS)[-HOPS:]] if forwarded else []
    address = peer
    while hops and is_trusted(address, trusted):
        address = hops.pop()
    return address


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in trusted)


@tornado.web.stream_request_body
class BaseHandler(LeanHandler):
    """Identifies the client, checks its rights before the body is read, and answers errors in one shape. A body that no
    handler asks for is discarded as it arrives."""

    services: Services
    changes = ""
    """The right that every method except GET needs: host, operator, reporter or admin."""
    body_limit = SMALL
    page = False
    """Pages answer errors as pages, and `framed` says whether other sites may frame them. Everything else answers JSON.
    """
    framed = False

    def initialize(self, services: Services) -> None:
        self.services = services
        self.who: Who = NOBODY
        self.by_token = False
        self.as_audience = False
        self._size = 0
        self._share: Share | None = None

    # -- language

    def get_user_locale(self) -> tornado.locale.Locale:
        """Return the language of the page: `?lang=`, or else the best match for the browser's Accept-Language."""
        asked = self.request.query_arguments.get("lang", [b""])[-1].decode("utf-8", "replace")
        wanted = asked or self.request.headers.get("Accept-Language", "")
        return tornado.locale.get(language_of(wanted))

    def say(self, key: str, count: int | None = None, **values: Any) -> str:
        """Return a text of the catalogue with its values filled in."""
        text = self.locale.translate(key) if count is None else self.locale.translate(key, key, count)
        return text % values if values else text

    @property
    def asked_theme(self) -> str:
        """The theme that the address asks for. It is empty where the reader's system decides."""
        asked = self.request.query_arguments.get("theme", [b""])[-1].decode("utf-8", "replace")
        return asked if asked in THEMES else ""

    # -- headers

    def set_default_headers(self) -> None:
        # Set directly: this runs for every request, and none of these values comes from outside.
        headers = self._headers
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cache-Control"] = "private, no-cache"
        headers["Vary"] = "Authorization, Cookie"
        headers["Content-Security-Policy"] = self.content_security_policy()

    def content_security_policy(self) -> str:
        ancestors = "*" if self.framed else "'none'"
        if not self.page:
            return f"default-src 'none'; frame-ancestors {ancestors}"
        importmap = getattr(self.application.settings.get("assets"), "importmap_hash", "")
        allowed = f" '{importmap}'" if importmap else ""
        return (
            f"default-src 'none'; script-src 'self'{allowed}; style-src 'self'; img-src 'self' data:; "
            "connect-src 'self' ws: wss:; form-action 'self'; base-uri 'none'; manifest-src 'self'; "
            f"frame-ancestors {ancestors}"
        )

    def check_etag_header(self) -> bool:
        return False  # ETags are versions for If-Match here, and polling compares its own.

    def compute_etag(self) -> str | None:
        return None

    # -- who

    async def prepare(self) -> None:
        """Refuse whatever can be refused without the body before the body is read."""
        method = self.request.method or ""
        if not self.takes(method):
            raise BadInput("method_not_allowed", "this address does not take that method")
        await self.identify()
        if method not in SAFE:
            self.refuse_other_host()
            self.refuse_forgery()
            self.may_change()
        self.expect_body()

    def takes(self, method: str) -> bool:
        own = getattr(type(self), method.lower(), None)
        return own is not None and own is not getattr(RequestHandler, method.lower())

    def may_change(self) -> None:
        """Raise unless the client may change something here."""
        if self.changes:
            self.need(self.changes)

    # -- the body

    @property
    def most(self) -> int:
        """The largest body of this request in bytes."""
        return SMALL if self.request.method in SAFE else self.body_limit

    def expect_body(self) -> None:
        """Raise if the announced body is larger than this address allows."""
        length = self.request.headers.get("Content-Length", "")
        if length.isdecimal() and (len(length) > 15 or int(length) > self.most):
            raise BodyTooLarge(self.most)
        connection: Any = self.request.connection
        connection.allow_chunks(self.most // CHUNK)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Count the bytes of the body, and keep them if the handler uses them. A body that is too large is refused at
        once."""
        if self._finished:
            return None
        self._size += len(chunk)
        try:
            if self._size > self.most:
                raise BodyTooLarge(self.most)
            self.keep(chunk)
        except LivewallError as error:
            self.release()
            self.send_error(exc_info=(type(error), error, None))
        return None

    def keep(self, chunk: bytes) -> None:
        """Store a part of the body. Raises Busy while the server holds too many unfinished bodies."""

    def release(self) -> None:
        """Free the memory of the body, which was used or whose sender has disconnected."""
        if self._share is not None:
            self._share.release()

    def on_finish(self) -> None:
        self.release()

    def on_connection_close(self) -> None:
        unread = is_unread(self.request)
        super().on_connection_close()
        if unread:
            abandon(self)
        self.release()

    async def identify(self) -> None:
        """Identify the client by its Bearer token, or else by its cookies. Raises NotAllowed (`bad_token`)."""
        header = self.request.headers.get("Authorization")
        credentials = self.services.credentials
        if header is not None:
            scheme, _, token = header.partition(" ")
            if scheme.lower() != "bearer":
                raise NotAllowed("bad_token", "use Authorization: Bearer TOKEN")
            self.by_token = True
            self.who = await credentials.who(token.strip())
        else:
            signed_in = self.own_cookie(self.role_cookie)
            voter = self.own_cookie(self.voter_cookie)
            holder = await credentials.holder(signed_in) if signed_in and len(signed_in) < 200 else None
            self.who = Who(
                role=holder.role if holder else None,
                name=holder.name if holder else "",
                credential=holder.credential if holder else "",
                voter=self.services.secrets.voter(voter) if voter else None,
            )
        if self.request.method in SAFE and "as" in self.request.query_arguments:
            if self.argument("as") != "audience":  # A typing error must not show more than was asked for.
                raise invalid("as", "only audience")
            self.who, self.as_audience = NOBODY, True

    def refuse_forgery(self) -> None:
        """Raise unless a change that is authorized by a cookie comes from one of our own pages."""
        if self.by_token or (self.who.role is None and self.who.voter is None and not self.must_be_own):
            return
        if self.services.site.is_proved_own(self.request.headers, self.request.host, self.schemes):
            return
        silent = self.request.headers.get("Sec-Fetch-Site") is None and self.request.headers.get("Origin") is None
        if silent and self.takes_forms:
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
        said = self.request.headers.get("X-Forwarded-Proto", "") if trusted else ""
        if said and is_trusted(self.request.remote_ip or "", trusted):
            return (said.rpartition(",")[2].strip().lower(),)
        return ("http",)

    must_be_own = False
    takes_forms = False
    needs_form_token = False

    @property
    def form_owner(self) -> str:
        """Return who the forms of this page belong to: the sign-in, or else the voter."""
        return self.who.credential or self.who.voter or ""

    def form_token(self) -> str:
        """Return the value of the hidden field `_form`. It proves that a form is ours where the browser sends no
        origin."""
        return self.services.secrets.sign("form", self.form_owner)

    def check_form_token(self, given: str) -> None:
        """Raise unless the headers of the request or this token prove that the form is ours."""
        if self.needs_form_token and not hmac.compare_digest(given.encode(), self.form_token().encode()):
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
        held = self.request.headers.get("Cookie", "")
        if name not in held:
            return None
        for part in held.split(";"):
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
        """The client's address, by which limits are counted. Forwarded headers count only if a trusted proxy sent them.
        """
        peer = self.request.remote_ip or ""
        trusted = self.services.settings.trusted_proxy
        if trusted:
            peer = client_address(peer, self.request.headers.get_list("X-Forwarded-For"), trusted)
        return limited(peer)

    def need(self, *rights: str) -> None:
        """Raise unless the client has one of these rights: host, operator, reporter or admin."""
        if not any(getattr(self.who, right) for right in rights):
            needed = f"this needs the role {either(role for role in ROLES if any(role in MAY[r] for r in rights))}"
            if self.who.role is None:
                raise NotAllowed("unauthenticated", f"{needed}; sign in or send a token")
            raise NotAllowed("forbidden", f"{needed}; you are signed in as {self.who.role}")

    @contextlib.asynccontextmanager
    async def turn(self, voter: str, code: str | None) -> AsyncIterator[None]:
        """Delay a ballot with a code until its turn, and count the code if it was wrong. Raises Busy (`rate`)."""
        if not code:
            yield
            return
        limits, address = self.services.limits, self.address
        wait, wrong = limits.turn(voter, address, self.services.monotonic()), False
        try:
            if wait:
                await asyncio.sleep(wait)
            yield
        except LivewallError as error:
            wrong = is_guess(error)
            raise
        finally:
            limits.looked_at(voter, address, self.services.monotonic(), wrong=wrong)

    # -- asking and answering

    def argument(self, name: str, default: str = "") -> str:
        """Return the last value of a query argument. Raises BadInput for bytes that are not UTF-8."""
        values = self.request.query_arguments.get(name)
        if not values:
            return default
        try:
            return values[-1].decode()
        except UnicodeDecodeError:
            raise BadInput("invalid", f"{name}: not UTF-8", fields={name: "not UTF-8"}) from None

    def since(self) -> str:
        """Return the positions that the client sent. Bytes that are not UTF-8 are not a position."""
        return self.request.query_arguments.get("since", [b""])[-1].decode("utf-8", "replace")

    def page_arguments(self) -> dict[str, Any]:
        """Return the arguments `limit` and `before` of a list. Raises BadInput."""
        text = self.argument("limit", "50")
        if not re.fullmatch("[0-9]{1,6}", text) or not 1 <= int(text) <= 500:
            raise BadInput("invalid", "limit: 1 to 500", fields={"limit": "1 to 500"})
        return {"limit": int(text), "before": self.argument("before") or None}

    def answer(self, found: Any, status: int = 200, *, version: int | None = None) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        # The server's own clock, which continues steadily when the clock of the machine is set.
        self.set_header("Date", date(int(self.services.clock().timestamp())))
        if version is not None:
            self.set_header("ETag", f'"{version}"')
        self.finish(wire.encode(found))

    def answer_current(self, found: Any, version: int) -> None:
        """Answer with a resource that has a version, or with 304 if the client holds it already."""
        tag = tag_of(version, found)
        self.set_header("ETag", tag)
        if self.holds(tag):
            self.set_status(304)
            self.finish()
        else:
            self.answer(found)

    def holds(self, tag: str, *, codings: bool = True) -> bool:
        return is_held(self.request.headers.get("If-None-Match"), tag, codings=codings)

    def if_match(self) -> Wanted:
        """Return the versions that the change may be applied to."""
        return versions_in(self.request.headers.get("If-Match"))

    # -- errors

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        if isinstance(value, LivewallError):
            if value.status >= 500 and value.code != "draining":
                log.warning("%s %s: %s", self.request.method, path_of(self.request), value.code)
            return
        if isinstance(value, HTTPError):
            return
        log.error("%s %s failed", self.request.method, path_of(self.request), exc_info=(typ, value, tb))  # type: ignore[arg-type]

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, LivewallError):
            status_code = error.status
        super().send_error(status_code, **kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        if not isinstance(error, LivewallError):
            error = as_error(status_code, error)
        if error.code == "method_not_allowed":
            self.set_header("Allow", ", ".join(self.allowed()))
        if error.retry_after is not None:
            self.set_header("Retry-After", str(max(1, round(error.retry_after + 0.499))))
        if error.status == 401:
            self.set_header("WWW-Authenticate", "Bearer")
        self.show_error(error)

    def show_error(self, error: LivewallError) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(wire.encode({"error": error.body()}))

    has_head = True
    """Whether HEAD is answered. A stream has no end, so it has no HEAD."""

    async def head(self, *args: str, **kwargs: str) -> None:
        """Answer as GET without the body (RFC 9110 §9.3.2). Tornado omits the body."""
        if not self.has_head:
            raise BadInput("method_not_allowed", "what is streamed here has no end, so it begins with GET only")
        result = self.get(*args, **kwargs)
        if result is not None:
            await result

    def allowed(self) -> list[str]:
        plain = RequestHandler
        own = {m for m in self.SUPPORTED_METHODS if getattr(type(self), m.lower()) is not getattr(plain, m.lower())}
        if "GET" not in own or not self.has_head:
            own.discard("HEAD")
        return sorted(own)

    def now(self) -> str:
        return iso(self.services.clock())


def as_error(status: int, error: BaseException | None) -> LivewallError:
    """Return one of Tornado's own errors in the vocabulary of this server."""
    if status == 404:
        return NotFound(message="there is nothing at this address")
    if status == 405:
        return BadInput("method_not_allowed", "this address does not take that method")
    if status == 400:
        reason = error.log_message if isinstance(error, HTTPError) and error.log_message else "malformed request"
        return BadInput("malformed", reason)
    if status == 403:
        return NotAllowed("forbidden")
    if status == 413:
        return BodyTooLarge(BODY_LIMIT)
    if status == 503:
        return Busy()
    return LivewallError("internal", "something went wrong here; it was logged")


class BodyTooLarge(BadInput):
    """A body has more than `most` bytes."""

    def __init__(self, most: int) -> None:
        super().__init__("too_large", f"a body has at most {most:,} bytes here")
        self.most = most

    @property
    def limit(self) -> str:
        """The limit as people read it: "1 MiB", "256 KiB"."""
        return f"{self.most >> 20} MiB" if self.most >= 1 << 20 else f"{self.most >> 10} KiB"


class ApiHandler(BaseHandler):
    """A handler that reads a body."""

    def initialize(self, services: Services) -> None:
        super().initialize(services)
        self._body: list[bytes] = []

    def keep(self, chunk: bytes) -> None:
        if self.request.method in SAFE:
            return
        if self._share is None:
            self._share = Share(self.services.bodies, self.address)
        self._share.take(len(chunk))
        self._body.append(chunk)

    def release(self) -> None:
        super().release()
        self._body.clear()

    def body(self, kind: type[T]) -> T:
        """Return the body decoded as `kind`; an empty body counts as `{}`. Raises BadInput."""
        return wire.decode(self.raw(), kind)

    def raw(self) -> bytes:
        """Return the bytes of the body."""
        return b"".join(self._body)


class NotFoundHandler(BaseHandler):
    """Answers every address that is not in the table of routes."""

    async def prepare(self) -> None:
        raise NotFound(message="there is nothing at this address")


