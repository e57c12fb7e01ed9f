"""The fast path for packs: a plain GET is answered from memory, with a header that is built once.

Most requests of an audience that joins are of this kind. Other requests (another method, a condition, an outdated
address, HTTP/1.0) are left to `PackHandler`, which gives the same answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, HTTPServerRequest, ResponseStartLine
from tornado.routing import Router

from handlers.assets.assets import Assets
from handlers.assets.packs import Pack
from handlers.http_headers import takes_gzip
from handlers.transport.header import date

UNSUPPORTED_FIELDS = ("If-None-Match", "Content-Length", "Transfer-Encoding")
"""The header fields of requests that are left to `PackHandler`."""
FOREVER = "public, max-age=31536000, immutable"
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
OK = ResponseStartLine("HTTP/1.1", 200, "OK")
Log = Callable[[HTTPServerRequest, int], None]


class PackRouter(Router):
    """Finds the delivery for a pack. Returns None if `PackHandler` has to answer."""

    def __init__(self, assets: Assets, log: Log) -> None:
        self._assets = assets
        self._log = log
        self._headers: dict[tuple[str, bool], HTTPHeaders] = {}

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        if request.method != "GET" or request.version != "HTTP/1.1":
            return None
        if any(name in request.headers for name in UNSUPPORTED_FIELDS):
            return None
        try:
            pack = self._assets.pack(request.path.rpartition("/")[2])
        except KeyError:
            return None
        if request.uri != pack.url:
            return None
        is_gzip = takes_gzip(request)
        return Delivery(request, self._header(pack, is_gzip), pack.body(is_gzip), self._log)

    def _header(self, pack: Pack, is_gzip: bool) -> HTTPHeaders:
        header = self._headers.get((pack.url, is_gzip))
        if header is None:
            fields = {"Cache-Control": FOREVER, "Content-Length": str(len(pack.body(is_gzip)))}
            header = self._headers[pack.url, is_gzip] = HTTPHeaders(SECURITY | pack.header(is_gzip) | fields)
        return header


class Delivery(HTTPMessageDelegate):
    """One response with a pack."""

    def __init__(self, request: HTTPServerRequest, headers: HTTPHeaders, body: bytes, log: Log) -> None:
        self._request = request
        self._headers = headers
        self._body = body
        self._log = log

    def finish(self) -> None:
        headers = self._headers.copy()  # the connection adds fields to it
        headers["Date"] = date(int(time.time()))
        connection: Any = self._request.connection
        connection.write_headers(OK, headers, self._body)
        connection.finish()
        self._log(self._request, OK.code)
