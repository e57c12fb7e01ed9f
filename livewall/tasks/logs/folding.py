"""Text as it is compared when somebody searches: in one Unicode form, and without the case of its letters."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right


def folded(text: str, *, case: bool) -> str:
    """Return `text` for comparison. With `case` only canonically equal text is equal; without it, neither do case
    (ẞ, ß and ss; Σ, σ and ς) nor compatibility forms (ﬁ, fullwidth letters) tell two texts apart."""
    if text.isascii():
        return text if case else text.lower()
    if case:
        return unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def place_in(text: str, at: int, *, case: bool) -> int:
    """Return where in `text` the character is that place `at` of the folded text came from."""
    if text.isascii():
        return at
    return max(0, bisect_right(range(len(text) + 1), at, key=lambda end: len(folded(text[:end], case=case))) - 1)
