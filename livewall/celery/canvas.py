"""Which tasks follow a task, from the message with which Celery sends it. Pure; it knows no Celery.

Celery puts into the message of a task whatever is to run after it: the rest of its chain, the body of its chord, its
callbacks. Their ids are chosen by then, so one message tells the whole future of its task. What several messages tell
is put together by ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

EVENT = "livewall-canvas"
"""The type of the event that carries the tasks."""
PLACEHOLDERS = frozenset({"celery.chain", "celery.group", "celery.chord", "celery.chord_unlock"})
"""Names that stand for a structure or for Celery's own work, not for a task of the app."""
MAX_TASKS = 5_000
"""The largest number of tasks of one event."""


class Member(NamedTuple):
    """A task of a canvas: `group` and `place` say where it is in a group, `needs` the tasks after which it runs."""

    id: str
    name: str
    group: str | None
    place: int
    needs: list[str]


def members(headers: Mapping[str, Any], embed: Mapping[str, Any]) -> list[Member]:
    """Return a task that is about to be sent, and all that follow it; empty if it stands alone.

    `headers` are those of its message (protocol 2), `embed` is the third part of its body.
    """
    chain, chord, links = (embed.get(key) for key in ("chain", "chord", "callbacks"))
    if not (chain or chord or links or headers.get("group")):
        return []
    canvas = _Canvas()
    first = canvas.add_task(
        str(headers["id"]), str(headers["task"]), headers.get("group"), headers.get("group_index"), []
    )
    canvas.add_each(links or (), first)
    last = first
    for signature in reversed(chain or ()):  # the next one is the last of the list
        last = canvas.add(signature, last)
    if chord:
        canvas.add(chord, last)
    return list(canvas.members.values())[:MAX_TASKS]


class _Canvas:
    def __init__(self) -> None:
        self.members: dict[str, Member] = {}

    def add_task(self, id: str, name: str, group: Any, index: Any, needs: Iterable[str]) -> list[str]:
        known = self.members.get(id)
        if known is None:
            known = Member(id, name, str(group) if group else None, index if isinstance(index, int) else 0, [])
            self.members[id] = known
        known.needs.extend(need for need in needs if need not in known.needs and need != id)
        return [id]

    def add_each(self, signatures: Sequence[Any], needs: list[str]) -> list[str]:
        """Add signatures that run side by side. Return the tasks that end them."""
        return list(dict.fromkeys(last for each in signatures for last in self.add(each, needs)))

    def add(self, signature: Any, needs: list[str]) -> list[str]:
        """Add a signature that runs after `needs`. Return the tasks that end it."""
        if not isinstance(signature, Mapping) or len(self.members) >= MAX_TASKS:
            return needs
        kind, options = signature.get("subtask_type"), signature.get("options") or {}
        parts = signature.get("kwargs") or {}
        match kind:
            case "chain":
                for each in _listed(parts.get("tasks")):
                    needs = self.add(each, needs)
                return needs
            case "group":
                return self.add_each(_listed(parts.get("tasks")), needs)
            case "chord":
                header, body = parts.get("header"), parts.get("body")
                ends = self.add(header, needs) if isinstance(header, Mapping) else self.add_each(_listed(header), needs)
                return self.add(body, ends)
            case _:
                return self._add_single(signature, options, needs)

    def _add_single(self, signature: Mapping[str, Any], options: Mapping[str, Any], needs: list[str]) -> list[str]:
        id = options.get("task_id")
        if not id:  # its id is chosen later, so it cannot be recognized
            return needs
        known = id in self.members
        name = str(signature.get("task") or "")
        ends = self.add_task(str(id), name, options.get("group_id"), options.get("group_index"), needs)
        if not known:
            self.add_each(_listed(options.get("link")), ends)
            if chord := options.get("chord"):
                self.add(chord, ends)
        return ends


def _listed(value: Any) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return [value]
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else []
