"""Questions in Aiken format, as Moodle exports it: a question, its options A, B, C, …, and the line `ANSWER: B`.

https://docs.moodle.org/en/Aiken_format
"""

from __future__ import annotations

import re

from livewall.voting.decks.drafts import RIGHT_ANSWERS, Drafts, Taken

_OPTION = re.compile(r"\s*([A-Za-z])[.)]\s+(.*\S)\s*")
_ANSWER = re.compile(r"\s*ANSWER\s*:\s*(.*?)\s*", re.IGNORECASE)
_SEEN = re.compile(r"^[ \t]*ANSWER[ \t]*:[ \t]*[A-Za-z][ \t]*$", re.MULTILINE | re.IGNORECASE)
_LETTERS = re.compile(r"^[ \t]*[Aa][.)][ \t]", re.MULTILINE)


def is_aiken(text: str) -> bool:
    return _SEEN.search(text) is not None and _LETTERS.search(text) is not None


def parse(text: str) -> Taken:
    """Return the drafts of the questions in a text. Raises DeckFault."""
    drafts = Drafts()
    begun, title = 0, ""
    options: list[tuple[int, str]] = []
    apart = False
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            apart = True
        elif answer := _ANSWER.fullmatch(line):
            if not begun:
                drafts.wrong(number, "ANSWER belongs below a question and its options, but there are none above")
            elif len(answer[1]) != 1 or not answer[1].isascii() or not 0 <= ord(answer[1].upper()) - 65 < len(options):
                drafts.wrong(number, f"ANSWER must be the letter of one of the options above, not {answer[1][:60]!r}")
            else:
                drafts.add(begun, title, options)
                drafts.note(RIGHT_ANSWERS)
            begun, title, options = 0, "", []
            apart = False
        elif begun and (option := _OPTION.fullmatch(line)):
            wanted = chr(65 + len(options))
            if option[1].upper() != wanted:
                drafts.wrong(number, f"option {option[1]} stands where {wanted} is expected")
            options.append((number, option[2]))
            apart = False
        elif options and not apart:
            at, label = options[-1]  # a long question, wrapped over several lines
            options[-1] = at, f"{label} {line.strip()}"
        elif options:
            drafts.wrong(begun, "this question has no line ANSWER: below its options")
            begun, title, options, apart = number, line.strip(), [], False
        elif begun and not apart:
            title = f"{title} {line.strip()}"
        else:
            if begun:
                drafts.wrong(begun, "this is neither a question with options A, B, … and ANSWER: nor a part of one")
            begun, title, apart = number, line.strip(), False
    if begun:
        drafts.wrong(begun, "this question has no line ANSWER: below its options")
    return drafts.taken()
