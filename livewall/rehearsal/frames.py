"""WebSocket frames of a client (RFC 6455 section 5). No I/O."""

from __future__ import annotations

import os

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
LONGEST = 16 << 20


def frame(opcode: int, payload: bytes) -> bytes:
    """Encode a message as one frame, masked as RFC 6455 section 5.3 requires of clients."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0xFF)) + size.to_bytes(8, "big")
    mask = os.urandom(4)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")


class Frames:
    """Decodes messages from the frames of a server."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun: tuple[int, bytes] | None = None  # a message of several frames

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the messages that are complete now, as (opcode, payload). Raises ValueError for invalid frames."""
        if self._rest:
            data = self._rest + data
        found: list[tuple[int, bytes]] = []
        at, end = 0, len(data)
        while end - at >= 2:
            first, size = data[at], data[at + 1]
            body = at + 2
            if first & 0x70 or size & 0x80:
                raise ValueError("a frame that no server sends")
            if size >= 126:
                width = 2 if size == 126 else 8
                if end - body < width:
                    break
                size = int.from_bytes(data[body : body + width], "big")
                body += width
                if size > LONGEST:
                    raise ValueError("a frame beyond all measure")
            if end - body < size:
                break
            at = body + size
            if (message := self._whole(first, data[body:at])) is not None:
                found.append(message)
        self._rest = data[at:]
        return found

    def _whole(self, first: int, payload: bytes) -> tuple[int, bytes] | None:
        opcode, last = first & 0x0F, first & 0x80
        if opcode >= CLOSE:
            return opcode, payload
        if opcode == 0:
            if self._begun is None:
                raise ValueError("a continuation of nothing")
            opcode, payload = self._begun[0], self._begun[1] + payload
        if last:
            self._begun = None
            return opcode, payload
        self._begun = (opcode, payload)
        return None
