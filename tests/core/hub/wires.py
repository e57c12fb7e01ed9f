"""The other end of each framing: bytes in any pieces become messages again."""

from __future__ import annotations

import json
import struct
from typing import Any

from livewall.hub.framing import Framing, SseFraming, WebSocketFraming

Read = tuple[dict[str, Any], list[str] | None]


class Parser:
    """`feed` gives the messages that became whole, each with the elements of its SSE id if it has one."""

    def __init__(self, framing: Framing) -> None:
        self.buffer = b""
        if isinstance(framing, WebSocketFraming):
            self._next = self._websocket
        elif isinstance(framing, SseFraming):
            self._next = self._sse
        else:
            self._next = self._json

    def feed(self, data: bytes) -> list[Read]:
        self.buffer += data
        found = []
        while self.buffer and (read := self._next()) is not None:
            found.append(read)
        return found

    def _websocket(self) -> Read | None:
        """RFC 6455 §5.2, server to client: FIN and text, no mask."""
        head = self.buffer
        if len(head) < 2:
            return None
        assert head[0] == 0x81, f"no text frame begins with {head[:10]!r}"
        size, start = head[1], 2
        if size == 126:
            if len(head) < 4:
                return None
            (size,), start = struct.unpack_from("!H", head, 2), 4
            assert size > 125
        elif size == 127:
            if len(head) < 10:
                return None
            (size,), start = struct.unpack_from("!Q", head, 2), 10
            assert size > 65535
        assert size < 1 << 30
        if len(head) < start + size:
            return None
        self.buffer = head[start + size :]
        return json.loads(head[start : start + size]), None

    def _sse(self) -> Read | None:
        block, end, rest = self.buffer.partition(b"\n\n")
        if not end:
            return None
        self.buffer = rest
        fields = dict(line.split(": ", 1) for line in block.decode().split("\n"))
        assert set(fields) <= {"id", "data"}
        ids = fields.get("id")
        return json.loads(fields["data"]), None if ids is None else ids.split(",")

    def _json(self) -> Read | None:
        try:
            message, end = json.JSONDecoder().raw_decode(self.buffer.decode())
        except (json.JSONDecodeError, UnicodeDecodeError):
            return None
        text = self.buffer.decode()
        if len(text) <= end:
            return None
        assert text[end] == ",", f"messages run into each other: {text[:80]}"
        self.buffer = text[end + 1 :].encode()
        return message, None


def parse_all(framing: Framing, data: bytes) -> list[Read]:
    """Whole messages and nothing else."""
    parser = Parser(framing)
    found = parser.feed(data)
    assert not parser.buffer, f"{parser.buffer!r} is left over"
    return found
