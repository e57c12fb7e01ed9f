"""Text of others as a terminal, a log file or a JSON line may show it: nothing in it can control a terminal.

Escape sequences move the cursor, change the title of a window and hide earlier output; bidirectional controls reorder a
line (CVE-2021-42574); invisible characters make two texts look the same. All are shown as escapes, so that a reader
sees them.
"""

from __future__ import annotations

import codecs
import io
import re
import sys

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_SURROGATE = re.compile("[\ud800-\udfff]")
# C0, DEL and C1 controls; line and paragraph separators; bidirectional controls; characters that no reader sees.
# Joiners stay where a script or a picture needs them, which is never after a Latin letter; variation selectors stay.
_STEERS = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb]"
    "|(?<![\u0590-\u1fff\u2070-\U0010ffff])[\u200c\u200d]"
)


def readable(text: str) -> str:
    """Return `text` with a replacement character for each byte that was not UTF-8.

    Python reads such bytes of arguments, file names and the environment as surrogates (PEP 383), which no JSON, page or
    address may contain.
    """
    return _SURROGATE.sub(REPLACEMENT, text)


def print_readably() -> None:
    """Make standard output and error print a replacement character for text they cannot encode, instead of failing."""
    codecs.register_error("livewall.readable", _replacement)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="livewall.readable")


def _replacement(error: UnicodeError) -> tuple[bytes, int]:
    """Bytes: of a handler's text the encoder of UTF-8 takes ASCII only."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    mark = REPLACEMENT.encode() if error.encoding == "utf-8" else b"?"
    return mark * (error.end - error.start), error.end


def visible(text: str) -> str:
    """Return `text` with every character that could control a terminal or is invisible as an escape, such as `\x1b`."""
    return _STEERS.sub(_escape, readable(text))


def one_line(text: str) -> str:
    """Return `text` on one line: white space as single spaces, other controls as escapes."""
    return visible(" ".join(text.split()))


def visible_json(text: str) -> str:
    """Return JSON `text` that means the same, with the same characters as JSON's own escapes; line ends stay."""
    return _STEERS.sub(lambda found: "\n" if found[0] == "\n" else f"\\u{ord(found[0]):04x}", readable(text))


def _escape(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
