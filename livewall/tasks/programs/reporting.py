"""Reports of a program about its own step: how much is done, and what it is doing."""

from __future__ import annotations

import json
import threading
import urllib.request

from livewall.names import step_of_token
from livewall.settings import server_of_environment

INTERVAL = 0.5
"""The shortest time in seconds between two reports."""
TIMEOUT = 5.0


class Progress:
    """Sends the newest report in a thread of its own, so that the work never waits for the server.

    A report that cannot be sent is dropped: the next one says more, and the end of the step does not depend on it.
    `interval` is the shortest time in seconds between two reports.
    """

    def __init__(self, interval: float | None = None) -> None:
        self._interval = interval or INTERVAL
        server, token = server_of_environment()
        self._token = token or ""
        task, step = step_of_token(self._token)
        self._url = f"{server}/api/tasks/{task}/steps/{step}"
        self._newest: tuple[float | None, str] | None = None
        self._changed = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._send_all, daemon=True)
        if task and step:
            self._thread.start()

    def report(self, part: float | None, message: str) -> None:
        """Say that this part of the step is done, from 0 to 1; None leaves it as it was."""
        self._newest = (part, message)
        self._changed.set()

    def close(self) -> None:
        """Stop sending."""
        self._closed.set()
        self._changed.set()

    def _send_all(self) -> None:
        while not self._closed.is_set():
            self._changed.wait()
            self._changed.clear()
            newest, self._newest = self._newest, None
            if newest is not None and not self._closed.is_set():
                self._send(*newest)
            self._closed.wait(self._interval)

    def _send(self, part: float | None, message: str) -> None:
        known = {} if part is None else {"progress": round(part, 3)}
        body = json.dumps({**known, "message": message}).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._url, body, headers, method="PUT")
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=TIMEOUT):
                pass
        except (OSError, ValueError):
            pass
