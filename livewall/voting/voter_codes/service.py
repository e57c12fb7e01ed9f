"""What hosts do with the codes of a wall. A code is shown once, in the answer that made it."""

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
    """Codes as they are typed, shown this once, and in the same order the ids to replace or revoke them by."""

    codes: list[str]
    ids: list[str]


class CodeMade(Struct):
    """The code of a holder, shown this once."""

    id: str
    code: str


class CodeList(Struct):
    """How many codes a wall has, how many somebody is bound to, how many nobody used yet; and some of them."""

    made: int
    used: int
    left: int
    items: list[Item]
    next: str | None


class VoterCodes:
    def __init__(self, store: Store, hub: LiveHub, roll: Electorate, clock: Clock) -> None:
        self._store = store
        self._hub = hub
        self._roll = roll
        self._clock = clock

    async def make(self, wall: str, count: int, who: Who) -> CodesMade:
        """New codes and, in the same order, the ids by which they are replaced or revoked.

        Raises NotFound, and BadInput where the wall would have too many.
        """
        wall, now = wall_code(wall), iso(self._clock())
        made, hashes = await asyncio.to_thread(self._draw, wall, count)

        def write(tx: Transaction) -> range:
            wall_rows.find(tx, wall)
            numbers = codes.insert(tx, wall, hashes)
            audit.note(tx, who, now, "codes.make", wall_rows.stream_of(wall), count=count)
            return numbers

        numbers = await self._store.write(write)
        return CodesMade([in_groups(code) for code in made], [str(number) for number in numbers])

    def _draw(self, wall: str, count: int) -> tuple[list[str], list[bytes]]:
        made = [new_voting_code() for _ in range(count)]
        return made, [self._roll.code(wall, code) for code in made]

    async def list(self, wall: str, *, limit: int = 50, before: str | None = None) -> CodeList:
        """The counts of a wall's codes, and the codes without what stands on them. Raises NotFound."""
        wall = wall_code(wall)

        def ask(connection: sqlite3.Connection) -> CodeList:
            wall_rows.find(connection, wall)
            items, more = codes.page(connection, wall, limit=limit, before=before)
            return CodeList(**codes.counted(connection, wall), items=items, next=more)

        return await self._store.read(ask)

    async def replace(self, wall: str, code_id: str, who: Who) -> CodeMade:
        """Another code for the same holder; whoever was bound is not any more. Raises NotFound, Refused."""
        wall, now, code = wall_code(wall), iso(self._clock()), new_voting_code()

        def write(tx: Transaction) -> None:
            before = codes.replace(tx, wall, code_id, self._roll.code(wall, code))
            audit.note(tx, who, now, "codes.replace", wall_rows.stream_of(wall), id=code_id)
            if before is not None:
                polls = rows.seen_after_vote(tx, wall)
                tx.tell(lambda: self._unbound(wall, before, polls))

        await self._store.write(write)
        return CodeMade(code_id, in_groups(code))

    async def revoke(self, wall: str, code_id: str, who: Who) -> None:
        """What was cast with it stays, and may still be looked at; nothing more is cast. Raises NotFound."""
        wall, now = wall_code(wall), iso(self._clock())

        def write(tx: Transaction) -> None:
            if codes.revoke(tx, wall, code_id):
                audit.note(tx, who, now, "codes.revoke", wall_rows.stream_of(wall), id=code_id)

        await self._store.write(write)

    def _unbound(self, wall: str, voter: bytes, polls: Sequence[str]) -> None:
        """What readers saw as the holder is not theirs any more."""
        for poll in polls:
            self._hub.hub.invalidate_viewer_state(
                rows.stream_of(poll), lambda who: who.voter is not None and self._roll.bound(wall, who.voter) == voter
            )
