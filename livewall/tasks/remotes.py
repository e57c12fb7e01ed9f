"""The server's side of what steps do on hosts: connectors, what programs get, and known host keys.

A connector (`livewall.tasks.connector`) is a process that holds the SSH connections of a task. It outlives the server,
as supervisors do, and is started again if it ends while a step needs it.
"""

from __future__ import annotations

import asyncio
import getpass
import hashlib
import importlib.util
import logging
import os
import subprocess
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import Any

from livewall.background_tasks import BackgroundTasks
from livewall.errors import LivewallError
from livewall.tasks.actions import StartAttempt
from livewall.tasks.connector.known_hosts import accept
from livewall.tasks.connector.process import MISSING, Connector
from livewall.tasks.hosts.inventory import KNOWN_HOSTS, Host, SshOptions
from livewall.tasks.pipelines.pipeline import Pipeline
from livewall.tasks.target_rows import HostKey

log = logging.getLogger("livewall.tasks")

REPORTS_PER_SECOND = 20
"""How often all hosts of a step together report progress: each report sends all targets of the step."""
REPORT_INTERVAL = 0.5
RESTART_SECONDS = 0.5
"""Seconds between two looks at a connector that cannot be started."""


class Remotes:
    """The connectors of the tasks below `folder`. `beside` is the folder of pipelines, where relative
    paths are looked up, and `epoch` tells the databases apart whose tasks have the same ids."""

    def __init__(
        self, folder: Path, beside: Path | None, epoch: str, environment: Mapping[str, str], threads: Executor
    ) -> None:
        self._folder = folder
        self._beside = beside
        self._epoch = epoch
        self._environment = environment
        self._threads = threads
        self._tasks = BackgroundTasks(log, "a connector could not be watched")
        self._users: dict[str, int] = {}
        """How many attempts of a task use its connector."""
        self._loop = asyncio.get_running_loop()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        """The connector that this server started last, by its task."""
        self._watched: set[str] = set()
        """The tasks whose connectors are started again when they end."""

    @property
    def started(self) -> list[str]:
        """The tasks for which this server has started a connector."""
        return list(self._processes)

    async def close(self, ended: Collection[str]) -> None:
        """Stop watching connectors. They go on but for those of the tasks that have `ended`, which nobody would end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for task_id in ended:
            await self._end(task_id)
        for process in self._processes.values():
            if process.poll() is None:
                process.returncode = 0  # it outlives this process, and Popen must not warn about that

    # -- what a program gets

    def input(self, begin: StartAttempt) -> dict[str, Any]:
        """Return what a program gets to reach the host of an attempt."""
        assert begin.host is not None and begin.ssh is not None
        return {
            "connector": str(self._connector(begin.task).folder),
            "id": self.id_of(begin),
            "host": self._host(begin.host, begin.ssh),
            "ssh": self._ssh(begin.ssh),
            "report_every": max(REPORT_INTERVAL, begin.hosts / REPORTS_PER_SECOND),
        }

    def id_of(self, begin: StartAttempt) -> str:
        """Return the name of an attempt on its host, of which there is one among all servers."""
        whole = f"{begin.task}/{begin.step}/{begin.attempt}"
        name = f"{begin.task[:20]}-{begin.step.partition('@')[0][:20]}-{begin.attempt}"
        return f"{self._epoch}-{name}-{hashlib.sha256(whole.encode()).hexdigest()[:12]}"

    def _host(self, host: Host, ssh: SshOptions) -> dict[str, Any]:
        key = host.key or ssh.key
        return {
            "name": host.name,
            "address": host.address,
            "port": host.port or ssh.port,
            "user": host.user or ssh.user or getpass.getuser(),
            "key": None if key is None else str(self._path(key)),
        }

    def _ssh(self, ssh: SshOptions) -> dict[str, Any]:
        return {
            "known_hosts": str(self._known_hosts(ssh)),
            "agent": ssh.agent,
            "folder": ssh.folder,
            "connect_within": ssh.connect_within,
        }

    def _known_hosts(self, ssh: SshOptions) -> Path:
        return self._folder.parent / KNOWN_HOSTS if ssh.known_hosts is None else self._path(ssh.known_hosts)

    def _path(self, written: str) -> Path:
        """Return a path of a pipeline: relative ones are looked up beside it, and `~` is the home of the server."""
        return (self._beside or Path("/")).absolute() / Path(written).expanduser()

    def trust(self, pipeline: Pipeline, name: str, shown: HostKey) -> None:
        """Write the key of a host to the file of known hosts. It blocks. Raises LivewallError."""
        host = next(host for group in pipeline.inventory.values() for host in group if host.name == name)
        path = self._known_hosts(pipeline.ssh)
        try:
            accept(path, host.address, host.port or pipeline.ssh.port, shown.key)
        except OSError as error:
            raise LivewallError(
                "unavailable", f"the file of known hosts {path.name} cannot be written: {error.strerror}"
            ) from None

    # -- connectors

    def _connector(self, task: str) -> Connector:
        return Connector(self._folder / task / "connector")

    def use(self, begin: StartAttempt) -> None:
        """Start the connector of a task, unless it runs, and keep it running until `release`.

        Raises LivewallError if the package is missing that it needs. An attempt waits for it by itself.
        """
        if importlib.util.find_spec("asyncssh") is None:
            raise LivewallError("invalid", MISSING)
        self._users[begin.task] = self._users.get(begin.task, 0) + 1
        if begin.task not in self._watched:
            self._watched.add(begin.task)
            self._tasks.spawn(self._watch(begin))

    def release(self, task: str) -> None:
        """An attempt needs the connector no longer, which then ends by itself after some minutes."""
        if left := self._users.pop(task, 1) - 1:
            self._users[task] = left

    async def forget(self, begin: StartAttempt) -> None:
        """Remove what an attempt has left on its host, after its end was recorded."""
        assert begin.host is not None and begin.ssh is not None
        host, ssh = self._host(begin.host, begin.ssh), self._ssh(begin.ssh)
        await self._in_thread(lambda: self._connector(begin.task).forget(host, ssh, [self.id_of(begin)]))

    async def end(self, task: str) -> None:
        """End the connector of a task that has ended, unless an attempt still uses it."""
        if not self._users.get(task):
            await self._end(task)

    async def _end(self, task: str) -> None:
        with suppress(OSError):
            await self._in_thread(self._connector(task).end)
        if (process := self._processes.get(task)) is not None:
            process.terminate()  # it may not be the connector yet, and must not become it

    def _start(self, begin: StartAttempt) -> None:
        agent = self._environment.get("SSH_AUTH_SOCK") if begin.ssh is not None and begin.ssh.agent else None
        self._processes[begin.task] = self._connector(begin.task).start({"agent": agent})

    async def _watch(self, begin: StartAttempt) -> None:
        """Start the connector, and again whenever it ends, while attempts use it."""
        said = ""
        try:
            while self._users.get(begin.task):
                starting = self._loop.run_in_executor(self._threads, self._start, begin)
                try:
                    await asyncio.shield(starting)
                    await self._until_end(begin.task)
                except OSError as error:  # no memory, no descriptor, no place on the disk: that may pass
                    if said != (said := str(error)):
                        log.warning(
                            "the connector of task %s cannot be started, which is tried again: %s", begin.task, said
                        )
                except asyncio.CancelledError:
                    await asyncio.wait([starting])  # so that `close` knows the process
                    raise
                await asyncio.sleep(RESTART_SECONDS)
            self._processes.pop(begin.task, None)
        finally:
            self._watched.discard(begin.task)

    async def _until_end(self, task: str) -> None:
        """Wait until no connector of the task runs: neither this one, nor one that an earlier server started."""
        process = self._processes[task]
        await _readable(os.pidfd_open(process.pid))
        await self._in_thread(process.wait)
        while (handle := await self._in_thread(self._connector(task).pidfd)) is not None:
            await _readable(handle)

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        return await self._loop.run_in_executor(self._threads, work)


async def _readable(handle: int) -> None:
    """Wait until the process behind a pidfd has ended, and close the pidfd."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
