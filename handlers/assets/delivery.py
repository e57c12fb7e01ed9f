"""Packs as nearly every browser asks for them: a plain GET, answered from memory with a header made once.

Most requests of a hall that joins are these. What is asked in any other way (another method, a condition, an address
of other content, HTTP/1.0) goes on to `PackHandler`, which answers the same.
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

OTHERWISE = ("If-None-Match", "Content-Length", "Transfer-Encoding")
"""Fields of requests that are left to `PackHandler`."""
FOREVER = "public, max-age=31536000, immutable"
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
OK = ResponseStartLine("HTTP/1.1", 200, "OK")
Log = Callable[[HTTPServerRequest, int], None]


class PackRouter(Router):
    """Finds the delivery of a request for a pack; none where `PackHandler` is to answer."""

    def __init__(self, assets: Assets, log: Log) -> None:
        self._assets = assets
        self._log = log
        self._headers: dict[tuple[str, bool], HTTPHeaders] = {}

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        if request.method != "GET" or request.version != "HTTP/1.1":
            return None
        if any(name in request.headers for name in OTHERWISE):
            return None
        try:
            pack = self._assets.pack(request.path.rpartition("/")[2])
        except KeyError:
            return None
        if request.uri != pack.url:
            return None
        small = takes_gzip(request)
        return Delivery(request, self._header(pack, small), pack.body(small), self._log)

    def _header(self, pack: Pack, small: bool) -> HTTPHeaders:
        held = self._headers.get((pack.url, small))
        if held is None:
            own = {"Cache-Control": FOREVER, "Content-Length": str(len(pack.body(small)))}
            held = self._headers[pack.url, small] = HTTPHeaders(SECURITY | pack.header(small) | own)
        return held


class Delivery(HTTPMessageDelegate):
    """One answer."""

    def __init__(self, request: HTTPServerRequest, headers: HTTPHeaders, body: bytes, log: Log) -> None:
        self._request = request
        self._headers = headers
        self._body = body
        self._log = log

    def finish(self) -> None:
        headers = self._headers.copy()  # the connection writes into it
        headers["Date"] = date(int(time.time()))
        connection: Any = self._request.connection
        connection.write_headers(OK, headers, self._body)
        connection.finish()
        self._log(self._request, OK.code)
