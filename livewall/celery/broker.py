"""The broker of a Celery app: its events, in a thread of their own, and what is asked of workers and the backend.

The address of the broker may hold a password. No text of an error of Kombu's is ever passed on, only its class.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

BATCH_SECONDS = 0.05
MAX_BATCH = 500
MAX_PAUSE = 5.0
"""The longest time in seconds between two attempts to connect."""
PING_SECONDS = 3.0
FIELDS = frozenset({
    "type", "uuid", "name", "timestamp", "hostname", "exception", "traceback", "terminated", "expired", "requeue",
    "freq", "tasks",
})  # fmt: skip
"""The fields of an event that are read. Arguments and results are dropped before anything else sees them."""
_STATES = {"SUCCESS": "task-succeeded", "FAILURE": "task-failed", "REVOKED": "task-revoked", "STARTED": "task-started"}

Event = dict[str, Any]


class NoApp(Exception):
    """The app, the broker's address or the backend's address cannot be used. The text says why."""


def find_app(broker: str | None, backend: str | None, module: str | None) -> Any:
    """Return the app of a module, or one for these addresses alone, which go before those of the module.

    Raises NoApp.
    """
    try:
        from celery import Celery
        from celery.app.utils import find_app as celery_find_app
    except ModuleNotFoundError:
        raise NoApp("Celery is not installed here: install Livewall with its extra, pip install '.[celery]'") from None
    if module is None:
        app = Celery("livewall", set_as_current=False)
    else:
        sys.path.insert(0, os.getcwd())  # as Celery's own commands do
        try:
            app = celery_find_app(module)
        except ImportError as error:
            raise NoApp(f"the app {module} cannot be imported: {error}") from None
        except Exception as error:  # of the app's own code; its text may hold an address
            raise NoApp(f"the app {module} cannot be imported ({type(error).__name__})") from None
    given = {"broker_url": broker, "result_backend": backend}
    app.conf.update({name: value for name, value in given.items() if value})
    if not (app.conf.broker_url or app.conf.broker_read_url):
        raise NoApp("give the broker's address with LIVEWALL_CELERY_BROKER or --broker, or an app with --app")
    try:
        app.connection_for_read()
        app.backend  # noqa: B018 - it is made here, and its address checked
    except Exception as error:
        raise NoApp(f"the address of the broker or of the backend is not valid ({type(error).__name__})") from None
    return app


class BrokerEvents:
    """Reads the events of a broker in a daemon thread, and connects again when the connection is lost.

    `deliver` gets events in batches, `connected` is called after each connection and `lost` after a failure with the
    class of the error; all in the thread.
    """

    def __init__(
        self,
        app: Any,
        *,
        deliver: Callable[[list[Event]], None],
        connected: Callable[[], None],
        lost: Callable[[str], None],
    ) -> None:
        self._app = app
        self._deliver, self._connected, self._lost = deliver, connected, lost
        self._ended = threading.Event()
        self._batch: list[Event] = []
        self._thread = threading.Thread(target=self._run, name="livewall celery events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Have the thread end within a moment."""
        self._ended.set()

    def _run(self) -> None:
        pause = 0.2
        while not self._ended.is_set():
            begun = time.monotonic()
            try:
                self._read()
            except Exception as error:  # of the transport, of which each has its own
                self._hand_over()
                self._lost(type(error).__name__)
            pause = 0.2 if time.monotonic() - begun > MAX_PAUSE else min(2 * pause, MAX_PAUSE)
            self._ended.wait(pause)

    def _read(self) -> None:
        from kombu.messaging import Consumer

        with self._app.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=4.0)
            queue = self._app.events.Receiver(connection).queue
            consumer: Any = Consumer  # it has no types
            with consumer(connection.default_channel, [queue], callbacks=[self._take], no_ack=True, accept=["json"]):
                with suppress(TimeoutError):
                    connection.drain_events(timeout=0.01)  # Redis is told of the subscription by the first call only
                self._connected()
                while not self._ended.is_set():
                    until = time.monotonic() + BATCH_SECONDS
                    while len(self._batch) < MAX_BATCH and (left := until - time.monotonic()) > 0:
                        try:
                            connection.drain_events(timeout=left)
                        except TimeoutError:
                            break
                    self._hand_over()

    def _take(self, body: Any, message: Any) -> None:
        for event in body if isinstance(body, list) else [body]:
            if isinstance(event, dict):
                self._batch.append({name: event[name] for name in FIELDS & event.keys()})

    def _hand_over(self) -> None:
        if self._batch:
            self._deliver(self._batch)
            self._batch = []


class Control:
    """What is asked of the workers and of the result backend. All calls block, and raise what the transport raises."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def enable_events(self) -> None:
        """Have all workers send events of their tasks, and a heartbeat at once."""
        self._app.control.broadcast("enable_events")
        self._app.control.broadcast("heartbeat")

    def answers(self, worker: str) -> bool:
        """Return whether a worker answers within PING_SECONDS, and do so as soon as it has."""
        return bool(self._app.control.ping(destination=[worker], timeout=PING_SECONDS))

    def revoke(self, ids: list[str], *, terminate: bool) -> None:
        self._app.control.revoke(ids, terminate=terminate)

    def ask_backend(self, ids: Iterable[str], now: Callable[[], float] = time.time) -> Iterator[Event]:
        """Yield what the result backend knows of tasks, as events. Nothing without a backend."""
        if type(self._app.backend).__name__ == "DisabledBackend":
            return
        for id in ids:
            if event := event_of(id, self._app.backend.get_task_meta(id, cache=False), now()):
                yield event


def event_of(id: str, meta: Mapping[str, Any], at: float) -> Event | None:
    """Return what the backend knows of a task as the event that would have said it."""
    kind, result = _STATES.get(str(meta.get("status"))), meta.get("result")
    if kind is None:
        return None
    event: Event = {"type": kind, "uuid": id, "timestamp": at}
    if kind == "task-failed":
        if type(result).__name__ == "ChordError":
            return None  # the body of a chord whose header failed: it never ran
        event |= {"exception": f"{type(result).__name__}()", "traceback": meta.get("traceback")}
    if kind == "task-started" and isinstance(result, dict) and isinstance(result.get("hostname"), str):
        event["hostname"] = result["hostname"]
    return event
