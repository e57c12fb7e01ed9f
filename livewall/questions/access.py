"""Who may read the questions of a wall, and in which view: one decision for every transport and for the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livewall.errors import NotFound
from livewall.hub.position import View
from livewall.hub.stream import State, StateRule
from livewall.identity import Who


class QuestionsRule(StateRule):
    """The rule of streams `questions/CODE`. Hosts see pending and hidden questions, everyone else what is shown."""

    keys: Mapping[str, Any] = {"questions": Any}

    def view(self, state: State, who: Who, viewer_state: Any) -> View:
        if state.get("questions") is None:
            raise NotFound("no_such_stream", "there are no questions on this wall")
        return View.FULL if who.host else View.MASKED
