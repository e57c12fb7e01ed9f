"""The memory of unfinished request bodies and messages, limited for all senders together and for each address.

Bytes are counted as they arrive, not as they are announced. No I/O.
"""

from __future__ import annotations

from livewall.errors import Busy

MAX_BYTES = 64 << 20
"""The limit in bytes for the whole process."""
MAX_BYTES_OF_ADDRESS = 16 << 20
"""The limit in bytes for one address."""


class Bodies:
    """The count of bytes. `most_of_one` leaves room for the others behind a shared address."""

    def __init__(self, most: int = MAX_BYTES, most_of_one: int = MAX_BYTES_OF_ADDRESS) -> None:
        self.held = 0
        self._most = most
        self._most_of_one = most_of_one
        self._of: dict[str, int] = {}

    def take(self, address: str, size: int) -> None:
        """Count `size` more bytes. Raises Busy: `rate` if the address holds too many, otherwise `unavailable`."""
        mine = self._of.get(address, 0) + size
        if mine > self._most_of_one:
            raise Busy("rate", "too much is being sent from this address at once; try again shortly")
        if self.held + size > self._most:
            raise Busy("unavailable", "too much is being sent to this server at once; try again shortly")
        self.held += size
        self._of[address] = mine

    def give_back(self, address: str, size: int) -> None:
        self.held -= size
        left = self._of.get(address, 0) - size
        if left > 0:
            self._of[address] = left
        else:
            self._of.pop(address, None)


class Share:
    """The bytes that one request or connection holds."""

    __slots__ = ("_address", "_bodies", "_held")

    def __init__(self, bodies: Bodies, address: str) -> None:
        self._bodies = bodies
        self._address = address
        self._held = 0

    def take(self, size: int) -> None:
        """Count more bytes. If it raises Busy, nothing more is held."""
        self._bodies.take(self._address, size)
        self._held += size

    def release(self) -> None:
        if self._held:
            self._bodies.give_back(self._address, self._held)
            self._held = 0
