"""Framing: the bytes of an event on each transport, made once and sent to every reader of the same framing.

Pure functions. A framing whose bytes are the same for all readers is `shared`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Protocol

from livewall.hub.log import Event
from livewall.hub.position import View, prefix


def event_json(stream: str, start: str, event: Event, prev: int) -> str:
    """Return one event as JSON, the same on every transport. `start` is the position without its number."""
    data = "null" if event.data is None else event.data
    return (
        f'{{"stream":"{stream}","pos":"{start}{event.seq}","prev":"{start}{prev}","key":"{event.key}","data":{data}}}'
    )


def reset_json(stream: str, earlier: bool) -> str:
    more = ',"earlier":true' if earlier else ""
    return f'{{"stream":"{stream}","reset":true{more}}}'


def synced_json(stream: str, position: str, now: str) -> str:
    return f'{{"stream":"{stream}","synced":true,"pos":"{position}","now":"{now}"}}'


def volatile_json(stream: str, key: str, data: str) -> str:
    return f'{{"stream":"{stream}","key":"{key}","data":{data}}}'


class Framing(Protocol):
    """One transport's way to put a message on its wire. `ids` is the position from which a reader may resume after the
    message; None if it may not."""

    name: str
    shared: bool
    lasting: bool
    """Whether the connection stays open after a message: false for polling."""

    def frame(self, message: str, ids: str | None) -> bytes: ...


class WebSocketFraming:
    """An unmasked text frame (RFC 6455 §5.2)."""

    name = "websocket"
    shared = True
    lasting = True

    def frame(self, message: str, ids: str | None) -> bytes:
        return text_frame(message.encode())


class SseFraming:
    """A server-sent event (WHATWG HTML §9.2). On a connection with several streams an id names the positions of all of
    them, so the bytes differ from reader to reader (`shared` is false)."""

    lasting = True

    def __init__(self, *, shared: bool) -> None:
        self.shared = shared
        self.name = "sse" if shared else "sse-several"

    def frame(self, message: str, ids: str | None) -> bytes:
        if ids is None:
            return f"data: {message}\n\n".encode()
        return f"id: {ids}\ndata: {message}\n\n".encode()


class JsonFraming:
    """The message and a comma, for polling: all frames together are the inside of a JSON array."""

    name = "json"
    shared = False
    lasting = False

    def frame(self, message: str, ids: str | None) -> bytes:
        return f"{message},".encode()


def text_frame(payload: bytes) -> bytes:
    """Return one unmasked WebSocket text message (RFC 6455 §5.2)."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


def batch(
    framing: Framing, stream: str, epoch: str, view: View, n: int, events: Sequence[Event], limit: int
) -> tuple[bytes, int]:
    """Frame the events that a reader at `n` lacks, each continuing from the one before it.

    Returns the bytes and how many events are in them: no event is begun once they exceed `limit` bytes.
    """
    start = prefix(epoch, view)
    parts: list[bytes] = []
    size = 0
    for event in events:
        if size > limit:
            break
        parts.append(framing.frame(event_json(stream, start, event, n), f"{start}{event.seq}"))
        size += len(parts[-1])
        n = event.seq
    return b"".join(parts), len(parts)
