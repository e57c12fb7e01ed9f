"""The cells of an Excel workbook (.xlsx), read so that no file can take much memory or time, or show another value.

A workbook is a ZIP of XML. It is unpacked up to a limit, a document type is refused (entities could expand), and
nothing is fetched or computed. A library for workbooks would need guards in the same places, and would turn dates and
formats into values that nobody typed.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple
from xml.parsers import expat

from livewall.voting.decks.reader import DeckFault, Problem

MAX_UNPACKED = 24 << 20
"""The largest number of bytes of all parts of a workbook that are read."""
MAX_ROWS = 5000
MAX_CELLS = 100_000
MAX_COLUMNS = 200
_AS_TYPED = frozenset({"general", "@"})
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_CODED = re.compile("_x([0-9A-Fa-f]{4})_")


class SheetRow(NamedTuple):
    number: int
    cells: list[str]


BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, expat.ExpatError,
    EOFError, KeyError, OSError, OverflowError, RuntimeError, ValueError,
)  # fmt: skip
"""The errors that a damaged or encrypted archive, or a malformed part of one, may raise."""

Begin = Callable[[str, Mapping[str, str]], None]


def rows_of(data: bytes) -> list[SheetRow]:
    """Return the rows of the only sheet that is not empty, without empty rows. Raises DeckFault."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            book = _Book(archive)
            sheets = [(name, rows) for name, part in book.sheets() if (rows := book.rows(part))]
    except BROKEN:
        raise fault("this Excel file is damaged or has a password: save it again without one") from None
    if len(sheets) > 1:
        names = ", ".join(repr(name[:40]) for name, _ in sheets[:5])
        raise fault(f"more than one sheet has something in it ({names}): leave only the one with the questions")
    return sheets[0][1] if sheets else []


def fault(reason: str, line: int = 1) -> DeckFault:
    return DeckFault([Problem(line, reason)])


