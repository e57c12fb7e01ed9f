"""The CPU time and memory of the server, from /metrics, and of this process, from the operating system."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from livewall.client.calls import Server

LAG_INTERVAL = 0.05  # seconds between two measurements of the event loop's lag


class ProcessUsage(NamedTuple):
    """CPU seconds since the process began, its resident bytes, and when it began (to tell a restart)."""

    cpu: float
    memory: float
    started: float


def parse(text: str) -> ProcessUsage | None:
    """Return the usage in a text of /metrics, or None if it has none."""
    values: dict[str, float] = {}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith("process_"):
            values[name] = float(value)
    try:
        return ProcessUsage(
            values["process_cpu_seconds_total"],
            values["process_resident_memory_bytes"],
            values["process_start_time_seconds"],
        )
    except KeyError:
        return None


async def server_usage(server: Server) -> ProcessUsage | None:
    """Return the usage of the server's process. Raises Refusal, NotReached."""
    return parse((await server.raw("/metrics")).decode())


class OwnUsage:
    """Measures the load of this process during an `async with` block."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self.cpu = self.seconds = 0.0

    async def __aenter__(self) -> OwnUsage:
        self._cpu, self._start = time.process_time(), time.monotonic()
        self._measuring = asyncio.ensure_future(self._measure_lag())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._measuring.cancel()
        self.cpu, self.seconds = time.process_time() - self._cpu, time.monotonic() - self._start

    async def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_INTERVAL
            await asyncio.sleep(LAG_INTERVAL)
            self.lags.append(loop.time() - due)
