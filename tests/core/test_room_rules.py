"""The rules of rooms: texts, names, who may say what and when. No store, no clock."""

from __future__ import annotations

import itertools
import unicodedata
from typing import Any

import pytest

from livewall.errors import BadInput, Busy, LivewallError, NotAllowed, Refused
from livewall.identity import NOBODY, Secrets, Who
from livewall.rooms import rules
from livewall.rooms.access import check_may_say
from livewall.rooms.confusable_names import looks_of
from livewall.rooms.friendly_names import friendly_name
from livewall.rooms.message_text import message_text, person_name
from livewall.rooms.people import Person, person_in
from livewall.rooms.rows import Message, PersonRow, Room, Withdrawn

NOW, LATER, MUCH_LATER = "2026-01-01T00:00:10.000Z", "2026-01-01T00:15:00.000Z", "2026-01-01T00:15:01.000Z"
ANN, BOB = Person("a" * 12, "Ann", "guest", False), Person("b" * 12, "Bob", "guest", False)
LIN = Person("c" * 12, "Lin", "host", True)
SECRETS = Secrets(b"cookie", b"ballot", "admin")
VOTER, HOST, REPORTER = Who(voter="v"), Who(role="host", name="Lin", credential="1"), Who(role="reporter")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("hello", "hello"), ("  a\r\nb\rc\u2028d ", "a\nb\nc\nd"), ("a\tb\x00\x07\x1b[31mc", "a b[31mc"),
        ("abc\u202edef\u2066g\u2069", "abcdefg"), ("<b>&amp;</b>", "<b>&amp;</b>"), ("王小明 👨‍👩‍👧", "王小明 👨‍👩‍👧"),
        ("a" + "\u0301" * 200, "a" + "\u0301" * 8), ("\n".join("x" * 41), "\n".join("x" * 41)),
        ("é" * 4000, "é" * 4000),
    ],
)  # fmt: skip
def test_a_text_is_kept_without_what_disturbs_others(given: str, kept: str) -> None:
    assert message_text(given) == kept


BETWEEN = "\u200d\u200c\u200b\u034f\ufe0f\u2060\u00ad\u2800\u115f\u3164\u200a\n\U000e0061"
"""What cannot be seen between marks."""


@pytest.mark.parametrize("between", BETWEEN)
def test_marks_are_counted_on_over_what_cannot_be_seen(between: str) -> None:
    column = ("\u0301" * 8 + between) * 25
    for kept in (message_text("a" + column + "b"), person_name("a" + column[:200] + "b")):
        assert kept.count("\u0301") <= 8 and kept[-1] == "b"
    assert message_text(("a" + "\u0301" * 8) * 25).count("\u0301") == 200, "each letter has its own"


@pytest.mark.parametrize(
    "text",
    [
        "👩🏽‍❤️‍💋‍👨🏿 🏳️‍🌈 👨‍👩‍👧‍👦 1️⃣ 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "ที่นี่ น้ำปั้น ก็",
        "क्षत्रिय हिन्दी र्‍क ज़िन्दगी", "בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים", "བསྒྲུབས་ ཧཱུྃ ཨོཾ་", "بِسْمِ ٱللَّٰهِ", "မြန်မာ ကျွန်ုပ်", "ᨲ᩠ᩅᩫ᩠ᨶ",
        unicodedata.normalize("NFD", "Tiếng Việt: Nguyễn Thị Ngọc Ấn, ữ ự ặ"), "が ぱ", "한글",
    ],
)  # fmt: skip
def test_emoji_and_scripts_with_many_marks_stay_as_they_are(text: str) -> None:
    assert message_text(text) == text


@pytest.mark.parametrize("text", ["", " \n ", "\u200b\u2060", "\x00", "x" * 4001, "\n".join("x" * 42), "\u3164"])
def test_a_text_that_nobody_sees_or_that_is_too_long_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        message_text(text)


@pytest.mark.parametrize(
    ("given", "kept"), [("  Ann \n Lee ", "Ann Lee"), ("\uff21nn", "Ann"), ("Ann\u202e", "Ann"), ("Иван", "Иван")]
)
def test_a_name_is_on_one_line_and_in_one_composition(given: str, kept: str) -> None:
    assert person_name(given) == kept


@pytest.mark.parametrize("name", ["", "\u200b", "x" * 41])
def test_a_name_that_nobody_sees_or_that_is_too_long_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        person_name(name)


def test_a_person_is_known_by_an_id_that_is_of_no_use_elsewhere() -> None:
    here, again, elsewhere = (person_in(room, VOTER, SECRETS) for room in ("a", "a", "b"))
    assert here == again and here.role == "guest" and len(here.name.split()) == 2
    assert here.id != elsewhere.id and here.id != person_in("a", HOST, SECRETS).id
    assert here.id != person_in("a", VOTER, Secrets(b"other", b"ballot", "admin")).id
    with pytest.raises(NotAllowed) as refused:
        person_in("a", NOBODY, SECRETS)
    assert refused.value.code == "no_voter"


