"""Converts the form of a new or changed poll into the fields of the API. It knows no request and no service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livewall.errors import BadInput
from livewall.voting.kinds import ONE, check_kind
from livewall.voting.poll import Option


def non_empty_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def whole_number(form: dict[str, str], name: str) -> int | None:
    """Return a whole number, or None for an empty field. Raises BadInput."""
    text = form.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadInput("invalid", fields={name: "a whole number"})
    return int(text)


def read_options(form: dict[str, str], existing: Sequence[Option] | None = None) -> list[Any]:
    """Return the options, one for each line, then the abstention. They keep the ids of the `held` options if their
    number is the same."""
    abstain = form.get("abstain", "").strip()
    options: list[Any] = [
        *non_empty_lines(form.get("options", "")),
        *([{"label": abstain, "abstain": True}] if abstain else []),
    ]
    if existing is None or len(existing) != len(options):
        return options
    ids = [option.id for option in sorted(existing, key=lambda option: option.abstain is True)]
    return [
        (each if isinstance(each, dict) else {"label": each}) | {"id": option_id}
        for each, option_id in zip(options, ids, strict=True)
    ]


def read_rules(form: dict[str, str], option_count: int | None) -> dict[str, Any]:
    """Return the fields that new and changed polls share. Without `options`, their number, the choices are left
    unchanged."""
    fields = {
        "title": form.get("title", ""),
        "results": form.get("results", "live"),
        "allow_change": form.get("allow_change") == "yes",
        "quorum": whole_number(form, "quorum"),
        "majority": form.get("majority") or None,
        "compare": form.get("compare") == "yes",
    }
    if option_count is not None:
        fields |= check_kind(form.get("kind") or ONE).read_form(form, option_count)
    return fields


def new_poll(form: dict[str, str]) -> dict[str, Any]:
    """Return the fields of POST /api/polls. Raises BadInput."""
    options = read_options(form)
    named = len([each for each in options if isinstance(each, str)])
    return read_rules(form, named) | {
        "options": options,
        "closes_in": whole_number(form, "closes_in"),
        "wall": form.get("wall") or None,
        "assurance": form.get("assurance") or "open",
    }


def changed_poll(form: dict[str, str], existing: Sequence[Option]) -> dict[str, Any]:
    """Return the fields of PUT /api/polls/ID. `held` are the options of the poll; a form without options leaves them
    unchanged. Raises BadInput."""
    if "options" not in form:
        return read_rules(form, None)
    options = read_options(form, existing)
    named = len(non_empty_lines(form["options"]))
    return read_rules(form, named) | {"options": options}
