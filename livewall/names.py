"""Names and ids: those that callers choose, and those made here, which nobody can guess or confuse."""

from __future__ import annotations

import base64
import itertools
import math
import os
import re
import secrets
import unicodedata

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Thirty characters that nobody mistakes for one another from the last row: no 0, O, 1, I, L or U."""
_LOOKS_LIKE = str.maketrans({"U": "V"})
_CROCKFORD_FOR = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}"
_NAME = re.compile(NAME)


def is_name(text: str) -> bool:
    """The pattern of names of steps and pipelines, and of ids that a caller chooses."""
    return _NAME.fullmatch(text) is not None


def new_poll_id() -> str:
    """Return a new id of a poll: 80 bits, so that it cannot be guessed."""
    return "".join(secrets.choice(CROCKFORD) for _ in range(16))


_PAIRS = [a + b for a in CROCKFORD for b in CROCKFORD]
_stock: list[int] = []


def new_receipt() -> str:
    """Return a new receipt: 80 bits in 16 characters.

    Random bytes are drawn in stock: each call of the system's generator releases the interpreter's lock, and the
    writer's thread would commit early, with fewer writes in a group.
    """
    if not _stock:
        drawn = os.urandom(10 * 256)
        _stock.extend(int.from_bytes(drawn[i : i + 10], "big") for i in range(0, len(drawn), 10))
    number = _stock.pop()
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in (70, 60, 50, 40, 30, 20, 10, 0)])


def new_wall_code() -> str:
    """Return a new code of a wall: 29 bits, a name to join by and not a secret."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(WALL_CODE))


def receipt(typed: str) -> str:
    """Return the receipt in a text that somebody typed: case, spaces, dashes and letters that look like digits do not
    matter."""
    plain = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", typed))
    return plain.upper().translate(_CROCKFORD_FOR)


VOTING_CODE = 12
"""Letters of a voting code: 58 bits."""


def new_voting_code() -> str:
    number = secrets.randbelow(len(CODE_ALPHABET) ** VOTING_CODE)
    letters = []
    for _ in range(VOTING_CODE):
        number, digit = divmod(number, len(CODE_ALPHABET))
        letters.append(CODE_ALPHABET[digit])
    return "".join(letters)


def voting_code(typed: str) -> str:
    """Return the voting code in a text that somebody typed: case, spaces and dashes do not matter."""
    return wall_code(typed)


def in_groups(text: str) -> str:
    """Return a code as it is printed and read out: four letters, a dash, four letters."""
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))


def wall_code(typed: str) -> str:
    """Return the wall code in a text that somebody typed: case, width, spaces and dashes do not matter."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", typed)).upper().translate(_LOOKS_LIKE)


WALL_CODE = 6
_ALIKE = {"2": "Z", "Z": "2", "5": "S", "S": "5", "6": "G", "G": "6", "8": "B", "B": "8", "D": "Q", "Q": "D"}
_NO_CODE_HAS = {"O": "QD", "0": "QD", "1": "7TJ", "I": "TJ7", "L": "7TJ"}
MAX_ALIKE = 24
"""The largest number of codes that are looked up: somebody who typed that many unlikely letters has not read them from
a wall."""


def look_alikes(code: str) -> list[str]:
    """Return the codes that somebody who typed `code` may have read on the wall: itself, and those in which one letter
    is replaced by another that looks like it. A letter that no code has stands for those it resembles. Empty if the
    text is no code."""
    letters = [_NO_CODE_HAS.get(letter, letter) for letter in code]
    if len(code) != WALL_CODE or not all(each[0] in CODE_ALPHABET for each in letters):
        return []
    if math.prod(len(each) for each in letters) > MAX_ALIKE:
        return [code]
    read = ["".join(each) for each in itertools.product(*letters)]
    near = [each[:n] + _ALIKE[each[n]] + each[n + 1 :] for each in read for n in range(WALL_CODE) if each[n] in _ALIKE]
    return [*read, *near][:MAX_ALIKE]


def in_address(typed: str) -> str:
    """Return a wall's code, also from the whole address of its page, which somebody may have copied."""
    match = re.search(r"/w/([^/?#]+)", typed)
    return match[1] if match else typed


def step_of_token(token: str) -> tuple[str | None, str | None]:
    """Return the task and the step that a step's token (`s1.NAMES.SIGNATURE`) is valid for, or None for another
    token."""
    version, _, signed = token.partition(".")
    try:
        task, step, _ = base64.urlsafe_b64decode(signed.partition(".")[0]).decode().split("/")
    except ValueError:
        return None, None
    return (task, step) if version == "s1" else (None, None)
