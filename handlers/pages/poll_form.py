"""The form of a poll, new or changed, as the API's own fields. No request, no service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livewall.errors import BadInput
from livewall.voting.kinds import ONE, check_kind
from livewall.voting.poll import Option


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def whole(given: dict[str, str], name: str) -> int | None:
    """A whole number, None for an empty field. Raises BadInput."""
    text = given.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadInput("invalid", fields={name: "a whole number"})
    return int(text)


def choices(given: dict[str, str], held: Sequence[Option] | None = None) -> list[Any]:
    """The options: one a line, then the abstention. As many as are `held` already keep their ids."""
    abstain = given.get("abstain", "").strip()
    made: list[Any] = [*lines(given.get("options", "")), *([{"label": abstain, "abstain": True}] if abstain else [])]
    if held is None or len(held) != len(made):
        return made
    ids = [option.id for option in sorted(held, key=lambda option: option.abstain is True)]
    return [
        (each if isinstance(each, dict) else {"label": each}) | {"id": option_id}
        for each, option_id in zip(made, ids, strict=True)
    ]


def rules(given: dict[str, str], options: int | None) -> dict[str, Any]:
    """What new and changed polls have in common. Without `options`, how many there are, the choices stand."""
    found = {
        "title": given.get("title", ""),
        "results": given.get("results", "live"),
        "allow_change": given.get("allow_change") == "yes",
        "quorum": whole(given, "quorum"),
        "majority": given.get("majority") or None,
        "compare": given.get("compare") == "yes",
    }
    if options is not None:
        found |= check_kind(given.get("kind") or ONE).read_form(given, options)
    return found


def new_poll(given: dict[str, str]) -> dict[str, Any]:
    """The fields of POST /api/polls. Raises BadInput."""
    options = choices(given)
    named = len([each for each in options if isinstance(each, str)])
    return rules(given, named) | {
        "options": options,
        "closes_in": whole(given, "closes_in"),
        "wall": given.get("wall") or None,
        "assurance": given.get("assurance") or "open",
    }


def changed_poll(given: dict[str, str], held: Sequence[Option]) -> dict[str, Any]:
    """The fields of PUT /api/polls/ID; `held` are its options. A form without options leaves them. Raises BadInput."""
    if "options" not in given:
        return rules(given, None)
    options = choices(given, held)
    named = len(lines(given["options"]))
    return rules(given, named) | {"options": options}
