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

Reports leave in a thread of their own, from plain programs and from asyncio alike: no call here waits for the server
but the end of the task, and none fails because of it.
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
"""Bytes of a step's log that wait for the server; beyond, the middle is left out."""

log = logging.getLogger("livewall.client")


class Task:
    """A task that this program reports. Leaving it waits until all is told, at most `flush` seconds; what was not is
    said by logging (`livewall.client`).

    `steps` are names, each with what it needs: `"load"`, `"load:extract,check"`. `url` and `token` come from
    `LIVEWALL_URL` and `LIVEWALL_TOKEN` where they are not given. With an `id`, the same program started twice reports
    one task. A step of which nothing is heard for `lease` seconds becomes `lost`; that it lives is told by itself.

    Steps that never began are `skipped` when the task is left, and `cancelled` when an exception leaves it.
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
        """Raises ValueError where a name or an id is none (letters, digits, `._-`)."""
        parsed = [parse_step(step) for step in steps]
        self.id = id or secrets.token_hex(6)
        for name in (self.id, *(each["name"] for each in parsed)):
            if not is_name(name):
                raise ValueError(f"{name!r} is no name: letters, digits, dots, dashes and underlines")
        self.title = title
        self.url, token_of_environment = server_of_environment()
        self.url = url or self.url
        self._not_requested = {str(each["name"]): None for each in parsed}  # those that were not asked for, in order
        self._not_begun: dict[str, None] = {}  # those that were asked for and not begun yet
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
        """Whether somebody asked to cancel this task. A step that is left after one has seen so ends `cancelled`."""
        self._cancel_seen = self._cancel_seen or self._reports.cancelled
        return self._cancel_seen

    def step(self, name: str) -> Step:
        """One of its steps, for a `with`. Raises ValueError when there is none, or it was begun before."""
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
            "%s does not take the task %r: %s (%s)%s",
            self.url,
            self.title,
            problem.message,
            problem.code,
            advice and f". {advice}",
        )


class Step:
    """One step, running while its `with` or `async with` is. An exception makes it `failed` and is raised on."""

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
        """How much of the step is done, 0 to 1, and what it is doing. Call it as often as you like: what is newest
        leaves, a few times a second."""
        self._reports.report(self.name, progress=fraction, message=message)

    def log(self, text: str | bytes) -> None:
        """Append to the step's log, as it is. What comes after the step's end is dropped."""
        self._reports.log(self.name, text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text)

    def log_handler(self, level: int = logging.NOTSET) -> logging.Handler:
        """A handler for `logging` whose records become lines of the step's log; it does nothing after the step."""
        return StepHandler(self.log, lambda: self._reports.thread, level)


def parse_step(text: str) -> dict[str, Any]:
    """`name` or `name:need,need`."""
    name, _, needs = text.partition(":")
    return {"name": name, "needs": [need for need in needs.split(",") if need]}


def outcome(error: BaseException | None, *, cancelled: bool = False) -> tuple[str, str | None]:
    """The state in which a step ends, and the message, when `error` leaves it."""
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
