"""What of one step is still to be told. No I/O, no clock."""

from __future__ import annotations

import math
from typing import Any

from livewall.client.calls import Refusal
from livewall.client.spool import Spool

MESSAGE = 1000  # characters the server takes


class StepReports:
    """What of one step is still to be told."""

    def __init__(self, name: str, *, began: bool = True) -> None:
        self.name = name
        self.spool: Spool | None = None
        self.left_out = 0
        self.fields: dict[str, Any] = {}
        """The newest of what was said and not sent yet."""
        self.began = began
        self.told_begin = not began
        self.end: str | None = None
        """The state in which it ends, once that is known."""
        self.told_end = False
        self.offset: int | None = None
        self.takes_log = True
        self.renew_at = math.inf
        self.refusal: Refusal | None = None

    @property
    def waiting(self) -> int:
        """Bytes of its log that wait."""
        return len(self.spool) if self.spool is not None else 0

    @property
    def busy(self) -> bool:
        """Whether something waits to be sent."""
        return not self.told_end and bool(not self.told_begin or self.fields or self.end or self.waiting)

    def over(self) -> None:
        """Nothing of it will be sent any more."""
        self.told_end, self.renew_at = True, math.inf
        if self.spool is not None:
            self.left_out, self.spool = self.spool.left_out, None

    def said(self, state: str | None, progress: float | None, message: str | None) -> None:
        if progress is not None and not math.isnan(progress):
            self.fields["progress"] = min(1.0, max(0.0, progress))
        if message is not None:
            self.fields["message"] = message[:MESSAGE]
        elif state == "succeeded":
            self.fields.pop("message", None)  # what it was doing, it does no longer
        if state is not None:
            self.end = state