def test_friendly_names_are_many() -> None:
    digests = [bytes([0, 0, 0, first, 0, 0, 0, second]) for first in range(100) for second in range(100)]
    assert len({friendly_name(digest) for digest in digests}) == 10_000


@pytest.mark.parametrize(
    ("read", "write", "closed", "who", "code"),
    [
        ("all", "all", False, VOTER, ""), ("all", "all", False, NOBODY, "no_voter"),
        ("all", "all", True, VOTER, "closed"),
        ("all", "signed_in", False, VOTER, "unauthenticated"), ("all", "signed_in", False, REPORTER, ""),
        ("all", "hosts", False, REPORTER, "forbidden"), ("all", "hosts", False, HOST, ""),
        ("signed_in", "all", False, VOTER, "unauthenticated"),
    ],
)  # fmt: skip
def test_who_may_say_something(read: Any, write: Any, closed: bool, who: Who, code: str) -> None:
    try:
        check_may_say(read, write, closed=closed, who=who)
    except LivewallError as error:
        assert error.code == code
    else:
        assert code == ""


def room(slow: int = 0) -> Room:
    return Room("r", "R", "all", slow, False, 0)


def test_slow_mode_and_mute_hold_for_all_but_hosts() -> None:
    said = PersonRow(None, False, "2026-01-01T00:00:00.000Z")
    rules.check_may_speak(room(10), ANN, said, NOW)
    with pytest.raises(Busy) as slow:
        rules.check_may_speak(room(30), ANN, said, NOW)
    assert (slow.value.code, slow.value.retry_after) == ("slow", 20)
    with pytest.raises(NotAllowed) as muted:
        rules.check_may_speak(room(), ANN, PersonRow(None, True, None), NOW)
    assert muted.value.code == "muted"
    rules.check_may_speak(room(30), LIN, PersonRow("Lin", True, NOW), NOW)


SAID = Message(7, "x", ANN.id, "Ann", "guest", "hello", "2026-01-01T00:00:00.000Z")


def test_an_author_changes_a_message_for_fifteen_minutes() -> None:
    after = rules.edited(SAID, "hi", ANN, LATER)
    assert after is not None and (after.text, after.edited_at, after.n) == ("hi", LATER, 7)
    assert rules.edited(SAID, "hello", ANN, LATER) is None
    for person, now in ((BOB, NOW), (LIN, NOW), (ANN, MUCH_LATER)):
        with pytest.raises(NotAllowed):
            rules.edited(SAID, "hi", person, now)
    with pytest.raises(Refused):
        rules.edited(Withdrawn(7, "author", SAID.at), "hi", ANN, NOW)


def test_an_author_withdraws_for_fifteen_minutes_and_a_host_at_any_time() -> None:
    assert rules.withdrawn(SAID, ANN, LATER) == Withdrawn(7, "author", SAID.at)
    assert rules.withdrawn(SAID, LIN, MUCH_LATER) == Withdrawn(7, "host", SAID.at)
    assert rules.withdrawn(Withdrawn(7, "host", SAID.at), LIN, MUCH_LATER) is None
    for person, now in ((BOB, NOW), (ANN, MUCH_LATER)):
        with pytest.raises(NotAllowed):
            rules.withdrawn(SAID, person, now)


ALIKE = [
    ("engelgabriel", ["engeIgabrieI", "ENGELGABRIEL", "engel gabriel", "\uff45ngelgabriel"]),
    ("mark", ["rnark", "Mark", "ⅿark", "mаrk"]),
    ("admin", ["ad\u200bmin", "Adm1n", "𝐀dmin", "аdmin", "ADMIN", "adm\u0131n", "ad\u00admin", "adrnin"]),
    ("Bob", ["B0b", "Вob", "bob", "𝙱ob"]),
    ("Иван", ["ИВАН", "Ивaн"]),
    ("王小明", ["王\u3000小明"]),
]


@pytest.mark.parametrize(("name", "others"), ALIKE)
def test_names_that_look_the_same_are_one(name: str, others: list[str]) -> None:
    assert all(looks_of(name) & looks_of(other) for other in others), [looks_of(other) for other in (name, *others)]


def test_names_that_differ_stay_apart() -> None:
    names = ["Иван", "Αλέξης", "王小明", "王小红", "Anna", "Hanna", "Ana", "Max", "Mac", "José", "Zoë", "Lin", "Len"]
    for name, other in itertools.combinations([*names, "محمد"], 2):
        assert not looks_of(name) & looks_of(other), (name, other)
