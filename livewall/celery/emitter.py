"""Sends the structure of canvases as events, from the processes of a Celery app. It never fails the app."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from celery.signals import before_task_publish

from livewall.celery.canvas import EVENT, members

PAUSE_SECONDS = 10.0
"""Seconds after a failure in which no event is sent, so that the app does not wait for a broker again and again."""
CONNECT_SECONDS = 2.0

log = logging.getLogger("livewall.celery")


class Emitter:
    """Sends events through a connection of its own: the app's may be in use while a task is published."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._not_before = 0.0
        self._start_anew()
        os.register_at_fork(after_in_child=self._start_anew)

    def _start_anew(self) -> None:
        """Share neither the connection nor the lock with the process that has forked: another thread may hold it."""
        self._lock = threading.Lock()
        self._dispatcher: Any = None

    def about_to_publish(self, *, headers: Mapping[str, Any], body: Any, **_: Any) -> None:
        """Send the structure that a message tells. A retry tells nothing new."""
        try:
            if headers.get("retries") or not isinstance(body, tuple | list) or len(body) != 3:
                return
            if found := members(headers, body[2]):
                self._send([list(each) for each in found])
        except Exception as error:
            self._not_before = time.monotonic() + PAUSE_SECONDS
            self._dispatcher = None
            log.warning("the structure of a canvas was not reported: %s", type(error).__name__)

    def _send(self, tasks: list[list[Any]]) -> None:
        with self._lock:
            if time.monotonic() < self._not_before:
                return
            if self._dispatcher is None:
                connection = self._app.connection_for_write(connect_timeout=CONNECT_SECONDS)
                if connection.transport.driver_type == "redis":
                    times = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": CONNECT_SECONDS}
                    connection = self._app.connection_for_write(transport_options=times)
                self._dispatcher = self._app.events.Dispatcher(connection, buffer_while_offline=False)
            self._dispatcher.send(EVENT, tasks=tasks)


_emitters: dict[int, Emitter] = {}


def connect(app: Any) -> None:
    """Send the structure of every canvas that this process publishes. A second call for an app changes nothing."""
    if id(app) not in _emitters:
        _emitters[id(app)] = Emitter(app)
        before_task_publish.connect(_emitters[id(app)].about_to_publish, weak=False)
