"""Replies of a socket. Those that are made in one turn of the loop are written together."""

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
    """Frames replies and hands them to `write`, in the order in which they were made; after `close`, to nobody."""

    __slots__ = ("_frames", "_write")

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write: Callable[[bytes], None] | None = write
        self._frames: list[bytes] = []

    def ok(self, ref: str, result: Any, *, now: bool = False) -> None:
        """Reply to the act `ref` that it was done; `now` writes at once, before anything the hub sends next."""
        self.say({"ref": ref, "ok": result}, now=now)

    def error(self, ref: str | None, error: BaseException | None) -> None:
        """Reply that an act was refused. What is not a LivewallError is logged, and its details stay here."""
        if not isinstance(error, LivewallError):
            if error is not None:
                log.error("an act on a socket failed", exc_info=error)
            error = LivewallError("internal", "something went wrong here; it was logged")
        self.say({"ref": ref, "error": error.body()})

    def say(self, message: Any, *, now: bool = False) -> None:
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
        """Let go of the connection, which holds these replies."""
        self._write = None
