"""The elements of pictures: text that is escaped, measured and wrapped, colours, and patterns. Strings in, SVG out.

Only presentation attributes are used, so a strict Content-Security-Policy has nothing to forbid.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

SANS = "system-ui, sans-serif"
COLOURS, PATTERNS = 8, 4
DASHES = ("", "9 5", "2 4", "14 4 2 4")
"""Dashes of lines, as bars have patterns: no pair of colour and dash occurs twice among 32 options."""
_NOT_XML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FAR_EAST = "\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef"
_WORD = re.compile(f"[{_FAR_EAST}]|[^\\s{_FAR_EAST}]+ ?| ")
"""A unit that is not broken over two lines: a letter of a Far Eastern script, or a word with the space after it."""
_NARROW = frozenset("iljtfrI1.,:;!|'`()[]{}/\\ ")
_WIDE = frozenset("mwMWQO@%&—…")


@dataclass(frozen=True)
class Theme:
    """The colours of a picture, the same as those of the pages (static/css/tokens.css)."""

    background: str
    text: str
    muted: str
    line: str
    edge: str
    accent: str
    shade: str
    options: tuple[str, ...]

    def option(self, colour: int) -> str:
        return self.options[(colour - 1) % len(self.options)]

    def mark(self, colour: int) -> str:
        """Return the colour of a pattern on a bar of this colour."""
        own, shade = self.option(colour), self.shade
        parts = [(int(own[i : i + 2], 16) * 68 + int(shade[i : i + 2], 16) * 32) // 100 for i in (1, 3, 5)]
        return "#" + "".join(f"{part:02x}" for part in parts)


LIGHT = Theme(
    "#ffffff", "#15181d", "#4a535e", "#d3d2c9", "#767f89", "#8a5600", "#ffffff",
    ("#0b5cad", "#a86400", "#0b7a4f", "#b8432c", "#6b3fb0", "#7a6a00", "#0f6f80", "#a03a72"),
)  # fmt: skip
DARK = Theme(
    "#0d1015", "#f3f5f8", "#a6b2c0", "#2c3641", "#6b7888", "#ffb224", "#000000",
    ("#5aa9ff", "#ffb224", "#35c48d", "#ff7d66", "#c79bff", "#f2e05c", "#7fd6e8", "#f49ac1"),
)  # fmt: skip
THEMES = {"light": LIGHT, "dark": DARK}


def colour_and_pattern(index: int) -> tuple[int, int]:
    """Return colour and pattern of the option at `index`, both from 1 on."""
    return index % COLOURS + 1, (index + index // COLOURS) % PATTERNS + 1


# -- text


def clean(text: str) -> str:
    """Return the text without characters that XML does not allow, on one line."""
    return " ".join(_NOT_XML.sub("", text).split())


def escaped(text: str) -> str:
    return escape(clean(text), {'"': "&quot;"})


def text_width(text: str, size: float) -> float:
    """Return the estimated width of a text, rather too much: fonts differ, and a word cut off is worse than a gap."""
    return sum(_letter(letter) for letter in text) * size


@functools.lru_cache(4096)
def _letter(letter: str) -> float:
    """Cached, because a line is measured again with each word."""
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    if letter in _NARROW:
        return 0.36
    if letter in _WIDE:
        return 0.95
    return 0.7 if letter.isupper() or ord(letter) > 0x2000 else 0.585


def is_rtl(text: str) -> bool:
    """Return whether a text is written from right to left, by its first letter with a direction."""
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        if kind in ("L", "R", "AL"):
            return kind != "L"
    return False


def wrapped(text: str, size: float, room: float, most: int) -> list[str]:
    """Return the lines of a text, at most `most`. Where it does not fit, the last line ends with an ellipsis."""
    lines = [""]
    waiting = _WORD.findall(clean(text))[::-1]
    while waiting:
        unit = waiting.pop()
        if text_width((lines[-1] + unit).rstrip(), size) <= room:
            lines[-1] += unit
        elif len(lines) == most:
            lines[-1] = shortened(lines[-1] + unit + "".join(reversed(waiting)), size, room)
            break
        elif lines[-1].strip():
            lines.append("")
            waiting.append(unit)
        else:  # a word that is longer than a line
            part = max(1, _fitting(unit, size, room))
            lines[-1] = unit[:part]
            if part < len(unit):
                lines.append("")
                waiting.append(unit[part:])
    return [line.rstrip() for line in lines]


def shortened(text: str, size: float, room: float) -> str:
    """Return as much of one line as fits."""
    text = text.rstrip()
    if text_width(text, size) <= room:
        return text
    return text[: _fitting(text, size, room - text_width("…", size))].rstrip() + "…"


def _fitting(text: str, size: float, room: float) -> int:
    """Return how many letters of a text fit. Combining marks stay with their letter."""
    width = 0.0
    for index, letter in enumerate(text):
        width += _letter(letter) * size
        if width > room:
            return index
    return len(text)


# -- elements


def number(value: float) -> str:
    """Return a length with one decimal, without it where it is whole."""
    return f"{value:.1f}".removesuffix(".0")


def text_element(
    x: float,
    y: float,
    text: str,
    size: float,
    fill: str,
    *,
    name: str = "t",
    anchor: str = "start",
    bold: bool = False,
    rtl: bool | None = None,
) -> str:
    """Return one line of text that begins at `x`, which is its right end where it is written from the right. `rtl`
    overrides the direction of its first letter."""
    weight = ' font-weight="650"' if bold else ""
    anchored = "" if anchor == "start" else f' text-anchor="{anchor}"'
    turned = ' direction="rtl"' if (is_rtl(text) if rtl is None else rtl) else ""
    return (
        f'<text class="{name}" x="{number(x)}" y="{number(y)}" font-size="{number(size)}" fill="{fill}"'
        f"{weight}{anchored}{turned}>{escaped(text)}</text>"
    )


def line(
    x1: float, y1: float, x2: float, y2: float, stroke: str, *, name: str, width: float = 1, dash: str = ""
) -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<path class="{name}" d="M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}" fill="none" '
        f'stroke="{stroke}" stroke-width="{number(width)}"{dashed}/>'
    )


def pattern(pattern_id: str, own: str, mark: str, kind: int) -> str:
    """Return the definition of a bar's pattern. `kind` 1 is plain and needs none."""
    if kind == 2:
        size, drawn, turn = 24, f'<path d="M0 0H12V24H0Z" fill="{mark}"/>', ' patternTransform="rotate(45)"'
    elif kind == 3:
        size, drawn, turn = 14, f'<circle cx="7" cy="7" r="3" fill="{mark}"/>', ""
    else:
        size, drawn, turn = 14, f'<path d="M10 0H14V14H10Z" fill="{mark}"/>', ""
    return (
        f'<pattern id="{pattern_id}" width="{size}" height="{size}" patternUnits="userSpaceOnUse"{turn}>'
        f'<path d="M0 0H{size}V{size}H0Z" fill="{own}"/>{drawn}</pattern>'
    )


def picture(
    width: float,
    height: float,
    theme: Theme,
    *,
    title: str,
    about: str,
    name: str,
    parts: Iterable[str],
    data: str = "",
) -> str:
    """Return a whole picture; `data` are further attributes of its root. It has a title and a description for screen
    readers."""
    size = f'width="{number(width)}" height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{name}" {size} role="img" aria-label="{escaped(title)}" '
        f'font-family="{SANS}"{data}><title>{escaped(title)}</title><desc>{escaped(about)}</desc>'
        f'<path class="bg" d="M0 0H{number(width)}V{number(height)}H0Z" fill="{theme.background}"/>'
        + "".join(parts)
        + "</svg>\n"
    )
