"""Text for searching: normalized to one Unicode form, and without case unless that is asked for."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right


def folded(text: str, *, case: bool) -> str:
    """Return `text` for comparison.

    With `case`, canonically equivalent texts are equal. Without it, differences of case (ẞ, ß and ss; Σ, σ and ς) and
    of compatibility forms (ﬁ, fullwidth letters) do not count either.
    """
    if text.isascii():
        return text if case else text.lower()
    if case:
        return unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def place_in(text: str, at: int, *, case: bool) -> int:
    """Return the position in `text` of the character from which position `at` of the folded text comes."""
    if text.isascii():
        return at
    return max(0, bisect_right(range(len(text) + 1), at, key=lambda end: len(folded(text[:end], case=case))) - 1)
