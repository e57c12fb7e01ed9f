"""The tallies of a poll's rounds, to lay them side by side."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from livewall.errors import NotAllowed, NotFound
from livewall.hub.position import View
from livewall.hub.service import LiveHub
from livewall.identity import Who
from livewall.store.store import Store
from livewall.voting import rows
from livewall.voting.poll import Tally


async def tallies(store: Store, hub: LiveHub, poll: str, who: Who) -> list[Tally]:
    """Each round's tally as far as `who` may see it, the oldest first, the current one last.

    Raises NotFound, and NotAllowed while `who` may not see the current one. Earlier rounds are shown to all where they
    were so when they ended, or where the host asked for the comparison.
    """
    try:
        view = await hub.view(rows.stream_of(poll), who)
    except NotFound:
        raise NotFound("no_such_poll", "there is no such poll") from None
    if view is not View.FULL:
        raise NotAllowed("forbidden", "the results are not shown yet")

    def ask(asks: rows.Asks) -> list[Tally]:
        row = rows.find(asks, poll)
        return [
            rows.tally(asks, msgspec.structs.replace(row.poll, round=round))
            for round in seen_rounds(row.poll.round, row.shown, everything=who.host or row.poll.compare is True)
        ]

    return await store.read(ask)


def seen_rounds(current: int, shown: Sequence[int], *, everything: bool) -> list[int]:
    """Which rounds may be seen by who may see the current one."""
    return [round for round in range(1, current + 1) if everything or round == current or round in shown]
