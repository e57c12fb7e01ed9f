"""The Python client: calls, votes and subscriptions that survive lost connections and restarts of the server.

from livewall.client import Task, vote, watch
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livewall.client.calls import NotReached, Refusal
    from livewall.client.tasks import Task
    from livewall.client.voting import vote
    from livewall.client.watching import watch

__all__ = ["NotReached", "Refusal", "Task", "vote", "watch"]

_MODULES = {"NotReached": "calls", "Refusal": "calls", "Task": "tasks", "vote": "voting", "watch": "watching"}


def __getattr__(name: str) -> Any:
    """Import names on first use (PEP 562), so that commands which need none of them start faster."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
