"""The replies of a socket. Replies that are made in one turn of the event loop are written together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from livewall import wire
from livewall.errors import LivewallError
from livewall.hub.framing import text_frame

log = logging.getLogger("livewall.http")


class Replies:
    """Frames replies and passes them to `write` in the order in which they are made. After `close`, they are
    dropped."""

    __slots__ = ("_frames", "_write")

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write: Callable[[bytes], None] | None = write
        self._frames: list[bytes] = []

    def ok(self, ref: str, result: Any, *, now: bool = False) -> None:
        """Reply that the act `ref` is done. With `now`, the reply is written at once, before anything that the hub
        sends next."""
        self.send({"ref": ref, "ok": result}, now=now)

    def error(self, ref: str | None, error: BaseException | None) -> None:
        """Reply that an act was refused. An error that is not a LivewallError is logged, and its details are not
        sent."""
        if not isinstance(error, LivewallError):
            if error is not None:
                log.error("an act on a socket failed", exc_info=error)
            error = LivewallError("internal", "an internal error occurred, and was logged")
        self.send({"ref": ref, "error": error.body()})

    def send(self, message: Any, *, now: bool = False) -> None:
        # The first reply of a turn schedules the flush, and the others join it.
        if not self._frames and not now:
            asyncio.get_running_loop().call_soon(self.flush)
        self._frames.append(text_frame(wire.encode(message)))
        if now:
            self.flush()

    def flush(self) -> None:
        frames, self._frames = self._frames, []
        if frames and self._write is not None:
            self._write(b"".join(frames))

    def close(self) -> None:
        """Drop the reference to the connection, which itself holds these replies."""
        self._write = None
