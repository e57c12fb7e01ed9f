"""Whether a closed poll passes with one of its options, and why, in words. Pure."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import UNSET

from livewall.voting import decision, shares
from livewall.voting.poll import Poll, Tally

HIDDEN = "its result is not public"


class Verdict(NamedTuple):
    """Whether a poll passes; `words` give its figures and `public_words` do not."""

    passed: bool
    words: str

    @property
    def public_words(self) -> str:
        """Return what may be said while the result is hidden."""
        return f"the poll {'passed' if self.passed else 'did not pass'}; {HIDDEN}"


def verdict(poll: Poll, tally: Tally, passes: str) -> Verdict:
    """Return whether the option with the label `passes` alone comes first, with the majority and the quorum that the
    poll asks for. A tie and a poll without ballots do not pass."""
    wanted = next((option.id for option in poll.options if option.label == passes), None)
    labels = {option.id: option.label for option in poll.options}
    quorum = "" if poll.quorum is UNSET else f", quorum {poll.quorum}"
    of = decision.base(poll, tally)
    if tally.ballots == 0:
        return Verdict(False, "no ballots")
    if decision.quorum_reached(poll, tally) is False:
        return Verdict(False, f"quorum missed: {tally.ballots} of {poll.quorum} ballots")
    if wanted is None:
        return Verdict(False, f"the poll has no option {passes}")
    first = decision.first(poll, tally)
    if len(first) == 1:
        return Verdict(first == (wanted,), f"{labels[first[0]]}, {tally.counts[first[0]]} of {of}{quorum}")
    if first:
        tied = " and ".join(labels[each] for each in first)
        return Verdict(False, f"a tie: {tied}, {tally.counts[first[0]]} of {of} each{quorum}")
    count = f"{passes}, {tally.counts.get(wanted, 0)} of {of}"
    if poll.majority is UNSET:
        return Verdict(False, f"nobody chose an option{quorum}")
    return Verdict(False, f"majority missed: {count}, and {shares.needed(poll.majority, of)} are needed{quorum}")
