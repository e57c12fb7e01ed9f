"""What every handler shares: who is asking, the security headers, the one error shape. No rule of the product."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from collections.abc import Awaitable, Sequence
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

import tornado.locale
import tornado.web
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler

from handlers.livestream import LiveStream
from livewall import wire
from livewall.clock import iso
from livewall.errors import BadInput, Busy, LivewallError, NotAllowed, NotFound, invalid
from livewall.identity import NOBODY, Who
from livewall.services import Services
from livewall.settings import Network

log = logging.getLogger("livewall.http")
T = TypeVar("T")

BODY_LIMIT = 1 << 20
THEMES = ("dark", "light", "contrast")
LANGUAGES = {"en": "en_US", "zh": "zh_CN"}
READ_LIMIT = 8 << 20
"""A body up to this size is read and dropped, so that its sender gets to see the 413."""
SAFE = ("GET", "HEAD", "OPTIONS")
VOTER_COOKIE_SECONDS = 365 * 86400
SIGN_IN_COOKIE_SECONDS = 12 * 3600


def origin_of(url: str) -> str:
    """The host and port of an address, as in a Host header; nothing for what is no address."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def path_of(request: HTTPServerRequest) -> str:
    """What a log may say of an address: neither its query nor the code of a sign-in link."""
    return "/login/…" if request.path.startswith("/login/") else str(request.path)


def language_of(accepted: str) -> str:
    """The catalogue for an Accept-Language header (RFC 9110 §12.5.4), or for one language: Chinese of any kind, or
    English."""
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


def is_foreign(request: HTTPServerRequest, public_url: str | None) -> bool:
    """Whether a browser says that this request was made by a page of another site."""
    origin = request.headers.get("Origin")
    if origin is not None:
        return not _is_ours(origin, request, public_url)
    return request.headers.get("Sec-Fetch-Site") not in (None, "same-origin", "none")


def is_proved_own(request: HTTPServerRequest, public_url: str | None) -> bool:
    """Whether a browser says that this request was made by a page of ours: silence is no proof."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    for name in ("Origin", "Referer"):
        value = request.headers.get(name)
        if value is not None:
            return _is_ours(value, request, public_url)
    return False


def takes_gzip(request: HTTPServerRequest) -> bool:
    """Whether an answer may be compressed (RFC 9110 §12.5.3)."""
    for part in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "").rstrip("0") not in ("q=", "q=0.")
    return False


def _is_ours(url: str, request: HTTPServerRequest, public_url: str | None) -> bool:
    netloc = origin_of(url)
    return bool(netloc) and (netloc == request.host.lower() or netloc == origin_of(public_url or ""))


def client_address(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Whose request this is: going back from the peer, the first address that is no trusted proxy's."""
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    address = peer
    while hops and _is_trusted(address, trusted):
        address = hops.pop()
    return address


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    try:
        return any(ip_address(address) in network for network in trusted)
    except ValueError:
        return False


