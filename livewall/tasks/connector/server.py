"""The connector itself: it listens in its folder, and performs what programs and the server ask for."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from livewall.tasks.connector import frames
from livewall.tasks.connector.commands import Command
from livewall.tasks.connector.far_scripts import NotSendable
from livewall.tasks.connector.forgetting import Forgetting
from livewall.tasks.connector.hosts import Hosts, Target
from livewall.tasks.connector.problems import Failed, UnknownHostKey
from livewall.tasks.connector.process import LOCK
from livewall.tasks.connector.uploads import Upload

NICENESS = 5
IDLE_SECONDS = 300.0
"""Seconds after which a connector without programs exits."""
CANCEL_SECONDS = 20.0
"""Seconds for which a connector that is to end goes on ending commands."""
LOG = "log"
"""The file for faults of the connector itself; it holds places in the code, and no values."""
_CREDENTIALS = struct.Struct("3i")


class Operation(Protocol):
    async def run(self) -> None:
        """Perform it. Raises Failed, UnknownHostKey."""

    def cancel(self) -> asyncio.Task[None] | None:
        """End it; return the task that does so, if that goes on without the program."""


def main(path: str) -> None:
    """Be the connector of this folder, unless another one is, and exit."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)  # as the programs that it works for: whoever votes must not notice a release
    spec = json.loads(sys.stdin.buffer.read())
    os.umask(0o077)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    # A POSIX lock: F_GETLK names its holder, and no child inherits it. The file is opened once and never closed.
    lock = os.open(LOCK, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    asyncio.run(Server(folder, spec).run())


class Server:
    """Serves one task. `folder` is the open folder."""

    def __init__(self, folder: int, spec: Mapping[str, Any]) -> None:
        self._folder = folder
        self._hosts = Hosts(spec["agent"])
        self._idle = float(spec.get("idle", IDLE_SECONDS))
        self._forgetting = Forgetting(self._hosts)
        self._clients: set[asyncio.Task[None]] = set()
        self._cancels: set[asyncio.Task[None]] = set()
        self._locks: dict[str, asyncio.Lock] = {}
        """Held while an operation of this id is performed: a program's successor waits for what it left."""
        self._end = asyncio.Event()

    async def run(self) -> None:
        """Serve until nobody was there for a while, or SIGTERM came."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._end.set)
        for number in (signal.SIGHUP, signal.SIGINT):
            loop.add_signal_handler(number, lambda: None)
        place = f"/proc/self/fd/{self._folder}/{frames.SOCKET}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(place)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(place)
        server = await asyncio.start_unix_server(self._connected, sock=listening, backlog=256)
        await self._until_idle()
        server.close()
        if self._cancels:  # nobody else would end those commands
            await asyncio.wait(self._cancels, timeout=CANCEL_SECONDS)
        await self._forgetting.close()
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        await self._hosts.close()

    async def _until_idle(self) -> None:
        loop = asyncio.get_running_loop()
        busy_at = loop.time()
        while not self._end.is_set():
            if self._clients or self._cancels or self._forgetting.pending:
                busy_at = loop.time()
            left = busy_at + self._idle - loop.time()
            if left <= 0:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, 1.0)):
                    await self._end.wait()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, uid, _ = _CREDENTIALS.unpack(credentials)
        if uid != os.getuid():
            writer.close()
            return
        _spawn(self._clients, self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(writer)
        try:
            given = await _request(reader)
            if given["op"] == "forget":
                self._forgetting.add(Target.of(given["host"], given["ssh"]), given["ssh"]["folder"], given["ids"])
                await client.event(event="queued")
                return
            lock = self._locks.setdefault(given["id"], asyncio.Lock())
            async with lock:
                await self._perform(client, reader, given)
        except (asyncio.IncompleteReadError, ConnectionError, frames.FrameError):
            pass  # the program has ended
        except Exception as error:  # a bug here must be told, and must not end the operations of other programs
            self._log(error)
            with contextlib.suppress(ConnectionError):
                await client.event(event="failed", reason=f"the connector failed: {type(error).__name__}")
        finally:
            writer.close()

    async def _perform(self, client: Client, reader: asyncio.StreamReader, given: dict[str, Any]) -> None:
        host = self._hosts.host(Target.of(given["host"], given["ssh"]))
        operation: Operation
        if given["op"] == "run":
            operation = Command(client, host, given)
        else:
            operation = Upload(client, host, given)
        work = asyncio.create_task(operation.run())
        listening = asyncio.create_task(self._listen(reader, operation))
        if given["cancel"]:
            self._cancel(operation)
        try:
            await asyncio.wait((work, listening), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work
        except (Failed, NotSendable) as failure:
            await client.event(event="failed", reason=str(failure))
        except UnknownHostKey as unknown:
            shown = unknown.shown
            await client.event(
                event="host_key", fingerprint=shown.fingerprint, algorithm=shown.algorithm, key=shown.key
            )
        finally:
            for task in (work, listening):
                task.cancel()
            await asyncio.gather(work, listening, return_exceptions=True)

    async def _listen(self, reader: asyncio.StreamReader, operation: Operation) -> None:
        """Return when the program has gone."""
        try:
            while True:
                await _request(reader)  # the only one is a cancel
                self._cancel(operation)
        except (asyncio.IncompleteReadError, ConnectionError, frames.FrameError):
            return

    def _cancel(self, operation: Operation) -> None:
        task = operation.cancel()
        if task is not None and task not in self._cancels:
            self._cancels.add(task)
            task.add_done_callback(self._cancels.discard)

    def _log(self, error: Exception) -> None:
        with contextlib.suppress(OSError):
            log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600, dir_fd=self._folder)
            with open(log, "w") as file:
                file.writelines((*traceback.format_tb(error.__traceback__), f"{type(error).__name__}\n"))


class Client:
    """The program that asked for an operation."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def data(self, data: bytes) -> None:
        """Send a part of the output, and wait while the program does not read."""
        await self._send(frames.frame(frames.DATA, data))

    async def event(self, **fields: Any) -> None:
        """Send an event."""
        await self._send(frames.event(**fields))

    async def _send(self, frame: bytes) -> None:
        self._writer.write(frame)
        await self._writer.drain()


async def _request(reader: asyncio.StreamReader) -> dict[str, Any]:
    """Return the next request. Raises IncompleteReadError, FrameError."""
    kind, length = frames.head(await reader.readexactly(frames.HEAD_SIZE))
    if kind != frames.EVENT:
        raise frames.FrameError
    given: dict[str, Any] = json.loads(await reader.readexactly(length))
    return given


def _spawn(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
