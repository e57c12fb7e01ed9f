"""The kind `single`: a ballot marks one option."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from livewall.errors import invalid
from livewall.voting.kinds import Rules
from livewall.voting.kinds.choice import ChoiceKind


class Single(ChoiceKind):
    name = "single"
    page = "single"
    control = "radio"
    empty = "choose one"

    def max_choices(self, wanted: int, options: int) -> int:
        if wanted != 1:
            raise invalid("max_choices", "a single poll has exactly 1")
        return 1

    def read_form(self, given: Mapping[str, str], options: int) -> dict[str, Any]:
        return {"kind": self.name, "max_choices": 1}

    def read_setting(self, text: str) -> dict[str, Any] | None:
        return {"kind": self.name, "max_choices": 1} if text in ("one", "1", "single") else None

    def sample(self, rules: Rules, chance: random.Random) -> tuple[str, ...]:
        return tuple(chance.sample(rules.options, 1))
