"""Static files, with the headers and the error shape of everything else; and several of them as one."""

from __future__ import annotations

from typing import Any

import tornado.web

from handlers.assets.delivery import FOREVER
from handlers.base import BaseHandler, to_livewall_error
from handlers.etags import is_held
from handlers.http_headers import takes_gzip
from livewall import wire
from livewall.errors import NotFound

READS = ("GET", "HEAD")


@tornado.web.stream_request_body
class StaticHandler(tornado.web.StaticFileHandler):
    """GET /static/PATH; an address with `?v=` is cached for ten years by Tornado, since its content never changes."""

    def prepare(self) -> None:
        if self.request.method not in READS:
            raise tornado.web.HTTPError(405)
        length = self.request.headers.get("Content-Length", "")
        if self.request.headers.get("Transfer-Encoding") or (length.isdecimal() and len(length) > 3):
            raise tornado.web.HTTPError(413)

    def data_received(self, chunk: bytes) -> None:
        pass  # dropped

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        if "\0" in absolute_path:  # no name of a file; asking the system for it raises ValueError
            raise tornado.web.HTTPError(404)
        return super().validate_absolute_path(root, absolute_path)

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

    def check_etag_header(self) -> bool:
        return is_held(self.request.headers.get("If-None-Match"), self._headers.get("Etag", '""'))

    log_exception = BaseHandler.log_exception
    """A strange address is no line in the log."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = to_livewall_error(status_code, kwargs.get("exc_info", (None, None, None))[1])
        if status_code == 405:
            self.set_header("Allow", ", ".join(READS))
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(wire.encode({"error": error.body()}))


class PackHandler(BaseHandler):
    """GET /packs/NAME: the same for everybody, so nobody is asked who they are."""

    async def prepare(self) -> None:
        self.expect_body()

    def get(self, name: str) -> None:
        try:
            pack = self.services.assets.pack(name)
        except KeyError:
            raise NotFound(message="there is nothing at this address") from None
        small = takes_gzip(self.request)
        asked = self.request.query_arguments.get("v", [b""])[-1].decode("utf-8", "replace")
        header = pack.header(small)
        for field, value in header.items():
            self.set_header(field, value)
        # An address that was made for other content is not kept.
        self.set_header("Cache-Control", FOREVER if asked == pack.version else "public, no-cache")
        if self.client_holds(header["ETag"], codings=False):
            self.set_status(304)
            self.clear_header("Content-Encoding")
            self.clear_header("Content-Type")
            self.finish()
            return
        self.finish(pack.body(small))
