"""A wall's code as people type it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.errors import Busy
from livewall.limits import LONGEST_DELAY, Limits
from livewall.names import CODE_ALPHABET, MAX_ALIKE, in_address, look_alikes, wall_code

codes = st.text(CODE_ALPHABET, min_size=6, max_size=6)
SEEN_AS = {"2": "Z", "Z": "2", "5": "S", "S": "5", "6": "G", "G": "6", "8": "B", "B": "8", "D": "O", "Q": "0", "7": "1",
           "J": "I", "T": "1", "V": "U"}  # fmt: skip


@given(codes, st.sampled_from([" ", "-", "\u2013", ".", "\u00a0", " · "]), st.booleans())
def test_case_spaces_dashes_and_width_do_not_matter(code: str, gap: str, wide: bool) -> None:
    typed = f" {code[:3].lower()}{gap}{code[3:]}\n"
    if wide:
        typed = "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in typed)
    assert wall_code(typed) == code


@given(codes)
def test_a_code_means_itself_first(code: str) -> None:
    found = look_alikes(code)
    assert found[0] == code and len(found) == len(set(found)) <= 7


@given(codes, st.integers(0, 5))
def test_a_letter_taken_for_another_that_looks_like_it_is_found(code: str, place: int) -> None:
    misread = code[:place] + SEEN_AS.get(code[place], code[place]) + code[place + 1 :]
    assert code in look_alikes(wall_code(misread))


@given(st.text(max_size=12))
def test_nothing_that_is_typed_leads_to_many_codes(typed: str) -> None:
    found = look_alikes(wall_code(typed))
    assert len(found) <= MAX_ALIKE and all(len(code) == 6 for code in found)


@pytest.mark.parametrize("typed", ["", "ABC", "ABCDEFG", "ABCÄEF", "墙墙墙墙墙墙"])
def test_what_cannot_be_a_code_means_none(typed: str) -> None:
    assert look_alikes(wall_code(typed)) == []


def test_the_code_in_a_whole_address_is_found() -> None:
    for text in ("https://wall.example/w/K7M2QD", "wall.example/w/K7M2QD?code=AAAA#x", "K7M2QD", "/w/K7M2QD/screen"):
        assert wall_code(in_address(text)) == "K7M2QD"


def test_a_thousand_wrong_codes_a_minute_of_one_browser_are_refused_but_for_a_few() -> None:
    limits, refused = Limits(), 0
    for n in range(1000):
        try:
            limits.wrong_code("wall v", "hall", n * 0.06)
        except Busy as busy:
            refused += 1
            assert busy.retry_after and busy.retry_after <= 5
    assert refused == 1000 - 10 - 11  # ten at once, then one in five seconds of the minute


def test_a_thousand_a_minute_of_one_address_are_answered_late_and_none_is_refused() -> None:
    limits = Limits()
    waits = [limits.wrong_code(f"wall v{n}", "hall", n * 0.06) for n in range(1000)]
    assert set(waits) == {0.0, LONGEST_DELAY}
    assert waits[:50] == [0.0] * 50 and 0.6 < waits.count(LONGEST_DELAY) / 1000 < 0.7
    assert limits.wrong_code("wall w", "elsewhere", 60.0) == 0.0
