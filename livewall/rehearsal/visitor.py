"""Somebody with a phone: loads the page, follows the wall, and acts over the connection that is there.

An act whose answer was lost is sent again, until it is known what became of it.
"""

from __future__ import annotations

import asyncio
import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import msgspec
from tornado.httputil import HTTPHeaders

from livewall.client.calls import ANSWER_TIMEOUT
from livewall.rehearsal.channel import ConnectionLost
from livewall.rehearsal.checks import Fault
from livewall.rehearsal.http_client import HttpConnection, Response
from livewall.rehearsal.run import Run
from livewall.rehearsal.viewer import StreamRefused, Viewer

CONNECTIONS = 4  # connections that load the files of the page
RETRY_CODES = frozenset({"rate", "slow", "unavailable", "draining"})
FIRST_PAUSE, MAX_PAUSE = 0.2, 3.0
PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))  # what a browser sends of an address as it is

_TAGS = re.compile(r"<(?:link|script)\b[^>]*>")
_ADDRESS = re.compile(r"""\b(?:href|src)=["']([^"']+)["']""")
_WANTED = re.compile(r"""\brel=["'](?:stylesheet|modulepreload|icon)["']|^<script\b""")
_NOSCRIPT = re.compile(r"<noscript>.*?</noscript>", re.S)


def assets(page: str, page_url: str) -> list[str]:
    """Return the paths of the files of a page that a browser loads from the same site, each once."""
    paths: dict[str, None] = {}
    for tag in _TAGS.findall(_NOSCRIPT.sub("", page)):
        address = _ADDRESS.search(tag)
        if address and _WANTED.search(tag) and " nomodule" not in tag:
            parts = urlsplit(urljoin(page_url, address[1].replace("&amp;", "&")))
            if parts.netloc == urlsplit(page_url).netloc:
                path = parts.path + (f"?{parts.query}" if parts.query else "")
                paths[quote(path, safe=PRINTABLE)] = None
    return list(paths)


def cookies(headers: HTTPHeaders) -> str:
    """Return the Cookie header for the cookies of `Set-Cookie`."""
    return "; ".join(value.partition(";")[0].strip() for value in headers.get_list("set-cookie"))


