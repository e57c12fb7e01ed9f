"""Links in messages: the rules that the server and the pages share."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.rooms.links import MAX_ADDRESS, pieces

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "links.json").read_text())


@pytest.mark.parametrize(("text", "wanted"), VECTORS)
def test_an_address_is_a_link_where_it_leads_where_it_seems_to(text: str, wanted: list[list[str]]) -> None:
    assert [list(piece) for piece in pieces(text)] == wanted


@given(st.text(alphabet="htps:/mailo.@xn-()[] \u200b例é#?", max_size=80))
def test_the_pieces_are_the_text(text: str) -> None:
    assert "".join(piece.text for piece in pieces(text)) == text


def test_an_endless_address_is_no_link() -> None:
    assert not any(piece.linked for piece in pieces("https://example.org/" + "a" * MAX_ADDRESS))


@pytest.mark.parametrize(
    "text", ["http://" * 500, "https://a" + ")" * 3900, "mailto:" + "a." * 1900, "https://a" + "-." * 1900]
)
def test_no_text_takes_long(text: str) -> None:
    began = time.perf_counter()
    for _ in range(20):
        pieces(text)
    assert time.perf_counter() - began < 1
