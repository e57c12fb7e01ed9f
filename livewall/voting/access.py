"""The decision who may read a poll, and in which view: one for every transport, for the API and for pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from livewall.errors import NotFound
from livewall.hub.position import View
from livewall.hub.stream import State
from livewall.identity import Secrets, Who
from livewall.store.store import Store
from livewall.voting import rows
from livewall.voting.ballots import voted
from livewall.voting.poll import tally_is_seen
from livewall.voting.voter_codes.electorate import Electorate


def sees_tally(who: Who, *, results: str, phase: str, published: bool, voted: bool) -> bool:
    """Return whether `who` may see the tally of a poll's round. `voted` says whether `who` has a ballot in it."""
    return who.host or tally_is_seen(results, phase, published, voted)


class PollState(Struct):
    """What the rule reads of a poll."""

    results: str
    phase: str
    published: bool
    round: int


class PollRule:
    """The rule of streams `polls/ID`. The state of a viewer is the last round in which it has a ballot; 0 for none."""

    keys: Mapping[str, Any] = {"poll": PollState}

    def __init__(self, secrets: Secrets, store: Store) -> None:
        self._secrets = secrets
        self._store = store
        self.electorate = Electorate(secrets)

    def view(self, state: State, who: Who, viewer_state: int | None) -> View:
        poll: PollState | None = state.get("poll")
        if poll is None:
            raise NotFound("no_such_stream", "there is no such poll")
        is_visible = sees_tally(
            who,
            results=poll.results,
            phase=poll.phase,
            published=poll.published,
            voted=viewer_state == poll.round,
        )
        return View.FULL if is_visible else View.MASKED

    def needs_viewer_state(self, state: State, who: Who) -> bool:
        poll: PollState | None = state.get("poll")
        return poll is not None and poll.results == "after_vote" and who.voter is not None and not who.host

    def viewer_tag(self, name: str, who: Who) -> str | None:
        if who.voter is None or who.host:
            return None
        return self.stored(name, who.voter).hex()

    def stored(self, name: str, voter: str) -> bytes:
        return self._secrets.stored_voter(name.partition("/")[2], voter)

    async def load_viewer_state(self, name: str, who: Who) -> int:
        """Return the last round in which the viewer has a ballot, from the store."""
        assert who.voter is not None
        poll, voter = name.partition("/")[2], who.voter
        stored = self.stored(name, voter)

        def ask(asks: rows.Asks) -> int:
            round_number, assurance, wall = voted(asks, poll, stored)
            if assurance != "code":
                return round_number
            # The tag remains the voter's own here, too: a voter is bound to one holder of a wall at a time.
            holder, _ = self.electorate.stored_voter(asks, poll, wall, voter)
            return voted(asks, poll, holder)[0] if holder else 0

        return await self._store.read(ask)
