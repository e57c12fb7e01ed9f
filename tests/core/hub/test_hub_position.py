"""Positions: what can be read is what was written, everything else is foreign."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.hub.position import Position, View, parse, prefix


def test_a_position_of_the_masked_view_carries_the_mark() -> None:
    assert str(Position("k3f9", View.FULL, 61)) == "k3f9.61"
    assert str(Position("k3f9", View.MASKED, 61)) == "k3f9~.61"
    assert prefix("k3f9", View.MASKED) == "k3f9~."


@given(st.from_regex(r"\A[0-9a-z]{1,32}\Z"), st.sampled_from([View.FULL, View.MASKED]), st.integers(0, 10**17))
def test_every_position_is_read_back(epoch: str, view: View, n: int) -> None:
    assert parse(str(Position(epoch, view, n))) == Position(epoch, view, n)


@pytest.mark.parametrize(
    "text",
    ["", ".", "k.", ".1", "k.-1", "k.+1", "k.01", "k.1 ", " k.1", "k.1\n", "k~~.1", "~.1", "K.1", "k.1.2", "k.1,k.2",
     "k.١", "k\x00.1", "k.1e3", "k." + "9" * 19, "k" * 33 + ".1", "x" * 10_000],
)  # fmt: skip
def test_whatever_else_is_no_position(text: str) -> None:
    assert parse(text) is None


@given(st.text(max_size=100))
def test_garbage_is_never_an_exception(text: str) -> None:
    found = parse(text)
    assert found is None or str(found) == text
