"""A log that is printed on a terminal: colours and redraws pass, nothing else that steers it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.ansi.sanitizer import Sanitizer
from livewall.ansi.screen import Screen

SAMPLES = json.loads((Path(__file__).parent / "terminal_lines.json").read_text())
ALLOWED = re.compile(r"\x1b\[[0-9;:]*m|\x1b\[[0-9]+[A-GKPX@]|\x1b\[J|\x1b[78]|[\r\b\n\t]|[^\x00-\x1f\x7f-\x9f]")


def passed(*parts: str) -> str:
    filter = Sanitizer()
    return "".join([filter.feed(part.encode()) for part in parts]) + filter.close()


def drawn(raw: str) -> list[str]:
    screen = Screen()
    *whole, last = raw.split("\n")
    for n, line in enumerate(whole, 1):
        screen.line(n, line)
    screen.line(len(whole) + 1, last, ended=False)
    return [row.text for row in screen.completed_rows() + screen.remaining_rows()]


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample["what"] for sample in SAMPLES])
def test_a_terminal_shows_what_the_page_shows(sample: dict[str, Any]) -> None:
    through = passed(sample["raw"])
    assert ALLOWED.sub("", through) == ""
    assert drawn(through) == [text for _, text in sample["seen"]]


@given(st.lists(st.one_of(st.text(), st.sampled_from(["\x1b", "\x1b[", "\x1b]0;", "\x07", "2J", "\x9b", "5A", "\n"]))))
def test_nothing_else_passes(parts: list[str]) -> None:
    assert ALLOWED.sub("", passed("".join(parts))) == ""


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample["what"] for sample in SAMPLES])
def test_an_escape_that_comes_in_pieces_is_one(sample: dict[str, Any]) -> None:
    assert passed(*sample["raw"]) == passed(sample["raw"])


def test_the_cursor_stays_on_the_rows_of_the_log() -> None:
    assert passed("\x1b[5Aa\n\x1b[9A\x1b[Kb\x1b[9B") == "a\n\x1b[1A\x1b[0Kb\x1b[1B"
    assert passed("a\x1b8b") == "ab"


def test_colours_end_with_their_line() -> None:
    assert passed("\x1b[31ma\nb\x1b[1m") == "\x1b[31ma\x1b[0m\nb\x1b[1m\x1b[0m"
