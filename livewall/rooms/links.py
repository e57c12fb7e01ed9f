"""Links in the text of messages: which parts of a text a page shows as links. Pure, and linear in the text's length.

Only addresses with the scheme http, https or mailto become links: nothing is guessed from a name with a dot, and no
other scheme can run a script. `static/js/room/links.js` has the same rules; `tests/vectors/links.json` holds both to
them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_ADDRESS = 2000
"""The most characters of an address that becomes a link."""
_NOT_IN_ADDRESSES = (
    "\u0080-\u00a0\u00ab\u00ad\u00bb\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u206f\u2e00-\u2e7f"
    "\u3000-\u303f\u3164\ufe00-\ufe4f\ufeff\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffa0\ufff0-\uffff"
    "\U000e0000-\U000e0fff"
)
"""Characters beyond ASCII that end an address: spaces, punctuation of other scripts, and those that cannot be seen."""
_ADDRESS = re.compile(rf"(?:https?://|mailto:)(?:[!#-;=?-Z\[\]_a-z~]|[^\x00-\x7f{_NOT_IN_ADDRESSES}])+", re.I | re.A)
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", re.I | re.A)
_PORT = re.compile(r"[0-9]{1,5}", re.A)
_MAILBOX = re.compile(r"[a-z0-9.!#$%&'*+/=_~-]{1,64}", re.I | re.A)
_WORD = re.compile(r"[a-z0-9_]", re.I | re.A)
_ENDS = frozenset(".,;:!?'*_~")
"""Characters that end a sentence or mark a word, rather than an address."""
_BRACKETS = {")": "(", "]": "["}


class Piece(NamedTuple):
    """A part of a text, which is a link or not."""

    text: str
    linked: bool


def pieces(text: str) -> list[Piece]:
    """Return the parts of a text in their order."""
    found: list[Piece] = []
    done = 0
    for match in _ADDRESS.finditer(text):
        begin = match.start()
        if begin and _WORD.match(text[begin - 1]):
            continue
        address = _without_end(match[0])
        if not _is_safe(address):
            continue
        if begin > done:
            found.append(Piece(text[done:begin], False))
        found.append(Piece(address, True))
        done = begin + len(address)
    if done < len(text):
        found.append(Piece(text[done:], False))
    return found


def _without_end(address: str) -> str:
    """Return an address without the punctuation of its sentence, and without brackets that were opened before it."""
    open_more = {closing: address.count(opening) - address.count(closing) for closing, opening in _BRACKETS.items()}
    end = len(address)
    while end:
        last = address[end - 1]
        if open_more.get(last, 0) < 0:
            open_more[last] += 1
        elif last not in _ENDS:
            break
        end -= 1
    return address[:end]


def _is_safe(address: str) -> bool:
    """Return whether an address leads where it seems to lead: without user names, and to a host in plain letters."""
    if len(address) > MAX_ADDRESS:
        return False
    scheme, _, rest = address.partition(":")
    if scheme.lower() == "mailto":
        mailbox, _, host = rest.partition("@")
        return _MAILBOX.fullmatch(mailbox) is not None and _is_plain_host(host)
    authority = re.split("[/?#]", rest[2:], maxsplit=1)[0]
    host, colon, port = authority.partition(":")
    if colon and not (_PORT.fullmatch(port) and int(port) < 65536):
        return False
    return _is_plain_host(host)


def _is_plain_host(host: str) -> bool:
    """Return whether a name of a host has letters, digits and hyphens only. One that begins with `xn--` stands for
    letters of any script, among them those that look like others."""
    if len(host) > 253 or not _HOST.fullmatch(host):
        return False
    return not any(label.lower().startswith("xn--") for label in host.split("."))
