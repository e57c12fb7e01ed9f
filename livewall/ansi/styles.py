"""Styles of text, as `ESC [ … m` sets them (SGR, ECMA-48 section 8.3.117).

A style is a string of names, such as `ink1 ground7 bold`. Other colours than the sixteen standard ones become the
nearest of these, so that a page can show each with enough contrast in both of its themes.
"""

from __future__ import annotations

from functools import lru_cache

PLAIN = ""
PALETTE = (
    (0, 0, 0),
    (205, 49, 49),
    (13, 188, 121),
    (200, 160, 16),
    (36, 114, 200),
    (188, 63, 188),
    (17, 168, 205),
    (204, 204, 204),
    (102, 102, 102),
    (241, 76, 76),
    (35, 209, 139),
    (245, 245, 67),
    (59, 142, 234),
    (214, 112, 214),
    (41, 184, 219),
    (255, 255, 255),
)
_STEPS = (0, 95, 135, 175, 215, 255)
_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike"}
_OFF = {21: ("bold",), 22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("inverse",), 29: ("strike",)}
_MAX_PARAMETERS = 64
"""The most parameters of one sequence that are applied; real ones have fewer than twenty."""


def nearest(red: int, green: int, blue: int) -> int:
    """Return the number of the nearest of the sixteen colours."""

    def distance(number: int) -> int:
        r, g, b = PALETTE[number]
        return 2 * (r - red) ** 2 + 4 * (g - green) ** 2 + 3 * (b - blue) ** 2

    return min(range(16), key=distance)


def of_256(number: int) -> int | None:
    """Return the nearest of the sixteen colours for one of the 256, or None for another number."""
    if not 0 <= number <= 255:
        return None
    if number < 16:
        return number
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return nearest(grey, grey, grey)
    index = number - 16
    return nearest(_STEPS[index // 36], _STEPS[index // 6 % 6], _STEPS[index % 6])


@lru_cache(4096)
def apply_codes(style: str, params: str) -> str:
    """Return the style after `ESC [ params m`."""
    names = dict.fromkeys(style.split())
    codes = [_numbers(part) for part in params.split(";")[:_MAX_PARAMETERS]]
    at = 0
    while at < len(codes):
        code, *parameters = codes[at]
        at += 1
        if code in (38, 48, 58):
            if parameters:
                colour, _ = _extended(parameters, colons=True)
            else:
                colour, used = _extended([part[0] for part in codes[at:]], colons=False)
                at += used
            if colour is not None and code != 58:
                _colour(names, "ink" if code == 38 else "ground", colour)
        elif code == 4 and parameters[:1] == [0]:
            names.pop("underline", None)
        else:
            _simple(names, code)
    return " ".join(names)


def _numbers(part: str) -> list[int]:
    return [int(digits[:9]) if digits else 0 for digits in part.split(":")]


def _simple(names: dict[str, None], code: int) -> None:
    if code == 0:
        names.clear()
    elif code in _ON:
        names[_ON[code]] = None
    elif code in _OFF:
        for name in _OFF[code]:
            names.pop(name, None)
    elif 30 <= code <= 37 or 90 <= code <= 97:
        _colour(names, "ink", code - 30 if code < 90 else code - 82)
    elif 40 <= code <= 47 or 100 <= code <= 107:
        _colour(names, "ground", code - 40 if code < 100 else code - 92)
    elif code in (39, 49):
        _colour(names, "ink" if code == 39 else "ground", None)


def _colour(names: dict[str, None], kind: str, number: int | None) -> None:
    for name in [name for name in names if name.startswith(kind)]:
        del names[name]
    if number is not None:
        names[f"{kind}{number}"] = None


def _extended(parameters: list[int], *, colons: bool) -> tuple[int | None, int]:
    """Return the colour of `5;N` or `2;R;G;B`, and how many codes it takes.

    With colons, an empty colour space may precede the red (ISO 8613-6).
    """
    if parameters[:1] == [5]:
        return (of_256(parameters[1]) if len(parameters) > 1 else None), 2
    if parameters[:1] != [2]:
        return None, 1
    first = 2 if colons and len(parameters) >= 5 else 1
    parts = parameters[first : first + 3]
    return (nearest(*(min(255, part) for part in parts)) if len(parts) == 3 else None), first + 3
