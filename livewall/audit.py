"""The audit log: what hosts and operators did, and who signed in. Each line is written in the transaction of its act.

A line names the act and its object and never a secret: no token, no code, no parameter of a task, no title of a draft
(operators read these lines, too), and nothing of a ballot.
"""

from __future__ import annotations

from typing import Any

import msgspec

from livewall import wire
from livewall.clock import later, moment
from livewall.identity import Who
from livewall.store.store import Store
from livewall.store.transaction import Transaction

KEPT_LINES = 100_000
KEPT_DAYS = 400


class Line(msgspec.Struct):
    """A line of the log. `who` is the name of the token or sign-in whose id is `credential`; `about` is the name of a
    stream or `tokens/ID`. Acts of Livewall itself have the role `system`."""

    at: str
    who: str
    role: str
    credential: str
    act: str
    about: str
    detail: dict[str, Any]


def note(tx: Transaction, who: Who | None, now: str, act: str, about: str, **detail: Any) -> None:
    """Write the line of an act that changed something; without `who` it was Livewall itself. Deletes the oldest
    lines."""
    name, role, credential = (who.name, who.role or "", who.credential) if who else ("livewall", "system", "")
    row = tx.one("SELECT MAX(number) FROM audit", {})
    number = (row[0] or 0) + 1
    tx.execute(
        """INSERT INTO audit (number, at, who, role, credential, act, about, detail)
        VALUES (:number, :at, :who, :role, :credential, :act, :about, :detail)""",
        {
            "number": number,
            "at": now,
            "who": name or role,
            "role": role,
            "credential": credential,
            "act": act,
            "about": about,
            "detail": wire.text(detail),
        },
    )
    tx.execute("DELETE FROM audit WHERE number <= :last", {"last": number - KEPT_LINES})
    # Times rise with the numbers, so this reads no more rows than it deletes.
    tx.execute(
        """DELETE FROM audit
        WHERE number < (SELECT number FROM audit WHERE at >= :oldest ORDER BY number LIMIT 1)""",
        {"oldest": later(moment(now), -KEPT_DAYS * 86400)},
    )


def page(asks: Any, *, limit: int, before: str | None) -> tuple[list[Line], str | None]:
    """Return lines, the newest first, and the cursor of the next page."""
    last = int(before) if before and before.isascii() and before.isdecimal() and len(before) < 18 else 1 << 62
    rows = asks.execute(
        """SELECT number, at, who, role, credential, act, about, detail FROM audit
        WHERE number < :before ORDER BY number DESC LIMIT :limit""",
        {"before": last, "limit": limit + 1},
    ).fetchall()
    lines = [
        Line(at, who, role, credential, act, about, msgspec.json.decode(detail))
        for _, at, who, role, credential, act, about, detail in rows[:limit]
    ]
    return lines, str(rows[limit - 1][0]) if len(rows) > limit else None


class AuditLog:
    """Reads the audit log."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(self, *, limit: int, before: str | None) -> tuple[list[Line], str | None]:
        """Return lines, the newest first, and where the next page begins; None after the last."""
        return await self._store.read(lambda connection: page(connection, limit=limit, before=before))
