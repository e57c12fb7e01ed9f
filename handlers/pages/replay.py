"""The page that plays the tally of a round over time."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from handlers.api.replay import round_of
from handlers.pages.page import Page
from handlers.view_models.race_words import race_words
from handlers.view_models.result_summary import ResultSummary
from livewall.charts import race
from livewall.charts.drawing import LIGHT
from livewall.clock import moment
from livewall.errors import NotAllowed
from livewall.voting import rounds
from livewall.voting.figures import figures
from livewall.voting.poll import Option, Phase, Poll
from livewall.voting.replay import Replay
from livewall.voting.rounds import Shown


class Playback(Struct):
    """What the script plays: for each published tally the time in ms, the ballots, and the count of each option."""

    round: int
    current: bool
    over: bool
    options: list[Option]
    items: list[list[int]]


class ReplayPage(Page):
    """GET /polls/ID/replay. If the tally is hidden, the page says so, and shows the replay as soon as it is visible."""

    scripts = ("live", "poll", "replay", "result", "state", "error")

    async def get(self, poll_id: str) -> None:
        try:
            visible, replay = await self.services.replays.get(poll_id, round_of(self), self.who)
        except NotAllowed:
            poll, _ = await self.services.polls.detail(poll_id, self.who)
            self.set_status(403)
            self.finish(self.render_page(poll, replay=None, playback=None))
            return
        html = await self.services.replays.in_thread(lambda: self.draw_page(visible, replay))
        self.finish(html)

    def draw_page(self, visible: Shown, replay: Replay) -> bytes:
        """Return the page. A long round with many options takes tens of milliseconds to draw."""
        tally = rounds.chosen(visible, replay.round)
        facts = ResultSummary(self, visible.poll, tally)
        return self.render_page(
            visible.poll,
            replay=replay,
            facts=" · ".join(facts.all()),
            rounds=[each.round for each in visible.tallies],
            figures=figures(visible.poll, tally),
            chart=race.race(replay, race_words(self, visible.poll, tally, replay), LIGHT, headed=False),
            as_query="&as=audience" if self.as_audience else "",
            playback=playback(visible.poll, replay),
        )

    def render_page(self, poll: Poll, *, replay: Replay | None, playback: Playback | None, **more: Any) -> bytes:
        data = {
            "stream": f"polls/{poll.id}",
            "lang": self.locale.code.replace("_", "-"),
            "audience": self.as_audience,
            "replay": playback,
        }
        return self.render_string("replay.html", poll=poll, replay=replay, data=data, script="replay", **more)


def playback(poll: Poll, replay: Replay) -> Playback:
    return Playback(
        round=replay.round,
        current=replay.round == poll.round,
        over=replay.round < poll.round or poll.phase is Phase.CLOSED,
        options=replay.options,
        items=[
            [round(moment(item.at).timestamp() * 1000), item.ballots, *(item.counts[o.id] for o in replay.options)]
            for item in replay.items
        ],
    )
