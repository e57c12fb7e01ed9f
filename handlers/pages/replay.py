"""The tally over time: the API, and the page that plays it."""

from __future__ import annotations

from typing import Any

import msgspec
from tornado.routing import URLSpec

from handlers.base import BaseHandler
from handlers.pages.page import ID, Page
from handlers.pages.view_models.result_summary import ResultSummary
from livewall.charts import race
from livewall.charts.drawing import LIGHT
from livewall.clock import moment
from livewall.errors import NotAllowed, invalid
from livewall.voting import rounds
from livewall.voting.figures import figures
from livewall.voting.poll import Phase, Poll, Tally
from livewall.voting.replay import Replay
from livewall.voting.rounds import Shown


def round_of(handler: BaseHandler) -> int | None:
    """The round that is asked for; None for the current one. Raises BadInput."""
    text = handler.argument("round")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 8 and int(text)):
        raise invalid("round", "a whole number from 1 on")
    return int(text)


class ReplayHandler(BaseHandler):
    """GET /api/polls/ID/replay"""

    async def get(self, poll_id: str) -> None:
        _, replay = await self.services.replays.of(poll_id, round_of(self), self.who)
        self.answer(replay)


class ReplayPage(Page):
    """GET /polls/ID/replay. Where the tally is hidden the page says so, and shows it when it may."""

    scripts = ("live", "poll", "replay", "result", "state", "error")

    async def get(self, poll_id: str) -> None:
        try:
            shown, replay = await self.services.replays.of(poll_id, round_of(self), self.who)
        except NotAllowed:
            poll, _ = await self.services.polls.detail(poll_id, self.who)
            self.set_status(403)
            self.finish(self.page_of(poll, replay=None, played=None))
            return
        made = await self.services.replays.beside(lambda: self.drawn(shown, replay))
        self.finish(made)

    def drawn(self, shown: Shown, replay: Replay) -> bytes:
        """The page; a long round of many options takes tens of milliseconds."""
        tally = rounds.chosen(shown, replay.round)
        facts = ResultSummary(self, shown.poll, tally)
        return self.page_of(
            {"id": shown.poll.id, "title": shown.poll.title},
            replay=replay,
            facts=" · ".join(facts.all()),
            rounds=[each.round for each in shown.tallies],
            figures=figures(shown.poll, tally),
            drawn=race.race(replay, race_words(self, shown.poll, tally, replay), LIGHT, headed=False),
            asked="&as=audience" if self.as_audience else "",
            played=played(shown.poll, replay),
        )

    def page_of(
        self, poll: dict[str, Any], *, replay: Replay | None, played: dict[str, Any] | None, **more: Any
    ) -> bytes:
        data = {
            "stream": f"polls/{poll['id']}",
            "lang": self.locale.code.replace("_", "-"),
            "audience": self.as_audience,
            "replay": played,
        }
        return self.render_string("replay.html", poll=poll, replay=replay, data=data, script="replay", **more)


def race_words(handler: BaseHandler, poll: Poll, tally: Tally, replay: Replay) -> race.Words:
    """What the race says."""
    facts = ResultSummary(handler, poll, tally)
    began = handler.say("result.began", time=replay.items[0].at[:19].replace("T", " "))
    about = [each for each in (facts.ballots(), facts.round(), facts.rules(), began, facts.time()) if each]
    return race.Words(poll.title, " · ".join(about), handler.say("result.elapsed"), handler.say("result.pause"))


def played(poll: Poll, replay: Replay) -> dict[str, Any]:
    """What the script of the page plays: of each moment the time in ms, the ballots, the counts of the options."""
    return {
        "round": replay.round,
        "current": replay.round == poll.round,
        "over": replay.round < poll.round or poll.phase is Phase.CLOSED,
        "options": msgspec.to_builtins(replay.options),
        "items": [
            [round(moment(item.at).timestamp() * 1000), item.ballots, *(item.counts[o.id] for o in replay.options)]
            for item in replay.items
        ],
    }


def api(plain: dict[str, Any]) -> list[URLSpec]:
    return [URLSpec(rf"/api/polls/{ID}/replay", ReplayHandler, plain)]


routes = [URLSpec(rf"/polls/{ID}/replay", ReplayPage, name="replay")]
