"""Text written by others, as a terminal, a log file or a JSON line may show it: nothing in it can steer a terminal.

Escape sequences move the cursor, change the title of a window and hide what was printed before; bidirectional
controls reorder a line (CVE-2021-42574). Both are shown as escapes, so that a reader sees that they were there.
"""

from __future__ import annotations

import re

# C0, DEL and C1 controls; line and paragraph separators; bidirectional controls; surrogates, which no file can hold.
_STEERS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Return `text` with every character that could steer a terminal as an escape, such as `\\x1b`."""
    return _STEERS.sub(_escape, text)


def one_line(text: str) -> str:
    """Return `text` on one line: white space as single spaces, other controls as escapes."""
    return visible(" ".join(text.split()))


def visible_json(text: str) -> str:
    """Return JSON `text` that means the same, with the same characters as JSON's own escapes; line ends stay."""
    return _STEERS.sub(lambda found: "\n" if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text)


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
