"""Receipts: the ballot behind a receipt, for viewers who may see the tally of its round."""

from __future__ import annotations

from typing import Any

from livewall.errors import NotAllowed, NotFound
from livewall.hub.live_hub import LiveHub
from livewall.hub.position import View
from livewall.identity import Who
from livewall.names import receipt
from livewall.store.store import Store
from livewall.voting import rows
from livewall.voting.ballots import Ballot
from livewall.voting.poll import Phase
from livewall.voting.rounds import seen_rounds


async def counted_under(store: Store, hub: LiveHub, poll: str, typed: str, who: Who) -> Ballot:
    """Return the ballot with a receipt as somebody typed it, in any round of the poll.

    Each round has its own rule: a receipt of an earlier round is answered where its tally was public when it ended,
    whatever the present round shows. Raises NotFound, and NotAllowed where `who` may not see the round; while that is
    the present one, unknown receipts get the same answer, so that the answer reveals nothing.
    """
    try:
        view = await hub.view(rows.stream_of(poll), who)
    except NotFound:
        raise NotFound("no_such_poll", "there is no such poll") from None
    is_visible = view is View.FULL

    def ask(asks: rows.Asks) -> Ballot:
        row = rows.find(asks, poll)
        if row.poll.phase is Phase.DRAFT and not is_visible:  # only hosts see anything of a draft
            raise _hidden()
        try:
            ballot = find(asks, poll, receipt(typed))
        except NotFound:
            if is_visible:
                raise
            raise _hidden() from None
        if ballot.round == row.poll.round:
            allowed = is_visible
        else:
            everything = who.host or (is_visible and row.poll.compare is True)
            allowed = ballot.round in seen_rounds(row.poll.round, row.shown, everything=everything)
        if not allowed:
            raise _hidden()
        return ballot

    return await store.read(ask)


def _hidden() -> NotAllowed:
    return NotAllowed("forbidden", "a receipt can be checked as soon as you may see the result of its round")


def find(asks: rows.Asks, poll: str, receipt: str) -> Ballot:
    """Return the ballot with this receipt. Raises NotFound."""
    order = rows.find(asks, poll).order
    row: Any = asks.execute(
        """SELECT ballots.round FROM ballots
        JOIN rounds ON rounds.poll = ballots.poll AND rounds.round = ballots.round AND rounds.erased_at IS NULL
        WHERE ballots.receipt = :receipt AND ballots.poll = :poll""",
        {"receipt": receipt, "poll": poll},
    ).fetchone()
    if row is None:
        raise NotFound("not_found", "no ballot of this poll has that receipt")
    marks = {c for (c,) in asks.execute("SELECT choice FROM choices WHERE receipt = :receipt", {"receipt": receipt})}
    return Ballot(receipt, tuple(o for o in order if o in marks), row[0])
