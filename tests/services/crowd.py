"""The 944 people who answered in 1996 (livewall/data): each a voter of its own, half over WebSocket, half over HTTP, on
connections that know nothing of Livewall's client. They try again until they are told a receipt."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from tornado.httpclient import HTTPError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect
from watchers import TRANSPORTS, Watcher

from livewall.demo.answers import votes

COUNTS = {"1": 551, "2": 393}
AT_ONCE = 4
"""Queues of each way."""
GANG = 6
"""Voters of a queue for sockets that vote in the same moment."""


class Lost(ConnectionError):
    """The connection ended before the answer, or the server has no time."""


class Line:
    """An HTTP connection that is kept for as long as it holds."""

    def __init__(self, url: str) -> None:
        self.host, _, self.port = url.partition("//")[2].partition(":")
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: Any = None, *, token: str = "", sent: Callable[[], None] = lambda: None
    ) -> tuple[int, Any]:
        """Status and JSON. Raises Lost, and OSError where there is nobody."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.host, int(self.port))
        reader, writer = self._streams
        data = b"" if body is None else json.dumps(body).encode()
        head = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}", f"Content-Length: {len(data)}"]
        if token:
            head.append(f"Authorization: Bearer {token}")
        try:
            writer.write("\r\n".join([*head, "", ""]).encode() + data)
            sent()
            top = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            fields = dict(line.lower().split(": ", 1) for line in top[1:] if line)
            answer = await reader.readexactly(int(fields.get("content-length", "0")))
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            raise Lost from None
        except BaseException:
            self.close()
            raise
        if fields.get("connection") == "close":
            self.close()
        return int(top[0].split()[1]), json.loads(answer) if answer else None

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Voter:
    def __init__(self, choice: str) -> None:
        self.choice = choice
        self.token = ""
        self.receipt: str | None = None
        self.sent = 0


