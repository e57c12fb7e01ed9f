"""The problems of a TOML file, all found in one pass and each with its line; and checks of single values.

Used for pipelines and for the configuration file.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from livewall.errors import LivewallError
from livewall.toml_lines import Path

MAX_PROBLEMS = 100
"""The largest number of problems that are reported for one file."""


class Problem(msgspec.Struct, frozen=True):
    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class TomlFault(LivewallError):
    """A file that cannot be used, with all its `problems` in the order of their lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.line)
        more = len(self.problems) - 1
        super().__init__("invalid", f"{self.problems[0]}{f' (and {more} more)' if more else ''}")


class Findings:
    """Collects the problems of one file, and notes about what is allowed but probably not intended."""

    def __init__(self, file: str, lines: Mapping[Path, int]) -> None:
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []
        self._file = file
        self._lines = lines

    def add(self, path: Path, reason: str) -> None:
        """Report a problem at `path`, unless `MAX_PROBLEMS` were reported."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(self._problem(path, reason))

    def note(self, path: Path, reason: str) -> None:
        """Note something that is allowed and probably not intended."""
        if len(self.notes) < MAX_PROBLEMS:
            self.notes.append(self._problem(path, reason))

    def _problem(self, path: Path, reason: str) -> Problem:
        """Return the problem with the line of `path`, or that of the nearest enclosing value that has one."""
        while path and path not in self._lines:
            path = path[:-1]
        return Problem(self._file, self._lines.get(path, 1), reason)

    @property
    def full(self) -> bool:
        """Whether the limit is reached, so that no time is spent on suggestions."""
        return len(self.problems) >= MAX_PROBLEMS

    def done(self) -> None:
        """Raise TomlFault if there were problems."""
        if self.problems:
            raise TomlFault(self.problems)


class Place:
    """A value in the file. Its parts are reached by their keys, and problems are reported with its line."""

    def __init__(self, findings: Findings, path: Path = ()) -> None:
        self.findings = findings
        self.path = path

    def __getitem__(self, key: str | int) -> Place:
        return Place(self.findings, (*self.path, key))

    def wrong(self, reason: str) -> None:
        self.findings.add(self.path, reason)

    def note(self, reason: str) -> None:
        self.findings.note(self.path, reason)


def short(value: Any) -> str:
    """Return a value of the file in few words, for messages."""
    text = value if isinstance(value, str) else f"{value}"
    return text if len(text) <= 60 else text[:57] + "…"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?` if a known name is like `name`, otherwise nothing."""
    matches = difflib.get_close_matches(name[:80], list(known), n=1)
    return f"; did you mean {matches[0]}?" if matches else ""


def type_name(value: Any) -> str:
    """Return the type of a value in TOML's words."""
    match value:
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"


def known_keys(table: Mapping[str, Any], known: Iterable[str], where: Place, label: str) -> None:
    """Report keys that `label` does not have: their author would believe that they do something."""
    known = list(known)
    for key in table:
        if key not in known and not where.findings.full:
            where[key].wrong(f"{label} has no key {short(key)!r}{did_you_mean(key, known)}")


def text(value: Any, where: Place, label: str, *, most: int) -> str | None:
    """Return the text, or None and report a problem."""
    if not isinstance(value, str):
        where.wrong(f"{label} must be text, not {type_name(value)}")
    elif not value:
        where.wrong(f"{label} must not be empty")
    elif len(value) > most:
        where.wrong(f"{label} must have at most {most:,} characters")
    elif "\0" in value:
        where.wrong(f"{label} must not contain a NUL character")
    else:
        return value
    return None


def number(value: Any, where: Place, label: str, *, least: float, most: float, above: bool = False) -> float | None:
    """Return the number from `least` (exclusive with `above`) to `most`, or None and report a problem."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        where.wrong(f"{label} must be a number, not {type_name(value)}")
    elif not (least < value if above else least <= value) or not value <= most:
        where.wrong(f"{label} must be {'above' if above else 'at least'} {least:g} and at most {most:,.0f}")
    else:
        return float(value)
    return None


def whole(value: Any, where: Place, label: str, *, least: int, most: int) -> int | None:
    """Return the whole number from `least` to `most`, or None and report a problem."""
    if isinstance(value, bool) or not isinstance(value, int):
        given = value if isinstance(value, float) else type_name(value)
        where.wrong(f"{label} must be a whole number, not {given}")
    elif not least <= value <= most:
        where.wrong(f"{label} must be at least {least} and at most {most:,}")
    else:
        return value
    return None
