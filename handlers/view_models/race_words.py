"""The texts of the race chart in the reader's language."""

from __future__ import annotations

from handlers.base import BaseHandler
from handlers.view_models.result_summary import ResultSummary
from livewall.charts import race
from livewall.voting.poll import Poll, Tally
from livewall.voting.replay import Replay


def race_words(handler: BaseHandler, poll: Poll, tally: Tally, replay: Replay) -> race.Words:
    """Return the texts of the race chart."""
    facts = ResultSummary(handler, poll, tally)
    began = handler.say("result.began", time=replay.items[0].at[:19].replace("T", " "))
    about = [each for each in (facts.ballots(), facts.round(), facts.rules(), began, facts.time()) if each]
    return race.Words(poll.title, " · ".join(about), handler.say("result.elapsed"), handler.say("result.pause"))
