"""A program's own task on the wall: its steps, how far they are, their logs.

    with Task("Nightly load", steps=["extract", "load:extract"]) as task:
        with task.step("extract"):
            ...
        with task.step("load") as step:
            logging.getLogger().addHandler(step.log_handler())
            for number, file in enumerate(files):
                step.progress(number / len(files), f"{number} of {len(files)} files")
                if task.cancelled:
                    break

A thread sends the reports, for plain programs and for asyncio alike. Only the end of the task waits for the server,
and no call fails because of it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from livewall.client.calls import Refusal, Server, token_advice
from livewall.client.logging import StepHandler
from livewall.client.reporting import Reports
from livewall.client.spool import Spool
from livewall.names import is_name
from livewall.settings import server_of_environment

MAX_UNSENT_LOG = 4 << 20
"""How many bytes of a step's log are kept while the server is away; of more, the middle is left out."""

log = logging.getLogger("livewall.client")


class Task:
    """A task that this program reports.

    Leaving the block waits until everything is reported, at most `flush` seconds. What could not be reported is logged
    to `livewall.client`.

    `steps` are names, optionally with needs: `"load"`, `"load:extract,check"`. `url` and `token` default to
    `LIVEWALL_URL` and `LIVEWALL_TOKEN`. With an `id`, a program that is started again reports the same task. A step of
    which nothing is heard for `lease` seconds becomes `lost`; the thread reports often enough to prevent that.

    Steps that never began become `skipped` when the block is left, or `cancelled` if an exception leaves it.
    """

    def __init__(
        self,
        title: str,
        steps: Sequence[str] = ("run",),
        *,
        id: str | None = None,
        url: str | None = None,
        token: str | None = None,
        lease: float = 30.0,
        flush: float = 10.0,
    ) -> None:
        """Raises ValueError if the id or the name of a step has other characters than letters, digits and `._-`."""
        parsed = [parse_step(step) for step in steps]
        self.id = id or secrets.token_hex(6)
        for name in (self.id, *(each["name"] for each in parsed)):
            if not is_name(name):
                raise ValueError(f"{name!r} is not a name: letters, digits, dots, dashes and underscores")
        self.title = title
        self.url, token_of_environment = server_of_environment()
        self.url = url or self.url
        # Steps that `step` did not return yet, in order.
        self._not_requested = {str(each["name"]): None for each in parsed}
        self._not_begun: dict[str, None] = {}  # steps that `step` returned and that have not begun
        self._flush = flush
        self._cancel_seen = False
        self._reports = Reports(
            Server(self.url, token or token_of_environment),
            self.id,
            title,
            parsed,
            lease=lease,
            new_spool=lambda: Spool(MAX_UNSENT_LOG),
            on_refusal=self._log_refusal,
        )

    @property
    def cancelled(self) -> bool:
        """Whether somebody has asked to cancel this task.

        Steps that are left after this was true end as `cancelled`.
        """
        self._cancel_seen = self._cancel_seen or self._reports.cancelled
        return self._cancel_seen

    def step(self, name: str) -> Step:
        """Return a step, as a context manager.

        Raises ValueError if there is no such step, or it was returned before.
        """
        if name not in self._not_requested:
            raise ValueError(f"the task {self.title!r} has no step {name!r} that has not begun")
        del self._not_requested[name]
        self._not_begun[name] = None
        return Step(self, self._reports, name)

    def __enter__(self) -> Self:
        self._reports.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        state, message = ("skipped", "not run") if error is None else ("cancelled", description(error))
        for name in (*self._not_begun, *self._not_requested):
            self._reports.end(name, "cancelled" if self._cancel_seen else state, message)
        self._not_begun.clear()
        self._not_requested.clear()
        unreported = self._reports.close(self._flush)
        if unreported:
            log.warning("the task %r (%s) was not reported in full: %s", self.title, self.id, "; ".join(unreported))

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)

    def _log_refusal(self, problem: Refusal) -> None:
        advice = token_advice(problem)
        log.warning(
            "%s refuses the task %r: %s (%s)%s",
            self.url,
            self.title,
            problem.message,
            problem.code,
            advice and f". {advice}",
        )


class Step:
    """A step, which runs within its `with` or `async with` block. An exception makes it `failed` and propagates."""

    def __init__(self, task: Task, reports: Reports, name: str) -> None:
        self.task = task
        self.name = name
        self._reports = reports

    def __enter__(self) -> Self:
        self.task._not_begun.pop(self.name, None)
        self._reports.begin(self.name)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        state, message = outcome(error, cancelled=self.task._cancel_seen)
        self._reports.end(self.name, state, message)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def progress(self, fraction: float | None = None, message: str | None = None) -> None:
        """Report how much of the step is done, from 0 to 1, and what it is doing.

        It may be called often: only the newest report is sent, a few times a second.
        """
        self._reports.report(self.name, progress=fraction, message=message)

    def log(self, text: str | bytes) -> None:
        """Append to the log of the step. Text that follows the end of the step is dropped."""
        self._reports.log(self.name, text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text)

    def log_handler(self, level: int = logging.NOTSET) -> logging.Handler:
        """Return a `logging` handler that writes records to the log of the step, until the step ends."""
        return StepHandler(self.log, lambda: self._reports.thread, level)


def parse_step(text: str) -> dict[str, Any]:
    """Parse `name` or `name:need,need`."""
    name, _, needs = text.partition(":")
    return {"name": name, "needs": [need for need in needs.split(",") if need]}


def outcome(error: BaseException | None, *, cancelled: bool = False) -> tuple[str, str | None]:
    """Return the state and the message with which a step ends when `error` leaves its block."""
    if cancelled or isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
        return "cancelled", description(error) if error is not None else None
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "succeeded", None
    return "failed", description(error)


def description(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return f"ended by {signal.Signals.SIGINT.name}"
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
