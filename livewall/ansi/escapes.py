"""The grammar of output for terminals: text, styles, movements of the cursor, and sequences without meaning in a log.

The rules are those of ECMA-48 and xterm, with an addition, because nothing may disappear from a log: an introducer
whose sequence does not end within the line is shown as a character, as is the text after it. The C1 controls (U+0080 to
U+009F) also occur in text that was decoded wrongly, so they count as introducers only if an unmistakable sequence
follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    TEXT = "text"
    SIGN = "sign"
    """An invisible or bidirectional control character: `value` is what is shown for it."""
    STYLE = "look"
    """Colours and other styles: `value` holds the parameters of `ESC [ … m`."""
    MOVE = "move"
    """A movement of the cursor, or an erasure: `value` is its letter, `times` its parameter."""
    IGNORED = "nothing"
    """Titles, links, reports, modes and absolute positions, which have no meaning in a log."""


class Token(NamedTuple):
    kind: Kind
    value: str
    times: int = 0
    source: str = ""


HIDDEN = "\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
_SPECIAL = f"\x00-\x08\x0a-\x1f\x7f-\x9f{HIDDEN}"
SPECIAL = re.compile(f"[{_SPECIAL}]")
"""Everything but plain text. A line without a match is visible as it is."""
_TOKEN = re.compile(
    rf"""
    (?P<text>[^{_SPECIAL}]+)
    | (?:\x1b\[ | \x9b(?=[0-9:;?]))(?P<params>[0-?]*)(?P<between>[ -/]*)(?P<final>[@-~])
    | (?P<string>\x1b[\]PX^_] [^\x07\x18\x1a\x1b\x9c\n]* (?:\x07|\x9c|\x1b\\)
        | \x9d[0-9]+(?:;[^\x07\x18\x1a\x1b\x9c\n]*)? (?:\x07|\x9c|\x1b\\)
        | \x90[0-9;]*[!-/]*[@-~][\x20-\x7e]* (?:\x9c|\x1b\\))
    | \x1b(?P<short>[ ][FGLMN] | [!-/]{{1,2}}[0-~] | [0-OQ-WYZ\\`-~])
    | (?P<control>[\r\b])
    | (?P<sign>[{_SPECIAL}])
    """,
    re.VERBOSE,
)
_MOVES = frozenset("ABCDEFGJKPX@su`aej")
"""Movements relative to the cursor or within its line, and erasures, but no absolute positions."""
_SHORT = {"M": "A", "D": "B", "E": "E", "7": "s", "8": "u"}
_STYLE = re.compile("[0-9;:]*")
_VERTICAL = r"\x1b\[[0-9]*[ABEFe]|\x1b\[0?J|\x1b[DEM78]|\x1b\[[su]"
VERTICAL = re.compile(rf"{_VERTICAL}|\x9b[0-9]+[ABEFe]")
"""Matches sequences that may move the cursor vertically."""
VERTICAL_BYTES = re.compile(_VERTICAL.encode() + rb"|\xc2\x9b[0-9]+[ABEFe]")
MOVING = re.compile(r"[\r\b]|\x1b\[[0-9]*[A-GJKPX@su`aej]|\x9b[0-9]+[A-GJKPX@su`aej]|\x1b[DEM78]")
"""Matches sequences that may move the cursor at all."""


def tokens(line: str) -> Iterator[Token]:
    """Yield the tokens of one line without its newline. Joined, their `source` is the line."""
    for match in _TOKEN.finditer(line):
        source = match[0]
        match match.lastgroup:
            case "text":
                yield Token(Kind.TEXT, source, 0, source)
            case "final":
                yield _control(match, source)
            case "short":
                letter = _SHORT.get(match["short"])
                yield Token(Kind.IGNORED, "", 0, source) if letter is None else Token(Kind.MOVE, letter, 1, source)
            case "control":
                yield Token(Kind.MOVE, source, 1, source)
            case "sign":
                yield Token(Kind.SIGN, sign(source), 0, source)
            case _:
                yield Token(Kind.IGNORED, "", 0, source)


def _control(match: re.Match[str], source: str) -> Token:
    params, final = match["params"], match["final"]
    if match["between"]:
        return Token(Kind.IGNORED, "", 0, source)
    if final == "m" and _STYLE.fullmatch(params):
        return Token(Kind.STYLE, params, 0, source)
    if final not in _MOVES or not (params == "" or params.isdecimal()):
        return Token(Kind.IGNORED, "", 0, source)
    count = int(params[:9] or 0)
    if final in "JK":
        return Token(Kind.MOVE, final, count, source)
    return Token(Kind.MOVE, _SAME.get(final, final), max(1, count), source)


_SAME = {"`": "G", "a": "C", "e": "B", "j": "D"}
"""Letters that have the same meaning as another one."""


def sign(character: str) -> str:
    """Return what is shown for an invisible character, such as `␇` or `<U+202E>`."""
    code = ord(character)
    if code < 32:
        return chr(0x2400 + code)
    return "\u2421" if code == 127 else f"<U+{code:04X}>"
