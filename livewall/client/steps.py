"""The reports of one step that have not been sent yet. No I/O, no clock."""

from __future__ import annotations

import math
from typing import Any

from livewall.client.calls import Refusal
from livewall.client.spool import Spool

MAX_MESSAGE = 1000  # characters that the server accepts


class StepReports:
    """The state of a step, and what of it has not been sent yet."""

    def __init__(self, name: str, *, began: bool = True) -> None:
        self.name = name
        self.spool: Spool | None = None
        self.left_out = 0
        self.fields: dict[str, Any] = {}
        """The newest progress and message that were not sent yet."""
        self.began = began
        self.begin_sent = not began
        self.end: str | None = None
        """The state in which the step ends, once that is known."""
        self.end_sent = False
        self.offset: int | None = None
        self.log_accepted = True
        self.renew_at = math.inf
        self.refusal: Refusal | None = None

    @property
    def unsent_log_bytes(self) -> int:
        """How many bytes of its log wait."""
        return len(self.spool) if self.spool is not None else 0

    @property
    def unsent(self) -> bool:
        """Whether something waits to be sent."""
        return not self.end_sent and bool(not self.begin_sent or self.fields or self.end or self.unsent_log_bytes)

    def finish(self) -> None:
        """Note that nothing more of the step is sent."""
        self.end_sent, self.renew_at = True, math.inf
        if self.spool is not None:
            self.left_out, self.spool = self.spool.left_out, None

    def update(self, state: str | None, progress: float | None, message: str | None) -> None:
        if progress is not None and not math.isnan(progress):
            self.fields["progress"] = min(1.0, max(0.0, progress))
        if message is not None:
            self.fields["message"] = message[:MAX_MESSAGE]
        elif state == "succeeded":
            self.fields.pop("message", None)  # the message says what the step was doing
        if state is not None:
            self.end = state
