"""Static files, with the headers and the error shape of everything else."""

from __future__ import annotations

from typing import Any

import tornado.web

from handlers.base import as_error
from livewall import wire


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