class BaseHandler(RequestHandler):
    """Finds out who asks, refuses forged requests, and answers errors in one shape."""

    services: Services
    page = False
    """Pages answer errors as pages, and may be framed or not; everything else answers JSON."""
    framed = False

    def initialize(self, services: Services) -> None:
        self.services = services
        self.who: Who = NOBODY
        self.by_token = False
        self.as_audience = False

    # -- language

    def get_user_locale(self) -> tornado.locale.Locale:
        """The language of a page: `?lang=`, else what the browser likes best of what there is."""
        asked = self.request.query_arguments.get("lang", [b""])[-1].decode("utf-8", "replace")
        wanted = asked or self.request.headers.get("Accept-Language", "")
        return tornado.locale.get(language_of(wanted))

    def say(self, key: str, count: int | None = None, **values: Any) -> str:
        """A text of the catalogue with its values."""
        text = self.locale.translate(key) if count is None else self.locale.translate(key, key, count)
        return text % values if values else text

    @property
    def asked_theme(self) -> str:
        """The theme that the address of a page asks for, none where it leaves that to the reader's system."""
        asked = self.request.query_arguments.get("theme", [b""])[-1].decode("utf-8", "replace")
        return asked if asked in THEMES else ""

    # -- headers

    def set_default_headers(self) -> None:
        headers = self._headers  # straight: this runs for each request, and none of these is anybody's input
        del headers["Server"]
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
        return False  # the ETags here are versions for If-Match, and polling compares its own

    def compute_etag(self) -> str | None:
        return None

    # -- who

    async def prepare(self) -> None:
        await self.identify()
        if self.request.method not in SAFE:
            self.refuse_forgery()

    async def identify(self) -> None:
        """Find out who asks: a Bearer token alone, else the cookies. Raises NotAllowed (`bad_token`)."""
        header = self.request.headers.get("Authorization")
        credentials = self.services.credentials
        if header is not None:
            scheme, _, token = header.partition(" ")
            if scheme.lower() != "bearer":
                raise NotAllowed("bad_token", "use Authorization: Bearer TOKEN")
            self.by_token = True
            self.who = await credentials.who(token.strip())
        else:
            signed_in = self.get_cookie(self.role_cookie)
            voter = self.get_cookie(self.voter_cookie)
            holder = await credentials.holder(signed_in) if signed_in and len(signed_in) < 200 else None
            self.who = Who(
                role=holder.role if holder else None,
                name=holder.name if holder else "",
                credential=holder.credential if holder else "",
                voter=self.services.secrets.voter(voter) if voter else None,
            )
        if self.request.method in SAFE and "as" in self.request.query_arguments:
            if self.argument("as") != "audience":  # a slip must not show more than was asked for
                raise invalid("as", "only audience")
            self.who, self.as_audience = NOBODY, True

    def refuse_forgery(self) -> None:
        """A change asked for with a cookie must come from a page of ours (DESIGN §8)."""
        if self.by_token or (self.who.role is None and self.who.voter is None and not self.must_be_own):
            return
        if is_proved_own(self.request, self.services.settings.public_url):
            return
        silent = self.request.headers.get("Sec-Fetch-Site") is None and self.request.headers.get("Origin") is None
        if silent and self.takes_forms:
            self.needs_form_token = True
        elif silent:
            raise NotAllowed("forbidden", "a request with a cookie must say which page made it")
        else:
            raise NotAllowed("forbidden", "this request was made by a page of another site")

    must_be_own = False
    takes_forms = False
    needs_form_token = False

    @property
    def form_owner(self) -> str:
        """Whose forms these are: the sign-in, else the voter."""
        return self.who.credential or self.who.voter or ""

    def form_token(self) -> str:
        """For a hidden field `_form`: proves that a form was ours where a browser says nothing of its origin."""
        return self.services.secrets.sign("form", self.form_owner)

    def check_form_token(self, given: str) -> None:
        """Raise unless the request proved itself by its headers or by this token."""
        if self.needs_form_token and not hmac.compare_digest(given.encode(), self.form_token().encode()):
            raise NotAllowed("forbidden", "the form is too old; go back, reload the page and send it again")

    @property
    def role_cookie(self) -> str:
        return f"livewall_role_{self.services.secrets.folder_id}"

    @property
    def voter_cookie(self) -> str:
        return f"livewall_voter_{self.services.secrets.folder_id}"

    def set_own_cookie(self, name: str, value: str, seconds: int) -> None:
        secure = (self.services.settings.public_url or "").startswith("https:")
        self.set_cookie(name, value, max_age=seconds, path="/", httponly=True, samesite="Lax", secure=secure)

    def ensure_voter(self) -> None:
        """Give a browser that has no voter cookie one; never on a projector's page, nor to a host looking on."""
        if self.who.voter is None and not self.by_token and not self.as_audience:
            self.services.limits.new_voter(self.address, self.services.monotonic())
            token = self.services.secrets.new_voter()
            self.set_own_cookie(self.voter_cookie, token, VOTER_COOKIE_SECONDS)
            self.who = Who(self.who.role, self.who.name, self.who.credential, self.services.secrets.voter(token))

    @property
    def address(self) -> str:
        """Whose requests these are, for limits; forwarded headers count from a trusted proxy only."""
        peer = self.request.remote_ip or ""
        trusted = self.services.settings.trusted_proxy
        if not trusted:
            return peer
        return client_address(peer, self.request.headers.get_list("X-Forwarded-For"), trusted)

    def need(self, right: str) -> None:
        """Raise unless the asker has a role with `right`: host, operator, reporter or admin."""
        if not getattr(self.who, right):
            if self.who.role is None:
                raise NotAllowed("unauthenticated", f"this needs the role {right}; sign in or send a token")
            raise NotAllowed("forbidden", f"this needs the role {right}; you are signed in as {self.who.role}")

    async def hold_back(self, error: LivewallError, code: str | None) -> None:
        """What guessing costs: a wrong code is counted, and may be answered later. Raises Busy (`rate`)."""
        if error.code == "bad_code" and code and self.who.voter is not None:
            wait = self.services.limits.wrong_code(self.who.voter, self.address, self.services.monotonic())
            if wait:
                await asyncio.sleep(wait)

    # -- asking and answering

    def argument(self, name: str, default: str = "") -> str:
        """The last value of a query argument. Raises BadInput for bytes that are no text."""
        values = self.request.query_arguments.get(name)
        if not values:
            return default
        try:
            return values[-1].decode()
        except UnicodeDecodeError:
            raise BadInput("invalid", f"{name}: not UTF-8", fields={name: "not UTF-8"}) from None

    def since(self) -> str:
        """The positions a reader claims; bytes that are no text are no position."""
        return self.request.query_arguments.get("since", [b""])[-1].decode("utf-8", "replace")

    def page_arguments(self) -> dict[str, Any]:
        """`limit` and `before` of a list."""
        text = self.argument("limit", "50")
        if not re.fullmatch("[0-9]{1,6}", text) or not 1 <= int(text) <= 500:
            raise BadInput("invalid", "limit: 1 to 500", fields={"limit": "1 to 500"})
        return {"limit": int(text), "before": self.argument("before") or None}

    def answer(self, found: Any, status: int = 200, *, version: int | None = None) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        if version is not None:
            self.set_header("ETag", f'"{version}"')
        self.finish(wire.encode(found))

    def if_match(self) -> int | None:
        """The version a change was made for. Raises `conflict` for an ETag that is none of ours."""
        header = self.request.headers.get("If-Match")
        if header is None or header.strip() == "*":
            return None
        text = header.strip().removeprefix("W/").strip('"')
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else -1

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
    """An answer that has no end has no head either."""

    async def head(self, *args: str, **kwargs: str) -> None:
        """What GET would answer, without its body (RFC 9110 §9.3.2); Tornado leaves the body out."""
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
    """Tornado's own refusals in our vocabulary."""
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
        return too_large()
    if status == 503:
        return Busy()
    return LivewallError("internal", "something went wrong here; it was logged")


