"""Follows streams over whichever transport works, without missing events."""

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
    """An asynchronous iterable of the messages of streams, without duplicates and heartbeats.

    The messages are `reset`, events, `synced`, volatile ones, and the `error` that ends one of several streams.
    `held[stream]` is the state of a stream, and `transport` the transport in use. `live` says whether there is a
    connection, `was_live` whether there ever was one, and `state_since` since when (monotonic) `live` has its value.
    Iterating raises Refusal when no stream is left, and NotReached if the server is not reached within `server.wait`
    seconds. Once it was reached, the subscription waits for it without limit.
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
        """Yield the messages of one connection, until there is a reason to open another one."""

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
                        return  # continue with the other streams only
                if self.ladder.climb(now):
                    return

    def _apply(self, message: Message) -> bool:
        """Apply a message; return whether it is new. Raises ConnectionEnded if it proves that events are missing."""
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
    """Return a subscription to `streams`, from the positions `since` or from snapshots."""
    return Subscription(server, streams, since)
