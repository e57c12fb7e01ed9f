"""Far commands: start one or attach to it, stream its output from where the program stands, cancel it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

import asyncssh

from livewall.tasks.connector import far_scripts
from livewall.tasks.connector.hosts import CLOSE_SECONDS, Host, Session, close
from livewall.tasks.connector.patience import Patience
from livewall.tasks.connector.problems import Failed, UnknownHostKey, Unreachable

READ_BYTES = 1 << 16
HELD_BYTES = 4 << 20
"""How much output of a command is held for its program. A session is left that brings more: asyncssh would hold what
the host sends, without a limit. Another one goes on where this one stood, once the program has taken what is held."""
CANCEL_SECONDS = 600.0
"""Seconds for which a cancel is tried while the host is away, also when the program has gone."""
STALLED_SECONDS = 10.0
"""Seconds without a byte after which a session is left that owes bytes of a command that has ended."""
MAX_ODD = 3
"""How many sessions in a row may end without a word, or without all bytes, before that is the result."""
MAX_ODD_CLAIMED = 10
"""The same for a command that the host has begun, whose end is then unknown. They take some twenty seconds."""

LOST = {
    "gone": "its folder on {name} is gone",
    "boot": "{name} was restarted meanwhile",
    "dead": "the process that waited for it on {name} was killed",
    "unfinished": "{name} claimed it, but never began it",
    "speechless": "{name} runs no sh any more that could say how it ended",
}
FAILED = {
    "linux": "{name} has no /proc of Linux, which commands need",
    "folder": "the folder for commands on {name} cannot be made",
    "write": "the folder for commands on {name} cannot be written to; its disk may be full",
}


class Client(Protocol):
    """The program that asked for an operation."""

    async def data(self, data: bytes) -> None:
        """Send a part of the output, and wait while the program does not read."""

    async def event(self, **fields: Any) -> None:
        """Send an event."""


class Command:
    """One far command, from the request to its end."""

    def __init__(self, client: Client, host: Host, given: Mapping[str, Any]) -> None:
        self._client = client
        self._host = host
        self._given = given
        self._offset = int(given["offset"])
        """How much of the output has come from the host."""
        self._claimed = bool(given["claimed"])
        self._sent = self._claimed or bool(given["sent"])
        """Whether the host may have received the command."""
        self._patience = Patience(host.name, given["within"])
        self._odd = 0
        self._short = 0
        self._held: deque[bytes] = deque()
        """What the program has not taken yet, of `_held_bytes` bytes."""
        self._held_bytes = 0
        self._more = asyncio.Event()
        """Set when there is something in `_held`."""
        self._taken = asyncio.Event()
        """Set when there is nothing in `_held`."""
        self._taken.set()
        self._final: dict[str, Any] = {}
        """What to tell the program last."""
        self._progress = asyncio.Event()
        self._session: Session | None = None
        self._cancelling: asyncio.Task[None] | None = None
        self._attachable = asyncio.Event()
        self._attachable.set()
        self._unsent = asyncio.Event()
        """Set when a cancel came before the command was sent."""

    async def run(self) -> None:
        """Follow the command to its end. Raises Failed, UnknownHostKey."""
        work = asyncio.create_task(self._follow())
        giving = asyncio.create_task(self._give())
        unsent = asyncio.create_task(self._unsent.wait())
        try:
            await asyncio.wait((work, giving, unsent), return_when=asyncio.FIRST_COMPLETED)
            if giving.done():
                await giving
            elif work.done():
                await work
            else:
                await self._client.event(event="cancelled")
        finally:
            for task in (work, giving, unsent):
                task.cancel()
            await asyncio.gather(work, giving, unsent, return_exceptions=True)

    async def _give(self) -> None:
        """Pass on what is held, as fast as the program takes it."""
        while True:
            await self._more.wait()
            data = self._held.popleft()
            if not self._held:
                self._more.clear()
            await self._client.data(data)
            self._held_bytes -= len(data)
            if not self._held_bytes:
                self._taken.set()

    def cancel(self) -> asyncio.Task[None] | None:
        """End the command; return the task that does it, which goes on if the program is gone."""
        if not self._sent:
            self._unsent.set()
            return None
        if self._cancelling is None:
            self._cancelling = asyncio.create_task(self._cancel())
        return self._cancelling

    async def _follow(self) -> None:
        while True:
            try:
                try:
                    if await self._attend():
                        await self._taken.wait()
                        if self._cancelling is not None:  # what it has left behind is still being ended
                            await asyncio.shield(self._cancelling)
                        return await self._client.event(**self._final)
                    await self._taken.wait()
                except Unreachable as problem:
                    message = self._patience.refused(str(problem), started=self._claimed)
                    await self._client.event(event="waiting", reason=message)
                except Failed as problem:
                    message = self._patience.failed(problem, started=self._claimed)
                    await self._client.event(event="waiting", reason=message)
            except (Failed, UnknownHostKey):
                await self._taken.wait()  # the output so far comes first
                raise
            await self._patience.pause()

    async def _attend(self) -> bool:
        """Hold one session. Return whether the command has ended, and all of its output has come."""
        await self._attachable.wait()
        async with self._host.slot():
            nonce = secrets.token_hex(8)
            session = await self._host.shell()
            self._session = session
            tasks: list[asyncio.Task[Any]] = []
            try:
                if self._unsent.is_set():
                    return False
                script = self._script(nonce)
                self._sent = True
                session.stdin.write(script)
                output = asyncio.create_task(self._copy(session, nonce.encode() + b"\n"))
                ending = asyncio.create_task(self._end(session, nonce))
                tasks = [output, ending]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if not ending.done() and output.exception() is None and output.result():
                    return False
                return await ending
            except (asyncssh.Error, OSError) as error:
                raise Unreachable("the connection was cut") from error
            finally:
                self._session = None
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await close(session, unread=True)

    def _script(self, nonce: str) -> bytes:
        given = self._given
        return far_scripts.command(
            nonce, given["id"], given["folder"], given["argv"], given["env"], given["cwd"],
            offset=self._offset, claimed=self._claimed,
        )  # fmt: skip

    async def _end(self, session: Session, nonce: str) -> bool:
        """Return, once a session reports the end of the command, what `_attend` returns."""
        report = await self._listen(session, nonce)
        return await (self._finish(report) if report else self._odd_end(session))

    async def _listen(self, session: Session, nonce: str) -> list[str]:
        """Return the last report of a session, as words, or nothing if it ended without one."""
        prefix = f"{nonce} ".encode()
        while line := await session.stderr.readline():
            if not line.startswith(prefix):
                continue
            words = line.decode(errors="replace").split()[1:]
            if words[0] not in ("started", "attached"):
                return words
            self._odd = 0
            self._patience.reached()
            if not self._claimed:
                self._claimed = True
            await self._client.event(event="started")
        return []

    async def _copy(self, session: Session, begin: bytes) -> bool:
        """Hold the output of a session, from the line `begin` on. Return True once too much is held."""
        held = b""
        while data := await session.stdout.read(READ_BYTES):
            if begin:
                held = (held + data)[-(1 << 20) :]
                _, found, data = held.partition(begin)
                if not found:
                    continue
                begin = b""
            if data:
                self._held.append(data)
                self._held_bytes += len(data)
                self._offset += len(data)
                self._more.set()
                self._taken.clear()
                self._progress.set()
            if self._held_bytes > HELD_BYTES:
                return True
        return False

    async def _odd_end(self, session: Session) -> bool:
        """Judge a session that ended without a report."""
        with suppress(TimeoutError, asyncssh.Error, OSError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await session.wait_closed()  # the exit status may come after the end of what was written
        connection = await self._host.connection()
        name = self._host.name
        if session.exit_status is not None and not connection.is_closed():
            self._odd += 1
            if self._odd >= MAX_ODD and not self._claimed:
                raise Failed(f"the login on {name} runs no sh; is its shell nologin, or is a command forced?")
            if self._odd >= MAX_ODD_CLAIMED:
                self._final = {"event": "lost", "reason": LOST["speechless"].format(name=name)}
                return True
        raise Unreachable("the session was cut")

    async def _finish(self, report: list[str]) -> bool:
        name = self._host.name
        final: dict[str, Any]
        match report:
            case ["failed", word]:
                raise Failed(FAILED[word].format(name=name))
            case ["lost", word, size]:
                final = {"event": "lost", "reason": LOST[word].format(name=name)}
            case ["end", status, size, *why]:
                final = {"event": "end", "status": int(status), "why": "".join(why)}
            case _:
                raise Unreachable("the host answers what it should not")
        while self._offset < int(size):
            self._progress.clear()
            try:
                async with asyncio.timeout(STALLED_SECONDS):
                    await self._progress.wait()
                self._short = 0
            except TimeoutError:
                self._short += 1
                if self._short < MAX_ODD:
                    raise Unreachable("the output did not come") from None
                break  # somebody has shortened the file on the host
            if self._session is None:
                raise Unreachable("the connection was cut")
        self._final = final
        return True

    async def _cancel(self) -> None:
        """End the command on the host, however often the connection is cut. Never raises."""
        given, nonce = self._given, secrets.token_hex(8)
        script = far_scripts.cancel(nonce, given["id"], given["folder"], grace=given["grace"], claimed=self._claimed)
        patience = Patience(self._host.name, None)
        until = time.monotonic() + CANCEL_SECONDS
        try:
            while time.monotonic() < until:
                try:
                    report, _ = await self._host.ask(nonce, script, patient=False)
                    left = int(report[1])
                    if left:
                        with suppress(ConnectionError):
                            await self._client.event(event="left", count=left)
                    return
                except Unreachable:
                    # The server may allow one session only: the one that streams the output.
                    self._attachable.clear()
                    if self._session is not None:
                        await close(self._session)
                except (Failed, UnknownHostKey):
                    pass
                await patience.pause()
        finally:
            self._attachable.set()
