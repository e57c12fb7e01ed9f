"""A voter with a phone: loads the page, follows the wall, votes when a poll opens, and sometimes changes the ballot.

A ballot whose answer was lost is sent again, until it is known whether it was counted.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

import msgspec
from tornado.httputil import HTTPHeaders

from livewall.client.calls import ANSWER_TIMEOUT, segment
from livewall.rehearsal.channel import ConnectionLost
from livewall.rehearsal.checks import Fault
from livewall.rehearsal.http_client import HttpConnection, Response
from livewall.rehearsal.run import Run
from livewall.rehearsal.viewer import StreamRefused, Viewer
from livewall.voting.kinds import Rules, kind_of

CONNECTIONS = 4  # connections that load the files of the page
RETRY_CODES = frozenset({"rate", "unavailable", "draining"})
MAX_PAUSE = 3.0
PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))  # what a browser sends of an address as it is

_TAGS = re.compile(r"<(?:link|script)\b[^>]*>")
_ADDRESS = re.compile(r"""\b(?:href|src)=["']([^"']+)["']""")
_WANTED = re.compile(r"""\brel=["'](?:stylesheet|modulepreload|icon)["']|^<script\b""")
_NOSCRIPT = re.compile(r"<noscript>.*?</noscript>", re.S)


class Intention(NamedTuple):
    """A ballot to cast, or without choices to retract, `after` seconds from the last acknowledgement."""

    after: float
    choices: tuple[str, ...]


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


def intentions(poll: Mapping[str, Any], chance: random.Random, reaction_seconds: float) -> list[Intention]:
    """Return what a voter does about a poll that has just opened: most vote within `reaction_seconds`."""
    if chance.random() < 0.03:
        return []  # a few do not vote
    plan = [Intention(reaction_seconds * chance.betavariate(1.5, 3.2), _choice(poll, chance))]
    if poll["allow_change"] and chance.random() < 0.2:
        plan.append(Intention(chance.uniform(0.2, 1.5), _choice(poll, chance)))
        if chance.random() < 0.2:
            plan += [Intention(chance.uniform(0.2, 1.0), ()), Intention(0.5, _choice(poll, chance))]
    return plan


def _choice(poll: Mapping[str, Any], chance: random.Random) -> tuple[str, ...]:
    rules = Rules(tuple(option["id"] for option in poll["options"]), poll["max_choices"], abstain=None)
    return kind_of(poll["kind"]).sample(rules, chance)


class Person(Viewer):
    def __init__(self, run: Run, name: str, transport: str) -> None:
        super().__init__(run, name, transport)
        self._polls_seen: set[tuple[str, int]] = set()
        self._questions: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._http = HttpConnection(run.server, self.link)

    async def attend(self, at: float) -> None:
        """Join after `at` seconds and stay until cancelled. A refusal is recorded as a fault."""
        await asyncio.sleep(at)
        self.run.figures.joining += 1
        try:
            await self._join()
            await self.stay(self._answer_questions())
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

    # -- voting

    def poll_changed(self, poll: dict[str, Any]) -> None:
        super().poll_changed(poll)
        key = (poll["id"], poll["round"])
        if poll["phase"] == "open" and key not in self._polls_seen:
            self._polls_seen.add(key)
            self._questions.put_nowait(poll)

    @property
    def busy(self) -> bool:
        """Whether a ballot is being cast."""
        return self._casting

    _casting = False

    async def _answer_questions(self) -> None:
        while True:
            poll = await self._questions.get()
            for intention in intentions(poll, self.chance, self.run.reaction_seconds):
                await asyncio.sleep(intention.after)
                if self.run.over.is_set():
                    break
                self._casting = True
                counted = await self._cast(poll, intention.choices)
                self._casting = False
                if not counted:
                    break

    async def _cast(self, poll: Mapping[str, Any], choices: Sequence[str]) -> bool:
        """Cast a ballot, repeated until the server decides; return whether it was acknowledged."""
        run, poll_id, round_number = self.run, poll["id"], poll["round"]
        start, pause, unclear = run.now(), 0.2, False
        run.ledger.sent(self.name, poll_id, round_number, choices)
        while True:
            try:
                answer, server = await self._send_ballot(poll_id, round_number, choices)
            except ConnectionLost:
                unclear = True
                await asyncio.sleep(pause * self.chance.uniform(0.8, 1.2))
                pause = min(pause * 2, MAX_PAUSE)
                continue
            if "error" not in answer:
                run.ledger.acknowledged(self.name, poll_id, round_number, choices, answer["receipt"])
                kind = "cast" if choices else "retracted"
                run.figures.acknowledged(kind, run.now() - start, server, run.now())
                return True
            code = answer["error"].get("code", "internal")
            run.figures.refused[code] += 1
            if code in RETRY_CODES or code == "internal":
                run.figures.rate_limited += code == "rate"
                await asyncio.sleep(self.chance.uniform(0.5, 1.5))
                continue
            # A repetition of a counted ballot is acknowledged even when the poll has closed, so this ballot was not
            # counted. For a retraction, or after the round is over, a refusal does not tell that.
            if not unclear or (choices and code != "round_over"):
                run.ledger.refused(self.name, poll_id, round_number)
            return False

    async def _send_ballot(
        self, poll_id: str, round_number: int, choices: Sequence[str]
    ) -> tuple[dict[str, Any], float | None]:
        """Send a ballot; return the server's answer, and how long the server took. Raises ConnectionLost."""
        if self.transport == "websocket":
            return await self._send_over_socket(poll_id, round_number, choices)
        body = {"choices": list(choices), "round": round_number} if choices else {"round": round_number}
        extra = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin", "Origin": self.run.server.origin}
        response = await self._http.request(
            "PUT" if choices else "DELETE",
            f"/api/polls/{segment(poll_id)}/ballot",
            {**self.headers, **extra},
            msgspec.json.encode(body),
        )
        if response.status == 429:
            await self._wait_retry_after(response)
        answer = response.json()
        return answer if isinstance(answer, dict) else {"error": {"code": "internal"}}, response.server_seconds

    async def _send_over_socket(
        self, poll_id: str, round_number: int, choices: Sequence[str]
    ) -> tuple[dict[str, Any], float | None]:
        await self.is_live.wait()
        assert self._socket is not None and self.channel is not None
        channel, ref = self.channel, str(next(self.refs))
        act = {"ref": ref, "poll": poll_id, "round": round_number}
        act |= {"do": "vote", "choices": list(choices)} if choices else {"do": "retract"}
        answer = self.waiting[ref] = asyncio.get_running_loop().create_future()
        try:
            self._socket.send(act)
            async with asyncio.timeout(ANSWER_TIMEOUT):
                message = await answer
        except TimeoutError:
            raise ConnectionLost("no response arrived in time") from None
        finally:
            del self.waiting[ref]
        return message.get("ok", message), channel.server_seconds()
