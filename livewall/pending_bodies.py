"""How much of what is not complete yet is kept, of all senders together and of each address.

Bytes are counted as they come, not as they are announced. Knows no socket.
"""

from __future__ import annotations

from livewall.errors import Busy

MOST = 64 << 20
"""Bytes of unfinished bodies and messages of the whole process."""
MOST_OF_ONE = 16 << 20
"""Of these, bytes from one address."""


class Bodies:
    """The count. With `most_of_one` an address that several people share keeps room for the others."""

    def __init__(self, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        self.held = 0
        self._most = most
        self._most_of_one = most_of_one
        self._of: dict[str, int] = {}

    def take(self, address: str, size: int) -> None:
        """Count `size` more bytes. Raises Busy: `rate` where the address holds too many, else `unavailable`."""
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
    """What one request or one connection holds."""

    __slots__ = ("_address", "_bodies", "_held")

    def __init__(self, bodies: Bodies, address: str) -> None:
        self._bodies = bodies
        self._address = address
        self._held = 0

    def take(self, size: int) -> None:
        """Raises Busy; nothing more is held then."""
        self._bodies.take(self._address, size)
        self._held += size

    def release(self) -> None:
        if self._held:
            self._bodies.give_back(self._address, self._held)
            self._held = 0
