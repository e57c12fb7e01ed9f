"""The facts about a round, in the reader's language, for pictures, paper and pages: turnout, base, quorum, majority,
rules and time."""

from __future__ import annotations

from msgspec import UNSET

from handlers.base import BaseHandler
from livewall.errors import NotAllowed, NotFound
from livewall.identity import Who
from livewall.voting import decision, shares
from livewall.voting.kinds import kind_of
from livewall.voting.poll import Phase, Poll, Tally

MAJORITIES = {"1/2": "result.half", "2/3": "result.two_thirds", "3/4": "result.three_quarters"}


class ResultSummary:
    """The facts of one round, each as a short phrase. A fact that does not apply is empty."""

    def __init__(self, handler: BaseHandler, poll: Poll, tally: Tally) -> None:
        self.handler = handler
        self.say = handler.say
        self.now = handler.now()
        self.poll = poll
        self.tally = tally
        self.base = decision.base(poll, tally)
        self.is_over = poll.phase is Phase.CLOSED or tally.round < poll.round

    def ballots(self) -> str:
        return self.say("poll.ballots", self.tally.ballots, n=f"{self.tally.ballots:,}")

    def of_base(self) -> str:
        """Return the base of the shares, if it is not all ballots."""
        abstained = self.tally.ballots - self.base
        return self.say("result.of_base", n=f"{self.base:,}", abstained=f"{abstained:,}") if abstained else ""

    def round(self) -> str:
        several = self.poll.round > 1
        return self.say("poll.round", round=self.tally.round) if several else ""

    def rules(self) -> str:
        texts = [self.say(f"poll.assurance.{self.poll.assurance}")]
        if rule := kind_of(self.poll.kind).rule(self.poll.max_choices):
            texts.append(self.say(rule.key, rule.number, **rule.values))
        return " · ".join(texts)

    def time(self) -> str:
        """Return when voting closed, or the time of the figures while it is open. The time of an earlier round is not
        kept."""
        if self.tally.round < self.poll.round:
            return ""
        if self.poll.phase is not Phase.CLOSED:
            return self.say("result.as_of", time=minute(self.now))
        return "" if self.poll.closed_at is UNSET else self.say("result.closed", time=minute(self.poll.closed_at))

    def quorum(self) -> str:
        poll, reached = self.poll, decision.quorum_reached(self.poll, self.tally)
        if reached is None or poll.quorum is UNSET:
            return ""
        n, missing = f"{poll.quorum:,}", f"{poll.quorum - self.tally.ballots:,}"
        if reached:
            return self.say("result.quorum_reached", n=n)
        if self.is_over:
            return self.say("result.quorum_missed", n=n, missing=missing)
        return self.say("poll.quorum", n=n, cast=f"{self.tally.ballots:,}")

    def majority_text(self) -> str:
        """Return the majority that is required, in words."""
        return "" if self.poll.majority is UNSET else self.say(MAJORITIES[self.poll.majority])

    def majority(self) -> str:
        """Return which options reached the majority. During voting, no option is called a winner."""
        poll = self.poll
        if poll.majority is UNSET:
            return ""
        share, n = self.majority_text(), f"{shares.needed(poll.majority, self.base):,}"
        if not self.is_over:
            return self.say("result.majority" if self.base else "result.majority_yet", share=share, n=n)
        # Without the quorum a majority decides nothing, and no winner is named.
        if decision.quorum_reached(poll, self.tally) is False:
            return self.say("result.majority_void", share=share)
        if not self.base:
            return self.say("result.majority_nobody", share=share)
        reached = decision.majority_reached(poll, self.tally)
        labels = [option.label for option in poll.options if option.id in reached]
        if not labels:
            return self.say("result.majority_missed", share=share, n=n)
        return self.say("result.majority_reached", share=share, n=n, options=", ".join(labels))

    def erased(self) -> str:
        return "" if self.poll.erased_at is UNSET else self.say("result.erased", time=minute(self.poll.erased_at))

    def compared(self) -> str:
        """Return the label of the thin bars, which show the previous round."""
        return self.say("poll.compared", round=self.round(), ballots=self.ballots())

    def below_bars(self, earlier: Tally | None) -> str:
        """Return the line below the bars."""
        before = ResultSummary(self.handler, self.poll, earlier).compared() if earlier else ""
        return " · ".join(each for each in (self.majority(), self.of_base(), before) if each)

    def all(self) -> list[str]:
        """Return all facts."""
        facts = (
            self.ballots(),
            self.of_base(),
            self.round(),
            self.quorum(),
            self.majority(),
            self.rules(),
            self.time(),
        )
        return [each for each in (*facts, self.erased()) if each]


async def round_before(handler: BaseHandler, poll: Poll, who: Who) -> Tally | None:
    """Return the tally of the previous round if the poll is compared with it, as far as `who` may see it."""
    if poll.compare is not True or poll.round == 1:
        return None
    try:
        tallies = await handler.services.results.rounds(poll.id, who)
    except (NotAllowed, NotFound):  # hidden since the poll was read, so the page does without it
        return None
    return next((each for each in reversed(tallies) if each.round < poll.round), None)


def minute(at: str) -> str:
    """Return a time as people write it, in UTC."""
    return at[:16].replace("T", " ")
