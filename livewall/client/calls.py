"""Calls of the HTTP API, and the three ways in which they fail.

`Refusal` means that the server refused, `NotReached` that the call was not made, and `Unclear` that it was sent and its
answer was lost, so that it may have been carried out. Calls that may be repeated are repeated for a limited time.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from livewall import __version__
from livewall.terminal import readable

DEFAULT_URL = "http://127.0.0.1:8888"
CONNECT_TIMEOUT = 5.0
ANSWER_TIMEOUT = 20.0
QUIET_SECONDS = 1.5  # seconds of waiting before the user is told
JSON, MARKDOWN = "application/json", "text/markdown; charset=utf-8"
AGENT = f"livewall/{__version__}"


class ClientError(Exception):
    """Base of the exceptions of this client."""


class NotReached(ClientError):
    """No connection was made, so the call was not carried out."""


class Unclear(NotReached):
    """The connection was lost after the call was sent, so it may have been carried out."""


class Refusal(ClientError):
    """The server refused the call; `code` and `message` say why."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: dict[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields or {}
        self.retry_after = retry_after
        self.unclear = False  # whether the answer to an earlier attempt was lost

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later: the server is busy, or a proxy cannot reach it."""
        return self.status in (429, 502, 503, 504)


def token_advice(problem: Refusal) -> str:
    """Return advice on how to get a token if the server requires one or another one, else an empty text."""
    if problem.code not in ("unauthenticated", "bad_token"):
        return ""
    return (
        "Set LIVEWALL_TOKEN or token= to a token for this server; "
        "on its machine `livewall token create reporter NAME` makes one."
    )


def server_url(text: str) -> str:
    """Return the base of all addresses. Raises ValueError if `text` is not the address of a server."""
    parts = urlsplit(text if "//" in text else "http://" + text)
    try:
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.path not in ("", "/") or readable(text) != text:
        raise ValueError(f"{readable(text)!r} is not the address of a server, such as {DEFAULT_URL}")
    return f"{parts.scheme}://{parts.netloc}"


def segment(text: str) -> str:
    """Return text quoted as one segment of a path."""
    return quote(readable(text), safe="")


def json_body(value: Any) -> bytes:
    """Return `value` as JSON, with surrogates replaced: texts may come from arguments or names of files."""
    return readable(json.dumps(value, ensure_ascii=False)).encode()


def refusal(response: HTTPResponse) -> Refusal:
    """Return the refusal in a response of the server, or of a proxy, that is not a success."""
    code, message = "internal", ""
    fields: dict[str, str] = {}
    try:
        error = json.loads(response.body)["error"]
        code, message, fields = error["code"], error["message"], error.get("fields") or {}
    except (ValueError, KeyError, TypeError):
        message = f"The server answered {response.code} {response.reason}."
    return Refusal(response.code, code, message, fields, retry_after(response))


def retry_after(response: HTTPResponse) -> float | None:
    """Return the delay of Retry-After in seconds (RFC 9110 section 10.2.3), at most 60."""
    try:
        return min(float(response.headers["Retry-After"]), 60.0)
    except (KeyError, ValueError):
        return None


def date_of(response: HTTPResponse) -> datetime | None:
    """Return when the server answered, by its own clock (RFC 9110 section 6.6.1)."""
    try:
        return parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        return None


class Server:
    """A Livewall server, called with one token or none."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        token: str | None = None,
        *,
        patience: float = 0.0,
        wait: float | None = None,
        find_token: Callable[[], str | None] = lambda: None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Set how calls are repeated and how a token is found.

        A call is repeated for `patience` seconds when the connection fails or the server is busy. Until the server has
        been reached once, `wait` applies instead, because the address may be wrong. `find_token` is called if the
        server requires a token and there is none: a server that starts writes its secret before it answers. `say` is
        called once with a message when a call takes long.
        """
        self.url = server_url(url)
        self.token = token
        self.patience = patience
        self.wait = patience if wait is None else wait
        self.reached = False
        self._date: datetime | None = None
        self._find_token = find_token
        self._say: Callable[[str], None] | None = say

    def now(self) -> datetime:
        """Return the server's time of its last answer, to the second; before the first answer, the time of this
        machine.
        """
        return self._date or datetime.now(UTC)

    def say_waiting(self) -> None:
        """Tell the user once that a call waits, and for how long at most."""
        if self._say is not None:
            limit = self.patience if self.reached else self.wait
            self._say(f"waiting for {self.url}" + (f" (ends after {limit:g} s)" if limit else ""))
            self._say = None

    def find_token(self) -> bool:
        """Look for a token if there is none yet. Return whether one was found."""
        if self.token is None:
            self.token = self._find_token()
            return self.token is not None
        return False

    async def get(self, path: str) -> Any:
        return await self.call("GET", path, repeat=True)

    async def raw(self, path: str) -> bytes:
        """Return the bytes of an answer that is not JSON."""
        content: bytes = await self.call("GET", path, repeat=True, raw=True)
        return content

    async def post(self, path: str, body: Any = None, *, repeat: bool = False) -> Any:
        """Make a POST request. `repeat` says that making it twice is harmless."""
        return await self.call("POST", path, {} if body is None else body, repeat=repeat)

    async def put(self, path: str, body: Any) -> Any:
        return await self.call("PUT", path, body, repeat=True)

    async def delete(self, path: str) -> Any:
        return await self.call("DELETE", path, repeat=True)

    async def call(self, method: str, path: str, body: Any = None, *, repeat: bool, raw: bool = False) -> Any:
        """Make a call and return the JSON or Markdown of the answer, or with `raw` its bytes.

        A body of bytes is sent as Markdown. Raises Refusal, NotReached, and Unclear if only the answer was lost.
        """
        notice = asyncio.get_running_loop().call_later(QUIET_SECONDS, self.say_waiting)
        try:
            return await self._call(method, path, body, repeat, raw)
        finally:
            notice.cancel()

    async def _call(self, method: str, path: str, body: Any, repeat: bool, raw: bool) -> Any:
        start = time.monotonic()
        pause, unclear = 0.1, False
        while True:
            try:
                return await self._send(method, path, body, raw)
            except Refusal as problem:
                problem.unclear = unclear
                if problem.code == "unauthenticated" and self.find_token():
                    continue
                if not problem.retryable:
                    raise
                # Repeated even without `repeat`: a server that is busy or draining has done nothing.
                failure: ClientError = problem
                wait = problem.retry_after or pause
            except NotReached as problem:
                unclear = unclear or isinstance(problem, Unclear)
                self.reached = self.reached or unclear
                failure, wait = problem, pause
                if unclear and not repeat:
                    raise
            wait *= random.uniform(0.8, 1.2)
            if time.monotonic() + wait > start + (self.patience if self.reached else self.wait):
                raise failure
            await asyncio.sleep(wait)
            pause = min(pause * 2, 2.0 if self.reached else 0.5)

    async def _send(self, method: str, path: str, body: Any, raw: bool) -> Any:
        is_text = isinstance(body, bytes)
        response = await self.fetch(
            HTTPRequest(
                self.url + path,
                method=method,
                headers=self.headers({} if body is None else {"Content-Type": MARKDOWN if is_text else JSON}),
                body=body if body is None or is_text else json_body(body),
                request_timeout=ANSWER_TIMEOUT,
            )
        )
        self.reached = True
        self._date = date_of(response)
        if not 200 <= response.code < 300:
            raise refusal(response)
        if raw:
            return response.body
        if not response.body:
            return None
        if response.headers.get("Content-Type", "").startswith("text/markdown"):
            return response.body.decode("utf-8", "replace")
        try:
            return json.loads(response.body)
        except ValueError:
            raise Refusal(response.code, "internal", f"{self.url} answered something that is not JSON.") from None

    def headers(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        headers = {"User-Agent": AGENT, "Accept": "application/json", **(extra or {})}
        if self.token and not self.token.isascii():
            raise Refusal(401, "bad_token", "The token contains characters that no token has.")
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return headers

    async def fetch(self, request: HTTPRequest, connection: HttpConnection | None = None) -> HTTPResponse:
        """Return the response, whatever its status. Raises NotReached, or Unclear if the request was sent."""
        connection = connection or HttpConnection()
        request.connect_timeout = CONNECT_TIMEOUT
        request.follow_redirects = False
        try:
            # Tornado logs an error when it resolves a cancelled future. The shield prevents that; `close` ends the
            # fetch.
            answer = connection.client.fetch(request, raise_error=False)
            answer.add_done_callback(lambda done: done.cancelled() or done.exception())
            return await asyncio.shield(answer)
        except (OSError, ValueError, UnicodeError) as problem:
            raise self._lost(connection, problem) from None
        except Exception as problem:
            # Tornado raises different exceptions for lost connections. Others are bugs, and pass through.
            if type(problem).__module__.partition(".")[0] != "tornado":
                raise
            raise self._lost(connection, problem) from None
        finally:
            connection.close()

    def _lost(self, connection: HttpConnection, problem: Exception) -> NotReached:
        if connection.connected:
            return Unclear(f"The connection to {self.url} was lost before the answer came.")
        return NotReached(f"{self.url} cannot be reached: {reason(problem)}.")


def reason(problem: BaseException) -> str:
    """Return the text of an error of the operating system, without its number."""
    text = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    return text[:1].lower() + text[1:].rstrip(".")


class HttpConnection:
    """One HTTP connection that can be closed. Tornado's client keeps it open when a request is abandoned."""

    def __init__(self) -> None:
        self.client = SimpleAsyncHTTPClient(force_instance=True, max_clients=1, max_body_size=1 << 40)
        self._connect = self.client.tcp_client.connect
        self._streams: list[Any] = []
        self.closed = False
        self.client.tcp_client.connect = self._connect_and_record  # type: ignore[method-assign]

    @property
    def connected(self) -> bool:
        return bool(self._streams)

    def close(self) -> None:
        self.closed = True
        for stream in self._streams:
            stream.close()
        self.client.close()

    async def _connect_and_record(self, *args: Any, **kwargs: Any) -> Any:
        stream = await self._connect(*args, **kwargs)
        self._streams.append(stream)
        if self.closed:
            stream.close()
        return stream
