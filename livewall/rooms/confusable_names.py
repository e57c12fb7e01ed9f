"""What all names share that look like this one, so that nobody takes a name that imitates another's.

After Unicode UTS 39, section 4: every character is replaced by the one that stands for all that look like it. The data
are those of the package confusable_homoglyphs. Scripts are not judged: a name in any of them is as good as another.
"""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from importlib.resources import files

from livewall.visible_text import skeleton

_ONE_CLASS = str.maketrans({"i": "l", "1": "l", "|": "l", "0": "o"})
"""Letters and digits that differ in the data once the case is gone: I looks like l, and i is its small letter."""


def looks_of(name: str) -> frozenset[str]:
    """Return the looks of a name. Two names that share one cannot be told apart: case, spaces, invisible characters,
    digits and letters of other scripts do not matter.

    There are two, because letters look like others in the case they have (`I` like `l`), and names in another case are
    the same name.
    """
    seen = visible(name)
    return frozenset({look(seen.casefold()), look(replaced(seen).casefold())})


def visible(name: str) -> str:
    """Return a name in composition NFKC without blanks and invisible characters."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", name) if skeleton(letter))


def look(text: str) -> str:
    """Return what texts share that look like this one in the case that it has."""
    return "".join(replaced(text).translate(_ONE_CLASS).split())


def replaced(text: str) -> str:
    """Return a text with each character replaced by the one that stands for all that look like it."""
    prototypes = _prototypes()
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFD", "".join(prototypes.get(letter, letter) for letter in decomposed))


@cache
def _prototypes() -> dict[str, str]:
    """Return what stands for each character that looks like others. Read when the first name is claimed."""
    data = files("confusable_homoglyphs").joinpath("confusables.json").read_text(encoding="utf-8")
    alike: dict[str, list[str]] = {text: [each["c"] for each in found] for text, found in json.loads(data).items()}
    prototypes = {}
    for text, others in alike.items():
        if len(text) != 1 or len(others) != 1:
            continue
        (other,) = others
        # The data name both directions. Where only two look the same, either may stand for both.
        if len(alike.get(other, ())) > 1 or len(other) > 1 or other < text:
            prototypes[text] = other
    return prototypes
