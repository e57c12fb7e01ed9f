"""The lines of a deck: what each of them is, and how a text is written that would look like something else.

It knows nothing of polls except the names of their settings, which are passed in.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple

_BULLETS = "-*+•·●○▪–—－"
_SIGNS = {**dict.fromkeys("-–—－", "dash"), **dict.fromkeys("•·●○▪", "bullet")}
"""Bullets by kind: programs use the signs of one kind interchangeably, so the options of a question may mix them."""
_SPECIAL = re.escape(string.punctuation + _BULLETS + "：、．）")
_ESCAPE = re.compile(rf"\\([{_SPECIAL}])")
_NEEDS_ESCAPE = re.compile(rf"\\(?=[{_SPECIAL}]|\Z)")
_HEADING = re.compile(r"(#{2,6})\s*(.*)|(#)(?:\s+(.*))?")
_MARK = rf"[{re.escape(_BULLETS)}]|[0-9]{{1,3}}[.)．）]|[A-Za-z][)）]"
_MARKER = re.compile(rf"({_MARK})(?:\s+(.*)|\Z)|([0-9]{{1,3}}、)\s*(.*)")
_OPENS = "<!--"
_COMMENT = re.compile(r"(?<!\\)(?:\\\\)*" + _OPENS)
"""The beginning of a comment, unless a backslash escapes it."""
_CHECKBOX = re.compile(r"\[[ xX✓✔]?\](?=[\s\\]|\Z)")
_RULE = re.compile(r"([-=_*])\1{2,}")
_COLON = re.compile("[:：]")
_ASSIGNS = re.compile(r"(?<!\\)(?::(?!//)|：|(?<![<>=!])=(?!=)|＝)")
_NAME_WORDS = re.compile(r"[^\W\d][\w-]*(?:\s+[^\W\d][\w-]*)?")
ABSTAIN = "abstain"
"""The mark of the option that means to abstain."""
LONGEST_NAME = 40
"""The largest number of characters before the colon of a setting."""

Named = Callable[[str], bool]
"""Returns whether a setting has this name."""


class Kind(Enum):
    BLANK = auto()
    HEADING = auto()
    OPTION = auto()
    SETTING = auto()
    FENCE = auto()
    COMMENT = auto()
    TEXT = auto()


_GOING_ON = (Kind.HEADING, Kind.OPTION, Kind.TEXT)


class Line(NamedTuple):
    """A line, with the lines that continue it after a backslash at its end: `pieces`, still with their backslashes.

    `level` is the number of `#` of a heading, `indent` the space before the line, `name` the text before a setting's
    colon or the kind of an option's mark. `apart` says that a blank line precedes it.
    """

    number: int
    kind: Kind
    pieces: tuple[str, ...]
    indent: int = 0
    level: int = 0
    name: str = ""
    apart: bool = False


def lines_of(text: str, named: Named) -> Iterator[Line]:
    """Return the lines of a deck that are not blank, without its comments. Of a block of code only its first line is
    returned. The second value are the comments that cannot be left out, each with the reason."""
    raw, faults = without_comments(text.split("\n"))
    index, apart = 0, False
    while index < len(raw):
        line = recognised(raw[index], index + 1, named)
        index += 1
        if line.kind is Kind.BLANK:
            apart = True
            continue
        if line.kind is Kind.FENCE:
            fence = line.pieces[0][:3]
            while index < len(raw) and not raw[index].lstrip().startswith(fence):
                index += 1
            index += 1
        elif line.kind in _GOING_ON and line.pieces[-1].endswith("\\"):
            pieces = list(line.pieces)
            while _goes_on(pieces[-1]) and index < len(raw) and _is_text(raw[index], named):
                pieces[-1] = pieces[-1][:-1]
                pieces.append(raw[index].strip())
                index += 1
            line = line._replace(pieces=tuple(pieces))
        yield line._replace(apart=True) if apart else line
        apart = False
    for number, why in faults:
        yield Line(number, Kind.COMMENT, (why,))


def without_comments(raw: Sequence[str]) -> tuple[list[str], list[tuple[int, str]]]:
    """Return the lines without `<!-- … -->`, each comment ending at its first `-->`; and by their lines the comments
    whose end is not clear."""
    kept: list[str] = []
    faults: list[tuple[int, str]] = []
    begun, nested = 0, False
    for number, line in enumerate(raw, 1):
        left, column = "", 0
        while column < len(line):
            if begun:
                end = line.find("-->", column)
                nested = nested or _OPENS in line[column : len(line) if end < 0 else end]
                if end < 0:
                    break
                if nested and "-->" in line[end + 3 :].partition(_OPENS)[0]:
                    faults.append((number, "a comment within a comment: the outer one ends at the first -->"))
                begun, nested, column = 0, False, end + 3
            elif match := _COMMENT.search(line, column):
                part = line[column : match.end() - len(_OPENS)]
                left += _behind(left, part) if column else part
                if line.startswith((">", "->"), match.end()):
                    faults.append((number, "this comment ends where it begins: write <!-- before it, --> behind it"))
                    break
                begun, column = number, match.end()
            else:
                left += _behind(left, line[column:]) if column else line
                column = len(line)
        kept.append(left)
    if begun:
        faults.append((begun, "this comment has no end: write --> after it"))
    return kept, faults


def _behind(left: str, right: str) -> str:
    """Return the text after a comment as it continues `left`: without a double space, or one at the beginning of a
    line."""
    return right if left[-1:].strip() else right.lstrip()


def recognised(raw: str, number: int, named: Named) -> Line:
    """Return what one line is by itself."""
    text = raw.strip()
    indent = len(raw[: len(raw) - len(raw.lstrip())].expandtabs(4)) if raw[:1].isspace() else 0
    if not text or _RULE.fullmatch(text):
        return Line(number, Kind.BLANK, ())
    if text.startswith(("```", "~~~")):
        return Line(number, Kind.FENCE, (text,))
    if match := _HEADING.fullmatch(text):
        return Line(number, Kind.HEADING, (match[2] or match[4] or "",), indent, len(match[1] or match[3]))
    if match := _MARKER.fullmatch(text):
        mark = (match[1] or match[3])[0]
        kind = "number" if mark.isdecimal() else "letter" if mark.isalpha() else _SIGNS.get(mark, mark)
        return Line(number, Kind.OPTION, (match[2] or match[4] or "",), indent, name=kind)
    if (parts := setting_of(text)) and named(parts[0]):
        return Line(number, Kind.SETTING, (parts[1],), indent, name=parts[0])
    return Line(number, Kind.TEXT, (text,), indent)


def setting_of(text: str) -> tuple[str, str] | None:
    """Return the texts before and after a colon, if the first is not longer than a name."""
    return _parted(text, _COLON)


def assignment_of(text: str) -> tuple[str, str] | None:
    """Return the texts before and after a colon or an equals sign, if one or two words precede it: what may have been
    meant as a setting."""
    parts = _parted(text, _ASSIGNS)
    return parts if parts and _NAME_WORDS.fullmatch(parts[0]) else None


def _parted(text: str, sign: re.Pattern[str]) -> tuple[str, str] | None:
    match = sign.search(text, 0, LONGEST_NAME)
    return (text[: match.start()].strip(), text[match.end() :].strip()) if match else None


def _is_text(raw: str, named: Named) -> bool:
    return recognised(raw, 0, named).kind is Kind.TEXT


def _goes_on(piece: str) -> bool:
    """Return whether a line ends with a backslash that no other backslash escapes."""
    return (len(piece) - len(piece.rstrip("\\"))) % 2 == 1


def read(pieces: Sequence[str]) -> str:
    """Return the text that was meant."""
    return "\n".join(
        (piece[1] + _ESCAPE.sub(r"\1", piece[2:])) if _hides_space(piece) else _ESCAPE.sub(r"\1", piece)
        for piece in pieces
    ).strip()


def has_checkbox(piece: str) -> bool:
    """Return whether an option begins with `[x]` or `[ ]`, as in lists whose correct answers are ticked."""
    return _CHECKBOX.match(piece) is not None


def marks_of(piece: str) -> tuple[str, Sequence[str]]:
    """Return the end of an option without the marks in braces after it, and these marks."""
    before, brace, inside = piece.rpartition("{")
    words = inside[:-1].split()
    marked = brace and words and inside.endswith("}") and (not before or before[-1].isspace())
    if marked and all(word.startswith("#") or word.lower() == ABSTAIN for word in words):
        return before.rstrip(), words
    return piece, ()


def written(text: str, named: Named) -> str:
    """Return the text as it is written after the mark of a heading or an option; further lines are indented."""
    lines = text.split("\n")
    last = len(lines) - 1
    escaped = [_escaped(line) + ("\\" if index < last else "") for index, line in enumerate(lines)]
    return "\n".join([escaped[0], *("  " + _guarded(line, named) for line in escaped[1:])])


def _hides_space(piece: str) -> bool:
    return piece[:1] == "\\" and piece[1:2].isspace()


def _escaped(line: str) -> str:
    text = _NEEDS_ESCAPE.sub(r"\\\\", line).replace(_OPENS, "\\" + _OPENS)
    return "\\" + text if line[:1].isspace() or _hides_space(line) else text


def _guarded(line: str, named: Named) -> str:
    """Return a line that continues a text, written so that it is not taken for anything else."""
    match recognised(line, 0, named).kind:
        case Kind.TEXT:
            return line
        case Kind.SETTING:
            match = _COLON.search(line)
            column = match.start() if match else 0
        case Kind.OPTION:
            column = len(line) - len(line.lstrip(string.digits + string.ascii_letters))
        case _:
            column = 0
    return line[:column] + "\\" + line[column:]
