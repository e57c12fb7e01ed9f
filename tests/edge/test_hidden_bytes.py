"""A hidden tally is in no byte that is sent to those who may not see it: not on a page, not in an answer of the API, an
error or an export, not on a stream, wherever it is resumed; whatever hosts do meanwhile. What is looked for are figures
that cannot come by chance, and any difference at all between two polls that differ in their hidden figures only."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from addresses import addresses, asked_for
from clients import ADMIN, Client
from eavesdropper import Tap, seen
from tornado.ioloop import IOLoop
from twins import Poll, Scene, Told, host_cookie, staged
from watchers import TRANSPORTS, Watcher

import server
from handlers.live import connections

KINDS: dict[str, dict[str, Any]] = {
    "after_vote": {"results": "after_vote"},
    "after_close": {"results": "after_close", "kind": "multi", "max_choices": 3},
    "on_publish": {"results": "on_publish", "assurance": "code", "compare": True},
}


@pytest.fixture
def tap(io_loop: IOLoop, running: server.Running) -> Iterator[Tap]:
    made = Tap(running.port)
    io_loop.run_sync(made.start)
    yield made
    io_loop.run_sync(made.stop)


@pytest.fixture
def settings(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(connections, "WEBSOCKET_HEARTBEAT", 1.0)
    monkeypatch.setattr(connections, "SSE_HEARTBEAT", 0.75)
    return settings


Answers = dict[tuple[str, ...], list[Told]]
"""What was asked, with names for what differs between the twins, and what each answered."""


# -- what is asked for

CHOOSING = {
    "lang": "zh",
    "theme": "light",
    "ask": "1",
    "tab": "questions",
    "change": "1",
    "receipt": "{receipt}",
    "code": "ABCD",
    "as": "audience",
    "round": "1",
    "embed": "1",
}
"""Arguments that choose what is shown, each tried alone, too."""
VALUES = CHOOSING | {
    "since": "",
    "wait": "0",
    "limit": "5",
    "before": "",
    "state": "",
    "q": "a",
    "step": "a",
    "host": "a",
    "order": "given",
    "done": "open",
    "at": "x",
    "download": "1",
    "write": "1",
    "format": "txt",
    "case": "1",
    "v": "x",
    "packs": "off",
    "id": "1",
    "from": "1",
    "next": "",
    "edit": "{poll}",
    "param": "commit",
    "do": "approve",
    "c": "",
    "room": "ops",
    "person": "abcdefghijkl",
    "more": "",
}
"""Every argument that a handler reads."""


def queries(poll: Poll, *, each: bool) -> list[str]:
    """All arguments together and, for `each`, those that choose what is shown alone."""
    known = {name: value.format(receipt=poll.receipt, poll=poll.id) for name, value in VALUES.items()}
    together = "&".join(f"{name}={value}" for name, value in known.items() if name != "as")
    alone = [f"?{name}={known[name]}" for name in CHOOSING] if each else []
    return ["", f"?{together}", f"?{together}&as=audience", *alone]


async def sweep(scene: Scene, host: dict[str, str], *, deep: bool, each: bool = False) -> Answers:
    """Ask for everything, as those who may not see it; `deep` of both twins, whose answers stand side by side, and
    with every method; `each` with each argument alone, too."""
    answers: Answers = {}
    for poll in scene.polls if deep else scene.polls[:1]:
        for address in addresses(poll.stands_for(scene.task)):
            about = poll.id in address.path or poll.wall in address.path
            if not (about or deep):
                continue
            name = address.path.replace(poll.id, "ID").replace(poll.wall, "CODE").replace(poll.receipt, "RECEIPT")

            asked = [("host", host, "?as=audience")]
            for who, headers in scene.people.items():
                most = who == scene.knows_most
                wanted = queries(poll, each=each and most) if about and (most or (deep and who == "nobody")) else [""]
                asked += [(who, headers, query) for query in wanted]
            if address.framed:  # a host's own projector
                asked += [("host", host, query) for query in queries(poll, each=False)]
            if address.path == "/metrics":  # an operator's, and full of numbers that may be any
                asked = [each for each in asked if each[0] != "operator"]
            for who, headers, query in asked:
                answer = await scene.ask("GET", address.path + query, headers)
                if about:
                    place = query.replace(poll.receipt, "").replace(poll.id, "ID")
                    answers.setdefault((name, place, who), []).append(answer)
            for method in sorted(address.methods - {"GET"}) if deep else []:
                await scene.ask(method, address.path, scene.people["voter"], b"" if method == "HEAD" else b"{}")
    return answers


VARYING = [
    (rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", b"TIME"),
    (rb"\d{4}-\d\d-\d\d \d\d:\d\d", b"MINUTE"),
    (rb"[0-9a-z]+~?\.\d+", b"POSITION"),
    (rb'name="_form" value="[^"]*"', b"FORM"),
]


def alike(answer: Told, poll: Poll) -> Told:
    """An answer without what differs between any two polls."""
    status, body = answer
    for own, name in ((poll.id, b"ID"), (poll.wall, b"CODE"), (f"{poll.wall[:3]} {poll.wall[3:]}", b"CODE")):
        body = body.replace(own.encode(), name)
    for receipt in (poll.receipt, "-".join(poll.receipt[i : i + 4] for i in range(0, 16, 4))):
        body = body.replace(receipt.encode(), b"RECEIPT")
    for pattern, name in VARYING:
        body = re.sub(pattern, name, body)
    return status, body


def compare(scene: Scene, answers: Answers) -> None:
    for what, (one, other) in answers.items():
        assert alike(one, scene.polls[0]) == alike(other, scene.polls[1]), what


def watcher(scene: Scene, transport: str, stream: str, headers: Mapping[str, str], query: str) -> Watcher:
    made = Watcher(scene.tap.url, transport, stream, query=query)
    made.headers = dict(headers)
    made.pause = 0.1
    return made


async def follow(scene: Scene) -> None:
    """Each transport, from each kind of position, alone and beside the wall, as some of those."""
    poll = scene.polls[0]
    stream, wall = f"polls/{poll.id}", f"walls/{poll.wall}"
    full = (await scene.client.updates(stream, token=ADMIN)).json["pos"]
    masked = (await scene.client.updates(stream)).json["pos"]
    epoch, _, n = masked.partition("~.")
    others = ["", f"{epoch}~.{int(n) - 1}", full, f"{epoch}.0", "zzzz.7", f"{epoch}~.99999", "junk"]
    through = Client(scene.tap.url, scene.client.http)
    for headers, query in scene.everyone[1:3] + scene.everyone[-1:]:
        for names in (stream, f"{stream},{wall}"):
            for position in [*others, masked]:
                await scene.ask("GET", f"/updates/{names}?wait=0&since={position}{query}", headers)
                await scene.ask("GET", f"/updates/{names}?wait=0{query}", {**headers, "If-None-Match": f'"{position}"'})
        for position in others:
            socket = await through.socket(f"/ws/{stream}?since={position}{query}", headers=dict(headers))
            await socket.until(lambda m: "pos" in m)
            socket.close()
            await events(scene.tap, f"/sse/{stream}?since={position}{query}", headers)
        socket = await through.socket(f"/ws/{wall}?{query}", headers=dict(headers))
        await socket.synced()
        for position in [*others, masked]:
            await socket.act("subscribe", stream=stream, since=position)
        socket.close()
    for socket in through.sockets:
        await socket.closed()


async def events(tap: Tap, path: str, headers: Mapping[str, str]) -> None:
    """Read server-sent events up to the first that has a position."""
    reader, writer = await asyncio.open_connection("127.0.0.1", tap.listens)
    lines = [f"GET {path} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    await asyncio.wait_for(reader.readuntil(b'"pos":'), 10)
    writer.close()


class Staying:
    """Readers of the first poll that stay through all that happens."""

    def __init__(self, scene: Scene) -> None:
        self.poll = scene.polls[0]
        stream = f"polls/{self.poll.id}"
        self.watchers = [watcher(scene, t, stream, *who) for t in TRANSPORTS for who in scene.everyone]

    async def told(self, key: str, other: str) -> None:
        """Wait until all hold the newest of `key`, and none holds `other`."""
        for each in self.watchers:
            await each.until(lambda c: (c.state.get(key) or {}).get("ballots") == self.poll.ballots)
            assert other not in each.checker.state

    async def told_nothing(self) -> None:
        for each in self.watchers:
            await each.until(lambda c: not any(c.state.values()))


@contextlib.asynccontextmanager
async def staying(scene: Scene) -> AsyncIterator[Staying]:
    made = Staying(scene)
    for each in made.watchers:
        each.start()
    try:
        yield made
    finally:
        for each in made.watchers:
            await each.stop()
        scene.line.close()


@pytest.mark.timeout(300)  # two cores may have other work
@pytest.mark.parametrize("kind", KINDS)
async def test_a_hidden_tally_is_in_no_byte_sent(client: Client, running: server.Running, tap: Tap, kind: str) -> None:
    scene = await staged(client, running, tap, KINDS[kind])
    on_publish = KINDS[kind]["results"] == "on_publish"
    hidden: list[str] = []
    host = await host_cookie(client)

    async def look(*, deep: bool = False) -> None:
        answers = await sweep(scene, host, deep=deep, each=deep and on_publish)
        assert not (found := seen(tap.sent, hidden)), found
        if deep:
            compare(scene, answers)

    async with staying(scene) as readers:
        hidden += await scene.pour()
        await readers.told("turnout", "tally")
        await look(deep=kind in ("after_vote", "on_publish"))
        await follow(scene)
        await scene.all("POST", "/close")
        if on_publish:
            await look()
            for poll in scene.polls:
                await client.host("PUT", f"/api/walls/{poll.wall}", {"active": None})
            await look()
            await scene.all("POST", "/publish")
        await readers.told("tally", "turnout")
        assert seen(tap.sent, hidden), "what is shown is not found either"
        if on_publish:
            await scene.all("POST", "/publish", {"published": False})
        await scene.all("POST", "/open")
        new = await scene.pour()
        await readers.told("turnout", "tally")
        assert not (found := seen(tap.sent, new)), found
        hidden += new
        tap.sent.clear()
        await look()
        await scene.all("POST", "/close")
        await scene.all("POST", "/reset", {"round": 1})
        await readers.told_nothing()
        tap.sent.clear()
        await look()
        await scene.all("POST", "/open")
        hidden += await scene.pour()
        await readers.told("turnout", "tally")
        await follow(scene)
        await look()


def test_every_argument_of_an_address_is_tried() -> None:
    assert asked_for() <= VALUES.keys()
