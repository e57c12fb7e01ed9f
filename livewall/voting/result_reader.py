"""Results as handlers ask for them: rounds, receipts, exports, and the results of a wall. Reads only."""

from __future__ import annotations

from typing import NamedTuple

from livewall.hub.live_hub import LiveHub
from livewall.identity import Who
from livewall.store.store import Store
from livewall.voting import erasure, export, receipts, rounds, rows
from livewall.voting.ballots import Ballot
from livewall.voting.poll import Poll, Tally
from livewall.voting.rounds import Shown


class BallotExport(NamedTuple):
    """All ballots of a poll that are kept, and when those of other rounds were erased."""

    poll: Poll
    ballots: list[export.Marked]
    erased: dict[int, str]


class ResultReader:
    """`ballot_days` is for how many days after closing this server keeps ballots; None forever."""

    def __init__(self, store: Store, hub: LiveHub, *, ballot_days: int | None) -> None:
        self._store = store
        self._hub = hub
        self._ballot_days = ballot_days

    async def shown(self, poll_id: str, who: Who) -> Shown:
        """Return a poll with those of its rounds that `who` may see. Raises NotFound, NotAllowed."""
        return await rounds.shown(self._store, self._hub, poll_id, who)

    async def rounds(self, poll_id: str, who: Who) -> list[Tally]:
        """Return the tallies that `who` may see, the oldest first. Raises NotFound, NotAllowed."""
        return (await self.shown(poll_id, who)).tallies

    async def turnout(self, poll: Poll) -> int:
        """Return the number of ballots in the poll's round, which everybody may know."""
        return (await self._store.read(lambda c: rows.tally(c, poll))).ballots

    async def receipt(self, poll_id: str, typed: str, who: Who) -> Ballot:
        """Return what was counted under a receipt as somebody typed it. Raises NotFound, NotAllowed."""
        return await receipts.counted_under(self._store, self._hub, poll_id, typed, who)

    async def ballots(self, poll_id: str) -> BallotExport:
        """Return every ballot under its receipt; for hosts only. Raises NotFound."""
        return await self._store.read(
            lambda c: BallotExport(rows.find(c, poll_id).poll, export.ballots(c, poll_id), erasure.erased(c, poll_id))
        )

    async def export(self, poll_id: str) -> export.Results:
        """Return the tally of each round; for hosts only. Raises NotFound."""
        return await self._store.read(lambda c: export.results(c, poll_id, self._ballot_days))

    async def erased(self, poll_id: str) -> dict[int, str]:
        """Return the rounds whose ballots are erased, and when they were."""
        return await self._store.read(lambda c: erasure.erased(c, poll_id))
