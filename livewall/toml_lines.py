"""The line on which each key of a TOML text is first named: `tomllib` gives the values, this module the lines for
messages about them.

It knows only as much grammar as is needed to find the keys of a text that `tomllib` has accepted.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left

Path = tuple[str | int, ...]
"""The path to a value from the top: keys, and indices of lists from 0: `("steps", 0, "run", 1)`."""

# No possessive groups: Python before 3.11.4 takes some of them for no match (cpython #101955).
_SPACE = re.compile(r"[ \t\r\n]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^\s,\]}#]+(?: [0-9][^\s,\]}#]*)?")  # a space may separate a date and its time
_ESCAPE_OR_QUOTE = re.compile(r'\\.|"', re.DOTALL)
_ESCAPE_OR_QUOTES = re.compile(r'\\.|"""', re.DOTALL)


def key_lines(text: str) -> dict[Path, int]:
    """Return the line, from 1, on which each key, table and list entry is first named. The text must be valid TOML."""
    return _Scanner(text).lines


def string_end(text: str, at: int) -> int | None:
    """Return where the TOML string that begins at `at` ends, or None if none begins there."""
    quote = text[at : at + 1]
    if quote not in ("'", '"'):
        return None
    is_long = text.startswith(quote * 3, at)
    begin = at + (3 if is_long else 1)
    if quote == "'":
        end = text.index(quote * 3 if is_long else quote, begin)
    else:
        pattern = _ESCAPE_OR_QUOTES if is_long else _ESCAPE_OR_QUOTE
        end = next(match.start() for match in pattern.finditer(text, begin) if match[0][0] == quote)
    end += 3 if is_long else 1
    # Before the closing quotes of a long string, one or two more belong to the string.
    for _ in range(2 if is_long else 0):
        end += text.startswith(quote, end)
    return end


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._made: dict[Path, int] = {}  # the number of tables that each array of tables has so far
        table: Path = ()
        while self._more():
            if self._takes("[["):
                table = self._header(array=True)
            elif self._takes("["):
                table = self._header(array=False)
            else:
                self._value(self._pair(table))

    def _more(self) -> bool:
        self._skip()
        return self._at < len(self._text)

    def _skip(self) -> None:
        """Skip blanks, line ends and comments."""
        while True:
            match = _SPACE.match(self._text, self._at)
            assert match is not None
            self._at = match.end()
            if not self._text.startswith("#", self._at):
                return
            end = self._text.find("\n", self._at)
            self._at = len(self._text) if end < 0 else end

    def _takes(self, mark: str) -> bool:
        if self._text.startswith(mark, self._at):
            self._at += len(mark)
            return True
        return False

    def _note(self, path: Path, at: int) -> None:
        if path not in self.lines:
            self.lines[path] = bisect_left(self._ends, at) + 1

    def _scalar(self, bare: re.Pattern[str]) -> str:
        """Read a string, or else what matches `bare`; return it with its quotes."""
        at, end = self._at, string_end(self._text, self._at)
        if end is None:
            match = bare.match(self._text, at)
            assert match is not None, f"nothing to read at {at}"
            end = match.end()
        self._at = end
        return self._text[at:end]

    def _part(self) -> tuple[str, int]:
        """Read one part of a dotted key; return it with its position."""
        self._skip()
        at = self._at
        raw = self._scalar(_BARE_KEY)
        self._skip()
        if raw[0] == '"' and "\\" in raw:
            return tomllib.loads(f"key = {raw}")["key"], at
        return raw[1:-1] if raw[0] in "\"'" else raw, at

    def _names(self, path: Path) -> tuple[Path, int]:
        """Read a dotted key below `path`; return its path with the position of its last part.

        Inside the key, the name of an array of tables means its newest table.
        """
        while True:
            part, at = self._part()
            path = (*path, part)
            self._note(path, at)
            if not self._takes("."):
                return path, at
            if path in self._made:
                path = (*path, self._made[path] - 1)

    def _header(self, *, array: bool) -> Path:
        """Return the path of a table whose header begins here. In an array of tables, names mean its newest table."""
        path, at = self._names(())
        if array:
            self._at += 2
            self._made[path] = self._made.get(path, 0) + 1
        else:
            self._at += 1
        if path in self._made:
            path = (*path, self._made[path] - 1)
            self._note(path, at)
        return path

    def _pair(self, table: Path) -> Path:
        """Read `key.key =`, and stop before the value."""
        path, _ = self._names(table)
        self._at += 1
        self._skip()
        return path

    def _value(self, path: Path) -> None:
        """Read a value with everything in it. Open lists and tables are kept in a list, because they may be nested
        deeply."""
        inside: list[tuple[Path, int]] = []  # the path, and the index of the next entry of a list, or -1 in a table
        while True:
            if self._takes("["):
                inside.append((path, 0))
            elif self._takes("{"):
                inside.append((path, -1))
            else:
                self._scalar(_BARE_VALUE)
            while inside:
                self._skip()
                if self._takes(","):
                    self._skip()
                outer, place = inside[-1]
                if self._takes("]" if place >= 0 else "}"):
                    inside.pop()
                    continue
                if place >= 0:
                    inside[-1] = outer, place + 1
                    path = (*outer, place)
                    self._note(path, self._at)
                else:
                    path = self._pair(outer)
                break
            else:
                return
