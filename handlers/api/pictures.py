"""Results as SVG pictures: bars and the race, for everybody who may see the tally. The page converts them to PNG."""

from __future__ import annotations

from msgspec import UNSET

from handlers.api.replay import round_of
from handlers.base import BaseHandler
from handlers.view_models.race_words import race_words
from handlers.view_models.result_summary import ResultSummary
from livewall.charts import race
from livewall.charts.bars import Mark, Picture
from livewall.charts.drawing import THEMES, Theme
from livewall.errors import invalid
from livewall.voting import rounds, shares
from livewall.voting.figures import figures
from livewall.voting.kinds import kind_of
from livewall.voting.poll import Poll, Tally


class PictureHandler(BaseHandler):
    """An SVG. Errors are answered as in the rest of the API."""

    def theme(self) -> Theme:
        """Return the theme of the picture. Raises BadInput."""
        theme = THEMES.get(self.argument("theme", "light"))
        if theme is None:
            raise invalid("theme", "light or dark")
        return theme

    def show(self, svg: str, name: str) -> None:
        self.set_header("Content-Type", "image/svg+xml; charset=utf-8")
        self.set_header("Content-Disposition", f'inline; filename="{name}.svg"')
        self.set_header("Vary", "Authorization, Cookie, Accept-Language")
        self.finish(svg)


class ResultsPicture(PictureHandler):
    """GET /api/polls/ID/results.svg"""

    async def get(self, poll_id: str) -> None:
        theme = self.theme()
        visible = await self.services.results.shown(poll_id, self.who)
        tally = rounds.chosen(visible, round_of(self))
        before = [each for each in visible.tallies if each.round < tally.round]
        earlier = before[-1] if before and visible.poll.compare is True else None
        chart = kind_of(visible.poll.kind).chart
        svg = await self.services.replays.in_thread(lambda: chart(picture(self, visible.poll, tally, earlier), theme))
        self.show(svg, f"results-{poll_id}")


class RacePicture(PictureHandler):
    """GET /api/polls/ID/race.svg"""

    async def get(self, poll_id: str) -> None:
        theme = self.theme()
        visible, replay = await self.services.replays.get(poll_id, round_of(self), self.who)
        words = race_words(self, visible.poll, rounds.chosen(visible, replay.round), replay)
        svg = await self.services.replays.in_thread(lambda: race.race(replay, words, theme))
        self.show(svg, f"race-{poll_id}")


def picture(handler: BaseHandler, poll: Poll, tally: Tally, earlier: Tally | None) -> Picture:
    """Return the figures and texts for the bars of a round."""
    facts = ResultSummary(handler, poll, tally)
    majority, turnout = None, None
    if poll.majority is not UNSET:
        majority = Mark(shares.line(poll.majority), facts.majority_text())
    if poll.quorum is not UNSET:
        scale = max(poll.quorum, tally.ballots)
        turnout = (facts.ballots(), Mark(poll.quorum / scale, facts.quorum()), tally.ballots / scale)
    drawn_texts = (turnout[0], turnout[1].label) if turnout else ()  # these stand beside the line
    before = ResultSummary(handler, poll, earlier) if earlier else None
    return Picture(
        title=poll.title,
        figures=figures(poll, tally),
        facts=[each for each in facts.all() if each not in drawn_texts],
        majority=majority,
        turnout=turnout,
        earlier=figures(poll, earlier) if earlier else (),
        earlier_label=handler.say("result.before", round=before.round(), ballots=before.ballots()) if before else "",
    )
