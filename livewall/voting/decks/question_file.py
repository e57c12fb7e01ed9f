"""Files of questions in any format: a deck, Aiken, GIFT, a table; other formats are refused by name.

The content decides which format a file has, so the command line, the API and the page agree.
"""

from __future__ import annotations

import json
import re
import zipfile
from io import BytesIO
from itertools import pairwise

from livewall.voting.decks import aiken, deck, gift, table, xlsx
from livewall.voting.decks.drafts import Taken

_TABLE = "Livewall takes a table with the columns Question, Option 1, Option 2, …, saved as CSV or .xlsx"
_TEXT = "Livewall takes Markdown or plain text, Aiken, GIFT, or a table saved as CSV or .xlsx"
_BINARY = {
    b"\xd0\xcf\x11\xe0": "a file of an older Office: save it as .xlsx or CSV",
    b"%PDF": f"a PDF. {_TEXT}",
    b"{\\rtf": f"an RTF document: save it as plain text. {_TEXT}",
    b"\x1f\x8b": "a packed file, such as a Moodle backup: in Moodle's question bank export as GIFT or Aiken",
}
_PACKED = {
    "word/document.xml": f"a Word document: save it as plain text. {_TEXT}",
    "ppt/presentation.xml": f"a PowerPoint presentation: copy its questions into a text. {_TEXT}",
    "content.xml": "an OpenDocument file: save it as .xlsx or CSV, or a text as plain text",
    "imsmanifest.xml": "an IMS or QTI package (Canvas, Blackboard, ILIAS): export the questions as GIFT, Aiken or CSV",
}
_MARKUP = (
    (re.compile(r"<quiz[\s>]"), "Moodle XML: in Moodle's question bank export the questions as GIFT or Aiken"),
    (
        re.compile(r"<(?:\w+:)?(?:questestinterop|assessmentItem|assessmentTest|manifest)\b"),
        "QTI (Canvas, Blackboard, ILIAS): export the questions as GIFT, Aiken or CSV",
    ),
    (re.compile(r"\A<(?:!doctype html|html|body|table)[\s>]", re.IGNORECASE), f"HTML: copy its text. {_TEXT}"),
    (re.compile(r"<\?xml\b"), f"XML. {_TEXT}"),
)
_AMC_OPTION = re.compile(r"^[A-Z][A-Za-z-]{2,30}:[^\n]*$", re.MULTILINE)
_AMC_SAID = (
    "AMC-TXT (Auto Multiple Choice): write ## before each question instead of *, and - before each option instead of "
    "+ and -"
)
_KAHOOT_HEADER = re.compile(r"^(?:question|answer [0-9]).* max [0-9]+ characters$", re.IGNORECASE | re.MULTILINE)
_KAHOOT = re.compile(r"kahoot|^quiz template|max [0-9]+ characters", re.IGNORECASE | re.MULTILINE)
_MENTIMETER = re.compile(r"mentimeter|menti\.com", re.IGNORECASE)


def read(data: bytes) -> Taken:
    """Return the polls of a file, on no wall, and in words the parts that are not kept. Raises DeckFault, BadInput."""
    if len(data) > deck.MAX_BYTES:
        deck.text_of(data)
    for begin, advice in _BINARY.items():
        if data.startswith(begin):
            raise xlsx.fault(f"this is {advice}")
    if data.startswith(b"PK\x03\x04"):
        return _packed(data)
    text = deck.plain(deck.text_of(data))
    if deck.has_headings(text):
        return Taken(deck.parse(text), [])
    if advice := _foreign(text):
        raise xlsx.fault(f"this is {advice}")
    if aiken.is_aiken(text):
        return aiken.parse(text)
    if gift.is_gift(text):
        return gift.parse(text)
    if rows := table.rows_of(text, headed=deck.has_options(text)):
        return _table(rows)
    return Taken(deck.parse(text), [])


def _packed(data: bytes) -> Taken:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = set(archive.namelist())
    except xlsx.BROKEN:
        raise xlsx.fault("this packed file is damaged") from None
    for name, advice in _PACKED.items():
        if name in names:
            raise xlsx.fault(f"this is {advice}")
    if "xl/workbook.xml" not in names:
        raise xlsx.fault(f"this is a packed file: unpack it first. {_TEXT}")
    return _table(xlsx.rows_of(data))


def _table(rows: list[xlsx.SheetRow]) -> Taken:
    begin = "\n".join(cell for row in rows[:20] for cell in row.cells)
    if not table.has_header(rows) and _MENTIMETER.search(begin):
        raise xlsx.fault(f"this is a spreadsheet of Mentimeter. {_TABLE}")
    if (_KAHOOT_HEADER if table.has_header(rows) else _KAHOOT).search(begin):
        raise xlsx.fault(f"this is a spreadsheet of Kahoot. {_TABLE}: name its columns so, and delete the others")
    return table.parse(rows)


def _foreign(text: str) -> str:
    """Return what a text is that cannot be read, and what to do about it; None if it is nothing known."""
    begin = text.lstrip()
    if begin.startswith("<") and not begin.startswith("<!--"):
        return next((advice for pattern, advice in _MARKUP if pattern.search(begin[:20_000])), "")
    if begin[:1] in ("{", "["):
        try:
            json.loads(text)
            return f"JSON. {_TEXT}"
        except (ValueError, RecursionError):
            pass
    if _is_amc(text):
        return _AMC_SAID
    return ""


def _is_amc(text: str) -> bool:
    """Return whether this is AMC: the first thing that is neither a comment nor an option of AMC is a question with a
    star, and an answer with + stands beside one with -, which no list of a deck has."""
    lines = [line for line in text.split("\n") if line.strip() and not re.match(r"#(?!#)", line)]
    while lines and _AMC_OPTION.fullmatch(lines[0]):
        del lines[0]
    if not lines or not re.match(r"\*{1,2}(?![*\s]*$)", lines[0]):
        return False
    return any({one[:1], other[:1]} == {"+", "-"} for one, other in pairwise(lines))
