"""The publication of a moving tally, as a write (livewall/publisher.py says when)."""

from __future__ import annotations

from livewall.store.transaction import Transaction
from livewall.voting import rows
from livewall.voting.counts import write_counts


def publish_tally(tx: Transaction, poll: str, now: str) -> None:
    """Append the tally as it is in this transaction, unless it was published already."""
    row = rows.held(tx, poll)
    published: dict[str, str] | None = tx.memo.get("published")
    if published is None:
        published = tx.memo["published"] = {}
        tx.before_commit(_fan_out)
    published[row.poll.id] = now


def _fan_out(tx: Transaction) -> None:
    write_counts(tx)
    for poll, now in tx.memo["published"].items():
        row = rows.held(tx, poll)
        if rows.changed_since_published(tx, row.poll):
            rows.append_tally_event(tx, row.poll, now)
