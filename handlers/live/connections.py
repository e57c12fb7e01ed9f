"""The live connections of this process: counted by transport, closed when a sign-in is revoked or the server stops."""

from __future__ import annotations

import asyncio
from typing import Protocol

from handlers.live.heartbeat import Heartbeat
from livewall.errors import LivewallError
from livewall.metrics import Metrics

WEBSOCKET_HEARTBEAT = 20.0
SSE_HEARTBEAT = 15.0
BATCH = 200
SPREAD_MS = 5000
"""Clients of a server that stops reconnect within this many milliseconds, spread evenly."""


class Connection(Protocol):
    @property
    def transport(self) -> str: ...

    @property
    def credential(self) -> str: ...

    def refuse(self, error: LivewallError) -> None:
        """Close the connection, and tell the client whether to reconnect."""

    def drain(self, after_ms: int) -> None:
        """Close the connection, and tell the client to reconnect after this many milliseconds."""


class Connections:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._all: dict[Connection, None] = {}
        self._by_credential: dict[str, dict[Connection, None]] = {}
        self._ended: set[str] = set()
        self._draining = False
        self.websocket_heartbeat = Heartbeat(WEBSOCKET_HEARTBEAT)
        self.sse_heartbeat = Heartbeat(SSE_HEARTBEAT)

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: Connection) -> None:
        self._all[connection] = None
        if connection.credential:
            self._by_credential.setdefault(connection.credential, {})[connection] = None
            if connection.credential in self._ended:  # it was revoked while this connection was being opened
                asyncio.get_running_loop().call_soon(connection.refuse, revoked_error())
        if self._draining:  # it was being opened while the others were drained
            asyncio.get_running_loop().call_soon(connection.drain, SPREAD_MS)
        self._metrics.readers.labels(connection.transport).inc()

    def remove(self, connection: Connection) -> None:
        if connection not in self._all:
            return
        del self._all[connection]
        if connection.credential:
            connections = self._by_credential[connection.credential]
            connections.pop(connection, None)
            if not connections:
                del self._by_credential[connection.credential]
        self._metrics.readers.labels(connection.transport).dec()

    def revoked(self, credential: str) -> None:
        """Close all connections that were opened with a credential that is no longer valid."""
        self._ended.add(credential)
        for connection in list(self._by_credential.get(credential, ())):
            connection.refuse(revoked_error())

    async def drain(self) -> None:
        """Close all connections in batches, so that the clients reconnect spread out."""
        self._draining = True
        connections = list(self._all)
        for index, connection in enumerate(connections):
            # Nobody is asked to reconnect at once: only a server that is about to stop is there yet.
            connection.drain(200 + SPREAD_MS * index // max(1, len(connections)))
            if index % BATCH == BATCH - 1:
                # Between two batches the loop sends the close frames, and answers acts that are under way.
                await asyncio.sleep(0.02)


def revoked_error() -> LivewallError:
    return LivewallError("unauthenticated", "this sign-in was revoked or has expired")
