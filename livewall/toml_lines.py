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

_SPACE = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_KEY = re.compile(r"""[A-Za-z0-9_-]++|"(?:[^"\\\n]++|\\.)*+"|'[^'\n]*+'""")
_SCALAR = re.compile(
    r'''"""(?:[^"\\]++|\\.|"{1,2}(?!"))*+"{3,5}'''
    r"""|'''(?:[^']++|'{1,2}(?!'))*+'{3,5}"""
    r'''|"(?:[^"\\\n]++|\\.)*+"'''
    r"""|'[^'\n]*+'"""
    r"""|[^\s,\]}#]++(?:[ ][0-9][^\s,\]}#]*+)?""",  # a space may separate a date and its time
    re.DOTALL,
)


def key_lines(text: str) -> dict[Path, int]:
    """Return the line, from 1, on which each key, table and list entry is first named. The text must be valid TOML."""
    return _Scanner(text).lines


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
        match = _SPACE.match(self._text, self._at)
        assert match is not None
        self._at = match.end()

    def _takes(self, mark: str) -> bool:
        if self._text.startswith(mark, self._at):
            self._at += len(mark)
            return True
        return False

    def _note(self, path: Path, at: int) -> None:
        if path not in self.lines:
            self.lines[path] = bisect_left(self._ends, at) + 1

    def _part(self) -> tuple[str, int]:
        """Read one part of a dotted key; return it with its position."""
        self._skip()
        at = self._at
        match = _KEY.match(self._text, at)
        assert match is not None, f"no key at {at}"
        self._at = match.end()
        self._skip()
        raw = match[0]
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
                match = _SCALAR.match(self._text, self._at)
                assert match is not None, f"no value at {self._at}"
                self._at = match.end()
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
