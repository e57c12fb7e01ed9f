"""Which values can be secrets, and the forms in which programs print them. Pure; imported by the supervisor as well."""

from __future__ import annotations

import json
from collections.abc import Iterator

SHORTEST = 4
"""Characters that a secret needs: anything shorter is found in ordinary output by chance."""
LINE = 8
"""Characters from which a line of a longer secret is a secret of its own."""

_FOR_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def refusal(value: str) -> str | None:
    """Why a value cannot be used as a secret, in words that do not show it; None where it can."""
    if len(value.strip()) >= SHORTEST:
        return None
    return (
        "is empty or only blanks" if not value.strip() else f"has fewer than {SHORTEST} characters"
    ) + ", so it cannot be masked in logs; set a longer value or take it out of `secrets`"


def forms(secret: bytes) -> set[bytes]:
    """Everything to look for in output: the secret, without the blanks around it, with other line ends, each of its
    lines that is long enough, and each of these as it stands in JSON. A secret of nothing has no form."""
    text = secret.decode(errors="surrogateescape")
    found = {secret} if secret else set()
    for plain in _plain(text):
        for form in (plain, *_in_json(plain)):
            found.add(form.encode(errors="surrogateescape"))
    return found


def _plain(text: str) -> Iterator[str]:
    """The texts to look for, none of them empty."""
    lines = text.splitlines()
    for whole in (text, text.strip()):
        if whole:
            yield whole
        if len(lines) > 1 and whole.strip():
            unix = whole.replace("\r\n", "\n")
            yield unix
            yield unix.replace("\n", "\r\n")  # a terminal prints these, whatever the program wrote
    if len(lines) > 1:
        yield from (line.strip() for line in lines if len(line.strip()) >= LINE)


def _in_json(text: str) -> Iterator[str]:
    """The text as encoders of JSON write it: with and without other alphabets escaped, and with the characters escaped
    that Go and PHP escape besides."""
    for ascii_only in (True, False):
        escaped = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.translate(_FOR_HTML)
        yield escaped.replace("/", "\\/")
