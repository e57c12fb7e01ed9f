"""Questions in Moodle's GIFT format: multiple choice, and true or false.

https://docs.moodle.org/en/GIFT_format. Correct answers, feedback and names of questions are not kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from livewall.voting.decks.drafts import RIGHT_ANSWERS, Drafts, Taken
from livewall.voting.kinds import marking

_BLOCK = re.compile(r"\{\s*(?:[=~#]|(?:T|F|TRUE|FALSE)\s*(?:#[^{}]*)?\})", re.IGNORECASE)
_DECK = re.compile(r"\s|#{1,6}\s|[-*+•] |[0-9]{1,3}[.)] |[A-Za-z]\) ")
_NAMED = re.compile(r"^(?:::[^\n]*?::|\$CATEGORY:)", re.MULTILINE)
_TRUTH = re.compile(r"(T|F|TRUE|FALSE)\s*(?:#.*)?", re.IGNORECASE | re.DOTALL)
_FORMAT = re.compile(r"\s*\[(html|moodle|plain|markdown)\]\s*", re.IGNORECASE)
_WEIGHT = re.compile(r"%(-?[0-9]+(?:\.[0-9]+)?)%\s*")
_MARKUP = re.compile(r"<[A-Za-z/!][^>]*>|&(?:[A-Za-z]+|#[0-9]+);")
_ESCAPED = "~=#{}:\\n"
_MASKED = {sign: chr(0xFDD0 + place) for place, sign in enumerate(_ESCAPED)}
"""Private characters that stand for an escaped sign while the text is parsed."""
_SHOWN = str.maketrans({mask: "\n" if sign == "n" else sign for sign, mask in _MASKED.items()})
GAP = "_____"
"""The text in place of a missing word."""


def is_gift(text: str) -> bool:
    """Return whether a question has answers in braces after it; a deck has braces after options only."""
    masked = _mask(text)
    lines = masked.splitlines(keepends=True)
    offset = 0
    for line in lines:
        begin = line.find("{")
        if begin >= 0 and not _DECK.match(line) and _BLOCK.match(masked, offset + begin):
            return True
        offset += len(line)
    return _NAMED.search(masked) is not None and _BLOCK.search(masked) is not None


def parse(text: str) -> Taken:
    """Return the drafts of the questions in a text. Raises DeckFault."""
    drafts = Drafts()
    for line, block in _questions(_mask(text)):
        _question(drafts, line, block)
    return drafts.taken()


def _questions(text: str) -> Iterator[tuple[int, str]]:
    """Return the questions, separated by blank lines outside of braces, without comments; each with its first line."""
    begun, lines, depth = 0, list[str](), 0
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.lstrip().startswith("//"):
            if lines:
                lines.append("")  # the lines that follow keep their numbers
            continue
        if not line.strip() and not depth:
            if lines:
                yield begun, "\n".join(lines)
            begun, lines = 0, []
            continue
        if not depth and line.lstrip().startswith("$CATEGORY:"):
            continue
        begun = begun or number
        lines.append(line)
        for sign in re.findall("[{}]", line):
            depth = 1 if sign == "{" else 0
    if lines:
        yield begun, "\n".join(lines)


def _question(drafts: Drafts, line: int, block: str) -> None:
    parts = re.split("([{}])", block)
    if parts[1::2] != ["{", "}"]:
        if len(parts) == 1:
            why = "has no answers in braces"
        elif parts[1::2] == ["{", "}"] * (len(parts) // 4):
            why = "has answers twice; leave a blank line between two questions"
        else:
            why = "has braces that do not match; write \\{ for a brace"
        return drafts.wrong(line, f"this question {why}")
    before, inside, after = parts[0::2]
    before = re.sub(r"\A\s*::.*?::", lambda name: "\n" * name[0].count("\n"), before, flags=re.DOTALL)
    if (match := _FORMAT.match(before)) and match[1].lower() != "plain" and _MARKUP.search(before + inside + after):
        return drafts.wrong(line, f"this question is {match[1].upper()}: only plain text can be shown")
    title = _plain(_FORMAT.sub("", before, count=1) + (f"{GAP}{after}" if after.strip() else ""))
    answers = line + before.count("\n")
    body = inside.strip()
    if _TRUTH.fullmatch(body):
        drafts.note(RIGHT_ANSWERS)
        return drafts.add(line, title, [(line, "True"), (line, "False")])
    if why := _other_kind(body):
        return drafts.wrong(line, f"this is {why}, which has nothing to choose from: leave it out")
    options, right = list[tuple[int, str]](), 0
    pieces = re.split("([=~])", inside)
    if pieces[0].strip():
        return drafts.wrong(line, f"{pieces[0].strip()[:60]!r} is not an answer: each begins with = or ~")
    at = answers + pieces[0].count("\n")
    for sign, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        label = piece.partition("#")[0].strip()
        weight = _WEIGHT.match(label)
        right += sign == "=" or (weight is not None and float(weight[1]) > 0)
        label = _FORMAT.sub("", _WEIGHT.sub("", label, count=1), count=1)
        if "->" in label and sign == "=" and "~" not in pieces:
            return drafts.wrong(line, "this is a question of matching, which has nothing to choose from: leave it out")
        options.append((at, _plain(label)))
        at += piece.count("\n")
    drafts.note(RIGHT_ANSWERS)
    if right > 1 and "=" not in pieces[1::2]:
        drafts.add(line, title, options, **marking(None, len(options)))
    else:
        drafts.add(line, title, options)


def _other_kind(body: str) -> str:
    if not body:
        return "a question of free text"
    if body.startswith("#"):
        return "a question of numbers"
    if "~" not in body and "->" not in body and body.startswith("="):
        return "a question of a short answer"
    return ""


def _mask(text: str) -> str:
    return re.sub(r"\\([~=#{}:\\n])", lambda found: _MASKED[found[1]], text)


def _plain(text: str) -> str:
    """Return the text without escapes, on one line but for its own `\n`."""
    return " ".join(text.split()).translate(_SHOWN).strip()
