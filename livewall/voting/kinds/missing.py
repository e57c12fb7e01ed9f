"""The kind of a poll whose package is not installed any more: its counts are shown, and it takes no ballot."""

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
        raise Refused(
            "conflict", f"this server has no polls of the kind {self.name!r}; ask who runs it to install them"
        )

    def max_choices(self, wanted: int, options: int) -> int:
        return wanted