def too_large() -> BadInput:
    return BadInput("too_large", f"the body is larger than {BODY_LIMIT} bytes")


@tornado.web.stream_request_body
class ApiHandler(BaseHandler):
    """A handler that takes a JSON body, read up to a limit and dropped beyond it."""

    def initialize(self, services: Services) -> None:
        super().initialize(services)
        self._body: list[bytes] = []
        self._size = 0

    async def prepare(self) -> None:
        # Before anything is awaited: the body comes after `prepare`, and Tornado would answer 400 without a body.
        connection = self.request.connection
        assert isinstance(connection, HTTP1Connection) and isinstance(connection.stream, LiveStream)
        connection.set_max_body_size(READ_LIMIT)
        length = self.request.headers.get("Content-Length", "")
        if length.isdecimal() and len(length) < 8 and connection.stream.holds(int(length)):
            connection.set_body_timeout(None)  # type: ignore[arg-type]  # what is here already is not waited for
        await super().prepare()

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._size += len(chunk)
        if self._size <= BODY_LIMIT:
            self._body.append(chunk)
        else:
            self._body.clear()
        return None

    def body(self, kind: type[T]) -> T:
        """The request's body as `kind`; an empty one is `{}`. Raises BadInput."""
        return wire.decode(self.raw(), kind)

    def raw(self) -> bytes:
        """The request's body as it came. Raises BadInput (`too_large`)."""
        if self._size > BODY_LIMIT:
            raise too_large()
        return b"".join(self._body)


class NotFoundHandler(BaseHandler):
    """Whatever no route knows."""

    async def prepare(self) -> None:
        raise NotFound(message="there is nothing at this address")