class Visitor(Viewer):
    """`more` are further streams that the visitor follows beside the wall."""

    def __init__(self, run: Run, name: str, transport: str, more: Iterable[str] = ()) -> None:
        super().__init__(run, name, transport, more=more)
        self.busy = False
        """Whether an act is under way."""
        self._http = HttpConnection(run.server, self.link)

    @abstractmethod
    async def take_part(self) -> None:
        """Do what this visitor does, until cancelled."""

    async def attend(self, at: float) -> None:
        """Join after `at` seconds and stay until cancelled. A refusal is recorded as a fault."""
        await asyncio.sleep(at)
        self.run.figures.joining += 1
        try:
            await self._join()
            await self.stay(self.take_part())
        except StreamRefused as problem:
            self.run.fault(Fault("hole", f"{self.name} was refused: {problem}"))
        finally:
            self._http.close()

    # -- joining

    async def _join(self) -> None:
        """Load the page and its files as a phone does, and repeat that until it succeeds."""
        start, pause = self.run.now(), 0.2
        while True:
            try:
                server = await self._load()
                break
            except ConnectionLost:
                await asyncio.sleep(pause * self.chance.uniform(0.8, 1.2))
                pause = min(pause * 2, MAX_PAUSE)
        self._server_so_far, self._join_began = server, start

    async def _load(self) -> float | None:
        """Load the page and its files; return the server's share of the time in seconds. Raises ConnectionLost."""
        path = f"/w/{self.run.wall}"
        page = await self._get(self._http, path)
        if page.status == 404:
            raise StreamRefused("the wall is not there")
        if page.status in (429, 503):
            await self._wait_retry_after(page)
            raise ConnectionLost(f"status {page.status}")
        if page.status != 200:
            raise ConnectionLost(f"status {page.status}")
        if cookie := cookies(page.headers):  # a returning voter gets no cookie
            self.headers = {"Cookie": cookie}
        paths = iter(assets(page.text, self.run.server.origin + path))

        async def fetch(connection: HttpConnection) -> float:
            try:
                seconds = [(await self._get(connection, path)).server_seconds for path in paths]
            finally:
                connection.close()
            return sum(t for t in seconds if t is not None)

        connections = [self._http, *(HttpConnection(self.run.server, self.link) for _ in range(CONNECTIONS - 1))]
        fetching = [asyncio.ensure_future(fetch(line)) for line in connections]
        try:
            seconds = await asyncio.gather(*fetching)
        finally:
            for task in fetching:
                task.cancel()
            await asyncio.gather(*fetching, return_exceptions=True)
        return None if page.server_seconds is None else page.server_seconds + max(seconds)

    async def _get(self, connection: HttpConnection, path: str) -> Response:
        return await connection.request("GET", path, {**self.headers, "Accept": "*/*", "Accept-Encoding": "gzip"})

    async def _wait_retry_after(self, answer: Response) -> None:
        after = answer.headers.get("retry-after", "1")
        seconds = min(float(after), 60.0) if after.isdecimal() else 1.0
        self.run.figures.rate_limited += answer.status == 429
        self.run.figures.waited += seconds
        await asyncio.sleep(seconds * self.chance.uniform(1.0, 1.3))

    def _became_live(self, server: float | None) -> None:
        first = self._join_began is not None and not self.is_live.is_set()
        super()._became_live(server)
        if first and self._join_began is not None:
            share = None if server is None or self._server_so_far is None else self._server_so_far + server
            self.run.figures.join.add(self.run.now() - self._join_began, share)
            self.run.figures.joined += 1
            self._join_began = None

    _join_began: float | None = None
    _server_so_far: float | None = None

    # -- acting

    def answer_lost(self) -> None:
        """Note that no answer came to an act, which is sent again."""

    async def act(self, over_socket: Mapping[str, Any], method: str, path: str, body: Any) -> tuple[Any, float | None]:
        """Act over a WebSocket where there is one, and otherwise by HTTP.

        Return the server's answer, and how long the server took. Raises ConnectionLost.
        """
        if self.transport == "websocket":
            return await self._act_over_socket(over_socket)
        extra = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin", "Origin": self.run.server.origin}
        response = await self._http.request(method, path, {**self.headers, **extra}, msgspec.json.encode(body))
        if response.status == 429:
            await self._wait_retry_after(response)
        answer = response.json()
        return answer if isinstance(answer, dict) else {"error": {"code": "internal"}}, response.server_seconds

    async def _act_over_socket(self, act: Mapping[str, Any]) -> tuple[Any, float | None]:
        await self.is_live.wait()
        assert self._socket is not None and self.channel is not None
        channel, ref = self.channel, str(next(self.refs))
        answer = self.waiting[ref] = asyncio.get_running_loop().create_future()
        try:
            self._socket.send({**act, "ref": ref})
            async with asyncio.timeout(ANSWER_TIMEOUT):
                message = await answer
        except TimeoutError:
            raise ConnectionLost("no response arrived in time") from None
        finally:
            del self.waiting[ref]
        return message.get("ok", message), channel.server_seconds()

    async def act_until_known(
        self, kind: str, over_socket: Mapping[str, Any], method: str, path: str, body: Any
    ) -> tuple[Any, bool]:
        """Act, repeated until the server decides. Return the answer, and whether an earlier try may have done it."""
        run, pause, unclear = self.run, FIRST_PAUSE, False
        start = run.now()
        while True:
            try:
                answer, server = await self.act(over_socket, method, path, body)
            except ConnectionLost:
                unclear = True
                self.answer_lost()
                await asyncio.sleep(pause * self.chance.uniform(0.8, 1.2))
                pause = min(pause * 2, MAX_PAUSE)
                continue
            if "error" not in answer:
                run.figures.acknowledged(kind, run.now() - start, server, run.now())
                return answer, unclear
            code = answer["error"].get("code", "internal")
            run.figures.refused[code] += 1
            if code not in RETRY_CODES and code != "internal":
                return answer, unclear
            run.figures.rate_limited += code == "rate"
            await asyncio.sleep(self.chance.uniform(0.5, 1.5))
