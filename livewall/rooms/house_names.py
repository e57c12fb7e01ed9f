"""Names that nobody chooses: those of the house, of all who have a role, and the friendly names of others. Pure.

They are kept more widely than the name of a guest is kept from another guest: accents, strokes, small capitals, framed
letters, punctuation and pictures do not matter. No script is refused: `Αλέξης` and `王小明` are names as good as `Max`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

from livewall.identity import ROLES
from livewall.rooms.confusable_names import look, looks_of, replaced, visible
from livewall.rooms.friendly_names import FIRST, SECOND
from livewall.rooms.people import GUEST

RESERVED = (*ROLES, GUEST, "livewall", "system", "moderator")
"""Names that would seem to speak for the house."""
_ACCENT = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
"""Marks of no script: accents, strokes and frames. Vowel signs of a script tell names apart."""
_REPEATED = re.compile(r"(.)\1+")
_FRAMED = {
    first + place: chr(ord("A") + place) for first in (0x1F150, 0x1F170, 0x1F1E6) for place in range(26)
}  # white on black, in circles and squares, and the letters of flags; NFKC has the others
_PLAIN = {**_FRAMED, ord("ʍ"): "m", ord("ĸ"): "k"}
_SMALL_CAPITAL = re.compile("LATIN LETTER SMALL CAPITAL ([A-Z])")


def is_reserved(name: str, given: str, of_roles: Iterable[str]) -> bool:
    """Return whether a name looks like one of the house, of somebody with a role (`of_roles`), or like the friendly
    name of anybody but the one whose friendly name is `given`."""
    looks = _looks(name)
    if looks & _looks_of_house() or {_once(each) for each in looks} & _looks_of_house():
        return True
    if any(map(_is_friendly, looks)) and not looks & _looks(given):
        return True
    return any(looks & _looks(other) for other in of_roles)


@lru_cache(10_000)
def _looks(name: str) -> frozenset[str]:
    """Return what a name looks like to somebody who reads quickly. It is never empty."""
    seen = visible(name)
    return looks_of(name) | {each for each in (_bare(seen), _bare(seen.casefold())) if each}


def _bare(text: str) -> str:
    """Return the letters and digits of a text as the plain ones that they look like."""
    for _ in range(2):  # what stands for a letter of another script may be a small capital
        text = replaced(_ACCENT.sub("", unicodedata.normalize("NFD", "".join(map(_plain, text)))))
    bare = look(_ACCENT.sub("", "".join(map(_plain, text))).casefold())
    return "".join(letter for letter in bare if unicodedata.category(letter)[0] in "LMN")


@lru_cache(4096)
def _plain(letter: str) -> str:
    """Return a letter without its stroke or frame, and a capital for a small capital."""
    name = unicodedata.name(letter, "")
    if found := _SMALL_CAPITAL.fullmatch(name):
        return found[1]
    if " LETTER " in name and " WITH " in name:
        try:
            return unicodedata.lookup(name.partition(" WITH ")[0])
        except KeyError:
            return letter
    return _PLAIN.get(ord(letter), letter)


def _once(text: str) -> str:
    """Return a text with each letter once where it follows itself: `llvewall` can hardly be told from `lvewall`."""
    return _REPEATED.sub(r"\1", text)


@cache
def _looks_of_house() -> frozenset[str]:
    looks = frozenset(each for name in RESERVED for each in _looks(name))
    return looks | {_once(each) for each in looks}


def _is_friendly(seen: str) -> bool:
    first, second = _looks_of_words()
    return any(seen[:place] in first and seen[place:] in second for place in range(1, len(seen)))


@cache
def _looks_of_words() -> tuple[frozenset[str], frozenset[str]]:
    first, second = (frozenset(each for word in words for each in _looks(word)) for words in (FIRST, SECOND))
    return first, second
