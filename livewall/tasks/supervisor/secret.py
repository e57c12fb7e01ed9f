"""Which values can be secrets, and the forms in which programs print them. Pure; imported by the supervisor as well."""

from __future__ import annotations

import json
from collections.abc import Iterator

MIN_LENGTH = 4
"""The minimum length of a secret. Anything shorter occurs in ordinary output by chance."""
MIN_LINE_LENGTH = 8
"""The length from which a single line of a secret is masked on its own."""

_FOR_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def refusal(value: str) -> str | None:
    """Return the reason why a value cannot be a secret, without showing it, or None if it can."""
    if len(value.strip()) >= MIN_LENGTH:
        return None
    return (
        "is empty or only blanks" if not value.strip() else f"has fewer than {MIN_LENGTH} characters"
    ) + ", so it cannot be masked in logs; set a longer value or take it out of `secrets`"


def forms(secret: bytes) -> set[bytes]:
    """Return all forms in which a secret may be printed.

    These are the secret verbatim, stripped, with other line endings, each of its lines that is long enough, and each of
    these as JSON. An empty secret has no form.
    """
    text = secret.decode(errors="surrogateescape")
    variants = {secret} if secret else set()
    for plain in _plain_variants(text):
        for form in (plain, *_json_variants(plain)):
            variants.add(form.encode(errors="surrogateescape"))
    return variants


def _plain_variants(text: str) -> Iterator[str]:
    """Yield the variants without JSON; none is empty."""
    lines = text.splitlines()
    for variant in (text, text.strip()):
        if variant:
            yield variant
        if len(lines) > 1 and variant.strip():
            unix = variant.replace("\r\n", "\n")
            yield unix
            yield unix.replace("\n", "\r\n")  # the line discipline of a terminal turns \\n into \\r\\n
    if len(lines) > 1:
        yield from (line.strip() for line in lines if len(line.strip()) >= MIN_LINE_LENGTH)


def _json_variants(text: str) -> Iterator[str]:
    """Yield the text as different JSON encoders write it.

    Other alphabets are escaped or not, Go escapes `<`, `>` and `&` by default, and PHP escapes `/`.
    """
    for ascii_only in (True, False):
        escaped = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.translate(_FOR_HTML)
        yield escaped.replace("/", "\\/")
