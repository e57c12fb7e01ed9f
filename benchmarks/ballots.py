"""CPU of a durable ballot, beside a bare Tornado that answers the same bytes and keeps nothing.

Over WebSocket one voter a socket changes between two choices; over HTTP every ballot is a new voter's.
"""

from __future__ import annotations

from contextlib import ExitStack

from .clients import HTTPVoters, WebSocketVoters
from .machine import CLIENT_CORE, SERVER_CORE
from .plan import Plan, table
from .spread import Spread, ratios, verdict
from .target import Livewall, Peer, vote_message

SOCKETS, FLIGHT, WEBSOCKET_AIM = 10, 20, 2.0
CONNECTIONS, HTTP_AIM = 16, 1.43
BODY = '{"choices":["@C@"],"round":1}'


class Window:
    """CPU a ballot (µs), ballots a second and the median answer (µs), of several windows."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self.speed: list[float] = []
        self.answer: list[float] = []

    def add(self, cpu: int, answer: dict[str, float]) -> None:
        self.cost.append(cpu / answer["acked"] / 1000)
        self.speed.append(answer["acked"] / answer["seconds"])
        self.answer.append(answer["p50_us"])


def clients_beside(core: int | None) -> int | None:
    return None if core is None else CLIENT_CORE


def websocket(plan: Plan, sockets: int, flight: int, core: int | None) -> tuple[Window, Window]:
    """Livewall and the echo, in turn."""
    ours, theirs = Window(), Window()
    with ExitStack() as stack:
        server = stack.enter_context(Livewall(core=core))
        echo = stack.enter_context(Peer("echo", core=core))
        poll, tokens = server.poll(), server.voters(sockets)
        message = vote_message(poll)
        voters = WebSocketVoters(server.port, f"/ws/polls/{poll}", message, tokens=tokens, core=clients_beside(core))
        stack.callback(voters.close)
        echoed = WebSocketVoters(echo.port, "/", message, core=clients_beside(core))
        stack.callback(echoed.close)
        voters.open(sockets)
        echoed.open(sockets)
        for client in (voters, echoed):
            client.go(seconds=plan.seconds(1, 0.3), flight=flight)  # warm up
        for _ in range(plan.pairs):
            for child, client, window in ((server, voters, ours), (echo, echoed, theirs)):
                cpu = child.cpu()
                answer = client.go(seconds=plan.seconds(1.5, 0.7), flight=flight)
                window.add(child.cpu() - cpu, answer)
    return ours, theirs


def http(plan: Plan, connections: int, core: int | None) -> tuple[Window, Window]:
    """Livewall and the bare PUT, in turn; a new poll each time, so that every ballot is new."""
    ours, theirs = Window(), Window()
    with ExitStack() as stack:
        server = stack.enter_context(Livewall(core=core))
        put = stack.enter_context(Peer("put", core=core))
        tokens = server.voters(plan.size(16_000, 2_000))
        for turn in range(plan.pairs + 1):  # the first warms up
            path = f"/api/polls/{server.poll()}/ballot"
            for child, window in ((server, ours), (put, theirs)):
                with HTTPVoters(child.port, "PUT", path, BODY, tokens=tokens, core=clients_beside(core)) as client:
                    client.open(connections)
                    cpu = child.cpu()
                    answer = client.go(seconds=plan.seconds(1.5, 0.7), count=len(tokens))
                    spent = child.cpu() - cpu
                if turn:
                    window.add(spent, answer)
    return ours, theirs


def row(name: str, windows: tuple[Window, Window], aim: float | None) -> list[str]:
    ours, theirs = windows
    ratio = ratios(ours.cost, theirs.cost)
    return [
        name,
        Spread.of(ours.cost).text(1),
        Spread.of(theirs.cost).text(1),
        f"**{ratio.text()}**" + (f" ({verdict(ratio.median, aim)})" if aim else ""),
        f"{Spread.of(ours.speed).text(0)}; {Spread.of(theirs.speed).text(0)}",
        f"{Spread.of(ours.answer).text(0)}; {Spread.of(theirs.answer).text(0)}",
    ]


def run(plan: Plan) -> str:
    core = SERVER_CORE
    rows = [
        row("WebSocket, 10 sockets, 20 in flight", websocket(plan, SOCKETS, FLIGHT, core), WEBSOCKET_AIM),
        row("HTTP `PUT`, 16 keep-alive connections", http(plan, CONNECTIONS, core), HTTP_AIM),
        row("WebSocket, one at a time", websocket(plan, 1, 1, core), None),
        row("HTTP `PUT`, one at a time", http(plan, 1, core), None),
        row("WebSocket, 10 sockets, 20 in flight, unpinned", websocket(plan, SOCKETS, FLIGHT, None), None),
        row("HTTP `PUT`, 16 connections, unpinned", http(plan, CONNECTIONS, None), None),
    ]
    head = [
        "ballots",
        "Livewall, µs of CPU a ballot",
        "bare Tornado, µs",
        "ratio",
        "a second: Livewall; bare",
        "median answer, µs: Livewall; bare",
    ]
    return table(head, rows)
