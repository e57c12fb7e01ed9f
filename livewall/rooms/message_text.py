"""The text of messages, and names of people: what is taken out of them on input, and what is refused. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from livewall.errors import invalid
from livewall.visible_text import shows

MAX_TEXT = 4000
"""The most characters of a message."""
MAX_LINES = 41
"""The most lines of a message, which are 40 line breaks."""
MAX_MARKS = 8
"""The most combining marks of one visible character: no script needs more, and a column of them covers other lines."""
MAX_NAME = 40

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_TAKEN_OUT = re.compile("[\x00-\x09\x0e-\x1f\x7f-\x84\x86-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that change the direction of what follows (Unicode TR 9, UTS 55)."""
_TAB = re.compile("\t")
_is_base = lru_cache(4096)(shows)
"""Return whether marks stand on a character."""


def message_text(text: str, most: int = MAX_TEXT) -> str:
    """Return a text as it is kept: without control characters and those that turn the direction of other text.

    Raises BadInput if it has more than `most` characters, too many lines, or nothing of it can be seen.
    """
    text = _few_marks(_TAKEN_OUT.sub("", _LINE_ENDS.sub("\n", _TAB.sub(" ", text)))).strip()
    if len(text) > most:
        raise invalid("text", f"must have at most {most:,} characters")
    if text.count("\n") >= MAX_LINES:
        raise invalid("text", f"must have at most {MAX_LINES - 1} line breaks")
    if not shows(text):
        raise invalid("text", "must not be empty" if not text else "must not be empty: nothing of it can be seen")
    return text


def person_name(text: str) -> str:
    """Return a name as it is kept: in composition NFKC, on one line. Raises BadInput."""
    plain = unicodedata.normalize("NFKC", _LINE_ENDS.sub(" ", text))
    name = " ".join(_few_marks(_TAKEN_OUT.sub("", plain)).split())
    if not shows(name):
        raise invalid("name", "must not be empty" if not name else "must not be empty: nothing of it can be seen")
    if len(name) > MAX_NAME:
        raise invalid("name", f"must have at most {MAX_NAME} characters")
    return name


def _few_marks(text: str) -> str:
    """Return the text without the combining marks beyond MAX_MARKS on a visible character. What cannot be seen between
    them, such as a joiner, does not let the count start again."""
    if text.isascii():
        return text
    kept, marks = [], 0
    for letter in text:
        if unicodedata.category(letter) in ("Mn", "Me"):
            marks += 1
            if marks > MAX_MARKS:
                continue
        elif marks and _is_base(letter):
            marks = 0
        kept.append(letter)
    return "".join(kept)
