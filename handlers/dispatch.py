"""Tornado's application with a cache of the routes of paths.

Tornado matches each request against one pattern of the table after the other. An audience asks for few addresses, each
many times: the page of its wall, its stream, and the ballots of a poll.
"""

from __future__ import annotations

from inspect import isclass
from typing import Any

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.web import Application, RequestHandler

MAX_PATHS = 1024
"""The number of paths in the cache. When it is full, it is emptied."""
MAX_PATH_LENGTH = 128
"""The length in characters of the longest path that is cached."""


class Dispatcher(Application):
    """Finds the handler of a request."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._known: dict[str, tuple[type[RequestHandler], dict[str, Any], dict[str, Any]]] = {}

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate:  # type: ignore[override]
        route = self._known.get(request.path)
        if route is not None:
            handler, arguments, match = route
            return self.get_handler_delegate(request, handler, arguments, **match)
        self._remember(request)
        return super().find_handler(request, **kwargs)

    def _remember(self, request: HTTPServerRequest) -> None:
        if len(request.path) > MAX_PATH_LENGTH:
            return
        for rule in self.wildcard_router.rules:
            match = rule.matcher.match(request)
            if match is not None:
                if isclass(rule.target) and issubclass(rule.target, RequestHandler):
                    if len(self._known) >= MAX_PATHS:
                        self._known.clear()
                    self._known[request.path] = rule.target, rule.target_kwargs, match
                return