class Crowd:
    """`cast` makes everyone vote. `sent` is called the moment a ballot has left, `heard` the moment one was
    acknowledged; either may do away with the server."""

    def __init__(
        self, url: str, poll: str, chance: random.Random, choices: Iterable[int] | None = None, *, round: int = 1
    ) -> None:
        self.url = url
        self.poll = poll
        self.round = round
        self.chance = chance
        self.voters = [Voter(str(choice + 1)) for choice in (votes() if choices is None else choices)]
        self.under_way: set[Voter] = set()
        self.acknowledged = 0
        self.lost = 0
        """Ballots that had left, and whose answer never came."""
        self.refused = 0
        self.sent: Callable[[], None] = lambda: None
        self.heard: Callable[[], None] = lambda: None
        self._moved = asyncio.Event()

    def are(self, others: Iterable[Voter]) -> None:
        """These voters are people who voted before, one after the other."""
        for voter, before in zip(self.voters, others, strict=True):
            voter.token = before.token

    async def cast(self) -> None:
        half = len(self.voters) // 2
        order = self.chance.sample(self.voters, len(self.voters))
        gangs, singles = iter([order[i : i + GANG] for i in range(0, half, GANG)]), iter([v] for v in order[half:])
        async with asyncio.TaskGroup() as hall:
            for _ in range(AT_ONCE):
                hall.create_task(self._queue(gangs, self._by_sockets))
                hall.create_task(self._queue(singles, self._by_put))

    async def until(self, wanted: Callable[[], bool], seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not wanted():
                self._moved.clear()
                await self._moved.wait()

    async def _queue(self, gangs: Iterator[list[Voter]], once: Callable[[list[Voter], Line], Any]) -> None:
        """Gang after gang, each until the last of it has a receipt."""
        line = Line(self.url)
        try:
            for gang in gangs:
                while left := [voter for voter in gang if voter.receipt is None]:
                    try:
                        for voter in left:
                            await self._get_token(voter, line)
                        await once(left, line)
                    except (OSError, HTTPError):
                        await asyncio.sleep(self.chance.uniform(0.01, 0.05))
        finally:
            line.close()

    async def _get_token(self, voter: Voter, line: Line) -> None:
        if not voter.token:
            status, found = await line.ask("POST", "/api/voters")
            if status == 503:
                raise Lost
            voter.token = found["token"]

    def _left(self, voter: Voter) -> None:
        voter.sent += 1
        self.under_way.add(voter)
        self._moved.set()
        self.sent()

    def _answered(self, voter: Voter, ballot: Any) -> None:
        assert ballot["choices"] == [voter.choice] and ballot["round"] == self.round, ballot
        voter.receipt = ballot["receipt"]
        self.under_way.discard(voter)
        self.acknowledged += 1
        self._moved.set()
        self.heard()

    def _unanswered(self, voter: Voter) -> None:
        if voter in self.under_way:
            self.under_way.discard(voter)
            self.lost += 1
            self._moved.set()

    def _busy(self, voter: Voter) -> NoReturn:
        self.under_way.discard(voter)
        self.refused += 1
        self._moved.set()
        raise Lost

    async def _by_put(self, gang: list[Voter], line: Line) -> None:
        (voter,) = gang
        body = {"choices": [voter.choice], "round": self.round}
        try:
            status, found = await line.ask(
                "PUT", f"/api/polls/{self.poll}/ballot", body, token=voter.token, sent=lambda: self._left(voter)
            )
            if status == 503:
                self._busy(voter)
            assert status in (200, 201), (status, found)
            self._answered(voter, found)
        finally:
            self._unanswered(voter)

    async def _by_sockets(self, gang: list[Voter], line: Line) -> None:
        """A socket for each, opened one after the other; then all vote."""
        sockets: dict[Voter, WebSocketClientConnection] = {}
        try:
            for voter in gang:
                address = f"{self.url.replace('http', 'ws', 1)}/ws/polls/{self.poll}"
                request = HTTPRequest(address, headers={"Authorization": f"Bearer {voter.token}"})
                sockets[voter] = await websocket_connect(request)
            for voter, socket in sockets.items():
                writing = socket.write_message(json.dumps({"do": "vote", "ref": "1", "choices": [voter.choice]}))
                writing.add_done_callback(lambda done: done.exception())
                self._left(voter)
            for voter, socket in sockets.items():
                await self._read_answer(voter, socket)
        except WebSocketClosedError:
            raise Lost from None
        finally:
            for voter, socket in sockets.items():
                self._unanswered(voter)
                socket.close()

    async def _read_answer(self, voter: Voter, socket: WebSocketClientConnection) -> None:
        while (text := await socket.read_message()) is not None:
            message = json.loads(text)
            if message.get("ref") == "1":
                if message.get("error", {}).get("code") in ("unavailable", "draining"):
                    self._busy(voter)
                self._answered(voter, message["ok"])
                return

    # -- afterwards

    def receipts(self) -> set[str]:
        return {voter.receipt for voter in self.voters if voter.receipt}

    async def check_receipts(self) -> None:
        """Everyone's own ballot, asked for with the voter's token, is the one that was acknowledged."""
        left = iter(self.voters)

        async def ask() -> None:
            line = Line(self.url)
            try:
                for voter in left:
                    status, found = await line.ask("GET", f"/api/polls/{self.poll}", token=voter.token)
                    wanted = {"choices": [voter.choice], "receipt": voter.receipt, "round": 1}
                    assert status == 200 and found["ballot"] == wanted, (found, wanted)
            finally:
                line.close()

        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(ask())

    async def cast_again(self, every: int) -> None:
        """A ballot that was acknowledged and comes once more is the same ballot."""
        line = Line(self.url)
        for voter in itertools.islice(self.voters, 0, None, every):
            body = {"choices": [voter.choice], "round": 1}
            status, found = await line.ask("PUT", f"/api/polls/{self.poll}/ballot", body, token=voter.token)
            assert (status, found["receipt"]) == (200, voter.receipt)
        line.close()


class Rising:
    """Judges the tallies that one reader is shown: within a round no number falls."""

    def __init__(self) -> None:
        self.tallies = 0

    def __call__(self, key: str | None, old: Any, new: Any) -> None:
        if key != "tally" or not new:
            return
        self.tallies += 1
        assert sum(new["counts"].values()) == new["ballots"], new
        if old and old["round"] == new["round"]:
            assert new["ballots"] >= old["ballots"], (old, new)
            assert all(n >= old["counts"][choice] for choice, n in new["counts"].items()), (old, new)


@contextlib.asynccontextmanager
async def readers(url: str, stream: str, *, judge: bool = True) -> AsyncIterator[list[Watcher]]:
    """One on each transport; they come back by themselves for as long as this lasts."""
    found = [Watcher(url, each, stream, on_change=Rising() if judge else None) for each in TRANSPORTS]
    for watcher in found:
        watcher.pause = 0.05
        watcher.start()
    try:
        for watcher in found:
            await watcher.until(lambda c: c.synced)
        yield found
    finally:
        for watcher in found:
            await watcher.stop()


def stored(data: Path, poll: str) -> list[str]:
    """The receipts in the database, as a server that started now would find it: read from a copy of its files."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("livewall.db", "livewall.db-wal"):
            if (data / name).exists():
                shutil.copyfile(data / name, Path(folder) / name)
        return [
            row[0] for row in query(Path(folder) / "livewall.db", "SELECT receipt FROM ballots WHERE poll = ?", poll)
        ]


def query(database: Path, sql: str, *values: Any) -> list[Any]:
    connection = sqlite3.connect(database, isolation_level=None, timeout=10)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()
