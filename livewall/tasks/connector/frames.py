"""The frames between a program and the connector: a kind, a length, a payload. Standard library only, no I/O.

A program sends one request (JSON) and perhaps `{"op": "cancel"}` later. It receives DATA, bytes of a far command's
output, and EVENT, JSON with the key `event`. Each operation has a socket of its own, so that a slow reader holds back
its own operation only.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SOCKET = "socket"
DATA, EVENT = b"D", b"E"
MAX_FRAME = 32 << 20
_HEAD = struct.Struct(">cI")
HEAD_SIZE = _HEAD.size


class FrameError(Exception):
    """The other side does not speak this protocol."""


def frame(kind: bytes, payload: bytes) -> bytes:
    """Return a frame."""
    return _HEAD.pack(kind, len(payload)) + payload


def event(**fields: Any) -> bytes:
    """Return a frame with JSON."""
    return frame(EVENT, json.dumps(fields).encode())


def head(text: bytes) -> tuple[bytes, int]:
    """Return the kind and the length of a frame from its head. Raises FrameError."""
    kind, length = _HEAD.unpack(text)
    if kind not in (DATA, EVENT) or length > MAX_FRAME:
        raise FrameError
    return kind, length


class Frames:
    """Divides a stream of bytes into frames."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the frames that are complete. Raises FrameError."""
        self._held += data
        while len(self._held) >= HEAD_SIZE:
            kind, length = head(bytes(self._held[:HEAD_SIZE]))
            end = HEAD_SIZE + length
            if len(self._held) < end:
                return
            payload = bytes(self._held[HEAD_SIZE:end])
            del self._held[:end]
            yield kind, payload


def connect(folder: Path) -> socket.socket:
    """Return a connection to the connector of this folder. Raises OSError if none listens."""
    # A path through /proc, because the path of a socket has at most 108 bytes.
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(f"/proc/self/fd/{place}/{SOCKET}")
        except OSError:
            connection.close()
            raise
        return connection
    finally:
        os.close(place)
