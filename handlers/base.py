"""The base class of every handler: identity, security headers and errors in one shape. It holds no rule of the
product."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, TypeVar

import tornado.locale
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from handlers.authentication import Authentication
from handlers.etags import is_held, tag_of, versions_in
from handlers.http_headers import SAFE, language_of, path_of
from handlers.query_arguments import argument, lenient_argument, number_argument, page_arguments
from handlers.request_bodies import MAX_BODY, BodyTooLarge, RequestBody
from handlers.transport.header import date
from livewall import wire
from livewall.clock import iso
from livewall.entity_versions import Wanted
from livewall.errors import BadInput, Busy, LivewallError, NotAllowed, NotFound
from livewall.identity import NOBODY, Who
from livewall.pending_bodies import Share
from livewall.services import Services

log = logging.getLogger("livewall.http")
T = TypeVar("T")

THEMES = ("dark", "light", "contrast")


class BaseHandler(RequestBody, Authentication):
    """Checks the rights of the client before the body is read, and answers errors in one shape."""

    write_right = ""
    """The right that every method except GET needs: host, operator, reporter or admin."""
    page = False
    """Pages answer errors as pages, and `framed` says whether other sites may frame them. Everything else answers JSON.
    """
    framed = False

    def initialize(self, services: Services) -> None:
        self.services = services
        self.who: Who = NOBODY
        self.by_token = False
        self.as_audience = False

    # -- language

    def get_user_locale(self) -> tornado.locale.Locale:
        """Return the language of the page: `?lang=`, or else the best match for the browser's Accept-Language."""
        lang = lenient_argument(self.request, "lang")
        accepted = lang or self.request.headers.get("Accept-Language", "")
        return tornado.locale.get(language_of(accepted))

    def say(self, key: str, count: int | None = None, **values: Any) -> str:
        """Return a text of the catalogue with its values filled in."""
        text = self.locale.translate(key) if count is None else self.locale.translate(key, key, count)
        return text % values if values else text

    @property
    def requested_theme(self) -> str:
        """The theme that the address asks for. It is empty where the reader's system decides."""
        theme = lenient_argument(self.request, "theme")
        return theme if theme in THEMES else ""

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
        if not self.supports(method):
            raise BadInput("method_not_allowed", "this address does not support that method")
        # Who asks comes first: what is refused below depends on it.
        await self.identify()
        if method not in SAFE:
            self.refuse_other_host()
            self.refuse_forgery()
            self.authorize_change()
        self.expect_body()

    def supports(self, method: str) -> bool:
        method_of_class = getattr(type(self), method.lower(), None)
        return method_of_class is not None and method_of_class is not getattr(RequestHandler, method.lower())

    def authorize_change(self) -> None:
        """Raise unless the client may change something here."""
        if self.write_right:
            self.require(self.write_right)

    # -- asking and answering

    def argument(self, name: str, default: str = "") -> str:
        """Return the last value of a query argument. Raises BadInput for bytes that are not UTF-8."""
        return argument(self.request, name, default)

    def number(self, name: str, default: int | None, *, minimum: int = 0, maximum: int = 10**15) -> int | None:
        """Return a whole number from the query. Raises BadInput."""
        return number_argument(self.request, name, default, minimum=minimum, maximum=maximum)

    def since(self) -> str:
        """Return the positions that the client sent. Bytes that are not UTF-8 are not a position."""
        return lenient_argument(self.request, "since")

    def page_arguments(self) -> dict[str, Any]:
        """Return the arguments `limit` and `before` of a list. Raises BadInput."""
        return page_arguments(self.request)

    def answer(self, result: Any, status: int = 200, *, version: int | None = None) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        # The server's own clock, which continues steadily when the clock of the machine is set.
        self.set_header("Date", date(int(self.services.clock().timestamp())))
        if version is not None:
            self.set_header("ETag", f'"{version}"')
        self.finish(wire.encode(result))

    def answer_versioned(self, result: Any, version: int) -> None:
        """Answer with a resource that has a version, or with 304 if the client holds it already."""
        tag = tag_of(version, result)
        self.set_header("ETag", tag)
        if self.client_holds(tag):
            self.set_status(304)
            self.finish()
        else:
            self.answer(result)

    def client_holds(self, tag: str, *, codings: bool = True) -> bool:
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
            error = to_livewall_error(status_code, error)
        if error.code == "method_not_allowed":
            self.set_header("Allow", ", ".join(self.allowed()))
        # Whole seconds (RFC 9110 §10.2.3), rounded up: a client that comes earlier would be refused again.
        if error.retry_after is not None:
            self.set_header("Retry-After", str(max(1, round(error.retry_after + 0.499))))
        # Required with 401 (RFC 9110 §11.6.1).
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
            raise BadInput("method_not_allowed", "a stream has no end, so this address supports only GET")
        result = self.get(*args, **kwargs)
        if result is not None:
            await result

    def allowed(self) -> list[str]:
        base = RequestHandler
        methods = {m for m in self.SUPPORTED_METHODS if getattr(type(self), m.lower()) is not getattr(base, m.lower())}
        if "GET" not in methods or not self.has_head:
            methods.discard("HEAD")
        return sorted(methods)

    def now(self) -> str:
        return iso(self.services.clock())


def to_livewall_error(status: int, error: BaseException | None) -> LivewallError:
    """Return one of Tornado's own errors in the vocabulary of this server."""
    if status == 404:
        return NotFound(message="there is nothing at this address")
    if status == 405:
        return BadInput("method_not_allowed", "this address does not support that method")
    if status == 400:
        reason = error.log_message if isinstance(error, HTTPError) and error.log_message else "malformed request"
        return BadInput("malformed", reason)
    if status == 403:
        return NotAllowed("forbidden")
    if status == 413:
        return BodyTooLarge(MAX_BODY)
    if status == 503:
        return Busy()
    return LivewallError("internal", "an internal error occurred, and was logged")


class ApiHandler(BaseHandler):
    """A handler that reads a body."""

    def initialize(self, services: Services) -> None:
        super().initialize(services)
        self._body: list[bytes] = []

    async def send_parts(self, parts: AsyncGenerator[str | bytes, None]) -> bool:
        """Write parts as fast as the client reads them. Return False if the client disconnected, or if the source
        failed after the first part was sent."""
        try:
            async with aclosing(parts):
                async for part in parts:
                    self.write(part)
                    await self.flush()
        except StreamClosedError:
            return False
        except LivewallError:
            if not self._headers_written:
                raise
            # It is too late for an error. A truncated response shows that it is not complete.
            self.request.connection.stream.close()  # type: ignore[union-attr]
            return False
        return True

    def store_chunk(self, chunk: bytes) -> None:
        if self.request.method in SAFE:
            return
        if self._share is None:
            self._share = Share(self.services.bodies, self.address)
        self._share.take(len(chunk))
        self._body.append(chunk)

    def release_body(self) -> None:
        super().release_body()
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
