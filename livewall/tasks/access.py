"""Who may read a task, its logs and the list: one decision for every transport and for the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livewall.errors import NotAllowed
from livewall.hub.position import View
from livewall.hub.stream import State, StateRule
from livewall.identity import Who
from livewall.tasks.rows import Owner


class TaskRule(StateRule):
    """The rule of the streams `tasks/ID`, `tasks/ID/logs/NAME` and `tasks`.

    Operators and hosts read every task, reporters their own, and everybody those that are active on a wall. Only
    operators and the reporter of the task read logs.
    """

    keys: Mapping[str, Any] = {"task": Any, "owner": Owner, "stage": bool}

    def view(self, state: State, who: Who, viewer_state: Any) -> View:
        owner: Owner | None = state.get("owner")
        if owner is None:
            return _list(who)
        if owner.log:
            return _log(who, owner.credential)
        if who.operator or who.host or state.get("stage") or owns(who, owner.credential):
            return View.FULL
        raise denied(who, "this task is not on a wall now")


def _list(who: Who) -> View:
    if who.operator or who.host:
        return View.FULL
    raise denied(who, "the list of tasks is for operators, hosts and admins")


def _log(who: Who, credential: str) -> View:
    if sees_logs(who, credential):
        return View.FULL
    raise denied(who, "logs are for operators and admins, and for the reporter of the task")


def owns(who: Who, credential: str) -> bool:
    return who.reporter and credential == who.credential


def sees_logs(who: Who, credential: str) -> bool:
    """Whether `who` may read the logs and the parameters of a task that `credential` made."""
    return who.operator or owns(who, credential)


def denied(who: Who, why: str) -> NotAllowed:
    """Return the refusal for a reader without the right: to sign in, or that this sign-in is not enough."""
    if who.role is None:
        return NotAllowed("unauthenticated", f"{why}; sign in")
    return NotAllowed("forbidden", why)
