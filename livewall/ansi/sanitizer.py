"""Filters a log for a terminal: text, styles and redraws pass, everything else is removed.

Titles, links, the clipboard, reports, absolute positions and clearing the screen are removed, invisible characters are
replaced by signs, and the cursor stays on the rows that the log itself has written.
"""

from __future__ import annotations

import codecs

from livewall.ansi.escapes import Kind, Token, tokens
from livewall.ansi.screen import COLUMNS, REACH

MAX_PENDING = 4096
"""The most characters that are held back as an incomplete escape sequence."""


class Sanitizer:
    """A filter for the bytes of one log, which arrive in parts."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._row = self._rows = 0
        """The row of the cursor, and the last row that the log has written."""
        self._coloured = self._saved = False

    def feed(self, data: bytes) -> str:
        """Return the filtered text of the next part."""
        return self._pass(self._decoder.decode(data), end=False)

    def close(self) -> str:
        """Return the rest at the end of the log, and reset the style."""
        remaining = self._pass(self._decoder.decode(b"", final=True), end=True)
        return f"{remaining}\x1b[0m" if self._coloured else remaining

    def _pass(self, text: str, *, end: bool) -> str:
        *lines, last = (self._held + text).split("\n")
        self._held = ""
        if not end:
            complete = _complete_length(last)
            # What looks like the beginning of a sequence is held back, but not without limit: it may be plain text.
            if len(last) - complete < MAX_PENDING:
                last, self._held = last[:complete], last[complete:]
        written: list[str] = []
        for line in lines:
            written += [self._render(token) for token in tokens(line)]
            written.append("\x1b[0m\n" if self._coloured else "\n")
            self._coloured = self._saved = False
            self._row += 1
            self._rows = max(self._rows, self._row)
        written += [self._render(token) for token in tokens(last)]
        return "".join(written)

    def _render(self, token: Token) -> str:
        match token.kind:
            case Kind.TEXT | Kind.SIGN:
                return token.value
            case Kind.STYLE:
                self._coloured = token.value not in ("", "0")
                return f"\x1b[{token.value}m"
            case Kind.MOVE:
                return self._move(token.value, token.times)
        return ""

    def _move(self, letter: str, times: int) -> str:
        if letter in "\r\b":
            return letter
        if letter in "AF":
            # Never above what the log itself has written: the lines above belong to somebody else.
            times = min(times, self._row, REACH - (self._rows - self._row))
            self._row -= max(0, times)
        elif letter in "BE":
            times = min(times, self._rows - self._row)
            self._row += times
        elif letter == "J":
            return "\x1b[J" if times == 0 else ""
        elif letter == "K":
            return f"\x1b[{times}K" if times <= 2 else ""
        elif letter == "s":
            self._saved = True
            return "\x1b7"
        elif letter == "u":
            return "\x1b8" if self._saved else ""
        return f"\x1b[{min(times, COLUMNS)}{letter}" if times > 0 else ""


def _complete_length(text: str) -> int:
    """Return the length of `text` without an incomplete escape sequence at its end."""
    at = 0
    for token in tokens(text):
        if token.kind is Kind.SIGN and token.source in "\x1b\x90\x9b\x9d":
            break
        at += len(token.source)
    return at
