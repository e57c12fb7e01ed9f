"""Entity tags (RFC 9110 §8.8.3) and conditional requests (§13.1), as functions of headers."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from livewall import wire

_BETWEEN = re.compile(r"[ \t,]*")
_TAG = re.compile(r'(W/)?"([^"]*)"[ \t]*(?=,|$)')
_CODING = re.compile(r"[-;+]{1,2}(?:gzip|br|deflate|zstd)$")
"""What compressing proxies append to a tag."""
_VERSION = re.compile(r"([0-9]{1,15})(?:\.[0-9a-f]+)?")


def tags_in(header: str) -> list[tuple[bool, str]]:
    """Return the tags of a list, each with whether it is weak. Anything that is not a tag is skipped."""
    found: list[tuple[bool, str]] = []
    at = 0
    while between := _BETWEEN.match(header, at):
        if (at := between.end()) >= len(header):
            break
        if match := _TAG.match(header, at):
            found.append((match[1] is not None, match[2]))
            at = match.end()
        elif (at := header.find(",", at)) < 0:
            break
    return found


def is_held(header: str | None, tag: str, *, codings: bool = True) -> bool:
    """Return whether a client with this If-None-Match holds the representation that `tag` (with its quotes) stands for.

    The comparison is weak, and `*` matches anything. With `codings`, tags that a compressing proxy has changed match,
    too.
    """
    if header is None:
        return False
    if header.strip() == "*":
        return True
    plain = tag.removeprefix("W/")[1:-1]
    held = [opaque for _, opaque in tags_in(header)]
    return plain in held or (codings and plain in [_CODING.sub("", opaque) for opaque in held])


def versions_in(header: str | None) -> frozenset[int] | None:
    """Return the versions that an If-Match allows, or None for any version. A weak tag matches nothing (§13.1.1), and a
    tag that is not ours stands for no version."""
    if header is None or header.strip() == "*":
        return None
    found = [_VERSION.fullmatch(_CODING.sub("", opaque)) for weak, opaque in tags_in(header) if not weak]
    return frozenset(int(match[1]) for match in found if match is not None)


def tag_of(version: int, found: Any) -> str:
    """Return the entity tag of a resource as one client sees it. Clients that see more or less of it get other tags,
    and so does a later moment at which more ballots are counted. The server's time does not count."""
    fields = found if isinstance(found, dict) else msgspec.to_builtins(found)
    said = wire.encode({name: value for name, value in fields.items() if name != "now"})
    return f'"{version}.{hashlib.sha256(said).hexdigest()[:12]}"'
