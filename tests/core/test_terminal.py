"""What is seen of lines that programs write for a terminal: a table of samples, real ones too, and properties."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.ansi.screen import REACH, Screen, render_line
from livewall.ansi.styles import nearest, of_256
from livewall.ansi.transcript import Transcript
from livewall.tasks.logs.folding import folded, place_in
from livewall.tasks.logs.rendered_lines import Line, render

SAMPLES = json.loads((Path(__file__).parent / "terminal_lines.json").read_text())
"""`raw`, and what is seen of it row by row, each with the number of its line. Those of real programs, and the others
as far as they are no matter of logs, were compared with what tmux shows."""

PIECES = st.sampled_from(
    [
        "a",
        "bc",
        "é",
        "漢",
        "\t",
        "\n",
        "\n",
        "\n",
        "\r",
        "\b",
        "\x1b[31m",
        "\x1b[0m",
        "\x1b[K",
        "\x1b[2K",
        "\x1b[A",
        "\x1b[3A",
        "\x1b[2B",
        "\x1b[1G",
        "\x1b[J",
        "\x1b[D",
        "\x1b]0;t\x07",
        "\x1b]0;",
        "\x90",
        "\x9d",
        "\x1b",
        "\u202e",
    ]
)
RAW = st.lists(PIECES, max_size=60).map("".join)


def lines_of(raw: str) -> list[Line]:
    *whole, last = raw.split("\n")
    lines = [Line(n, text) for n, text in enumerate(whole, 1)]
    return [*lines, Line(len(lines) + 1, last, ended=False)] if last else lines


def drawn(raw: str) -> list[tuple[int, str]]:
    screen = Screen()
    for line in lines_of(raw):
        screen.line(line.n, line.text, ended=line.ended)
    return [(row.number, row.text) for row in screen.completed_rows() + screen.remaining_rows()]


def text_of(line: str) -> str:
    return "".join([span.text for span in render_line(line)])


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample["what"] for sample in SAMPLES])
def test_lines_are_seen_as_a_terminal_shows_them(sample: dict[str, Any]) -> None:
    assert [list(row) for row in drawn(sample["raw"])] == sample["seen"]


@given(st.text())
def test_text_without_escapes_is_all_there(text: str) -> None:
    ordinary = "".join([c for c in text if c.isprintable()])
    assert text_of(ordinary) == ordinary


@given(st.text(alphabet=st.characters(blacklist_categories=["Cc", "Cs", "Cf"])))
def test_nothing_vanishes_behind_an_introducer_that_begins_no_sequence(text: str) -> None:
    for introducer in ("\x90", "\x98", "\x9d", "\x9e", "\x9f", "\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX"):
        rest = " " + text.replace("\\", "")
        assert text_of("a" + introducer + rest).replace("\u241b", "").endswith(rest)


@given(RAW, st.integers(1, 9))
def test_a_log_in_pieces_is_seen_as_the_whole(raw: str, size: int) -> None:
    data = raw.encode()
    passage = Transcript(1, 0)
    found = [each for at in range(0, len(data), size) for each in passage.add(data[at : at + size])]
    found += list(passage.close())
    told = [(each.n + k, text) for each in found for k, text in enumerate(each.text.removesuffix("\n").split("\n"))]
    assert [row for row in told if row[1]] == [row for row in drawn(raw) if row[1]]
    for each in found:
        assert data[each.offset : each.offset + len(each.raw)] == each.raw


def frames(count: int) -> str:
    return (
        "start\n0\n0\n0\n"
        + "".join([f"\x1b[3A\x1b[2Kfetch {n}\n\x1b[2Kbuild {n}\n\x1b[2Kcheck {n}\n" for n in range(1, count + 1)])
        + "end\n"
        + "".join([f"line {n}\n" for n in range(150)])
    )


def test_a_block_that_was_drawn_over_and_over_leaves_its_last_picture_at_the_lines_that_drew_it() -> None:
    raw = frames(500)
    last = 4 + 3 * 500
    expected = [(1, "start"), (last - 2, "fetch 500"), (last - 1, "build 500"), (last, "check 500"), (last + 1, "end")]
    assert drawn(raw)[:5] == expected
    passage = Transcript(1, 0)
    found = [*passage.add(raw.encode()), *passage.close()]
    told = [(each.n + k, text) for each in found for k, text in enumerate(each.text.removesuffix("\n").split("\n"))]
    assert told == drawn(raw)
    for n, text in told[1:4]:
        assert raw.split("\n")[n - 1].endswith(text)


def test_a_stretch_is_seen_as_in_the_whole_log_from_the_lines_around_it() -> None:
    raw = frames(300)
    lines = lines_of(raw)
    whole = dict(drawn(raw))
    for first in range(0, len(lines) - 10, 7):
        before = lines[max(0, first - REACH) : first]
        around = [*before, *lines[first : first + 10 + REACH]]
        found = render(around, below=first > len(before))
        for line in lines[first : first + 10]:
            shown = "".join([span.text for span in found[line.n]]) if line.n in found else None
            assert shown == whole.get(line.n), line.n


def test_a_line_further_up_than_a_cursor_reaches_stays() -> None:
    raw = "kept\n" + "x\n" * (REACH + 50) + f"\x1b[{REACH + 51}A\x1b[2Knew\n"
    assert drawn(raw)[0] == (1, "kept") and any(text == "new" for _, text in drawn(raw))


@pytest.mark.parametrize(
    ("params", "look"),
    [
        ("31", "ink1"), ("92;1", "ink10 bold"), ("41", "ground1"), ("107", "ground15"),
        ("1;3;4;7;9", "bold italic underline inverse strike"),
        ("38;5;196", "ink1"), ("38;2;250;70;70", "ink9"), ("38:2::250:70:70", "ink9"), ("38:2:250:70:70", "ink9"),
        ("38:5:196", "ink1"), ("38;2;240;75;75;1", "ink9 bold"), ("4:3", "underline"), ("31;4:0", "ink1"),
        ("58;5;1;31", "ink1"), ("38;5", ""), ("38;2;1;2", ""), ("", ""), ("31;39;49", ""), ("48;5;300", ""),
    ],
)  # fmt: skip
def test_colours_become_one_of_sixteen(params: str, look: str) -> None:
    assert [(span.text, span.style) for span in render_line(f"\x1b[{params}mx")] == [("x", look)]


def test_of_256_colours_each_has_its_nearest() -> None:
    assert (of_256(232), of_256(255), of_256(300), nearest(0, 0, 0)) == (0, 15, None, 0)


def test_colours_stay_over_redraws_and_end_with_their_line() -> None:
    assert render_line("\x1b[32m10%\r20%")[0] == ("20%", "ink2")
    assert render_line("a\x00b")[1] == ("\u2400", "sign")
    assert render([Line(1, "\x1b[31ma"), Line(2, "b\x1b[A")], below=False)[2] == [("b", "")]


@pytest.mark.parametrize(
    ("one", "other"),
    [("ERROR", "error"), ("Ünïcode", "üNÏCODE"), ("STRASSE", "straße"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("cafe\u0301", "café"),
     ("ﬁle", "file"), ("ＡＢＣ", "abc"), ("ПРИВЕТ", "привет"), ("①", "1")],
)  # fmt: skip
def test_case_and_unicode_form_do_not_tell_texts_apart(one: str, other: str) -> None:
    assert folded(one, case=False) == folded(other, case=False)


def test_with_case_only_the_unicode_form_does_not_matter() -> None:
    assert folded("cafe\u0301", case=True) == folded("café", case=True) != folded("Café", case=True)


@given(st.text(max_size=20), st.text(max_size=5), st.text(max_size=5))
def test_a_place_in_folded_text_is_found_again(before: str, match: str, behind: str) -> None:
    text = before + "|" + match + behind
    at = folded(text, case=False).index("|")
    if "|" not in folded(before, case=False):
        assert text[place_in(text, at, case=False)] in ("|", "\uff5c")
