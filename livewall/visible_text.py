"""What a text looks like: whether anything of it is seen, and whether two texts can be told apart.

The one place for both rules; everything that requires a text asks here. A text itself is kept as it was given.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from livewall.errors import invalid

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f]")

# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt), which `unicodedata` does not have.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_BLANK = frozenset("\u2800\ufffc\U00016fe4\U0001d159")
"""Symbols whose picture is empty: the blank Braille pattern, the object replacement and others."""
_NOTHING = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Mc", "Me"})
"""Categories of what is not seen alone: controls, formats, half characters, spaces, and marks without a letter."""
_TAGS = re.compile("(\U0001f3f4[\U000e0020-\U000e007f]+)")
"""The flags of England and others: one black flag that only its tags tell apart."""
_JOINED = re.compile("(?<=[^\u0000-\u2190])\u200d(?=[\u2190-\U0001fffe])")
"""A joiner between two pictures makes a third one of them."""


def shows(text: str) -> bool:
    """Whether anything of a text is seen: not where it has only spaces, invisible characters, and marks without a
    letter to stand on."""
    return any(
        unicodedata.category(character) not in _NOTHING and character not in _BLANK
        for character in _IGNORABLE.sub("", text)
    )


def readable(text: str, field: str, *, lines: bool = False) -> str:
    """A text that people must be able to see, without the space around it; everything else stays as it is.

    Raises BadInput for one that shows nothing and for control characters; tabs and line ends may stand in `lines`.
    """
    text = text.strip()
    if not text:
        raise invalid(field, "must not be empty")
    if (_CONTROL_BUT_LINES if lines else _CONTROL).search(text):
        raise invalid(field, "has control characters")
    if not shows(text):
        raise invalid(field, "must not be empty: nothing of this text can be seen")
    return text


def skeleton(text: str) -> str:
    """What two texts have in common that nobody can tell apart: the same characters however they are composed, in
    either case, whatever invisible ones stand between them. What somebody looks for is searched in it, too."""
    if text.isascii():
        return " ".join(text.lower().split())
    seen = "".join(part if place % 2 else _without_ignorable(part) for place, part in enumerate(_TAGS.split(text)))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    return " ".join("".join(" " if each in _BLANK else each for each in folded).split())


def _without_ignorable(text: str) -> str:
    """The joiners of pictures stay; a variation selector only asks for another picture of the same character."""
    return "\u200d".join(_IGNORABLE.sub("", part) for part in _JOINED.split(text.replace("\ufe0f", "")))


def alike(texts: Iterable[str]) -> list[list[int]]:
    """The places, from 0, of texts that look the same, each group in order."""
    found: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        found.setdefault(skeleton(text), []).append(place)
    return [places for places in found.values() if len(places) > 1]


def matching(typed: str, texts: Sequence[str]) -> list[int]:
    """The places of the texts that somebody who typed `typed` may mean: those that are the same; where there are none,
    those that are composed otherwise; then those of compatible characters; and last those that look the same. More
    than one is for the caller to refuse, none is nothing."""
    for form in _FORMS:
        wanted = form(typed)
        if wanted and (found := [place for place, text in enumerate(texts) if form(text) == wanted]):
            return found
    return []


_FORMS: tuple[Callable[[str], str], ...] = (
    str,
    partial(unicodedata.normalize, "NFC"),
    lambda text: " ".join(unicodedata.normalize("NFKC", text).split()),
    skeleton,
)
