"""What counts as text, and which texts nobody can tell apart."""

from __future__ import annotations

import unicodedata

import pytest

from livewall.appearance import alike, look, readable, shows
from livewall.errors import BadInput
from livewall.voting.poll import edited, new_poll
from livewall.walls import title_of
from livewall.wire import OptionIn, PollEdit, PollIn

NOTHING = [
    "", " ", "\t", "\xa0", "\u3000", "\u2003", "\u200b", "\u200c", "\u200d", "\u2060", "\u2061",
    "\u2062", "\u2063", "\u2064", "\u00ad", "\u115f", "\u1160", "\u2800", "\u3164", "\uffa0", "\ufe0f",
    "\ufe0e", "\ufeff", "\U000e0041", "\U000e007f", "\U000e0100", "\u202e", "\u2066\u2069", "\u200e",
    "\u061c", "\u034f", "\u17b4", "\u180e", "\u180b", "\u0301", "\u20dd", "\u0903", "\ufffc",
    "\U0001d159", "\U0001d173", "\U0001bca0", "\U00016fe4", "\u2028", "\u206a", "\ufff9", "\u2065",
    " \u0301\u200b\u3164 ",
]  # fmt: skip
SOMETHING = [
    "a", "0", ".", "-", "´", "界", "ا", "é", "e\u0301", "👍", "👩‍👩‍👧", "❤️", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "🇩🇪", "👍🏽", "\u200b!", "\u202eabc\u202c", "ᄀ", "가", "ﾡ", "\u2801", "\ue000", "\U0001fae8", "©",
    "ก\u0e33", "क\u093f",
]  # fmt: skip


@pytest.mark.parametrize("text", NOTHING, ids=lambda text: ascii(text))
def test_text_that_shows_nothing_counts_as_none(text: str) -> None:
    assert not shows(text) and not shows(f" {text}\u200b")
    with pytest.raises(BadInput, match=r"must not be empty|has control characters"):
        readable(text, "title")


@pytest.mark.parametrize("text", SOMETHING, ids=lambda text: ascii(text))
def test_what_is_seen_counts_and_stays_as_it_is(text: str) -> None:
    assert shows(text) and readable(f" {text}\n", "title") == text


def test_everything_that_unicode_calls_a_format_or_a_mark_shows_nothing_alone() -> None:
    odd = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) in ("Cf", "Mn", "Me", "Zs") and shows(c)]
    assert odd == []


SAME = [
    ("Yes", "yes"), ("Yes", "YES "), ("Straße", "STRASSE"), ("é", "e\u0301"), ("É", "e\u0301"),
    ("ﬁne", "fine"), ("Ａ", "A"), ("A\u200bB", "AB"), ("A\u00adB", "AB"), ("\u202eAB", "AB"),
    ("A B", "A\xa0\u3000B"), ("❤️", "❤"), ("가", "\u1100\u1161"), ("İ", "i\u0307"), ("A\ufe0f", "A"),
    ("Ω", "\u2126"), ("ΑΣ", "ας"),
]  # fmt: skip
DIFFERENT = [
    ("Yes", "No"), ("A", "А"), ("e", "é"), ("👩‍👩‍👧", "👩👩👧"), ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"),
    ("👍", "👍🏽"), ("ab", "a b"), ("🇩🇪", "🇪🇩"), ("4.2", "42"), ("👩‍⚕️", "👩⚕"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_texts_that_cannot_be_told_apart_look_the_same(one: str, other: str) -> None:
    assert look(one) == look(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_texts_that_can_be_told_apart_do_not(one: str, other: str) -> None:
    assert look(one) != look(other)


def test_those_that_look_alike_are_found_by_their_places() -> None:
    assert alike(["a", "b", "A", "c", "B", "a\u200b"]) == [[0, 2, 5], [1, 4]]


# -- where it is asked


@pytest.mark.parametrize("text", ["\u200b", "\u3164", "\U000e0041", "\u0301"])
def test_nothing_that_has_to_be_named_takes_a_name_that_shows_nothing(text: str) -> None:
    poll = new_poll("p", PollIn("Q", ["A", "B"]))
    for make in (
        lambda: new_poll("p", PollIn(text, ["A"])),
        lambda: new_poll("p", PollIn("Q", ["A", text])),
        lambda: new_poll("p", PollIn("Q", ["A", OptionIn(text, "own")])),
        lambda: new_poll("p", PollIn("Q", ["A", OptionIn(text, None, True)])),
        lambda: edited(poll, PollEdit(title=text), has_ballots=False),
        lambda: edited(poll, PollEdit(options=["A", text]), has_ballots=False),
        lambda: title_of(text),
    ):
        with pytest.raises(BadInput, match="nothing of this text can be seen"):
            make()


def test_options_that_look_the_same_need_ids_of_their_own() -> None:
    for one, other in SAME:
        with pytest.raises(BadInput, match="options 1 and 3 look the same") as raised:
            new_poll("p", PollIn("Q", [one, "something else", other]))
        assert list(raised.value.fields) == ["options"]
        new_poll("p", PollIn("Q", [OptionIn(one, "a"), "something else", OptionIn(other, "b")]))
    with pytest.raises(BadInput, match="look the same"):
        new_poll("p", PollIn("Q", [OptionIn("Yes", "a"), "yes"]))


def test_an_edit_may_not_bring_options_that_look_the_same_and_leaves_those_that_are_there() -> None:
    poll = new_poll("p", PollIn("Q", [OptionIn("Yes", "a"), OptionIn("yes", "b")]))
    poll.options[0].id, poll.options[1].id = "1", "2"  # of before there was this rule
    assert edited(poll, PollEdit(title="T", options=["Yes", "yes"]), has_ballots=False).title == "T"
    with pytest.raises(BadInput, match="look the same"):
        edited(poll, PollEdit(options=["No", "no"]), has_ballots=False)
