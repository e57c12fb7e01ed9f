"""Reactions of the audience: counted for a moment, sent as the volatile event `reactions`, and kept nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from livewall import wall_rows, wire
from livewall.errors import NotFound, Refused
from livewall.hub.live_hub import LiveHub
from livewall.hub.viewers import interval
from livewall.identity import Who
from livewall.names import wall_code

KEY = "reactions"
PERIOD = 0.25
"""Seconds between two events of a wall; more where the wall has very many readers."""


class Reactions:
    """The reactions on all walls of this process. `now` is monotonic, in seconds."""

    def __init__(self, hub: LiveHub, now: Callable[[], float]) -> None:
        self._hub = hub
        self._now = now
        self._counts: dict[str, Counter[str]] = {}
        self._sent_at: dict[str, float] = {}

    async def react(self, code: str, reaction: str, who: Who) -> None:
        """Count a reaction. Raises NotFound, and Refused (`closed`) where the wall has none."""
        name = wall_rows.stream_of(wall_code(code))
        try:
            await self._hub.view(name, who)
        except NotFound:
            raise NotFound("not_found", f"there is no wall {code[:12]}") from None
        wall = (await self._hub.open(name)).state.get("wall")
        if not isinstance(wall, dict) or not wall.get("reactions"):
            raise Refused("closed", "this wall takes no reactions")
        self._counts.setdefault(name, Counter())[reaction] += 1

    def update(self) -> None:
        """Send what was counted. Called every `PERIOD` seconds."""
        now = self._now()
        for name, counted in list(self._counts.items()):
            stream = self._hub.hub.streams.get(name)
            pause = PERIOD * interval(len(stream.cursors) if stream else 0)
            if now - self._sent_at.get(name, -pause) >= pause - 0.05:
                del self._counts[name]
                self._sent_at[name] = now
                self._hub.hub.volatile(name, KEY, wire.text(counted))
        self._sent_at = {name: at for name, at in self._sent_at.items() if now - at < 60 or name in self._counts}
