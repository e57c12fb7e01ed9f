"""What was counted under a receipt: for whoever may see the tally, since it is a part of it."""

from __future__ import annotations

from typing import Any

from livewall.errors import NotAllowed, NotFound
from livewall.hub.position import View
from livewall.hub.service import LiveHub
from livewall.identity import Who
from livewall.names import receipt
from livewall.store.store import Store
from livewall.voting import rows
from livewall.voting.ballots import Ballot


async def counted_under(store: Store, hub: LiveHub, poll: str, typed: str, who: Who) -> Ballot:
    """The ballot with a receipt as somebody typed it, in any round of the poll.

    Raises NotFound, and NotAllowed while `who` may not see the result: then every receipt is answered alike.
    """
    try:
        view = await hub.view(rows.stream_of(poll), who)
    except NotFound:
        raise NotFound("no_such_poll", "there is no such poll") from None
    if view is not View.FULL:
        raise NotAllowed("forbidden", "receipts are answered as soon as you may see the result")
    return await store.read(lambda connection: find(connection, poll, receipt(typed)))


def find(asks: rows.Asks, poll: str, receipt: str) -> Ballot:
    """Raises NotFound."""
    order = rows.find(asks, poll).order
    found: Any = asks.execute(
        """SELECT ballots.round FROM ballots
        JOIN rounds ON rounds.poll = ballots.poll AND rounds.round = ballots.round AND rounds.erased_at IS NULL
        WHERE ballots.receipt = :receipt AND ballots.poll = :poll""",
        {"receipt": receipt, "poll": poll},
    ).fetchone()
    if found is None:
        raise NotFound("not_found", "no ballot of this poll has that receipt")
    marks = {c for (c,) in asks.execute("SELECT choice FROM choices WHERE receipt = :receipt", {"receipt": receipt})}
    return Ballot(receipt, tuple(o for o in order if o in marks), found[0])
