"""The bodies of requests: their limits, and how they are counted as they arrive."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import tornado.web

from handlers.http_headers import SAFE
from handlers.transport.handler import LeanHandler
from handlers.transport.http1 import abandon, is_unread
from livewall.errors import BadInput, LivewallError
from livewall.pending_bodies import Share

SMALL_BODY, TEXT_BODY, LARGE_BODY, MAX_BODY = 8 << 10, 64 << 10, 256 << 10, 1 << 20
"""The largest bodies in bytes: where anybody may send; for a text of 4,000 characters, which JSON may write with 12
bytes each; for a poll or a wall; and at any address at all."""
MEAN_CHUNK_BYTES = 16
"""The smallest average size in bytes of the chunks of a body, at the largest size that is allowed. Reading a chunk
costs as much as reading a header field, however short it is."""


class BodyTooLarge(BadInput):
    """A body has more than `max_bytes` bytes."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__("too_large", f"a body has at most {max_bytes:,} bytes here")
        self.max_bytes = max_bytes

    @property
    def limit(self) -> str:
        """The limit as people read it: "1 MiB", "256 KiB"."""
        return f"{self.max_bytes >> 20} MiB" if self.max_bytes >= 1 << 20 else f"{self.max_bytes >> 10} KiB"


@tornado.web.stream_request_body
class RequestBody(LeanHandler):
    """Counts the body of a request as it arrives, and refuses one that is too large. A body that no handler stores is
    discarded."""

    body_limit = SMALL_BODY
    _size = 0
    _share: Share | None = None

    @property
    def max_body(self) -> int:
        """The largest body of this request in bytes."""
        return SMALL_BODY if self.request.method in SAFE else self.body_limit

    def expect_body(self) -> None:
        """Raise if the announced body is larger than this address allows."""
        length = self.request.headers.get("Content-Length", "")
        if length.isdecimal() and (len(length) > 15 or int(length) > self.max_body):
            raise BodyTooLarge(self.max_body)
        connection: Any = self.request.connection
        connection.allow_chunks(self.max_body // MEAN_CHUNK_BYTES)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Count the bytes of the body, and keep them if the handler uses them. A body that is too large is refused at
        once."""
        if self._finished:
            return None
        self._size += len(chunk)
        try:
            if self._size > self.max_body:
                raise BodyTooLarge(self.max_body)
            self.store_chunk(chunk)
        except LivewallError as error:
            self.release_body()
            self.send_error(exc_info=(type(error), error, None))
        return None

    def store_chunk(self, chunk: bytes) -> None:
        """Store a part of the body. Raises Busy while the server holds too many unfinished bodies."""

    def release_body(self) -> None:
        """Free the memory of the body, which was used or whose sender has disconnected."""
        if self._share is not None:
            self._share.release()

    def on_finish(self) -> None:
        self.release_body()

    def on_connection_close(self) -> None:
        unread = is_unread(self.request)
        super().on_connection_close()
        if unread:
            abandon(self)
        self.release_body()