class _Book:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._texts: list[str] | None = None
        self._typed: list[bool] | None = None
        self._cells = 0
        self._room = MAX_UNPACKED

    def sheets(self) -> list[tuple[str, str]]:
        """Return the names of the sheets and the parts that hold them."""
        targets, sheets = dict[str, str](), list[tuple[str, str]]()

        def target(name: str, given: Mapping[str, str]) -> None:
            if name == "Relationship":
                path = given["Target"]
                targets[given["Id"]] = posixpath.normpath(posixpath.join("/xl", path)).lstrip("/")

        def sheet(name: str, given: Mapping[str, str]) -> None:
            if name == "sheet":
                relation = next(value for key, value in given.items() if key.endswith("relationships id"))
                sheets.append((given["name"], targets[relation]))

        self._read("xl/_rels/workbook.xml.rels", target)
        try:
            self._read("xl/workbook.xml", sheet)
        except StopIteration:
            raise KeyError("sheet") from None
        return [(name, part) for name, part in sheets if part.startswith("xl/worksheets/")]

    def rows(self, part: str) -> list[SheetRow]:
        rows: list[SheetRow] = []
        cell: dict[str, str] = {}
        value: list[str] = []
        state = {"row": 0, "hidden": 0, "column": 0, "value": 0, "phonetic": 0}

        def begin(name: str, given: Mapping[str, str]) -> None:
            if name == "row":
                state["row"] = int(given.get("r") or state["row"] + 1)
                state["column"] = 0
                state["hidden"] = given.get("hidden") in ("1", "true")
            elif name == "c":
                cell.clear()
                cell.update(given)
                value.clear()
                if match := _REFERENCE.fullmatch(given.get("r", "")):
                    state["column"] = _column(match[1])
                else:
                    state["column"] += 1
            elif name == "rPh":
                state["phonetic"] = 1
            elif name in ("v", "t"):
                state["value"] = not state["phonetic"]

        def end(name: str) -> None:
            if name in ("v", "t"):
                state["value"] = 0
            elif name == "rPh":
                state["phonetic"] = 0
            elif name == "c" and value:
                if not rows or rows[-1].number != state["row"]:
                    rows.append(SheetRow(state["row"], []))
                if state["hidden"]:
                    raise fault("this row is hidden: show it or delete it", state["row"])
                self._cells += 1
                if len(rows) > MAX_ROWS or self._cells > MAX_CELLS or state["column"] > MAX_COLUMNS:
                    raise fault("this sheet is too large for questions", state["row"])
                cells = rows[-1].cells
                cells.extend([""] * (state["column"] - len(cells)))
                cells[state["column"] - 1] = self._shown(cell, "".join(value), state["row"])

        def text(data: str) -> None:
            if state["value"]:
                value.append(data)

        self._read(part, begin, end, text)
        return [row for row in rows if any(each.strip() for each in row.cells)]

    def _shown(self, cell: Mapping[str, str], value: str, line: int) -> str:
        """Return what a cell shows. Raises DeckFault if that depends on a number format."""
        match cell.get("t", "n"):
            case "s":
                texts = self._shared()
                if not value.isdecimal() or int(value) >= len(texts):
                    raise KeyError(value)
                return texts[int(value)]
            case "str" | "inlineStr":
                return _decoded(value)
            case "b":
                return "TRUE" if value.strip() == "1" else "FALSE"
            case "n" if self._as_typed(cell.get("s", "0")):
                try:
                    return f"{float(value):.15g}"
                except ValueError:
                    raise KeyError(value) from None
            case "n" | "d":
                why = "a date, a percentage or a number that is not shown as it is stored"
                raise fault(f"cell {cell.get('r', '')} holds {why}: set its format to Text and type it again", line)
            case _:
                raise fault(f"cell {cell.get('r', '')} holds an error of a formula", line)

    def _shared(self) -> list[str]:
        if self._texts is None:
            self._texts = _SharedTexts().of(self._read) if "xl/sharedStrings.xml" in self._archive.namelist() else []
        return self._texts

    def _as_typed(self, style: str) -> bool:
        """Return whether a cell of this style shows its number as it is."""
        if self._typed is None:
            self._typed = self._styles() if "xl/styles.xml" in self._archive.namelist() else []
        if not style.isdecimal() or int(style) >= len(self._typed):
            return style == "0"
        return self._typed[int(style)]

    def _styles(self) -> list[bool]:
        own, typed, inside = dict[str, str](), list[bool](), [False]

        def begin(name: str, given: Mapping[str, str]) -> None:
            if name == "numFmt":
                own[given["numFmtId"]] = given["formatCode"]
            elif name == "cellXfs":
                inside[0] = True
            elif name == "xf" and inside[0]:
                number_format = given.get("numFmtId", "0")
                typed.append(number_format in ("0", "49") or own.get(number_format, "").lower() in _AS_TYPED)

        def end(name: str) -> None:
            if name == "cellXfs":
                inside[0] = False

        self._read("xl/styles.xml", begin, end)
        return typed

    def _read(
        self,
        part: str,
        begin: Begin,
        end: Callable[[str], None] = lambda name: None,
        text: Callable[[str], None] = lambda data: None,
    ) -> None:
        """Walk over one part. Raises DeckFault if it is too large or defines a document type; ExpatError."""
        with self._archive.open(part) as opened:
            content = opened.read(self._room + 1)
        self._room -= len(content)
        if self._room < 0:
            raise fault("this Excel file is too large when it is unpacked")
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True

        def doctype(*_: object) -> None:
            raise fault("this Excel file defines entities, as no program that writes workbooks does")

        parser.StartDoctypeDeclHandler = doctype
        parser.EntityDeclHandler = doctype
        parser.StartElementHandler = lambda name, given: begin(name.rpartition(" ")[2], given)
        parser.EndElementHandler = lambda name: end(name.rpartition(" ")[2])
        parser.CharacterDataHandler = text
        parser.Parse(content, True)


class _SharedTexts:
    """The shared texts, which cells name by their number."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._parts: list[str] = []
        self._inside = self._phonetic = False

    def of(self, read: Callable[..., None]) -> list[str]:
        read("xl/sharedStrings.xml", self._begin, self._end, self._text)
        return self._texts

    def _begin(self, name: str, given: Mapping[str, str]) -> None:
        if name == "si":
            self._parts.clear()
        self._phonetic = self._phonetic or name == "rPh"
        self._inside = name == "t" and not self._phonetic

    def _end(self, name: str) -> None:
        if name == "si":
            self._texts.append(_decoded("".join(self._parts)))
        elif name == "rPh":
            self._phonetic = False
        self._inside = False

    def _text(self, data: str) -> None:
        if self._inside:
            self._parts.append(data)


def _column(letters: str) -> int:
    """Return the place of a column, from 1."""
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return column


def _decoded(text: str) -> str:
    """Decode `_x000D_` and the like, which stand for characters that XML cannot hold."""
    return _CODED.sub(lambda found: chr(int(found[1], 16)), text).replace("\r\n", "\n")
