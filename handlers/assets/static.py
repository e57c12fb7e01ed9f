"""Static files and packs, with the same headers and errors as everything else."""

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
    """GET /static/PATH. Tornado lets browsers cache an address with `?v=` for ten years, because its content never
    changes."""

    def prepare(self) -> None:
        if self.request.method not in READS:
            raise tornado.web.HTTPError(405)
        length = self.request.headers.get("Content-Length", "")
        if self.request.headers.get("Transfer-Encoding") or (length.isdecimal() and len(length) > 3):
            raise tornado.web.HTTPError(413)

    def data_received(self, chunk: bytes) -> None:
        pass  # the body is discarded

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        if "\0" in absolute_path:  # not a file name; asking the system for it would raise ValueError
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
    """Unknown addresses are not logged."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = to_livewall_error(status_code, kwargs.get("exc_info", (None, None, None))[1])
        if status_code == 405:
            self.set_header("Allow", ", ".join(READS))
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(wire.encode({"error": error.body()}))


class PackHandler(BaseHandler):
    """GET /packs/NAME. It is the same for everybody, so clients are not identified."""

    async def prepare(self) -> None:
        self.expect_body()

    def get(self, name: str) -> None:
        try:
            pack = self.services.assets.pack(name)
        except KeyError:
            raise NotFound(message="there is nothing at this address") from None
        is_gzip = takes_gzip(self.request)
        version = self.request.query_arguments.get("v", [b""])[-1].decode("utf-8", "replace")
        header = pack.header(is_gzip)
        for field, value in header.items():
            self.set_header(field, value)
        # A response is not cached under the address of other content.
        self.set_header("Cache-Control", FOREVER if version == pack.version else "public, no-cache")
        if self.client_holds(header["ETag"], codings=False):
            self.set_status(304)
            self.clear_header("Content-Encoding")
            self.clear_header("Content-Type")
            self.finish()
            return
        self.finish(pack.body(is_gzip))
