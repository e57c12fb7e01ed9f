"""The states of tasks and steps, as the command line tells them apart.

They stand here again, and a test compares them, because `livewall.tasks.machine` would load the types of the server.
"""

from __future__ import annotations

LIVE = frozenset({"running", "waiting", "retrying", "cancelling"})
UNSUCCESSFUL = frozenset({"failed", "lost", "cancelled"})
ENDED = UNSUCCESSFUL | {"succeeded", "skipped"}
