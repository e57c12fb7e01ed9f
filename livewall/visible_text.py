"""The appearance of text: whether anything of it is visible, and whether two texts can be told apart.

Everything that requires a text uses these rules. The text itself is kept as it was given.
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
"""Symbols whose picture is empty: the blank Braille pattern, the object replacement character and others."""
_NOTHING = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Mc", "Me"})
"""Categories that are not visible alone: controls, formats, surrogates, spaces, and marks without a letter."""
_TAGS = re.compile("(\U0001f3f4[\U000e0020-\U000e007f]+)")
"""The black flag whose tags alone make it the flag of England and others."""
_JOINED = re.compile("(?<=[^\u0000-\u2190])\u200d(?=[\u2190-\U0001fffe])")
"""A joiner, which turns two pictures into a third one."""


def shows(text: str) -> bool:
    """Return whether anything of a text is visible: spaces, invisible characters and marks without a letter are not."""
    return any(
        unicodedata.category(character) not in _NOTHING and character not in _BLANK
        for character in _IGNORABLE.sub("", text)
    )


def readable(text: str, field: str, *, lines: bool = False) -> str:
    """Return a text that people must be able to see, without the space around it; the rest stays as it is.

    Raises BadInput if nothing of it is visible, and for control characters; tabs and line ends are allowed with
    `lines`.
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
    """Return what all texts share that nobody can tell apart from this one: their characters in one composition and
    case, without invisible ones. Searches compare it, too."""
    if text.isascii():
        return " ".join(text.lower().split())
    visible = "".join(part if index % 2 else _without_ignorable(part) for index, part in enumerate(_TAGS.split(text)))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return " ".join("".join(" " if each in _BLANK else each for each in folded).split())


def _without_ignorable(text: str) -> str:
    """Return the text without ignorable characters. Joiners of pictures stay; a variation selector only asks for
    another picture of the same character."""
    return "\u200d".join(_IGNORABLE.sub("", part) for part in _JOINED.split(text.replace("\ufe0f", "")))


def alike(texts: Iterable[str]) -> list[list[int]]:
    """Return the indices of texts that look the same, each group in order."""
    groups: dict[str, list[int]] = {}
    for index, text in enumerate(texts):
        groups.setdefault(skeleton(text), []).append(index)
    return [places for places in groups.values() if len(places) > 1]


def matching(typed: str, texts: Sequence[str]) -> list[int]:
    """Return the indices of the texts that somebody who typed `typed` may mean.

    Equal texts come first; then texts in another composition, then those of compatible characters, then those that look
    the same: the first group that is not empty. The caller refuses more than one.
    """
    for form in _FORMS:
        wanted = form(typed)
        if wanted and (matches := [index for index, text in enumerate(texts) if form(text) == wanted]):
            return matches
    return []


_FORMS: tuple[Callable[[str], str], ...] = (
    str,
    partial(unicodedata.normalize, "NFC"),
    lambda text: " ".join(unicodedata.normalize("NFKC", text).split()),
    skeleton,
)
