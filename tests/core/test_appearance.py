"""What counts as text, and which texts nobody can tell apart."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from livewall.client.ballots import looks_like_code
from livewall.client.choices import AmbiguousChoice, NoSuchChoice, match
from livewall.client.voters import Voters
from livewall.errors import BadInput
from livewall.names import receipt
from livewall.visible_text import alike, matching, readable, shows, skeleton
from livewall.voting.decks import deck
from livewall.voting.poll import edited, new_poll
from livewall.wall_rows import title_of
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
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_texts_that_can_be_told_apart_do_not(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


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


# -- what people type


@pytest.mark.parametrize(
    ("typed", "texts", "places"),
    [
        ("café", ["cafe", "café"], [1]),
        ("cafe\u0301", ["café", "cafe"], [0]),
        ("café", ["cafe\u0301"], [0]),
        ("cafe\u0301", ["café", "cafe\u0301"], [1]),
        ("CAFÉ", ["cafe\u0301"], [0]),
        ("Yes", ["yes", "Yes"], [1]),
        ("Ｙes", ["yes", "Yes"], [1]),
        ("YES", ["yes", "Yes"], [0, 1]),
        ("strasse", ["Straße"], [0]),
        ("A\xa0B", ["A B"], [0]),
        ("A B", ["A\u200b B"], [0]),
        ("", ["", "A"], []),
        ("\u200b", ["\u200d"], []),
        ("No", ["Yes"], []),
    ],
)
def test_what_is_typed_means_the_same_text_before_one_that_looks_like_it(
    typed: str, texts: list[str], places: list[int]
) -> None:
    assert matching(typed, texts) == places


def test_a_choice_may_be_typed_in_the_other_form_and_is_refused_where_it_means_several() -> None:
    options = [{"id": "1", "label": "cafe\u0301"}, {"id": "2", "label": "Tea"}, {"id": "x", "label": "TEA"}]
    assert match("café", options)["id"] == match("CAFÉ", options, "label")["id"] == "1"
    assert match("Tea", options)["id"] == "2" and match("X".lower(), options)["id"] == "x"
    with pytest.raises(AmbiguousChoice) as raised:
        match("tea", options)
    assert [option["id"] for option in raised.value.options] == ["2", "x"]
    for nothing in ("", "\u200b", "caf"):
        with pytest.raises(NoSuchChoice):
            match(nothing, options)


def test_a_voter_whose_name_is_typed_in_the_other_form_is_the_same_voter(tmp_path: Path) -> None:
    voters = Voters(tmp_path)
    assert voters.save("http://a", "cafe\u0301", "one") == "one"
    assert voters.token("http://a", "café") == "one" == voters.save("http://a", "Café", "two")
    assert voters.token("http://a") is None and voters.token("http://a", "tea") is None
    assert voters.save("http://a", "", "nobody") == "nobody" == voters.token("http://a", "")


@pytest.mark.parametrize("typed", ["K7M2QD", "k7m2qd", "K7M-2QD", " k7m 2qd ", "Ｋ７Ｍ２ＱＤ", "K7M2\u200bQD"])
def test_a_code_is_one_however_it_is_typed(typed: str) -> None:
    assert looks_like_code(typed) and not looks_like_code("7Q4F2K9D0MZ8XW3T")
    assert receipt("0123-4567 89ab\u200bｃdef") == "0123456789ABCDEF"


def test_the_words_of_a_deck_may_be_typed_in_full_width() -> None:
    (found,) = deck.parse("## Q\n- A\nＲｅｓｕｌｔｓ： ＡＦＴＥＲ close")
    assert found.results == "after_close"


def test_a_search_finds_what_is_seen() -> None:
    for typed, text in (("CAFE\u0301", "Nightly café"), ("STRASSE", "Straße 5"), ("ab", "A\u200bB"), ("a  B", "A\tb")):
        assert skeleton(typed) in skeleton(text)
    assert skeleton("weekly") not in skeleton("Nightly")
