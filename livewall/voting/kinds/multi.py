"""The kind `multi`: a ballot marks several options, at most `max_choices`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from livewall.errors import BadInput
from livewall.voting.kinds import Phrase
from livewall.voting.kinds.choice import ChoiceKind

if TYPE_CHECKING:
    from livewall.wire import PollIn

_ALL = ("several", "any", "all", "multi", "multiple")
_UP_TO = re.compile(r"(?:(?:up to|at most)\s*)?([0-9]{1,9})")


class Multi(ChoiceKind):
    name = "multi"
    page = "multi"

    def read_form(self, given: Mapping[str, str], options: int) -> dict[str, Any]:
        text = given.get("max_choices", "").strip()
        if not text:
            return {"kind": self.name, "max_choices": options}
        if not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise BadInput("invalid", fields={"max_choices": "a whole number"})
        return {"kind": self.name, "max_choices": int(text)}

    def write_form(self, max_choices: int) -> dict[str, str]:
        return {"kind": self.name, "max_choices": str(max_choices)}

    def read_setting(self, text: str) -> dict[str, Any] | None:
        if text in _ALL:
            return {"kind": self.name, "max_choices": None}
        match = _UP_TO.fullmatch(text)
        return {"kind": self.name, "max_choices": int(match[1])} if match else None

    def write_setting(self, poll: PollIn) -> str:
        return "several" if poll.max_choices == len(poll.options) else f"up to {poll.max_choices}"

    def rule(self, max_choices: int) -> Phrase | None:
        return Phrase("poll.up_to", max_choices, {"n": max_choices})

    def invitation(self, max_choices: int) -> Phrase | None:
        return Phrase("vote.up_to", max_choices, {"n": max_choices})
