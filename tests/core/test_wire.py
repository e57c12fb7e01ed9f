"""What was sent is refused in words for people, and the field keeps its name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from livewall import wire
from livewall.errors import BadInput

POLL = {"title": "Tea?", "options": ["yes", "no"]}


@pytest.mark.parametrize(
    ("change", "field", "why"),
    [
        ({"title": ""}, "title", "must not be empty"),
        ({"title": "x" * 501}, "title", "must have at most 500 characters"),
        ({"title": 5}, "title", "must be text, not a whole number"),
        ({"options": []}, "options", "must not be empty"),
        ({"options": ["a"] * 41}, "options", "must have at most 40 entries"),
        ({"options": ["a", ""]}, "options[1]", "must not be empty"),
        ({"options": [7]}, "options[0]", "must be text or an object, not a whole number"),
        (
            {"options": [{"label": "a", "id": "ä"}]},
            "options[0].id",
            "has characters that are not allowed here, or is too long",
        ),
        ({"max_choices": 0}, "max_choices", "must be at least 1"),
        ({"max_choices": 41}, "max_choices", "must be at most 40"),
        ({"closes_in": 1.5}, "closes_in", "must be a whole number, not a number"),
        ({"allow_change": "yes"}, "allow_change", "must be true or false, not text"),
        ({"results": "never"}, "results", "must be one of after_close, after_vote, live, on_publish"),
        ({"majority": "3/5"}, "majority", "must be one of 1/2, 2/3, 3/4"),
        ({"colour": "red"}, "colour", "unknown field"),
    ],
)
def test_a_field_is_refused_in_plain_words(change: dict[str, Any], field: str, why: str) -> None:
    with pytest.raises(BadInput) as caught:
        wire.decode(msgspec.json.encode(POLL | change), wire.PollIn)
    assert caught.value.code == "invalid"
    assert caught.value.fields == {field: why}


ACTS = "vote, retract, say, typing, ask, upvote, react, subscribe, unsubscribe"


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (
            {"do": "dance", "ref": "1"},
            f"must be one of {ACTS}",
        ),
        ({"do": 5, "ref": "1"}, "must be text"),
    ],
)
def test_an_act_that_does_not_exist_is_refused_with_those_that_do(act: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput) as caught:
        wire.decode_act(msgspec.json.encode(act))
    assert caught.value.fields == {"do": why}


def test_a_missing_field_is_named() -> None:
    with pytest.raises(BadInput) as caught:
        wire.decode(b'{"title":"Tea?"}', wire.PollIn)
    assert caught.value.fields == {"options": "is missing"}


def test_a_reason_that_is_not_known_stays_as_it_is() -> None:
    assert wire.plain("Something new") == "Something new"
