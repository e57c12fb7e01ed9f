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
    tags: list[tuple[bool, str]] = []
    index = 0
    while gap := _BETWEEN.match(header, index):
        if (index := gap.end()) >= len(header):
            break
        if match := _TAG.match(header, index):
            tags.append((match[1] is not None, match[2]))
            index = match.end()
        elif (index := header.find(",", index)) < 0:
            break
    return tags


def is_held(header: str | None, tag: str, *, codings: bool = True) -> bool:
    """Return whether a client with this If-None-Match holds the representation that `tag` (with its quotes) stands for.

    The comparison is weak, and `*` matches anything. With `codings`, tags that a compressing proxy has changed match,
    too.
    """
    if header is None:
        return False
    if header.strip() == "*":
        return True
    opaque = tag.removeprefix("W/")[1:-1]
    held_tags = [tag_text for _, tag_text in tags_in(header)]
    return opaque in held_tags or (codings and opaque in [_CODING.sub("", tag_text) for tag_text in held_tags])


def versions_in(header: str | None) -> frozenset[int] | None:
    """Return the versions that an If-Match allows, or None for any version. A weak tag matches nothing (§13.1.1), and a
    tag that is not ours stands for no version."""
    if header is None or header.strip() == "*":
        return None
    matches = [_VERSION.fullmatch(_CODING.sub("", opaque)) for weak, opaque in tags_in(header) if not weak]
    return frozenset(int(match[1]) for match in matches if match is not None)


def tag_of(version: int, resource: Any) -> str:
    """Return the entity tag of a resource as one client sees it. Clients that see more or less of it get other tags,
    and so does a later moment at which more ballots are counted. The server's time does not count."""
    fields = resource if isinstance(resource, dict) else msgspec.to_builtins(resource)
    content = wire.encode({name: value for name, value in fields.items() if name != "now"})
    return f'"{version}.{hashlib.sha256(content).hexdigest()[:12]}"'
