"""Server CPU per delivery to many WebSocket readers, beside a C loop of send() and `write_message` in a loop.

In a window real ballots move the tally, so that it is published as often as the server sees fit (20 times a second
at most). What the same run costs with 10 readers is taken off; what remains is the fan-out, with the pings and
heartbeats of the readers, which are also shown apart.
"""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack
from statistics import median

from .clients import Readers, WebSocketVoters, checked
from .machine import free_port
from .native import program
from .plan import Plan, table
from .progress import PATIENCE_SECONDS, answer_within
from .spread import Spread, ratios, verdict
from .target import Child, Livewall, Peer, vote_message

FEW = 10
BALLOTS_PER_SECOND = 40
AIM = 1.3


class Watched:
    """A real server with readers on an open poll, and voters (read nowhere else) who keep changing their minds."""

    def __init__(self, stack: ExitStack, count: int, *options: str, voters: int = 2, over: float = 0) -> None:
        self.server: Livewall = stack.enter_context(Livewall(*options))
        watched, other = self.server.poll(), self.server.poll("Where the voters' own sockets are open")
        tokens = self.server.voters(voters)
        self.path = f"/ws/polls/{watched}"
        self.readers = Readers(self.server.port, self.path)
        stack.callback(self.readers.close)
        self.readers.open(count, over=over)
        self.voters = WebSocketVoters(self.server.port, f"/ws/polls/{other}", vote_message(watched), tokens=tokens)
        stack.callback(self.voters.close)
        self.voters.open(voters)

    def window(self, seconds: float, rate: float = BALLOTS_PER_SECOND) -> tuple[int, int]:
        """CPU nanoseconds and deliveries of a stretch with that many ballots a second.

        Raises RuntimeError if nothing was delivered: the machine is too busy to measure anything.
        """
        self.voters.start(rate=rate, flight=20)
        time.sleep(0.3)
        cpu, deliveries = self.server.cpu(), self.readers.stat()["tallies"]
        time.sleep(seconds)
        spent = self.server.cpu() - cpu, self.readers.stat()["tallies"] - deliveries
        checked(self.voters.stop())
        if not spent[1]:
            raise RuntimeError(f"no tally reached a reader within {seconds:g} s")
        return spent

    def idle(self, seconds: float) -> int:
        cpu = self.server.cpu()
        time.sleep(seconds)
        return self.server.cpu() - cpu


