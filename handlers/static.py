"""Static files, with the headers and the error shape of everything else; and several of them as one."""

from __future__ import annotations

from typing import Any

import tornado.web

from handlers.base import BaseHandler, as_error, takes_gzip
from livewall import wire
from livewall.errors import NotFound


class StaticHandler(tornado.web.StaticFileHandler):
    """GET /static/PATH; an address with `?v=` is cached for ten years by Tornado, since its content never changes."""

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = as_error(status_code, kwargs.get("exc_info", (None, None, None))[1])
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(wire.encode({"error": error.body()}))


class PackHandler(BaseHandler):
    """GET /packs/NAME: the same for everybody, so nobody is asked who they are."""

    async def prepare(self) -> None:
        pass

    def get(self, name: str) -> None:
        try:
            pack = self.services.assets.pack(name)
        except KeyError:
            raise NotFound(message="there is nothing at this address") from None
        small = takes_gzip(self.request)
        tag = f'"{pack.version}{"-gzip" if small else ""}"'
        asked = self.request.query_arguments.get("v", [b""])[-1].decode("utf-8", "replace")
        forever = asked == pack.version  # an address made for other content is not kept
        self.set_header("Cache-Control", "public, max-age=31536000, immutable" if forever else "public, no-cache")
        self.set_header("Vary", "Accept-Encoding")
        self.set_header("ETag", tag)
        if tag in self.request.headers.get("If-None-Match", ""):
            self.set_status(304)
            self.finish()
            return
        self.set_header("Content-Type", f"{pack.type}; charset=utf-8")
        if small:
            self.set_header("Content-Encoding", "gzip")
        self.finish(pack.gzipped if small else pack.plain)
