"""Names and ids: what callers may choose, and what is made here so that nobody can guess or confuse it."""

from __future__ import annotations

import itertools
import math
import os
import re
import secrets
import unicodedata

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0 O 1 I L U: thirty characters that nobody mistakes for one another from the last row."""
_LOOKS_LIKE = str.maketrans({"U": "V"})
_CROCKFORD_FOR = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}"
_NAME = re.compile(NAME)


def is_name(text: str) -> bool:
    """Names of steps and pipelines, and ids that a caller chooses."""
    return _NAME.fullmatch(text) is not None


def new_poll_id() -> str:
    """80 bits: ids of polls cannot be guessed."""
    return "".join(secrets.choice(CROCKFORD) for _ in range(16))


_PAIRS = [a + b for a in CROCKFORD for b in CROCKFORD]
_stock: list[int] = []


def new_receipt() -> str:
    """80 bits in 16 characters.

    Drawn from the system's generator in stock: each call to it lets go of the interpreter's lock, and the writer's
    thread would commit early and alone.
    """
    if not _stock:
        drawn = os.urandom(10 * 256)
        _stock.extend(int.from_bytes(drawn[i : i + 10], "big") for i in range(0, len(drawn), 10))
    number = _stock.pop()
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in (70, 60, 50, 40, 30, 20, 10, 0)])


def new_wall_code() -> str:
    """29 bits: a name to join by, not a secret."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(WALL_CODE))


def receipt(typed: str) -> str:
    """The receipt in what somebody typed: case, spaces, dashes and letters that look like digits do not matter."""
    plain = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", typed))
    return plain.upper().translate(_CROCKFORD_FOR)


VOTING_CODE = 12
"""Letters of a code to vote with: 58 bits."""


def new_voting_code() -> str:
    number = secrets.randbelow(len(CODE_ALPHABET) ** VOTING_CODE)
    letters = []
    for _ in range(VOTING_CODE):
        number, place = divmod(number, len(CODE_ALPHABET))
        letters.append(CODE_ALPHABET[place])
    return "".join(letters)


def voting_code(typed: str) -> str:
    """The code to vote with in what somebody typed: case, spaces and dashes do not matter."""
    return wall_code(typed)


def in_groups(text: str) -> str:
    """As it is printed and read out: four letters, a dash, four letters."""
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))


def wall_code(typed: str) -> str:
    """The code in what somebody typed: case, width, spaces and dashes do not matter."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", typed)).upper().translate(_LOOKS_LIKE)


WALL_CODE = 6
_ALIKE = {"2": "Z", "Z": "2", "5": "S", "S": "5", "6": "G", "G": "6", "8": "B", "B": "8", "D": "Q", "Q": "D"}
_NO_CODE_HAS = {"O": "QD", "0": "QD", "1": "7TJ", "I": "TJ7", "L": "7TJ"}
MOST_ALIKE = 24
"""More codes than this are not looked for: who types that many unlikely letters has not read them from a wall."""


def look_alikes(code: str) -> list[str]:
    """The codes that somebody who typed `code` may have read on the wall: itself, and those with one letter in place of
    another that looks like it. Letters that no code has stand for what looks like them. None where it is no code."""
    letters = [_NO_CODE_HAS.get(letter, letter) for letter in code]
    if len(code) != WALL_CODE or not all(each[0] in CODE_ALPHABET for each in letters):
        return []
    if math.prod(len(each) for each in letters) > MOST_ALIKE:
        return [code]
    read = ["".join(each) for each in itertools.product(*letters)]
    near = [each[:n] + _ALIKE[each[n]] + each[n + 1 :] for each in read for n in range(WALL_CODE) if each[n] in _ALIKE]
    return [*read, *near][:MOST_ALIKE]


def in_address(typed: str) -> str:
    """A wall's code, or the one in the address of its page, which somebody may have copied as a whole."""
    found = re.search(r"/w/([^/?#]+)", typed)
    return found[1] if found else typed
