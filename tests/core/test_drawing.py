"""Pictures: whatever a label holds, what comes out is XML with the label in it, and no line is wider than its room."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.charts.drawing import LIGHT, clean, is_rtl, picture, text_element, text_width, wrapped

SOME = "<>&\"'\u202e\u200f\ufffe\x85\x07\u0301周שלام 𝄞"
STRANGE = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from(SOME)), max_size=80)


@given(STRANGE)
def test_any_text_makes_valid_xml_that_says_it(text: str) -> None:
    drawn = picture(10, 10, LIGHT, title=text, about=text, name="x", parts=[text_element(0, 0, text, 10, "#000")])
    found = ElementTree.fromstring(drawn)
    said = [element.text or "" for element in found.iter() if element.tag.endswith(("title", "desc", "text"))]
    assert said == [clean(text)] * 3 and found.attrib["aria-label"] == clean(text)


@given(STRANGE, st.floats(8, 40), st.floats(60, 900), st.integers(1, 6))
def test_lines_fit_and_nothing_is_lost_but_at_the_end(text: str, size: float, room: float, most: int) -> None:
    lines = wrapped(text, size, room, most)
    assert 1 <= len(lines) <= most
    assert all(text_width(line, size) <= room + 0.01 for line in lines)
    whole, shown = clean(text).replace(" ", ""), "".join(lines).replace(" ", "")
    assert shown == whole or (shown.endswith("…") and whole.startswith(shown[:-1]))


def test_words_stay_whole_and_letters_of_the_far_east_may_break_anywhere() -> None:
    assert wrapped("one two three", 10, 50, 5) == ["one two", "three"]
    assert wrapped("周会时间定在什么时候", 10, 50, 5) == ["周会时间定", "在什么时候"]
    assert wrapped("", 10, 50, 5) == [""]


@pytest.mark.parametrize(
    ("text", "rtl"), [("abc", False), ("שלום", True), ("1. مرحبا", True), ("42", False), ("", False)]
)
def test_the_first_letter_with_a_direction_says_where_a_text_begins(text: str, rtl: bool) -> None:
    assert is_rtl(text) is rtl
    assert ("rtl" in text_element(0, 0, text, 10, "#000")) is rtl
