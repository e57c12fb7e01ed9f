"""Forwards a log from a pipe to a step, in parts. Parts are repeated while the server is away.

The pipe is read to its end even if the server refuses the log, so that its writer does not fail.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from livewall.client.calls import ClientError, Refusal, Server, segment
from livewall.client.logs import append, end_of
from livewall.client.pipe_reader import PipeReader
from livewall.client.repeating import repeated
from livewall.client.reporting import RENEW_SECONDS, is_temporary

T = TypeVar("T")


class LogForwarder:
    """Reports one step whose log comes from `pipe`.

    While the pipe is open, the forwarder waits for the server; afterwards for as long as `server` has patience.
    `problems` has the errors of what could not be reported. `say` gets messages for the user.
    """

    def __init__(
        self,
        server: Server,
        task: str,
        step: str,
        pipe: PipeReader,
        *,
        lease: float | None,
        say: Callable[[str], None],
    ) -> None:
        self.problems: list[ClientError] = []
        self.answer: dict[str, Any] = {}
        self.cancelled = False
        self._server = server
        self._patience, self._wait = server.patience, server.wait
        server.patience = server.wait = 0.0  # this class repeats calls itself
        self._task, self._step = task, step
        self._pipe = pipe
        self._lease = lease
        self._say = say
        self._started = time.monotonic()
        self._waiting_announced = False

    async def report(self, body: dict[str, Any]) -> None:
        """Report the step. A refusal goes to `problems`, since the log may be accepted all the same."""
        path = f"/api/tasks/{segment(self._task)}/steps/{segment(self._step)}"
        try:
            self._handle_answer(await self._retry(lambda: self._server.put(path, body)))
        except ClientError as problem:
            self.problems.append(problem)

    async def send_log(self) -> None:
        """Send everything from the pipe. If it is refused, read the rest anyway; the reason goes to `problems`."""
        try:
            await self._send_all()
        except ClientError as problem:
            self.problems.append(problem)
            if not self._pipe.is_file and self._pipe.ended_at == math.inf:
                self._say(f"{str(problem).rstrip('.')}. Standard input is read to its end and not sent.")
            await self._pipe.discard_rest()

    async def _send_all(self) -> None:
        offset = await self._append(b"", None)
        while (data := await self._pipe.next(self._renew())) is not None:
            offset = await self._append(data, offset)  # an empty part renews the lease

    async def _append(self, data: bytes, offset: int | None) -> int:
        """Append to the log and return its end."""
        try:
            answer = await self._retry(lambda: append(self._server, self._task, self._step, data, offset))
        except Refusal as problem:
            if (known_end := end_of(problem)) is not None:
                return known_end  # the server was restored and has less: continue at its end
            raise
        self._pipe.acknowledge(len(data))
        self._lease = answer["lease"] or self._lease
        self._handle_answer(answer)
        end: int = answer["bytes"]
        return end

    def _renew(self) -> float:
        return RENEW_SECONDS if self._lease is None else min(RENEW_SECONDS, self._lease / 3)

    def _handle_answer(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        if answer.get("cancel") and not self.cancelled:
            self.cancelled = True
            self._say("Someone asked to cancel this task.")

    async def _retry(self, request: Callable[[], Awaitable[T]]) -> T:
        """Return the result of a call, repeated after temporary failures.

        Raises Refusal, and NotReached after the deadline.
        """
        return await repeated(
            self._server,
            request,
            deadline=self._deadline,
            is_temporary=is_temporary,
            say_waiting=self._say_waiting,
        )

    def _deadline(self) -> float:
        """Return the monotonic time until which calls are repeated."""
        if self._pipe.is_file:
            begin = max(self._started, self._pipe.acknowledged_at)
        else:
            begin = max(self._pipe.ended_at, self._pipe.acknowledged_at)
        return begin + (self._patience if self._server.reached else self._wait)

    def _say_waiting(self) -> None:
        if not self._waiting_announced:
            self._waiting_announced = True
            self._say(f"waiting for {self._server.url}; standard input is stored meanwhile")
