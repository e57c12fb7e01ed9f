"""The table of a poll in a pipeline, for gates and for `[on_failure]`: its check, and its texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from livewall import wire
from livewall.errors import BadInput
from livewall.tasks.kinds import GatePoll
from livewall.tasks.template import Outputs, Params, fill
from livewall.toml_problems import Place, known_keys, short, text, type_name, whole
from livewall.visible_text import alike, readable

MAX_TEXT = 200
MAX_TITLE = 500
MIN_OPTIONS, MAX_OPTIONS = 2, 40
MAX_QUORUM = 10_000_000
LONGEST_POLL = 366 * 86400
POLL_KEYS = ("wall", "title", "options", "majority", "quorum", "closes_in", "results", "assurance")
FILLED = ("wall", "title")
"""The keys whose texts may have placeholders."""


def check_poll(given: Any, here: Place, label: str, more: Sequence[str] = ()) -> tuple[dict[str, Any], list[str]]:
    """Return the table of a poll, which messages call `label`, and its options; without options if they are wrong.

    `more` are keys that the caller checks.
    """
    if not isinstance(given, dict):
        named = [*POLL_KEYS[:3], *more]
        here.wrong(f"poll must be a table with {', '.join(named[:-1])} and {named[-1]}, not {type_name(given)}")
        return {}, []
    known_keys(given, (*POLL_KEYS, *more), here, "poll")
    for key, most in (("wall", MAX_TEXT), ("title", MAX_TITLE)):
        if key in given:
            text(given[key], here[key], key, most=most)
        else:
            here.wrong(f"{label} needs {'the code of a wall' if key == 'wall' else 'a title'}: {key}")
    options = _options(given.get("options"), here["options"])
    for key, kind in (("majority", wire.Majority), ("results", wire.Results), ("assurance", wire.Assurance)):
        if key in given and given[key] not in get_args(kind):
            here[key].wrong(f"{key} must be one of {', '.join(get_args(kind))}, not {short(given[key])}")
    for key, most in (("quorum", MAX_QUORUM), ("closes_in", LONGEST_POLL)):
        if key in given:
            whole(given[key], here[key], key, least=1, most=most)
    return {key: given[key] for key in (*POLL_KEYS, *more) if key in given}, options


def _options(given: Any, here: Place) -> list[str]:
    """Return the options as voters see them; an empty list if one of them is wrong."""
    if not isinstance(given, list) or not MIN_OPTIONS <= len(given) <= MAX_OPTIONS:
        here.wrong(f'a poll needs {MIN_OPTIONS} to {MAX_OPTIONS} options, such as ["Yes", "No"]')
        return []
    options = [text(each, here[place], "an option", most=MAX_TEXT) for place, each in enumerate(given)]
    labels = [option for option in options if option is not None]
    for place, label in enumerate(labels):
        try:
            readable(label, "options", lines=True)
        except BadInput as error:
            here[place].wrong(f"an option {error.fields['options']}")
            return []
    if len(labels) < len(options):
        return []
    for places in alike(labels):
        here[places[1]].wrong(f"options {places[0] + 1} and {places[1] + 1} look the same")
    return labels


def poll_texts(poll: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the texts of a poll's table that are filled in, each with its key."""
    for key in FILLED:
        if key in poll:
            yield key, poll[key]


def filled_poll(poll: Mapping[str, Any], passes: str, params: Params, outputs: Outputs) -> GatePoll:
    """Return the poll to ask. Raises MissingOutput."""
    filled = {key: fill(given, params, outputs) for key, given in poll_texts(poll)}
    return GatePoll(**{**poll, **filled, "passes": passes})
