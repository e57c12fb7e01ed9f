"""Converts the form of a new or changed poll into the fields of the API. It knows no request and no service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livewall.errors import BadInput
from livewall.voting.kinds import ONE, check_kind
from livewall.voting.poll import Option


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def whole(given: dict[str, str], name: str) -> int | None:
    """Return a whole number, or None for an empty field. Raises BadInput."""
    text = given.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadInput("invalid", fields={name: "a whole number"})
    return int(text)


def choices(given: dict[str, str], held: Sequence[Option] | None = None) -> list[Any]:
    """Return the options, one for each line, then the abstention. They keep the ids of the `held` options if their
    number is the same."""
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
    """Return the fields that new and changed polls share. Without `options`, their number, the choices are left
    unchanged."""
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
    """Return the fields of POST /api/polls. Raises BadInput."""
    options = choices(given)
    named = len([each for each in options if isinstance(each, str)])
    return rules(given, named) | {
        "options": options,
        "closes_in": whole(given, "closes_in"),
        "wall": given.get("wall") or None,
        "assurance": given.get("assurance") or "open",
    }


def changed_poll(given: dict[str, str], held: Sequence[Option]) -> dict[str, Any]:
    """Return the fields of PUT /api/polls/ID. `held` are the options of the poll; a form without options leaves them
    unchanged. Raises BadInput."""
    if "options" not in given:
        return rules(given, None)
    options = choices(given, held)
    named = len(lines(given["options"]))
    return rules(given, named) | {"options": options}
