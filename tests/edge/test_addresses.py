"""Every address of the table with what nobody types: never an error of the server's own, never a line in the log."""

from __future__ import annotations

import re
from typing import Any

import pytest
from clients import ADMIN, Client
from rawclient import HANDSHAKE, Raw

from handlers.routes import routes

STRANGE = [
    "%00",
    "%ff",
    "..%2f",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/",
    "%0d%0aX:1",
    "%",
    "%u0041",
    "A" * 8000,
    "%F0%9F%98%80",
]
NAMES = (
    "q",
    "code",
    "lang",
    "theme",
    "as",
    "since",
    "wait",
    "limit",
    "before",
    "round",
    "receipt",
    "v",
    "state",
    "c",
    "more",
)


def addresses() -> list[str]:
    """The patterns of all routes, and those that Tornado adds."""

    class Nothing:
        services = None

    found = [spec.regex.pattern for spec in routes(Nothing(), Nothing())]  # type: ignore[arg-type]
    return [*dict.fromkeys(found), "/static/(.*)", "/favicon.ico", "/robots.txt", "/()"]


def written(pattern: str, strange: str, place: int) -> str:
    """The address of a pattern, with something strange in the place of its group or behind it."""
    groups = 0

    def put(found: re.Match[str]) -> str:
        nonlocal groups
        groups += 1
        if groups - 1 == place:
            return strange
        inner = found[0]
        first = re.match(r"\((?:\?:)?([a-z]+)[|)]", inner)
        return first[1] if first else "x"

    plain = re.sub(r"\(\?[:!](?:[^()]|\([^()]*\))*\)\??", "", pattern.removesuffix("$"))
    text = re.sub(r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\??", put, plain).replace("\\", "")
    text = re.sub(r"\[[^]]*\](?:\{[^}]*\}|[+*])?|\.[+*]", "x", text)
    return text if groups > place else text + strange


async def status_of(raw: Raw, method: str, path: str, more: str = "") -> int:
    raw.say(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{more}Content-Length: 0\r\n\r\n")
    line = await raw.reader.readline()
    return int(line.split()[1])


@pytest.mark.parametrize("strange", STRANGE, ids=lambda text: text[:12])
async def test_no_address_fails_on_it(running: Any, strange: str) -> None:
    seen = {}
    for pattern in addresses():
        for place in (0, 1):
            path = written(pattern, strange, place)
            for method, more in [
                ("GET", ""),
                ("GET", f"Authorization: Bearer {ADMIN}\r\n"),
                ("POST", f"Authorization: Bearer {ADMIN}\r\nSec-Fetch-Site: same-origin\r\n"),
            ]:
                if path.startswith(("/sse", "/updates")) and method == "GET":
                    path = path.replace("?", "%3f") + "?wait=0"
                raw = await Raw.open(running.port)
                try:
                    seen[method, path[:60]] = await status_of(raw, method, path, more)
                finally:
                    raw.close()
    wrong = {key: status for key, status in seen.items() if status >= 500}
    assert not wrong
    assert len(seen) > 100


@pytest.mark.parametrize("strange", STRANGE, ids=lambda text: text[:12])
async def test_no_query_fails_on_it(client: Client, running: Any, strange: str) -> None:
    poll = (await client.poll())["id"]
    wall = (await client.host("POST", "/api/walls", {"title": "T"}))["code"]
    for path in [
        "/",
        "/w",
        f"/w/{wall}",
        f"/polls/{poll}",
        f"/api/polls/{poll}",
        "/api/polls",
        "/api/tasks",
        "/tasks",
        f"/updates/polls/{poll}",
        f"/sse/polls/{poll}",
        f"/api/polls/{poll}/results.svg",
        "/static/css/base.css",
        "/packs/pages.css",
        f"/polls/{poll}/replay",
        "/login/abc",
        "/inbox",
        "/audit",
        "/metrics",
    ]:
        for name in NAMES:
            raw, token = await Raw.open(running.port), f"Authorization: Bearer {ADMIN}\r\n"
            status = await status_of(raw, "GET", f"{path}?wait=0&{name}={strange}", token)
            raw.close()
            assert status < 500, (path, name, status)


@pytest.mark.parametrize("strange", STRANGE[:4])
async def test_a_socket_of_a_strange_stream_is_no_failure(running: Any, strange: str) -> None:
    for path in ("/ws/", "/ws/polls/", "/ws/walls/", "/ws/tasks/", "/ws/tasks,"):
        raw = await Raw.open(running.port)
        raw.say(f"GET {path}{strange} HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}")
        assert int((await raw.reader.readline()).split()[1]) in (101, 400, 404)
        raw.close()


async def test_a_file_whose_name_is_none_is_not_there(client: Client) -> None:
    for path in ("/static/%00", "/static/css/base.css%00", "/static/..%2f..%2fserver.py", "/static/" + "a" * 8000):
        answer = await client.ask("GET", path)
        assert (answer.status, answer.code) in ((404, "not_found"), (403, "forbidden")), path


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS", "PATCH"])
async def test_a_file_says_which_methods_it_takes(client: Client, method: str) -> None:
    answer = await client.ask(method, "/static/css/base.css")
    assert (answer.status, answer.code, answer.headers["Allow"]) == (405, "method_not_allowed", "GET, HEAD")


STRANGE_BYTES = [
    "Café 咖啡".encode(),
    b"caf\xe9",
    b"\xff\xfe",
    b"\x00",
    b"%00",
    b"%FF",
    b"%ED%A0%80",
    b"%",
    b"%zz",
    b"9" * 4000,
    "\u0663".encode(),
    "\U0001f600".encode() * 100,
    b"=",
    b"&=&",
    b"+",
]


FIELDS = (
    b"_form",
    b"token",
    b"title",
    b"options",
    b"choices",
    b"code",
    b"round",
    b"do",
    b"id",
    b"count",
    b"next",
    b"item",
    b"version",
    b"closes_in",
    b"max_choices",
    b"deck",
    b"text",
    b"name",
    b"n",
    b"slow",
    b"person",
    b"reply_to",
)


@pytest.mark.parametrize("strange", STRANGE_BYTES, ids=lambda data: repr(data[:12]))
async def test_no_form_fails_on_it(client: Client, strange: bytes) -> None:
    poll = (await client.poll())["id"]
    wall = (await client.host("POST", "/api/walls", {"title": "T"}))["code"]
    await client.host("POST", "/api/rooms", {"name": "ops"})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    for path in (
        "/",
        f"/polls/{poll}/ballot",
        "/desk/rooms",
        "/desk/rooms/ops",
        "/desk/inbox",
        "/login/abc",
        "/desk/walls",
        "/desk/polls",
        f"/desk/walls/{wall}",
        f"/desk/polls/{poll}",
        f"/w/{wall}/codes",
        f"/w/{wall}/deck",
        f"/w/{wall}/duplicate",
        "/logout",
    ):
        for body in (strange, b"&".join(name + b"=" + strange for name in FIELDS)[:8000]):
            for token in (None, ADMIN):
                answer = await client.ask("POST", path, raw=body, token=token, headers=headers)
                assert answer.status < 500, (path, token, answer.status)


async def test_a_form_that_is_not_escaped_is_read_as_it_is(client: Client) -> None:
    """As `curl -d` sends it."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.ask("POST", "/desk/walls", raw="title=Café 咖啡".encode(), token=ADMIN, headers=headers)
    assert answer.status == 303
    assert [wall["title"] for wall in (await client.host("GET", "/api/walls"))["items"]] == ["Café 咖啡"]