class Floor:
    """native/floor.c with its readers."""

    def __init__(self, stack: ExitStack, count: int) -> None:
        port = free_port()
        arguments = [str(program("floor")), str(port), str(count)]
        self.child: Child = stack.enter_context(
            Child(arguments, port, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        self.readers = Readers(port, "/")
        stack.callback(self.readers.close)
        self.readers.open(count)

    def window(self, rate: float, seconds: float, frame: str) -> tuple[int, int]:
        return _told(self.child, self.readers, f"send {rate} {seconds} {frame}", "{", seconds + PATIENCE_SECONDS)


class WriteMessage:
    """peers/broadcast.py with its readers."""

    def __init__(self, stack: ExitStack, count: int) -> None:
        self.child: Peer = stack.enter_context(
            Peer("broadcast", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        self.readers = Readers(self.child.port, "/")
        stack.callback(self.readers.close)
        self.readers.open(count)

    def window(self, rate: float, seconds: float, text: str) -> tuple[int, int]:
        return _told(self.child, self.readers, f"{rate} {seconds} {text}", "done", seconds + PATIENCE_SECONDS)


def _told(child: Child, readers: Readers, line: str, answer: str, patience: float) -> tuple[int, int]:
    """Give a peer its order; CPU nanoseconds and deliveries until everything has arrived.

    Raises RuntimeError if the peer ended, or did not answer in time and was ended.
    """
    process = child.process
    assert process.stdin is not None and process.stdout is not None
    cpu, before = child.cpu(), readers.stat()["tallies"]
    process.stdin.write(line + "\n")
    process.stdin.flush()
    with answer_within(patience, process):
        while not (heard := process.stdout.readline()).startswith(answer):
            if not heard:
                raise RuntimeError(f"a peer ended, or did not answer for {patience:g} s: {process.args!r}")
    seen = readers.stat()["tallies"]
    while True:
        time.sleep(0.1)
        last, seen = seen, readers.stat()["tallies"]
        if last == seen:
            return child.cpu() - cpu, seen - before


def compare(count: int, plan: Plan) -> list[str]:
    """The rows for one number of readers."""
    net, whole, floor, loop, rates, keeping = [], [], [], [], [], []
    readers = f"{count:,} readers"
    with ExitStack() as stack:
        plan.step(f"opening connections of {readers}, over {plan.seconds(20):g} s")
        few, many = Watched(stack, FEW), Watched(stack, count, over=plan.seconds(20))
        plan.step(f"opening as many connections of the C loop and of `write_message`, {readers}")
        bare, naive = Floor(stack, count), WriteMessage(stack, count)
        for number in range(plan.pairs):
            seconds, short = plan.seconds(6, 2), plan.seconds(3, 1)
            pair = f"{readers}, windows {number + 1} of {plan.pairs}"
            plan.step(f"{pair}: Livewall with {FEW} readers, {short:g} s")
            few_cpu, few_deliveries = few.window(short)
            plan.step(f"{pair}: Livewall, {seconds:g} s")
            cpu, deliveries = many.window(seconds)
            share = seconds / short
            net.append((cpu - few_cpu * share) / (deliveries - few_deliveries * share) / 1000)
            whole.append(cpu / deliveries / 1000)
            rates.append(deliveries / count / seconds)
            frame = many.readers.frame()
            plan.step(f"{pair}: C loop, {short:g} s")
            cpu, deliveries = bare.window(rates[-1], short, frame)
            floor.append(cpu / deliveries / 1000)
            text = bytes.fromhex(frame)[4:].decode()
            plan.step(f"{pair}: `write_message`, {short:g} s")
            cpu, deliveries = naive.window(min(rates[-1], 10_000 / count), short, text)
            loop.append(cpu / deliveries / 1000)
        for number in range(plan.size(3, 1)):
            seconds = plan.seconds(20, 2)
            plan.step(f"{readers}, idle, {number + 1} of {plan.size(3, 1)}: {seconds:g} s")
            keeping.append(many.idle(seconds) / seconds / count / 1000)
        size = len(frame) // 2
    # Microseconds a second a reader, over publications a second: what keeping adds to each delivery.
    kept = median(keeping)
    sent_only = [each - kept / rate for each, rate in zip(net, rates, strict=True)]
    ratio, over, naive_ratio = ratios(net, floor), ratios(whole, floor), ratios(loop, whole)
    return [
        f"{count:,}",
        f"{size}",
        Spread.of(rates).text(1),
        Spread.of(floor).text(),
        Spread.of(net).text(),
        f"**{ratio.text()}** ({verdict(ratio.median, AIM)})",
        f"{Spread.of(sent_only).text()}, {ratios(sent_only, floor).text()} ×",
        f"{Spread.of(whole).text()}, {over.text()} ×",
        f"{Spread.of(loop).text()}, {naive_ratio.text(1)} × the whole",
        Spread.of(keeping).text(1),
    ]


def run(plan: Plan) -> str:
    rows = [compare(count, plan) for count in ((100,) if plan.quick else (1000, 9000))]
    head = [
        "readers",
        "bytes a frame",
        "publications a second",
        "C loop of `send()`, µs",
        "Livewall less the run with 10 readers, µs",
        "ratio to the C loop",
        "the same less what keeping the readers costs, µs",
        "the whole, µs",
        "`write_message` in a loop, µs",
        "keeping an idle reader (pings, heartbeats), µs a second",
    ]
    # Turned round: a figure a line reads better than nine columns.
    turned = [[name, *(row[i] for row in rows)] for i, name in enumerate(head)]
    return table(turned[0], turned[1:])
