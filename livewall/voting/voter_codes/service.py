"""The service of voting codes for hosts. The answer that makes a code is the only one that shows it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence

from msgspec import Struct

from livewall import audit, wall_rows
from livewall.clock import Clock, iso
from livewall.hub.live_hub import LiveHub
from livewall.identity import Who
from livewall.names import in_groups, new_voting_code, wall_code
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.voting import rows
from livewall.voting.voter_codes import codes
from livewall.voting.voter_codes.codes import Item
from livewall.voting.voter_codes.electorate import Electorate


class CodesMade(Struct):
    """Codes as they are typed, shown only once, and in the same order the ids with which they are replaced or
    revoked."""

    codes: list[str]
    ids: list[str]


class CodeMade(Struct):
    """The code of a holder, shown only once."""

    id: str
    code: str


class CodeList(Struct):
    """The number of codes of a wall, of those that a voter is bound to, and of those nobody has used yet; and a page of
    them."""

    made: int
    used: int
    left: int
    items: list[Item]
    next: str | None


class VoterCodes:
    def __init__(self, store: Store, hub: LiveHub, electorate: Electorate, clock: Clock) -> None:
        self._store = store
        self._hub = hub
        self._electorate = electorate
        self._clock = clock

    async def make(self, wall: str, count: int, who: Who) -> CodesMade:
        """Create codes; return them with the ids that replace or revoke them, in the same order.

        Raises NotFound, and BadInput where the wall would have too many.
        """
        wall, now = wall_code(wall), iso(self._clock())
        # Two thousand keyed hashes would hold up the loop for tens of milliseconds.
        new_codes, hashes = await asyncio.to_thread(self._draw, wall, count)

        def write(tx: Transaction) -> range:
            wall_rows.find(tx, wall)
            numbers = codes.insert(tx, wall, hashes)
            audit.note(tx, who, now, "codes.make", wall_rows.stream_of(wall), count=count)
            return numbers

        numbers = await self._store.write(write)
        return CodesMade([in_groups(code) for code in new_codes], [str(number) for number in numbers])

    def _draw(self, wall: str, count: int) -> tuple[list[str], list[bytes]]:
        drawn = [new_voting_code() for _ in range(count)]
        return drawn, [self._electorate.code_hash(wall, code) for code in drawn]

    async def list(self, wall: str, *, limit: int = 50, before: str | None = None) -> CodeList:
        """Return the counts of a wall's codes and a page of them, without the codes themselves. Raises NotFound."""
        wall = wall_code(wall)

        def ask(connection: sqlite3.Connection) -> CodeList:
            wall_rows.find(connection, wall)
            items, more = codes.page(connection, wall, limit=limit, before=before)
            return CodeList(**codes.counted(connection, wall), items=items, next=more)

        return await self._store.read(ask)

    async def replace(self, wall: str, code_id: str, who: Who) -> CodeMade:
        """Give the holder another code; a voter who was bound to the old one is no longer bound. Raises NotFound,
        Refused."""
        wall, now, code = wall_code(wall), iso(self._clock()), new_voting_code()

        def write(tx: Transaction) -> None:
            before = codes.replace(tx, wall, code_id, self._electorate.code_hash(wall, code))
            audit.note(tx, who, now, "codes.replace", wall_rows.stream_of(wall), id=code_id)
            if before is not None:
                polls = rows.seen_after_vote(tx, wall)
                tx.after_commit(lambda: self._unbound(wall, before, polls))

        await self._store.write(write)
        return CodeMade(code_id, in_groups(code))

    async def revoke(self, wall: str, code_id: str, who: Who) -> None:
        """Revoke a code. Ballots cast with it remain and can be looked at; no further ones are cast. Raises
        NotFound."""
        wall, now = wall_code(wall), iso(self._clock())

        def write(tx: Transaction) -> None:
            if codes.revoke(tx, wall, code_id):
                audit.note(tx, who, now, "codes.revoke", wall_rows.stream_of(wall), id=code_id)

        await self._store.write(write)

    def _unbound(self, wall: str, voter: bytes, polls: Sequence[str]) -> None:
        """Request again what readers may see who were bound to the holder."""
        for poll in polls:
            self._hub.hub.invalidate_viewer_state(
                rows.stream_of(poll),
                lambda who: who.voter is not None and self._electorate.bound_hash(wall, who.voter) == voter,
            )
