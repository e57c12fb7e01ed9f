"""The kind of a poll whose package is no longer installed: its counts are shown, and its ballots stand."""

from __future__ import annotations

from collections.abc import Sequence

from livewall.errors import Refused
from livewall.voting.kinds import Rules
from livewall.voting.kinds.choice import ChoiceKind


class Missing(ChoiceKind):
    page = "single"

    def __init__(self, name: str) -> None:
        self.name = name

    def check_ballot(self, rules: Rules, choices: Sequence[str]) -> tuple[str, ...]:
        raise self._refusal()

    def counted(self, choices: Sequence[str]) -> Sequence[str]:
        # Ballots cannot be retracted or counted again: nobody here knows what they added to the counts.
        raise self._refusal()

    def _refusal(self) -> Refused:
        return Refused("conflict", f"the kind of polls {self.name!r} is not installed here: install its package")

    def max_choices(self, wanted: int, options: int) -> int:
        return wanted
