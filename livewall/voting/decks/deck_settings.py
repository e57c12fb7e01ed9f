"""The settings of a question in a deck: the words that stand for the fields of a poll, read and written."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, get_args

from livewall import wire
from livewall.visible_text import skeleton
from livewall.voting.kinds import ONE, SEVERAL, kind_of, kinds
from livewall.wire import PollIn

log = logging.getLogger(__name__)

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SPAN = re.compile(r"([0-9]{1,9})\s*(?:(s|m|h|d)|sec|seconds?|min|minutes?|hours?|days?)?")
_CLOCK = re.compile(r"([0-9]{1,6}):([0-5][0-9])")
_YES, _NO = ("yes", "true", "on", "y"), ("no", "false", "off", "n")

Fields = dict[str, Any]


class Setting(NamedTuple):
    """A setting. `read` returns fields of a poll from the words after the colon, or raises ValueError with the
    accepted words; `written` returns the words for a poll, "" for the default."""

    names: tuple[str, ...]
    read: Callable[[str], Fields]
    written: Callable[[PollIn], str]


def _choices(text: str) -> Fields:
    for kind in kinds().values():
        try:
            given = kind.read_setting(text)
        except Exception:  # a broken kind of a package must not hide the others
            log.exception("the kind of polls %r is broken: its read_setting failed", kind.name)
            continue
        if given is not None:
            return given
    raise ValueError("one, several, or up to 3")


def _number(text: str, taken: str = "a whole number") -> int:
    if re.fullmatch("[0-9]{1,9}", text):
        return int(text)
    raise ValueError(taken)


def _flag(text: str) -> bool:
    if text in _YES + _NO:
        return text in _YES
    raise ValueError("yes or no")


def _one_of(text: str, words: tuple[str, ...]) -> str:
    normalized = re.sub(r"[\s_-]+", "_", text)
    if normalized in words:
        return normalized
    raise ValueError(", ".join(each.replace("_", " ") for each in words))


def _seconds(text: str) -> int:
    if match := _CLOCK.fullmatch(text):
        return int(match[1]) * 60 + int(match[2])
    if match := _SPAN.fullmatch(text):
        letters = text[len(match[1]) :].strip()
        return int(match[1]) * _UNITS[letters[:1] or "s"]
    raise ValueError("a time such as 90 s, 2 min, 1:30 or 1 h")


def _span(seconds: int) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _choices_written(poll: PollIn) -> str:
    return kind_of(poll.kind).write_setting(poll)


def _kind_written(poll: PollIn) -> str:
    """Return the kind of a poll, unless the setting `choices` says it."""
    return "" if poll.kind in (ONE, SEVERAL) or _choices_written(poll) else poll.kind


SETTINGS = (
    Setting(("choices",), _choices, _choices_written),
    Setting(("kind",), lambda text: {"kind": _one_of(text, tuple(kinds()))}, _kind_written),
    Setting(("max choices", "max"), lambda text: {"max_choices": _number(text)}, lambda poll: ""),
    Setting(
        ("results",),
        lambda text: {"results": _one_of(text, get_args(wire.Results))},
        lambda poll: "" if poll.results == "live" else poll.results.replace("_", " "),
    ),
    Setting(
        ("change", "allow change"),
        lambda text: {"allow_change": _flag(text)},
        lambda poll: "" if poll.allow_change else "no",
    ),
    Setting(
        ("closes in",),
        lambda text: {"closes_in": _seconds(text)},
        lambda poll: "" if poll.closes_in is None else _span(poll.closes_in),
    ),
    Setting(
        ("assurance",),
        lambda text: {"assurance": _one_of(text, get_args(wire.Assurance))},
        lambda poll: "" if poll.assurance == "open" else poll.assurance,
    ),
    Setting(
        ("quorum",),
        lambda text: {"quorum": _number(text)},
        lambda poll: "" if poll.quorum is None else str(poll.quorum),
    ),
    Setting(
        ("majority",),
        lambda text: {"majority": _one_of(text, get_args(wire.Majority))},
        lambda poll: poll.majority or "",
    ),
    Setting(("compare",), lambda text: {"compare": _flag(text)}, lambda poll: "yes" if poll.compare else ""),
)
NAMES: Mapping[str, Setting] = {name: setting for setting in SETTINGS for name in setting.names}


def plain(name: str) -> str:
    """Return a name as it stands in `NAMES`: case, width, and `_` or `-` for a space, do not matter."""
    return re.sub(r"[\s_-]+", " ", skeleton(name))


def named(name: str) -> bool:
    return plain(name) in NAMES


def fields(name: str, value: str) -> Fields:
    """Return the fields of a poll that a setting gives. A `max_choices` of None means all options. Raises ValueError
    with the accepted words."""
    return NAMES[plain(name)].read(skeleton(value))


def lines(poll: PollIn) -> list[str]:
    """Return the settings of a poll that differ from the defaults, a line each."""
    return [f"{setting.names[0]}: {words}" for setting in SETTINGS if (words := setting.written(poll))]
