"""Streams as they are, for as long as one listens: whichever transport works, and without a hole."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from livewall.client.calls import NotReached, Refusal, Server
from livewall.client.ladder import Ladder
from livewall.client.stream_state import Message, StreamState, Verdict
from livewall.client.transports import DELIVERING, TRANSPORTS, ConnectionEnded


class Subscription:
    """Iterate over it for the wire's messages: `reset`, events, `synced`, volatile ones, and the `error` that ends a
    stream among several. What is known already and heartbeats are left out.

    `held[stream]` has what the stream holds. `live` is false while there is no connection, `was_live` before the first;
    `since_when` (monotonic) says since when; `transport` is the one in use. Raises Refusal when no stream is left to
    follow, and NotReached when the server was not there within `server.wait` seconds; once it was, it is waited for
    without end.
    """

    def __init__(self, server: Server, streams: Sequence[str], since: Sequence[str | None] = ()) -> None:
        self.server = server
        positions = [*since, *[None] * (len(streams) - len(since))]
        self.held = {stream: StreamState(stream, at) for stream, at in zip(streams, positions, strict=True)}
        self.ladder = Ladder()
        self.live = False
        self.state_since = time.monotonic()
        self.problem = ""  # why there is no connection
        self.was_live = False

    @property
    def transport(self) -> str:
        return self.ladder.transport

    async def __aiter__(self) -> AsyncGenerator[Message, None]:
        while True:
            streams = [stream for stream, held in self.held.items() if held.error is None]
            if not streams:
                raise self._last_refusal()
            self.ladder.opening(time.monotonic())
            try:
                async with aclosing(self._connection(streams)) as messages:
                    async for message in messages:
                        yield message
                continue
            except ConnectionEnded as problem:
                delay = self._on_loss(problem)
                waited = time.monotonic() - self.state_since
                was_reached = self.was_live or problem.reached or self.server.reached
                if not was_reached and waited + delay > self.server.wait:
                    raise NotReached(f"{self.server.url} cannot be reached: {problem}.") from None
            except (KeyError, TypeError, ValueError) as problem:
                delay = self._on_loss(ConnectionEnded(f"against the contract: {problem!r}"))
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))

    async def _connection(self, streams: Sequence[str]) -> AsyncGenerator[Message, None]:
        """What one connection delivers; ends when there is a reason to make another."""

        def positions() -> list[str | None]:
            return [self.held[stream].resume_at for stream in streams]

        source = TRANSPORTS[self.ladder.transport](self.server, streams, positions)
        async with aclosing(source) as messages:
            async for message in messages:
                now = time.monotonic()
                self._on_delivery(now)
                if message is not DELIVERING and self._apply(message):
                    yield message
                    if "error" in message and len(streams) > 1:
                        return  # go on with the others only
                if self.ladder.climb(now):
                    return

    def _apply(self, message: Message) -> bool:
        """Whether the message says something new. Raises Broken when it proves that one was lost."""
        if "heartbeat" in message:
            for stream, pos in message["heartbeat"].items():
                if stream in self.held and self.held[stream].heartbeat(pos) is Verdict.GAP:
                    raise ConnectionEnded(f"missed events of {stream}")
            return False
        stream = message.get("stream")
        if stream not in self.held:
            return False
        verdict = self.held[stream].apply(message)
        if verdict is Verdict.GAP:
            raise ConnectionEnded(f"a hole in {stream}")
        return verdict is Verdict.APPLIED

    def _on_delivery(self, now: float) -> None:
        self.ladder.deliver(now)
        if not self.live:
            self.live = self.was_live = True
            self.state_since, self.problem = now, ""

    def _on_loss(self, problem: ConnectionEnded) -> float:
        now = time.monotonic()
        if self.live:
            self.live, self.state_since = False, now
        self.problem = str(problem)
        return self.ladder.failed(now, reached=problem.reached, hint=problem.hint)

    def _last_refusal(self) -> Refusal:
        errors = [held.error for held in self.held.values() if held.error is not None]
        error = errors[-1]
        return Refusal(403, error.get("code", "forbidden"), error.get("message", "The stream has ended."))


def subscribe(server: Server, streams: Sequence[str], since: Sequence[str | None] = ()) -> Subscription:
    """Follow `streams`, from `since` on or from a snapshot."""
    return Subscription(server, streams, since)
