"""Follows streams over whichever transport works, without missing events."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from livewall.client.calls import NotReached, Refusal, Server
from livewall.client.ladder import (
    LEVELS,
    Ending,
    LadderState,
    after_ending,
    backoff,
    climb_failed,
    climb_succeeded,
    plan_climb,
)
from livewall.client.stream_state import Message, StreamState, Verdict
from livewall.client.transports import DELIVERING, TRANSPORTS, ConnectionEnded


@dataclass
class Link:
    """One transport in use, and what the ladder asks about it when it ends."""

    level: int
    source: AsyncGenerator[Message, None]
    opened_at: float
    delivered: bool = False


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
        self.ladder = LadderState()
        self._link: Link | None = None
        self._probe: Link | None = None  # a better transport, open and not yet in use
        self._misses = 0  # how often in a row the server was not reached
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
                delay = self._on_loss(ConnectionEnded(f"a violation of the protocol: {problem!r}"))
            await asyncio.sleep(delay)

    async def _connection(self, streams: Sequence[str]) -> AsyncGenerator[Message, None]:
        """Yield the messages of one transport, and of better ones that take over, until there is a reason to connect
        again.
        """
        self._link = self._open(self.ladder.level, streams)
        climbing = asyncio.ensure_future(self._climb(streams))
        try:
            while True:
                message = await anext(self._link.source)
                self._on_delivery()
                if message is not DELIVERING and self._apply(message):
                    yield message
                    if "error" in message and len(streams) > 1:
                        return  # continue with the other streams only
                if self._probe is not None:
                    await self._link.source.aclose()
                    self._link, self._probe = self._probe, None
                    self.ladder = climb_succeeded(self.ladder, self._link.level)
                    climbing = asyncio.ensure_future(self._climb(streams))
        finally:
            climbing.cancel()
            await asyncio.wait({climbing})
            for link in (self._link, self._probe):
                if link is not None:
                    await link.source.aclose()
            self._probe = None

    async def _climb(self, streams: Sequence[str]) -> None:
        """Try better transports, and end when one has delivered something.

        The transport in use stays open until then, and hands over at its next message, so that nothing is late.
        """
        while (plan := plan_climb(self.ladder, random.random)) is not None:
            await asyncio.sleep(plan.wait)
            probe = self._open(plan.target, streams)
            try:
                await anext(probe.source)
            except (ConnectionEnded, Refusal):
                self.ladder = climb_failed(self.ladder)
            else:
                self._probe = probe
                return

    def _open(self, level: int, streams: Sequence[str]) -> Link:
        def positions() -> list[str | None]:
            return [self.held[stream].resume_at for stream in streams]

        return Link(level, TRANSPORTS[LEVELS[level]](self.server, streams, positions), time.monotonic())

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
            raise ConnectionEnded(f"a gap in {stream}")
        return verdict is Verdict.APPLIED

    def _on_delivery(self) -> None:
        assert self._link is not None
        self._link.delivered = True
        if not self.live:
            self.live = self.was_live = True
            self.state_since, self.problem = time.monotonic(), ""

    def _on_loss(self, problem: ConnectionEnded) -> float:
        """Note that the connection has ended, and return the seconds to wait before the next one."""
        assert self._link is not None
        now = time.monotonic()
        if self.live:
            self.live, self.state_since = False, now
        self.problem = str(problem)
        if not problem.reached and problem.hint is None:
            # Nothing was learnt about the transport. A page cannot tell this case from the others; here it is known.
            self._misses += 1
            return backoff(self._misses - 1, random.random)
        self._misses = 0
        ending = Ending(
            self._link.delivered,
            now - self._link.opened_at,
            silent=problem.silent,
            sent_away=problem.sent_away,
            retry=problem.hint,
        )
        self.ladder, wait = after_ending(self.ladder, ending, random.random)
        return wait

    def _last_refusal(self) -> Refusal:
        errors = [held.error for held in self.held.values() if held.error is not None]
        error = errors[-1]
        return Refusal(403, error.get("code", "forbidden"), error.get("message", "The stream has ended."))


def subscribe(server: Server, streams: Sequence[str], since: Sequence[str | None] = ()) -> Subscription:
    """Return a subscription to `streams`, from the positions `since` or from snapshots."""
    return Subscription(server, streams, since)
