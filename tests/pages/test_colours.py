"""Text can be read in every theme: WCAG 2.2 contrast, worked out from the table of colours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).parents[2] / "static/css/tokens.css").read_text()
BLOCKS = re.findall(r"(:root[^{]*)\{\s*([^}]*)\}", TOKENS)
TEXT = ("text", "muted", "far", "accent", "ok", "bad", "run", "wait", "idle")
GROUNDS = ("bg", "surface", "raised")


def luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    whole = "".join(each * 2 for each in digits) if len(digits) == 3 else digits
    parts = [int(whole[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block))


THEMES = [colours(block) for _, block in BLOCKS]
PLAIN, MORE = THEMES[:3], THEMES[3:]


def test_the_tables_of_a_theme_agree_and_each_is_whole() -> None:
    assert len(THEMES) == 7 and len({frozenset(theme) for theme in THEMES}) == 1
    assert MORE[0] == MORE[1] and MORE[2] == MORE[3] and PLAIN[1] == PLAIN[2]


@pytest.mark.parametrize(("themes", "least"), [(PLAIN, 4.5), (MORE, 7.0)])
def test_text_stands_out_from_every_ground(themes: list[dict[str, str]], least: float) -> None:
    for theme in themes:
        for ground in GROUNDS:
            assert {name: contrast(theme[name], theme[ground]) for name in TEXT if
                    contrast(theme[name], theme[ground]) < least} == {}  # fmt: skip
        assert contrast(theme["on-accent"], theme["accent"]) >= least
        assert all(contrast(theme[f"o{n}"], theme["surface"]) >= 3 for n in range(1, 9))


def test_with_more_contrast_edges_are_seen_too() -> None:
    for theme in MORE:
        assert contrast(theme["line"], theme["bg"]) >= 3 and contrast(theme["edge"], theme["bg"]) >= 7
