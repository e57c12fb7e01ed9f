"""A person with a phone: loads the page once, follows the wall, votes when a question opens, sometimes thinks again.

Nothing is given up before it is known whether it was counted: a ballot whose answer was lost is sent again.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import msgspec

from livewall.client.calls import ANSWER_TIMEOUT, segment
from livewall.rehearsal.channel import Lost
from livewall.rehearsal.checks import Fault
from livewall.rehearsal.http_client import Answer, HttpConnection
from livewall.rehearsal.run import Run
from livewall.rehearsal.viewer import GoneForGood, Viewer
from livewall.voting.kinds import Rules, kind_of

AT_ONCE = 4  # connections on which what the page names is fetched
LATER = frozenset({"rate", "unavailable", "draining"})
LAST_PAUSE = 3.0

_TAGS = re.compile(r"<(?:link|script)\b[^>]*>")
_ADDRESS = re.compile(r"""\b(?:href|src)=["']([^"']+)["']""")
_WANTED = re.compile(r"""\brel=["'](?:stylesheet|modulepreload|icon)["']|^<script\b""")
_NOSCRIPT = re.compile(r"<noscript>.*?</noscript>", re.S)


class Intention(NamedTuple):
    """To cast `choices`, none to retract, so many seconds after the last one was acknowledged."""

    after: float
    choices: tuple[str, ...]


def assets(page: str, here: str) -> list[str]:
    """The paths that a browser fetches because the page names them, each once; those of other sites are left out."""
    found: dict[str, None] = {}
    for tag in _TAGS.findall(_NOSCRIPT.sub("", page)):
        address = _ADDRESS.search(tag)
        if address and _WANTED.search(tag) and " nomodule" not in tag:
            parts = urlsplit(urljoin(here, address[1].replace("&amp;", "&")))
            if parts.netloc == urlsplit(here).netloc:
                found[parts.path + (f"?{parts.query}" if parts.query else "")] = None
    return list(found)


def cookies(headers: Mapping[str, str]) -> str:
    """What is sent back of `Set-Cookie`."""
    return "; ".join(line.partition(";")[0] for line in headers.get("set-cookie", "").split("\n") if line)


def intentions(poll: Mapping[str, Any], chance: random.Random, react: float) -> list[Intention]:
    """What somebody will do about a question that has just opened: most vote within `react` seconds."""
    if chance.random() < 0.03:
        return []  # abstains by doing nothing
    done = [Intention(react * chance.betavariate(1.5, 3.2), _choice(poll, chance))]
    if poll["allow_change"] and chance.random() < 0.2:
        done.append(Intention(chance.uniform(0.2, 1.5), _choice(poll, chance)))
        if chance.random() < 0.2:
            done += [Intention(chance.uniform(0.2, 1.0), ()), Intention(0.5, _choice(poll, chance))]
    return done


def _choice(poll: Mapping[str, Any], chance: random.Random) -> tuple[str, ...]:
    rules = Rules(tuple(option["id"] for option in poll["options"]), poll["max_choices"], abstain=None)
    return kind_of(poll["kind"]).sample(rules, chance)


class Person(Viewer):
    def __init__(self, hall: Run, name: str, transport: str) -> None:
        super().__init__(hall, name, transport)
        self._asked: set[tuple[str, int]] = set()
        self._questions: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._line = HttpConnection(hall.place, self.link)

    async def run(self, at: float) -> None:
        """Come in after `at` seconds and stay until cancelled; what cannot be had is noted as a fault of the hall."""
        await asyncio.sleep(at)
        self.hall.figures.joining += 1
        try:
            await self._join()
            await self.stay(self._answer())
        except GoneForGood as problem:
            self.hall.fault(Fault("hole", f"{self.name} was sent away: {problem}"))
        finally:
            self._line.close()

    # -- joining

    async def _join(self) -> None:
        """The page and what it names, as a phone loads them, then the live connection."""
        start, pause = self.hall.now(), 0.2
        while True:
            try:
                server = await self._load()
                break
            except Lost:
                await asyncio.sleep(pause * self.chance.uniform(0.8, 1.2))
                pause = min(pause * 2, LAST_PAUSE)
        self._server_so_far, self._join_began = server, start

    async def _load(self) -> float | None:
        """The server's share of it, in seconds. Raises Lost."""
        path = f"/w/{self.hall.wall}"
        page = await self._get(self._line, path)
        if page.status == 404:
            raise GoneForGood("the wall is not there")
        if page.status in (429, 503):
            await self._wait_as_told(page)
            raise Lost(f"status {page.status}")
        if page.status != 200:
            raise Lost(f"status {page.status}")
        if found := cookies(page.headers):  # none for who has been here before
            self.headers = {"Cookie": found}
        wanted = iter(assets(page.text, self.hall.place.origin + path))

        async def fetch(line: HttpConnection) -> float:
            try:
                taken = [(await self._get(line, path)).server_seconds for path in wanted]
            finally:
                line.close()
            return sum(t for t in taken if t is not None)

        lines = [self._line, *(HttpConnection(self.hall.place, self.link) for _ in range(AT_ONCE - 1))]
        fetching = [asyncio.ensure_future(fetch(line)) for line in lines]
        try:
            taken = await asyncio.gather(*fetching)
        finally:
            for task in fetching:
                task.cancel()
            await asyncio.gather(*fetching, return_exceptions=True)
        return None if page.server_seconds is None else page.server_seconds + max(taken)

    async def _get(self, line: HttpConnection, path: str) -> Answer:
        return await line.ask("GET", path, {**self.headers, "Accept": "*/*", "Accept-Encoding": "gzip"})

    async def _wait_as_told(self, answer: Answer) -> None:
        after = answer.headers.get("retry-after", "1")
        seconds = min(float(after), 60.0) if after.isdecimal() else 1.0
        self.hall.figures.rate_limited += answer.status == 429
        self.hall.figures.waited += seconds
        await asyncio.sleep(seconds * self.chance.uniform(1.0, 1.3))

    def _live(self, server: float | None) -> None:
        first = self._join_began is not None and not self.is_live.is_set()
        super()._live(server)
        if first and self._join_began is not None:
            share = None if server is None or self._server_so_far is None else self._server_so_far + server
            self.hall.figures.join.add(self.hall.now() - self._join_began, share)
            self.hall.figures.joined += 1
            self._join_began = None

    _join_began: float | None = None
    _server_so_far: float | None = None

    # -- voting

    def look_at_poll(self, poll: dict[str, Any]) -> None:
        super().look_at_poll(poll)
        key = (poll["id"], poll["round"])
        if poll["phase"] == "open" and key not in self._asked:
            self._asked.add(key)
            self._questions.put_nowait(poll)

    @property
    def busy(self) -> bool:
        """Whether a ballot is under way whose end is not known yet."""
        return self._casting

    _casting = False

    async def _answer(self) -> None:
        while True:
            poll = await self._questions.get()
            for intention in intentions(poll, self.chance, self.hall.react):
                await asyncio.sleep(intention.after)
                if self.hall.over.is_set():
                    break
                self._casting = True
                counted = await self._cast(poll, intention.choices)
                self._casting = False
                if not counted:
                    break

    async def _cast(self, poll: Mapping[str, Any], choices: Sequence[str]) -> bool:
        """Whether it was acknowledged. Repeated until the server has decided."""
        hall, poll_id, round_number = self.hall, poll["id"], poll["round"]
        start, pause, unclear = hall.now(), 0.2, False
        hall.ledger.sent(self.name, poll_id, round_number, choices)
        while True:
            try:
                found, server = await self._act(poll_id, round_number, choices)
            except Lost:
                unclear = True
                await asyncio.sleep(pause * self.chance.uniform(0.8, 1.2))
                pause = min(pause * 2, LAST_PAUSE)
                continue
            if "error" not in found:
                hall.ledger.acknowledged(self.name, poll_id, round_number, choices, found["receipt"])
                kind = "cast" if choices else "retracted"
                hall.figures.acknowledged(kind, hall.now() - start, server, hall.now())
                return True
            code = found["error"].get("code", "internal")
            hall.figures.refused[code] += 1
            if code in LATER or code == "internal":
                hall.figures.rate_limited += code == "rate"
                await asyncio.sleep(self.chance.uniform(0.5, 1.5))
                continue
            # The same choices again are acknowledged whatever became of the poll: this ballot is not in. Of a
            # retraction, and of a round that is gone, nobody says so.
            if not unclear or (choices and code != "round_over"):
                hall.ledger.refused(self.name, poll_id, round_number)
            return False

    async def _act(
        self, poll_id: str, round_number: int, choices: Sequence[str]
    ) -> tuple[dict[str, Any], float | None]:
        """The server's answer to a ballot, and how long it took it. Raises Lost."""
        if self.transport == "websocket":
            return await self._act_by_socket(poll_id, round_number, choices)
        body = {"choices": list(choices), "round": round_number} if choices else {"round": round_number}
        own = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin", "Origin": self.hall.place.origin}
        answer = await self._line.ask(
            "PUT" if choices else "DELETE",
            f"/api/polls/{segment(poll_id)}/ballot",
            {**self.headers, **own},
            msgspec.json.encode(body),
        )
        if answer.status == 429:
            await self._wait_as_told(answer)
        found = answer.json()
        return found if isinstance(found, dict) else {"error": {"code": "internal"}}, answer.server_seconds

    async def _act_by_socket(
        self, poll_id: str, round_number: int, choices: Sequence[str]
    ) -> tuple[dict[str, Any], float | None]:
        await self.is_live.wait()
        assert self._socket is not None and self.channel is not None
        channel, ref = self.channel, str(next(self.refs))
        act = {"ref": ref, "poll": poll_id, "round": round_number}
        act |= {"do": "vote", "choices": list(choices)} if choices else {"do": "retract"}
        answer = self.waiting[ref] = asyncio.get_running_loop().create_future()
        try:
            self._socket.say(act)
            async with asyncio.timeout(ANSWER_TIMEOUT):
                found = await answer
        except TimeoutError:
            raise Lost("no answer came") from None
        finally:
            del self.waiting[ref]
        return found.get("ok", found), channel.server_seconds()
