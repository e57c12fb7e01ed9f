"""How one event becomes the bytes of a transport: made once, sent to every reader of the same framing.

Pure functions of their arguments. A framing says whether its bytes are the same for all readers (`shared`).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Protocol

from livewall.hub.log import Event
from livewall.hub.position import View, prefix


def event_json(stream: str, start: str, event: Event, prev: int) -> str:
    """One event as it goes over every transport; `start` is the position up to N."""
    key = "" if event.key is None else f'"key":"{event.key}",'
    data = "null" if event.data is None else event.data
    return f'{{"stream":"{stream}","pos":"{start}{event.seq}","prev":"{start}{prev}",{key}"data":{data}}}'


def reset_json(stream: str, earlier: bool) -> str:
    more = ',"earlier":true' if earlier else ""
    return f'{{"stream":"{stream}","reset":true{more}}}'


def synced_json(stream: str, position: str, now: str) -> str:
    return f'{{"stream":"{stream}","synced":true,"pos":"{position}","now":"{now}"}}'


def volatile_json(stream: str, key: str, data: str) -> str:
    return f'{{"stream":"{stream}","key":"{key}","data":{data}}}'


class Framing(Protocol):
    """One transport's way to put a message on its wire. `ids` is what a reader may resume from after it, if it may."""

    name: str
    shared: bool
    lasting: bool
    """Whether a connection goes on after it was told something."""

    def frame(self, message: str, ids: str | None) -> bytes: ...


class WebSocketFraming:
    """An unmasked text frame (RFC 6455 §5.2)."""

    name = "websocket"
    shared = True
    lasting = True

    def frame(self, message: str, ids: str | None) -> bytes:
        return text_frame(message.encode())


class SseFraming:
    """A server-sent event (WHATWG HTML §9.2). The id of a connection with several streams is its own: not shared."""

    lasting = True

    def __init__(self, *, shared: bool) -> None:
        self.shared = shared
        self.name = "sse" if shared else "sse-several"

    def frame(self, message: str, ids: str | None) -> bytes:
        if ids is None:
            return f"data: {message}\n\n".encode()
        return f"id: {ids}\ndata: {message}\n\n".encode()


class JsonFraming:
    """The message and a comma, for polling: together the inside of a JSON list."""

    name = "json"
    shared = False
    lasting = False

    def frame(self, message: str, ids: str | None) -> bytes:
        return f"{message},".encode()


def text_frame(payload: bytes) -> bytes:
    """The bytes of one unmasked WebSocket text message."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


def batch(
    framing: Framing, stream: str, epoch: str, view: View, n: int, events: Sequence[Event], limit: int
) -> tuple[bytes, int]:
    """What a reader at `n` lacks, in one piece, each event continuing from the one before it, and how many of the
    events are in it: no more are begun beyond `limit` bytes."""
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
