"""The counts that are kept beside the ballots, in the same transaction. Differences are summed over a group of
writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from livewall.store.transaction import Transaction

_COUNT = """
INSERT INTO counts (poll, round, choice, n) VALUES (:poll, :round, :choice, :n)
ON CONFLICT (poll, round, choice) DO UPDATE SET n = counts.n + excluded.n
"""
_ROUND = """
UPDATE rounds SET ballots = ballots + :ballots, changed = changed + :changed WHERE poll = :poll AND round = :round
"""


def count(
    tx: Transaction, poll: str, round_number: int, marks: Sequence[str], before: Sequence[str], *, ballots: int
) -> None:
    """Note a difference. The differences of a group are written together, before its commit or before they are read."""
    sums: dict[tuple[str, int], Counter[str | None]] | None = tx.memo.get("counts")
    if sums is None:
        sums = tx.memo["counts"] = {}
        tx.before_commit(write_counts)
    total = sums.get((poll, round_number))
    if total is None:
        total = sums[poll, round_number] = Counter()
    for mark in marks:
        total[mark] += 1
    for mark in before:
        total[mark] -= 1
    total[None] += ballots
    total["/changed"] += 1


def write_counts(tx: Transaction) -> None:
    """Apply the ballots written so far in this transaction to the kept counts."""
    for (poll, round_number), total in tx.memo.get("counts", {}).items():
        ballots, changed = total.pop(None, 0), total.pop("/changed", 0)
        if not changed:
            continue
        tx.execute(_ROUND, {"poll": poll, "round": round_number, "ballots": ballots, "changed": changed})
        for choice, n in total.items():
            if n:
                tx.execute(_COUNT, {"poll": poll, "round": round_number, "choice": choice, "n": n})
        total.clear()
