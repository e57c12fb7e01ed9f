"""The catalogue holds every text, each once, and none that nobody says."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from handlers.http_headers import language_of
from livewall.errors import STATUS

ROOT = Path(__file__).parents[2]
SPEAKERS = [
    *ROOT.glob("templates/*.html"),
    *ROOT.glob("handlers/**/*.py"),
    *ROOT.glob("static/js/**/*.js"),
    ROOT / "static/legacy.js",
]
SPOKEN = "".join(path.read_text(encoding="utf-8") for path in SPEAKERS)
KEY = r"[a-z]+\.[A-Za-z_.\-]+"


def rows(name: str = "en_US") -> list[list[str]]:
    with open(ROOT / "locale" / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


KEYS = {row[0] for row in rows()}
SAID = set(re.findall(rf"[\"'`]({KEY})[\"'`]", SPOKEN))
BEGUN = set(re.findall(r"[\"'`]([a-z]+\.(?:[a-z]+\.)?)[\"'`]? ?(?:\+|\$\{|\{)", SPOKEN))
"""Beginnings of keys whose end is a state, a phase, a role or a code."""


def test_every_text_that_is_said_is_there() -> None:
    kinds = {key.partition(".")[0] for key in KEYS}
    said = {key for key in SAID if key.partition(".")[0] in kinds and not key.endswith((".", ".html", ".js", ".css"))}
    assert said <= KEYS, said - KEYS


def test_every_text_that_is_there_is_said() -> None:
    unsaid = {key for key in KEYS - SAID if not key.startswith(tuple(BEGUN))}
    assert not unsaid


def test_no_text_stands_there_twice() -> None:
    counted = Counter((row[0], *row[2:]) for row in rows())
    assert [key for key, times in counted.items() if times > 1] == []


def test_singular_and_plural_come_together() -> None:
    forms = [(row[0], row[2]) for row in rows() if len(row) > 2]
    assert {key for key, form in forms if form == "singular"} == {key for key, form in forms if form == "plural"}


def test_chinese_says_everything_with_the_same_values() -> None:
    """Where English has a number in one form only ("one choice"), Chinese may have it in both."""
    english, chinese = ({(row[0], *row[2:]): row[1] for row in rows(name)} for name in ("en_US", "zh_CN"))
    assert set(english) == set(chinese), set(english) ^ set(chinese)
    for key, text in english.items():
        ours = english[key[0], "plural"] if len(key) > 1 else text
        assert set(re.findall(r"%\((\w+)\)s", chinese[key])) <= set(re.findall(r"%\((\w+)\)s", ours)), key


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en_US"),
        ("zh", "zh_CN"),
        ("zh-Hans-CN,zh;q=0.9,en;q=0.8", "zh_CN"),
        ("de-DE,de;q=0.9,zh;q=0.3,en;q=0.2", "zh_CN"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en_US"),
        ("fr", "en_US"),
        ("zh;q=x,en", "en_US"),
        ("zh;q=0", "en_US"),
        ("zh;q=9", "en_US"),
    ],
)
def test_a_page_speaks_what_the_browser_likes_best(accepted: str, language: str) -> None:
    assert language_of(accepted) == language


@pytest.mark.parametrize("code", STATUS)
def test_every_error_has_words(code: str) -> None:
    assert f"error.{code}" in KEYS


def test_the_old_script_is_of_its_time() -> None:
    """ES5: none of what a browser without modules cannot read."""
    script = re.sub(r"/\*.*?\*/", "", (ROOT / "static" / "legacy.js").read_text(encoding="utf-8"), flags=re.S)
    for new in (
        "=>",
        "`",
        r"\blet\b",
        r"\bconst\b",
        r"\bclass\b",
        r"\basync\b",
        r"\bfetch\(",
        r"\.\.\.",
        r"\bPromise\b",
    ):
        assert not re.search(new, script), new
