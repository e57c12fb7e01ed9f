"""Every address there is, from the table of routes, so that a new one is walked by the tests that walk them all."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import handlers
from handlers.base import BaseHandler
from handlers.routes import UNIT, routes

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
ID, TYPED = r"\(\[A-Za-z0-9\._-\]\{1,80\}\)", r"\(\[\^/\]\{1,\d+\}\)"
UNIT_PATTERN = re.escape(UNIT)
SPELLED = {
    r"/(?!(?:api|ws|sse|updates|static)/).+": ["/there-is-nothing-here"],
    r"/packs/([a-z]+\.(?:js|css))": ["/packs/poll.js", "/packs/page.css"],
}
"""Addresses of patterns that are not made of words and ids."""


@dataclass(frozen=True)
class Address:
    path: str
    methods: frozenset[str]
    page: bool
    """For people; everything else is for programs."""
    framed: bool
    """A projector's page: whoever asks, it shows what the audience sees."""


def addresses(stands_for: Mapping[str, str]) -> list[Address]:
    """Every address that is no stream. `stands_for` says what stands in it behind which word, such as a poll's id
    behind `polls`; a word that it does not know fails the test."""
    found: dict[str, Address] = {}
    for spec in routes(None, None):  # type: ignore[arg-type]
        pattern = spec.regex.pattern.removesuffix("$")
        handler: Any = spec.handler_class
        if pattern.startswith(("/ws/", "/sse/", "/updates/")):
            continue
        own = {m for m in METHODS if getattr(handler, m.lower()) is not getattr(BaseHandler, m.lower())}
        if "GET" in own:
            own.add("HEAD")
        for path in SPELLED.get(pattern) or _spelled(pattern, stands_for):
            kind = {name: getattr(handler, name, False) for name in ("page", "framed")}
            found.setdefault(path, Address(path, frozenset(own), **kind))
    return list(found.values())


def _spelled(pattern: str, stands_for: Mapping[str, str]) -> Iterator[str]:
    """The addresses of a pattern: alternatives are all of them, what is optional is there and is not."""
    plain = re.sub(f"{ID}|{TYPED}|{UNIT_PATTERN}", "{}", pattern)
    parts = re.split(r"\(([^()]*)\)(\??)", plain)
    choices: list[list[str]] = []
    for literal, group, optional in itertools.zip_longest(parts[::3], parts[1::3], parts[2::3], fillvalue=""):
        choices.append([literal.replace("\\", "")])
        choices.append(group.split("|") + ([""] if optional else []))
    for pieces in itertools.product(*choices):
        words = "".join(pieces).split("/")
        for place, word in enumerate(words):
            if "{}" in word:
                words[place] = word.replace("{}", stands_for[words[place - 1]])
        path = "/".join(words)
        assert not set(path) & set("()[]{}^*+?|"), f"{pattern}: say in this file how such an address is spelled"
        yield path


def asked_for() -> set[str]:
    """The names of query arguments that handlers read."""
    folder = Path(handlers.__file__).parent
    reads = re.compile(r"""(?:argument\(|query_arguments\.get\()["'](\w+)["']""")
    return {name for file in folder.rglob("*.py") for name in reads.findall(file.read_text())}
