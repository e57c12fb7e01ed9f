"""The tallies of a poll's rounds, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from livewall.errors import NotAllowed, NotFound
from livewall.hub.live_hub import LiveHub
from livewall.hub.position import View
from livewall.identity import Who
from livewall.store.store import Store
from livewall.voting import rows
from livewall.voting.poll import Phase, Poll, Tally


class Shown(NamedTuple):
    """A poll, the tallies of those of its rounds that may be seen, and the sequence number of its stream."""

    poll: Poll
    tallies: list[Tally]
    head: int


async def shown(store: Store, hub: LiveHub, poll: str, who: Who) -> Shown:
    """Return each round's tally as far as `who` may see it, the oldest first, the current one last.

    Raises NotFound, and NotAllowed while `who` may not see the current round. Earlier rounds are shown to everyone
    where their tally was public when they ended, or where the host asked for the comparison.
    """
    stream = rows.stream_of(poll)
    try:
        view = await hub.view(stream, who)
    except NotFound:
        raise NotFound("no_such_poll", "there is no such poll") from None

    def ask(asks: rows.Asks) -> Shown:
        row = rows.find(asks, poll)
        if view is not View.FULL and row.poll.phase is Phase.DRAFT:
            raise NotFound("no_such_poll", "this poll is not open yet")
        if view is not View.FULL:
            raise NotAllowed("forbidden", "the results are not shown at the moment")
        rounds = seen_rounds(row.poll.round, row.shown, everything=who.host or row.poll.compare is True)
        tallies = [rows.tally(asks, msgspec.structs.replace(row.poll, round=round_number)) for round_number in rounds]
        (head,) = asks.execute("SELECT seq FROM streams WHERE name = :name", {"name": stream}).fetchone()
        return Shown(row.poll, tallies, head)

    return await store.read(ask)


def chosen(shown: Shown, round_number: int | None) -> Tally:
    """Return one of the rounds that may be seen, the current one unless another is named. Raises NotFound,
    NotAllowed."""
    wanted = shown.poll.round if round_number is None else round_number
    if not 1 <= wanted <= shown.poll.round:
        raise NotFound("not_found", f"there is no round {wanted}; this is round {shown.poll.round}")
    for tally in shown.tallies:
        if tally.round == wanted:
            return tally
    raise NotAllowed("forbidden", f"round {wanted} was not shown to everyone")


def seen_rounds(current: int, shown: Sequence[int], *, everything: bool) -> list[int]:
    """Return the rounds that may be seen by a viewer who may see the current one."""
    return [
        round_number
        for round_number in range(1, current + 1)
        if everything or round_number == current or round_number in shown
    ]
