"""What the server's process and our own took: of the server as /metrics says it, of ourselves as the system does."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from livewall.client.calls import Server

LOOK = 0.05  # seconds between two looks at our own loop


class ProcessUsage(NamedTuple):
    """CPU seconds since the process began, its resident bytes, and when it began (to tell a restart)."""

    cpu: float
    memory: float
    started: float


def parse(text: str) -> ProcessUsage | None:
    """None where the server says nothing of it."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith("process_"):
            found[name] = float(value)
    try:
        return ProcessUsage(
            found["process_cpu_seconds_total"],
            found["process_resident_memory_bytes"],
            found["process_start_time_seconds"],
        )
    except KeyError:
        return None


async def taken(server: Server) -> ProcessUsage | None:
    """Raises Refusal, NotReached."""
    return parse((await server.raw("/metrics")).decode())


class OwnUsage:
    """How busy this process is: `async with` measures."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self.cpu = self.seconds = 0.0

    async def __aenter__(self) -> OwnUsage:
        self._cpu, self._start = time.process_time(), time.monotonic()
        self._looking = asyncio.ensure_future(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._looking.cancel()
        self.cpu, self.seconds = time.process_time() - self._cpu, time.monotonic() - self._start

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK
            await asyncio.sleep(LOOK)
            self.lags.append(loop.time() - due)
