"""A kind of poll and a kind of step as another package would add them. Installed by tests alone."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from livewall.errors import invalid
from livewall.tasks.kinds import RunSpec, Values
from livewall.tasks.template import fill
from livewall.toml_lines import Path
from livewall.toml_problems import Place
from livewall.voting.kinds import Phrase, Rules
from livewall.voting.kinds.choice import ChoiceKind


class Pair(ChoiceKind):
    """A ballot marks exactly two options, and the one that stands higher counts twice."""

    name = "pair"
    page = "multi"
    columns = ("higher", "lower")

    def max_choices(self, wanted: int, options: int) -> int:
        if options < 2:
            raise invalid("options", "a pair needs two options")
        return 2

    def read_form(self, given: Mapping[str, str], options: int) -> dict[str, Any]:
        return {"kind": self.name, "max_choices": 2}

    def read_setting(self, text: str) -> dict[str, Any] | None:
        return {"kind": self.name, "max_choices": 2} if text == "a pair" else None

    def write_setting(self, poll: Any) -> str:
        return "a pair"

    def check_ballot(self, rules: Rules, choices: Sequence[str]) -> tuple[str, ...]:
        kept = super().check_ballot(rules, choices)
        if len(kept) != 2:
            raise invalid("choices", "choose exactly two")
        return kept

    def counted(self, choices: Sequence[str]) -> Sequence[str]:
        pair = sorted(choices)
        return [*pair[:1], *pair]

    def cells(self, choices: Sequence[str]) -> tuple[str, ...]:
        return tuple(choices)

    def sample(self, rules: Rules, chance: random.Random) -> tuple[str, ...]:
        return tuple(chance.sample(rules.options, 2))

    def rule(self, max_choices: int) -> Phrase | None:
        return Phrase("poll.up_to", 2, {"n": 2})

    def invitation(self, max_choices: int) -> Phrase | None:
        return Phrase("vote.up_to", 2, {"n": 2})


class Say:
    """A step that prints one line: `say = "text"`."""

    key = "say"
    keys = frozenset({"say"})

    def check(self, table: Mapping[str, Any], where: Place) -> dict[str, Any]:
        return {"say": str(table["say"])}

    def texts(self, body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        yield ("say",), body["say"]

    def spec(self, step: Mapping[str, Any], values: Values) -> RunSpec:
        return RunSpec(["printf", "%s\\n", fill(step["say"], values.params, values.outputs)], None, {})
