"""The program of steps of kind `http`: request an address until the answer is as expected, or the time is over.

Redirects, certificates and proxies are treated as curl does: a redirect is followed only with `follow`, certificates
are always verified, and a proxy is used only where one is named.
"""

from __future__ import annotations

import base64
import http.client
import signal
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from livewall import __version__
from livewall.tasks.programs import StepFailed, say

TRY_SECONDS = 10.0
"""The longest time in seconds that one answer may take."""
MAX_BODY = 1 << 20
"""The number of bytes of a body in which the text is looked for."""
SHOWN = 300
"""The number of characters of a body that are shown in the log if the answer does not fit."""
MAX_REDIRECTS = 10
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAFE = "%/:=&?~#+!$,;'@()*[]-._"


class Answer(NamedTuple):
    """An answer, or the reason why there was none. `seconds` is how long it took."""

    status: int | None
    body: bytes
    seconds: float
    problem: str = ""

    @property
    def words(self) -> str:
        if self.status is None:
            return self.problem
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)


def run(given: dict[str, Any]) -> None:
    """Ask until an answer fits. Raises StepFailed."""
    url, user = split_user(given["url"])
    opener = opener_for(cacert=given["cacert"], proxy=given["proxy"])
    redirects = MAX_REDIRECTS if given["follow"] else 0
    say(f"GET {url}")
    begin, shown = time.monotonic(), b""
    while True:
        left = given["within"] - (time.monotonic() - begin)
        answer = ask(opener, url, user, min(TRY_SECONDS, max(left, 1.0)), redirects=redirects)
        lack = missing(answer, given["status"], given["contains"])
        say(f"{answer.words}, {answer.seconds * 1000:.0f} ms{f': {lack}' if lack else ''}")
        if not lack:
            return
        if answer.body and answer.body != shown:
            shown = answer.body
            say(shown[: 4 * SHOWN].decode(errors="replace")[:SHOWN])
        left = given["within"] - (time.monotonic() - begin)
        if left <= given["every"]:
            last = f"{answer.words}, {lack}"
            raise StepFailed(f"no answer was as expected within {given['within']:g} s; the last one: {last}")
        time.sleep(given["every"])


def split_user(url: str) -> tuple[str, str]:
    """Return an address as it is sent, without its user and password, and these. Raises StepFailed."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except (ValueError, UnicodeError):
        raise StepFailed("the address is not valid") from None
    if parts.scheme not in ("http", "https") or not host or any(ord(letter) <= 32 for letter in url):
        raise StepFailed("the address is not valid: it must begin with http:// or https:// and contain no blanks")
    host = f"[{host}]" if ":" in host else host
    place = host if port is None else f"{host}:{port}"
    user = "" if parts.username is None else f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return urlunsplit((parts.scheme, place, quote(parts.path or "/", _SAFE), quote(parts.query, _SAFE), "")), user


def missing(answer: Answer, statuses: Sequence[int], text: str) -> str:
    """Return what an answer lacks, in words; nothing if it fits. Without statuses, each from 200 to 299 fits."""
    if answer.status is None:
        return "no answer"
    if answer.status not in statuses if statuses else not 200 <= answer.status < 300:
        return f"not {' or '.join(map(str, statuses)) or '200 to 299'}"
    if text and text.encode() not in answer.body:
        return "the expected text is missing"
    return ""


def request_for(url: str, user: str) -> urllib.request.Request:
    request = urllib.request.Request(url, headers={"User-Agent": f"livewall/{__version__}", "Accept": "*/*"})
    if user:
        request.add_header("Authorization", f"Basic {base64.b64encode(user.encode()).decode()}")
    return request


def opener_for(*, cacert: str | None, proxy: str | None) -> urllib.request.OpenerDirector:
    """Return an opener for http and https alone. Raises StepFailed if the certificates cannot be read."""
    try:
        context = ssl.create_default_context(cafile=cacert)
    except (OSError, ssl.SSLError):
        raise StepFailed("the file of certificates cannot be read") from None
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.ProxyHandler({"http": proxy, "https": proxy} if proxy else {}),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ]
    opener = urllib.request.OpenerDirector()
    for handler in handlers:
        opener.add_handler(handler)
    return opener


def ask(opener: urllib.request.OpenerDirector, url: str, user: str, seconds: float, *, redirects: int = 0) -> Answer:
    """Return the answer to a question. It takes at most `seconds`, however slowly the bytes come.

    Up to `redirects` redirects are followed, whose bodies are not read. User and password go to the first address only.
    """
    begin = time.monotonic()

    def over(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    status, body, problem = None, b"", ""
    try:
        for hop in range(redirects + 1):
            try:
                response = opener.open(request_for(url, "" if hop else user), timeout=seconds)
            except urllib.error.HTTPError as error:
                response = error
            with response:
                status, location = response.status, response.headers.get("Location")
                if hop == redirects or status not in REDIRECTS or not location:
                    body = response.read(MAX_BODY)
                    break
            url, _ = split_user(urljoin(url, location))
    except StepFailed:
        status, problem = None, "it redirects to an address that is not valid"
    except TimeoutError:
        status, problem = None, f"no answer within {seconds:g} s"
    except (OSError, http.client.HTTPException, ValueError) as error:
        status, problem = None, _problem(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return Answer(status, body, time.monotonic() - begin, problem)


def _problem(error: Exception) -> str:
    """Return in few words why there was no answer. They hold no part of the address."""
    reason = getattr(error, "reason", error)
    match reason:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not valid: {reason.verify_message}"
        case ssl.SSLError():
            return "the encrypted connection failed"
        case TimeoutError():
            return "no answer in time"
        case socket.gaierror():
            return "the name of the host is not known"
        case OSError() if reason.strerror:
            return reason.strerror.lower()
        case http.client.RemoteDisconnected() | ConnectionError():
            return "the connection was closed without an answer"
        case _:
            return "the answer is not HTTP"
