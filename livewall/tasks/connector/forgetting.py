"""Removes the folders of attempts on far hosts whose ends are recorded, many with one session."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence

from livewall.tasks.connector import far_scripts
from livewall.tasks.connector.hosts import Hosts, Target
from livewall.tasks.connector.problems import Failed, UnknownHostKey, Unreachable

DELAY = 1.0
"""Seconds for which further attempts on the same host are waited for."""
TRIES = 4
BUSY_TRIES = 7
"""How often it is tried while commands are still being ended, with pauses that double: for two minutes."""
CLOSE_SECONDS = 5.0


class Forgetting:
    """What is to be removed, by host. What cannot be removed is given up: it is removed after a week as an old one."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._ids: dict[tuple[Target, str], set[str]] = {}
        self._tasks: dict[tuple[Target, str], asyncio.Task[None]] = {}
        self._closed = asyncio.Event()

    @property
    def pending(self) -> bool:
        return bool(self._tasks)

    def add(self, target: Target, folder: str, ids: Sequence[str]) -> None:
        """Remove the folders of these attempts soon. Raises NotSendable."""
        for attempt in ids:
            far_scripts.checked_id(attempt)
        key = (target, folder)
        self._ids.setdefault(key, set()).update(ids)
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._remove(key))

    async def close(self) -> None:
        """Remove at once what is left, within CLOSE_SECONDS."""
        self._closed.set()
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks.values()), timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()

    async def _remove(self, key: tuple[Target, str]) -> None:
        target, folder = key
        host = self._hosts.host(target)
        tries = busy = 0
        try:
            while self._ids.get(key) and tries < TRIES and busy < BUSY_TRIES:
                last = self._closed.is_set()
                await self._wait(DELAY * (1 + tries) * 2**busy)
                ids = sorted(self._ids[key])
                nonce = secrets.token_hex(8)
                script = far_scripts.forget(nonce, folder, ids, linger=self._closed.is_set())
                try:
                    async with host.slot():
                        report, _ = await host.ask(nonce, script)
                except Unreachable:
                    tries += 1
                except (Failed, UnknownHostKey):
                    return
                else:
                    kept = set(report[1:]).intersection(ids)
                    self._ids[key].difference_update(set(ids) - kept)
                    busy = busy + 1 if kept else 0
                    if last:
                        return  # the host itself removes them
        finally:
            self._ids.pop(key, None)
            del self._tasks[key]

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            pass
