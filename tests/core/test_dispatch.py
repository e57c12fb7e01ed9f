"""An address leads to the handler that the table names, the first time and from memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from addresses import addresses
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.web import Application, StaticFileHandler

from handlers import dispatch
from handlers.base import NotFoundHandler
from handlers.dispatch import Dispatcher
from handlers.routes import routes

SETTINGS: dict[str, Any] = {
    "default_handler_class": NotFoundHandler, "default_handler_args": {"services": None}, "static_path": "/nowhere",
}  # fmt: skip


@pytest.fixture
def applications() -> Iterator[tuple[Dispatcher, Application]]:
    table = routes(None, None)  # type: ignore[arg-type]
    yield Dispatcher(table, **SETTINGS), Application(table, **SETTINGS)


def led(application: Application, path: str) -> tuple[Any, ...]:
    start = RequestStartLine("GET", path, "HTTP/1.1")
    request = HTTPServerRequest(start_line=start, headers=HTTPHeaders({"Host": "x"}))
    found = application.find_handler(request)
    return found.handler_class, found.handler_kwargs, found.path_args, found.path_kwargs


def every() -> list[str]:
    known = [each.path for each in addresses(_Any())]
    others = ["/ws/polls/A", "/ws/polls%2FA", "/ws/walls/A,polls/B", "/sse/tasks", "/updates/walls/A", "/static/a.js"]
    odd = ["/favicon.ico", "/robots.txt", "/", "//", "*", "/api", "/api/nothing", "/nothing/here", "/w/a%20b"]
    return [*known, *others, *odd]


class _Any(dict[str, str]):
    """Something stands behind each word."""

    def __missing__(self, word: str) -> str:
        return "A1"


def test_each_address_leads_where_the_table_says(applications: tuple[Dispatcher, Application]) -> None:
    ours, tornados = applications
    paths = every()
    assert len(paths) > 60
    expected = [led(tornados, path) for path in paths]
    assert {found[0] for found in expected} > {NotFoundHandler, StaticFileHandler}
    for _ in range(3):
        assert [led(ours, path) for path in paths] == expected


def test_what_a_query_says_is_not_part_of_an_address(applications: tuple[Dispatcher, Application]) -> None:
    ours, tornados = applications
    assert led(ours, "/w/A?code=1") == led(ours, "/w/A?code=2") == led(tornados, "/w/A")


def test_only_so_many_addresses_are_remembered_and_no_long_ones(
    applications: tuple[Dispatcher, Application], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "MAX_PATHS", 10)
    ours, tornados = applications
    for number in range(100):
        path = f"/api/polls/{number}"
        assert led(ours, path) == led(tornados, path)
        assert len(ours._known) <= 10
    held = dict(ours._known)
    path = "/ws/" + "a" * dispatch.MAX_PATH_LENGTH
    assert led(ours, path) == led(tornados, path) and ours._known == held
