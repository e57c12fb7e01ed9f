"""What the kinds have in common in which a ballot marks options: the base of `single` and `multi`."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from livewall.errors import invalid
from livewall.voting.kinds import Phrase, Rules

if TYPE_CHECKING:
    from livewall.charts.bars import Picture
    from livewall.charts.drawing import Theme
    from livewall.wire import PollIn


class ChoiceKind:
    """A ballot marks some of the options, and each mark counts one."""

    name: str
    page: str
    control: Literal["radio", "checkbox"] = "checkbox"
    columns: tuple[str, ...] = ("choices",)
    empty = "choose at least one"
    """What is wrong with a ballot without a mark."""

    def max_choices(self, wanted: int, options: int) -> int:
        if wanted > options:
            raise invalid("max_choices", f"there are only {options} options")
        return wanted

    def read_form(self, given: Mapping[str, str], options: int) -> dict[str, Any]:
        return {"kind": self.name}

    def write_form(self, max_choices: int) -> dict[str, str]:
        return {"kind": self.name, "max_choices": ""}

    def read_setting(self, text: str) -> dict[str, Any] | None:
        return None

    def write_setting(self, poll: PollIn) -> str:
        return ""

    def check_ballot(self, rules: Rules, choices: Sequence[str]) -> tuple[str, ...]:
        unknown = [c for c in choices if c not in rules.options]
        if unknown:
            raise invalid("choices", f"there is no option {unknown[0]!r}")
        if len(set(choices)) != len(choices):
            raise invalid("choices", "an option is chosen twice")
        if not choices:
            raise invalid("choices", self.empty)
        if len(choices) > rules.max_choices:
            most = rules.max_choices
            raise invalid("choices", "choose only one" if most == 1 else f"choose at most {most}")
        if rules.abstain in choices and len(choices) > 1:
            raise invalid("choices", "a ballot that abstains can choose nothing else")
        return tuple(o for o in rules.options if o in choices)

    def counted(self, choices: Sequence[str]) -> Sequence[str]:
        return choices

    def cells(self, choices: Sequence[str]) -> tuple[str, ...]:
        return (" ".join(choices),)

    def sample(self, rules: Rules, chance: random.Random) -> tuple[str, ...]:
        return tuple(chance.sample(rules.options, chance.randint(1, min(rules.max_choices, len(rules.options)))))

    def rule(self, max_choices: int) -> Phrase | None:
        return None

    def invitation(self, max_choices: int) -> Phrase | None:
        return None

    def chart(self, picture: Picture, theme: Theme) -> str:
        from livewall.charts.bars import bars

        return bars(picture, theme)
