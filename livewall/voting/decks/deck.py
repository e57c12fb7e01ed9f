"""Decks: the questions of an event as Markdown or plain text, read and written. A pure pair: `parse(format(x)) == x`.

The grammar is in docs/decks.md. All problems are reported at once, each with its line.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence

from livewall.errors import BadInput
from livewall.voting.decks import deck_settings
from livewall.voting.decks.deck_settings import named
from livewall.voting.decks.lines import ABSTAIN, Kind, has_checkbox, marks_of, recognised, written
from livewall.voting.decks.reader import DeckFault, Problem, Reader
from livewall.wire import OptionIn, PollIn

MAX_BYTES = 1 << 20


def text_of(data: bytes) -> str:
    """Return the text of a file or a body: UTF-8, or UTF-16 with its byte order mark, as Excel writes it.

    Raises DeckFault if it is neither, BadInput (`too_large`).
    """
    if len(data) > MAX_BYTES:
        raise BadInput("too_large", f"a deck has at most {MAX_BYTES:,} bytes")
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise DeckFault([Problem(1, "this is not UTF-16, as its first bytes say: save it as UTF-8 text")]) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = "this is not UTF-8: save the file as UTF-8 text (in Excel: CSV UTF-8)"
        raise DeckFault([Problem(line, message)]) from None


def parse(text: str) -> list[PollIn]:
    """Return the polls of a deck, in order and on no wall. Raises DeckFault."""
    return Reader().polls_of(plain(text))


def plain(text: str) -> str:
    """Return the text with line ends of one kind, and without a byte order mark."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def has_headings(text: str) -> bool:
    """Return whether a question has `## ` before it, as in every exported deck and in no other format."""
    return re.search("^## ", text, re.MULTILINE) is not None


def has_options(text: str) -> bool:
    """Return whether any line begins like an option."""
    return any(recognised(line, 0, named).kind is Kind.OPTION for line in text.split("\n"))


def format(polls: Sequence[PollIn], title: str = "") -> str:
    """Return the deck of polls that the API would accept, under the title of a wall."""
    parts = [f"# {written(title, named)}\n"] if title else []
    for poll in polls:
        part = [f"## {written(poll.title, named)}\n\n"]
        part += [f"- {_option_written(option, number)}\n" for number, option in enumerate(poll.options, 1)]
        if settings := deck_settings.lines(poll):
            part += ["\n", *(f"{line}\n" for line in settings)]
        parts.append("".join(part))
    return "\n".join(parts)


def _option_written(option: str | OptionIn, number: int) -> str:
    given = OptionIn(option) if isinstance(option, str) else option
    text = written(given.label, named)
    if has_checkbox(text):
        text = "\\" + text
    if marks_of(text)[1]:
        before, brace, inside = text.rpartition("{")
        text = f"{before}\\{brace}{inside}"
    marks = [f"#{given.id}"] if given.id not in (None, str(number)) else []
    marks += [ABSTAIN] if given.abstain else []
    return f"{text} {{{' '.join(marks)}}}" if marks else text
