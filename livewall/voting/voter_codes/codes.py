"""Codes as rows: inserted, claimed, replaced, revoked and counted. Only hashes of codes are stored.

A code has a holder, named by a number on its wall, and the holder is the voter: a code that replaces another keeps the
holder, so it can only change the same ballot. A holder is bound to the first browser or program that uses its code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from livewall.errors import NotFound, Refused, invalid
from livewall.store.transaction import Transaction

MAX_CODES = 20_000
"""The largest number of codes of one wall."""


class Item(msgspec.Struct):
    """A code in the list of its wall; `used` says that a voter is bound to it."""

    id: str
    used: bool
    revoked: bool


class Claim(msgspec.Struct):
    """The holder that a voter may vote as. `fresh` says that the voter is not bound to it yet; `moves`, that the
    binding changes what somebody may see elsewhere, because the holder, or the voter bound until now, has voted under
    another binding."""

    number: int
    fresh: bool = False
    moves: bool = False


def insert(tx: Transaction, wall: str, hashes: Sequence[bytes]) -> range:
    """Insert new codes; return their numbers. Raises BadInput if the wall would have too many."""
    count, last = tx.one("SELECT COUNT(*), MAX(number) FROM codes WHERE wall = :wall", {"wall": wall})
    if count + len(hashes) > MAX_CODES:
        raise invalid("count", f"a wall has at most {MAX_CODES} codes; {MAX_CODES - count} more can be created")
    # Numbers are not reused, because a holder's ballots are stored under its number.
    first = (last or 0) + 1
    tx.connection.executemany(
        "INSERT INTO codes (wall, number, hash) VALUES (:wall, :number, :hash)",
        [{"wall": wall, "number": number, "hash": code_hash} for number, code_hash in enumerate(hashes, first)],
    )
    return range(first, first + len(hashes))


def bound(asks: Any, wall: str, voter: bytes) -> tuple[int, bool] | None:
    """Return the holder that a voter of this wall is bound to, and whether its code was revoked."""
    row = asks.execute(
        "SELECT number, revoked FROM codes WHERE wall = :wall AND voter = :voter", {"wall": wall, "voter": voter}
    ).fetchone()
    return (row[0], bool(row[1])) if row else None


def claim(asks: Any, wall: str, voter: bytes, code: bytes | None) -> Claim:
    """Return the holder that `voter` may vote as, with the code it sent or, once bound, without one. Changes nothing.

    Raises Refused: `bad_code` for a code that is unknown, revoked or missing, `code_used` where another voter has it.
    """
    own = bound(asks, wall, voter)
    if code is None:
        if own is None:
            raise Refused("bad_code", "this poll needs a code")
        if own[1]:
            raise Refused("bad_code", "your code was revoked")
        return Claim(own[0])
    row = asks.execute(
        "SELECT number, voter, revoked, replaced FROM codes WHERE wall = :wall AND hash = :hash",
        {"wall": wall, "hash": code},
    ).fetchone()
    if row is None or row[2]:
        raise Refused("bad_code", "this code is not valid here")
    number, holder, _, replaced = row
    if holder == voter:
        return Claim(number)
    # After the comparison with the voter's own: who sends the same code twice has lost an answer.
    if holder is not None:
        raise Refused("code_used", "this code was used in another browser or program")
    # One person with two codes would have two ballots. A revoked code does not count.
    if own is not None and not own[1]:
        raise Refused("code_used", "you have used another code of this wall")
    return Claim(number, fresh=True, moves=bool(replaced or own))


def bind(tx: Transaction, wall: str, number: int, voter: bytes) -> None:
    """Bind a holder to this voter. A revoked code that the voter had belongs to nobody then."""
    params = {"wall": wall, "number": number, "voter": voter}
    tx.execute("UPDATE codes SET voter = NULL WHERE wall = :wall AND voter = :voter", params)
    tx.execute("UPDATE codes SET voter = :voter WHERE wall = :wall AND number = :number", params)


def replace(tx: Transaction, wall: str, code_id: str, code_hash: bytes) -> bytes | None:
    """Give a holder another code: the old one is unknown, and nobody is bound to it. Return the voter who was, if any.

    Raises NotFound, and Refused for a revoked code.
    """
    number, voter, revoked = _find(tx, wall, code_id)
    if revoked:
        raise Refused("conflict", "this code was revoked; create a new one")
    tx.execute(
        """UPDATE codes SET hash = :hash, voter = NULL, replaced = replaced + 1
        WHERE wall = :wall AND number = :number""",
        {"wall": wall, "number": number, "hash": code_hash},
    )
    return voter


def revoke(tx: Transaction, wall: str, code_id: str) -> bool:
    """Revoke a code; ballots cast with it remain. Return False if it was revoked already. Raises NotFound."""
    number, _, revoked = _find(tx, wall, code_id)
    tx.execute("UPDATE codes SET revoked = 1 WHERE wall = :wall AND number = :number", {"wall": wall, "number": number})
    return not revoked


def forget(tx: Transaction, wall: str) -> None:
    """Delete the codes of a wall that is deleted."""
    tx.execute("DELETE FROM codes WHERE wall = :wall", {"wall": wall})


def counted(asks: Any, wall: str) -> dict[str, int]:
    """Return how many codes were made, how many are bound, and how many can still be used for the first time."""
    total, used, left = asks.execute(
        """SELECT COUNT(*), COUNT(voter), COALESCE(SUM(voter IS NULL AND revoked = 0), 0)
        FROM codes WHERE wall = :wall""",
        {"wall": wall},
    ).fetchone()
    return {"made": total, "used": used, "left": left}


def page(asks: Any, wall: str, *, limit: int, before: str | None) -> tuple[list[Item], str | None]:
    """Return codes of a wall, the newest first, and the cursor of the next page."""
    last = int(before) if before and before.isascii() and before.isdecimal() and len(before) < 18 else 1 << 62
    rows = asks.execute(
        """SELECT number, voter IS NOT NULL, revoked FROM codes
        WHERE wall = :wall AND number < :before ORDER BY number DESC LIMIT :limit""",
        {"wall": wall, "before": last, "limit": limit + 1},
    ).fetchall()
    more = str(rows[limit - 1][0]) if len(rows) > limit else None
    return [Item(str(number), bool(used), bool(revoked)) for number, used, revoked in rows[:limit]], more


def _find(asks: Any, wall: str, code_id: str) -> tuple[int, bytes | None, bool]:
    number = int(code_id) if code_id.isascii() and code_id.isdecimal() and len(code_id) < 18 else 0
    row = asks.execute(
        "SELECT number, voter, revoked FROM codes WHERE wall = :wall AND number = :number",
        {"wall": wall, "number": number},
    ).fetchone()
    # `007` and `7` must not be the same code under two addresses.
    if row is None or code_id != str(number):
        raise NotFound("not_found", "this wall has no such code")
    return row[0], row[1], bool(row[2])
