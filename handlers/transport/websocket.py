"""WebSocket frames (RFC 6455 §5), read with every check of the RFC. Violations are answered with a close code that
arrives.

Tornado cuts a connection that violates the protocol without a close frame. The client takes that for a broken network,
and reconnects forever.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any, Protocol

from tornado.util import _websocket_mask
from tornado.websocket import WebSocketProtocol13, _WebSocketParams

from handlers.transport.stream import LiveStream
from livewall.errors import Busy, CloseCode

SMALL = 4 << 10
"""The size in bytes up to which frames are not counted while they arrive. Acts are much smaller."""
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Counted(Protocol):
    """Counts the bytes of the unfinished messages of one connection."""

    def take(self, size: int) -> None:
        """Count so many bytes. Raises Busy if too many are held."""

    def release(self) -> None: ...


class Frames(WebSocketProtocol13):
    """Reads frames of messages of at most `max_bytes` bytes.

    `spend` is called for each frame that is not a message of its own (a ping, a pong, a fragment), and raises Busy if
    there are too many: each costs as much as an act, and nothing else limits them.
    """

    stream: LiveStream

    def __init__(self, handler: Any, max_bytes: int, counted: Counted, spend: Callable[[], None]) -> None:
        super().__init__(
            handler, False, _WebSocketParams(ping_interval=None, ping_timeout=None, max_message_size=max_bytes)
        )
        self._max_bytes = max_bytes
        self._counted = counted
        self._spend = spend
        self._parts: bytearray | None = None
        self._kind = TEXT

    async def _receive_frame(self) -> None:
        first, second = await self._read_bytes(2)
        opcode, final, size = first & 0x0F, bool(first & 0x80), second & 0x7F
        if violation := self._violation(first, second):
            self.refuse(CloseCode.PROTOCOL, violation)
            return
        # 126 and 127 say that two or eight more bytes hold the length (RFC 6455 §5.2).
        if size > 125:
            size = int.from_bytes(await self._read_bytes(2 if size == 126 else 8), "big")
        # A control frame may come between two fragments, and is not a part of the message (RFC 6455 §5.4).
        held_bytes = len(self._parts) if self._parts is not None and opcode < CLOSE else 0
        # Refused by its announced length, before a byte of it is read.
        if held_bytes + size > self._max_bytes:
            self.refuse(CloseCode.TOO_BIG, f"a message has at most {self._max_bytes} bytes")
            return
        try:
            if opcode >= CLOSE or opcode == CONTINUATION:
                self._spend()
            if size > SMALL or held_bytes or not final:
                self._counted.take(size)
        except Busy as error:
            self.refuse(CloseCode.RATE, error.message)
            return
        data = await self._read_bytes(4 + size)
        data = _websocket_mask(data[:4], data[4:])
        if opcode < CLOSE:
            if opcode != CONTINUATION:
                self._kind = opcode
            if not final or self._parts is not None:
                self._parts = self._parts or bytearray()
                self._parts += data
                if not final:
                    return
                opcode, data, self._parts = self._kind, bytes(self._parts), None
            self._counted.release()
        handled = self._handle_message(opcode, data)
        if handled is not None:
            await handled

    def _violation(self, first: int, second: int) -> str:
        """Return what is wrong with the first two bytes of a frame, or an empty text."""
        opcode, final = first & 0x0F, first & 0x80
        if first & 0x70:
            return "reserved bits of a frame are set"
        if not second & 0x80:
            return "the frames of a client must be masked"
        if opcode >= CLOSE:
            if opcode > PONG:
                return "unknown kind of frame"
            return "a control frame must be short and not fragmented" if not final or second & 0x7F > 125 else ""
        if opcode > BINARY:
            return "unknown kind of frame"
        if (opcode == CONTINUATION) is (self._parts is None):
            return (
                "a continuation frame without a message to continue"
                if opcode == CONTINUATION
                else "a message begins within another"
            )
        return ""

    def _handle_message(self, opcode: int, data: bytes) -> asyncio.Future[None] | None:
        if self.server_terminated and opcode != CLOSE:  # whatever follows our close frame is ignored
            return None
        if opcode in (TEXT, CLOSE):
            try:
                text = (data if opcode == TEXT else data[2:]).decode()
            except UnicodeDecodeError:
                self.refuse(CloseCode.PROTOCOL, "not UTF-8")
                return None
            if opcode == TEXT and not self.client_terminated:
                return self._run_callback(self.handler.on_message, text)
        if opcode == CLOSE and len(data) == 1:
            self.refuse(CloseCode.PROTOCOL, "the close code is incomplete")
            return None
        return super()._handle_message(opcode, data)

    def refuse(self, code: int, reason: str) -> None:
        """Close with a code at once, and discard further input so that the code arrives."""
        if self.client_terminated or self.stream.closed():
            return
        if not self.server_terminated:
            self._write_frame(True, CLOSE, struct.pack(">H", code) + reason.encode()[:120])
            self.server_terminated = True
        self.client_terminated = True  # ends the loop that reads frames
        if self._waiting is not None:
            self.stream.io_loop.remove_timeout(self._waiting)
            self._waiting = None
        self._counted.release()
        self.stream.linger()

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        if code == CloseCode.RATE:  # a client that sends too much is not read while the connection closes
            self.refuse(code, reason or "")
            return
        super().close(code, reason)
        if self.stream is None or self.stream.closed():
            self._parts = None
            self._counted.release()
