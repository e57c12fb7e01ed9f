"""On which line each key of a TOML text stands."""

from __future__ import annotations

import string
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from livewall.toml_lines import Path, key_lines

TEXT = '''# a comment with [brackets] = and "quotes"
title = "Build"  # and [one] behind

[params.ref]
pattern = "[A-Za-z0-9._/-]+"
choices = [
  "a]", # ]
  'b"',
  """c
  ] """,
]
[[steps]]
name = "one"
env = { CC = "gcc", "D.E" = 'x', f.g = 1979-05-27 07:32:00 }
[[steps]]
name = "two"
text = """""two quotes at both ends"""""
raw = \'\'\'
[[not.a.header]]
\'\'\'
[steps.more]
"k\\u00e9y" = { a = [[1, 2], [3]] }
[[steps.deep]]
a.b."c.d" = 1
'''


def test_every_part_is_found_on_its_line() -> None:
    lines = key_lines(TEXT)
    assert lines == {
        ("title",): 2,
        ("params",): 4,
        ("params", "ref"): 4,
        ("params", "ref", "pattern"): 5,
        ("params", "ref", "choices"): 6,
        ("params", "ref", "choices", 0): 7,
        ("params", "ref", "choices", 1): 8,
        ("params", "ref", "choices", 2): 9,
        ("steps",): 12,
        ("steps", 0): 12,
        ("steps", 0, "name"): 13,
        ("steps", 0, "env"): 14,
        ("steps", 0, "env", "CC"): 14,
        ("steps", 0, "env", "D.E"): 14,
        ("steps", 0, "env", "f"): 14,
        ("steps", 0, "env", "f", "g"): 14,
        ("steps", 1): 15,
        ("steps", 1, "name"): 16,
        ("steps", 1, "text"): 17,
        ("steps", 1, "raw"): 18,
        ("steps", 1, "more"): 21,
        ("steps", 1, "more", "kéy"): 22,
        ("steps", 1, "more", "kéy", "a"): 22,
        ("steps", 1, "more", "kéy", "a", 0): 22,
        ("steps", 1, "more", "kéy", "a", 0, 0): 22,
        ("steps", 1, "more", "kéy", "a", 0, 1): 22,
        ("steps", 1, "more", "kéy", "a", 1): 22,
        ("steps", 1, "more", "kéy", "a", 1, 0): 22,
        ("steps", 1, "deep"): 23,
        ("steps", 1, "deep", 0): 23,
        ("steps", 1, "deep", 0, "a"): 24,
        ("steps", 1, "deep", 0, "a", "b"): 24,
        ("steps", 1, "deep", 0, "a", "b", "c.d"): 24,
    }


def test_windows_line_ends_are_one_line_each() -> None:
    assert key_lines(TEXT.replace("\n", "\r\n")) == key_lines(TEXT)


def paths(value: Any, path: Path = ()) -> set[Path]:
    found = {path} if path else set()
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        found |= paths(part, (*path, key))
    return found


def quoted(text: str) -> str:
    escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in text)
    return f'"{escaped}"'


KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
STRINGS = st.text(st.sampled_from("ab \n\"'\\#[]{}=.,\r\té"), max_size=12)


class Writer:
    """Writes values as TOML in every notation, and notes where it wrote what."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.text = ""
        self.lines: dict[Path, int] = {}

    def put(self, text: str) -> None:
        self.text += text

    def note(self, path: Path) -> None:
        self.lines.setdefault(path, self.text.count("\n") + 1)

    def pick(self, *of: str) -> str:
        return self.data.draw(st.sampled_from(of))

    def key(self, key: str) -> None:
        bare = key and all(c in string.ascii_letters + string.digits + "_-" for c in key)
        forms = [quoted(key)] + ([key] if bare else [])
        if key.isprintable() and "'" not in key:
            forms.append(f"'{key}'")
        self.put(self.pick(*forms))

    def scalar(self, text: str) -> None:
        forms = [quoted(text), f'"""\n{quoted(text)[1:-1]}"""', f'"""{quoted(text)[1:-1]}"""']
        if "\\" not in text and "\r" not in text and '"""' not in text and not text.endswith('"""'):
            forms.append(f'"""\n{text}"""')
        if "\r" not in text and "'''" not in text:
            forms.append(f"'''\n{text}'''")
        forms += ["1", "-1.5e3", "true", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00", "07:32:00.5", "inf", "0xF"]
        self.put(self.pick(*forms))

    def value(self, path: Path, depth: int) -> None:
        match self.pick("scalar", "list", "table") if depth else "scalar":
            case "scalar":
                self.scalar(self.data.draw(STRINGS))
            case "list":
                self.put("[" + self.gap())
                for place in range(count := self.data.draw(st.integers(0, 3))):
                    self.note((*path, place))
                    self.value((*path, place), depth - 1)
                    self.put(self.gap())
                    if place < count - 1 or self.pick("", ",") == ",":
                        self.put("," + self.gap())
                self.put("]")
            case "table":
                self.put("{ ")
                for place, key in enumerate(self.data.draw(st.lists(KEYS, max_size=3, unique=True))):
                    self.put(", " if place else "")
                    self.pair((*path, key), depth - 1)
                self.put(" }")

    def gap(self) -> str:
        return self.pick("", " ", "\n", ' # ] , " [\n\t', "\r\n")

    def pair(self, path: Path, depth: int) -> None:
        key = path[-1]
        assert isinstance(key, str)
        self.note(path)
        self.key(key)
        if self.pick("plain", "dotted") == "dotted":
            self.put(self.pick(".", " . "))
            path = (*path, "in")
            self.note(path)
            self.key("in")
        self.put(self.pick("=", " = "))
        self.value(path, depth)

    def table(self, path: Path) -> None:
        for key in self.data.draw(st.lists(KEYS, max_size=3, unique=True)):
            self.pair((*path, key), 2)
            self.put(self.pick("\n", " # [x]\n", "\n\n", "\r\n"))


@given(st.data())
def test_each_key_is_found_on_the_line_where_it_was_written(data: st.DataObject) -> None:
    writer = Writer(data)
    writer.table(())
    for place, name in enumerate(data.draw(st.lists(KEYS, max_size=3, unique=True))):
        key = f"{place} {name}"  # not one of the top's: their names have at most six characters, or no space
        if (key,) in writer.lines:
            continue
        if data.draw(st.booleans()):
            for number in range(data.draw(st.integers(1, 3))):
                writer.put("[[ ")
                writer.note((key,))
                writer.note((key, number))
                writer.key(key)
                writer.put(" ]] # one more\n")
                writer.table((key, number))
                inner = f"{place} inner table"
                writer.put("[")
                writer.key(key)
                writer.put(" . ")
                writer.note((key, number, inner))
                writer.key(inner)
                writer.put("]\n")
                writer.table((key, number, inner))
        else:
            writer.put("[")
            writer.note((key,))
            writer.key(key)
            writer.put("]\n")
            writer.table((key,))
    found = key_lines(writer.text)
    assert found == writer.lines
    assert set(found) == paths(tomllib.loads(writer.text))


def test_deep_nesting_that_is_toml_is_read() -> None:
    depth = 200
    assert len(key_lines("a = " + "[" * depth + "]" * depth)) == depth
