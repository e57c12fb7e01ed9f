"""A screen for lines that draw over themselves and over lines above them.

A screen has rows of cells and a cursor. It is as wide as necessary, lines do not wrap, and the cursor reaches back at
most `REACH` rows; rows above these are complete. **A row has the number of the last line that wrote to it and ended on
it**; other lines that ended on it were drawn over. A row keeps its number if a line redraws it without ending on it, or
only moves past it. Absolute positions, clearing the screen and the alternate screen have no meaning in a log and are
ignored.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from livewall.ansi.escapes import SPECIAL, Kind, Token, tokens
from livewall.ansi.styles import PLAIN, apply_codes

REACH = 100
"""How many rows above its own the cursor can reach. Progress displays are lower than a screen."""
COLUMNS = 1000
"""The cursor is not moved further to the right than this, unless there is text."""
MAX_COLUMNS = 1 << 18
"""Cells of a row; what would stand to the right of them is left out where a line moves its cursor."""
_TAB = 8
_FILL = "\x00"
"""The second cell of a wide character, or a further cell of a tab."""
_FIRST_CLUSTER, _CLUSTERS = 0xD800, 2048
"""A character with combining marks is stored as a surrogate, which does not occur in decoded text."""
_JOINERS = frozenset("\u200c\u200d") | {chr(code) for code in range(0xFE00, 0xFE10)}
_VISIBLE_BLANKS = ("ground", "inverse", "underline", "strike")


class Span(NamedTuple):
    text: str
    style: str


class RenderedRow(NamedTuple):
    """The visible text of a row, and the number of its line."""

    number: int
    spans: list[Span]

    @property
    def text(self) -> str:
        return "".join([span.text for span in self.spans])


def straight(line_tokens: Iterable[Token]) -> list[Span]:
    """Return the spans of a line whose tokens do not move the cursor."""
    spans: list[Span] = []
    style = PLAIN
    for token in line_tokens:
        if token.kind is Kind.STYLE:
            style = apply_codes(style, token.value)
        elif token.kind is Kind.TEXT or token.kind is Kind.SIGN:
            _add(spans, token.value, _sign_style(style) if token.kind is Kind.SIGN else style)
    return spans


def render_line(line: str) -> list[Span]:
    """Return what is visible of a single line without its newline. Vertical movements have no effect."""
    if SPECIAL.search(line) is None:
        return [Span(line, PLAIN)] if line else []
    screen = Screen()
    screen.line(1, line)
    return screen.remaining_rows()[0].spans


def _sign_style(look: str) -> str:
    return f"{look} sign" if look else "sign"


def _add(spans: list[Span], text: str, look: str) -> None:
    if not text:
        return
    if spans and spans[-1].style == look:
        spans[-1] = Span(spans[-1].text + text, look)
    else:
        spans.append(Span(text, look))


class ScreenRow:
    """The cells of a row: one character each in `text`, and the index of its style in `styles`.

    A line without movements is stored as spans until something is drawn over it.
    """

    __slots__ = ("_clusters", "number", "spans", "styles", "text", "writer")

    def __init__(self) -> None:
        self.text = ""
        self.styles = ""
        self.spans: list[Span] | None = None
        self.number: int | None = None
        self.writer = 0
        """The number of the line that wrote to it last."""
        self._clusters: list[str] = []

    @property
    def blank(self) -> bool:
        return not self.text and not self.spans

    def cells(self, text: str, column: int) -> str:
        """Return `text` as cells from `column` on, with combining marks in the cells of their letters."""
        if text.isascii() and "\t" not in text:
            return text
        cells: list[str] = []
        for letter in text:
            if letter == "\t":
                cells.append("\t" + _FILL * (_TAB - 1 - (column + sum(map(len, cells))) % _TAB))
            elif letter in _JOINERS or unicodedata.category(letter) in ("Mn", "Me"):
                if cells:
                    cells[-1] = self._cluster(cells[-1], letter)
                else:
                    cells.append(letter)
            elif unicodedata.east_asian_width(letter) in "WF":
                cells.append(letter + _FILL)
            else:
                cells.append(letter)
        return "".join(cells)

    def _cluster(self, cell: str, mark: str) -> str:
        cluster = self.text_of(cell[0]) + mark
        if cluster in self._clusters:
            index = self._clusters.index(cluster)
        elif len(self._clusters) < _CLUSTERS:
            index = len(self._clusters)
            self._clusters.append(cluster)
        else:
            return cell + mark
        return chr(_FIRST_CLUSTER + index) + cell[1:]

    def text_of(self, text: str) -> str:
        """Return the text of cells."""
        text = text.replace(_FILL, "")
        if not self._clusters:
            return text
        return "".join([self._clusters[ord(c) - _FIRST_CLUSTER] if "\ud800" <= c <= "\udfff" else c for c in text])

    def write(self, column: int, cells: str, style: str) -> None:
        """Overwrite the cells from a column on."""
        end = column + len(cells)
        if column > len(self.text):
            self.extend(column)
        if _FILL in self.text:
            self._split(column)
            self._split(end)
        self.text = self.text[:column] + cells + self.text[end:]
        self.styles = self.styles[:column] + style * len(cells) + self.styles[end:]
        if len(self.text) > MAX_COLUMNS:
            self.cut(MAX_COLUMNS)

    def extend(self, to: int) -> None:
        blank = to - len(self.text)
        self.text += " " * blank
        self.styles += _FIRST_STYLE * blank

    def cut(self, to: int) -> None:
        self._split(to)
        self.text, self.styles = self.text[:to], self.styles[:to]

    def delete(self, column: int, count: int) -> None:
        self._split(column)
        self._split(column + count)
        self.text = self.text[:column] + self.text[column + count :]
        self.styles = self.styles[:column] + self.styles[column + count :]

    def insert(self, column: int, count: int) -> None:
        if column < len(self.text):
            self._split(column)
            self.text = self.text[:column] + " " * count + self.text[column:]
            self.styles = self.styles[:column] + _FIRST_STYLE * count + self.styles[column:]

    def _split(self, column: int) -> None:
        """A wide character that stands on both sides of a column becomes blanks."""
        text = self.text
        if column >= len(text) or text[column] != _FILL:
            return
        start = column
        while start and text[start] == _FILL:
            start -= 1
        end = column
        while end < len(text) and text[end] == _FILL:
            end += 1
        self.text = text[:start] + " " * (end - start) + text[end:]


_FIRST_STYLE = "\x01"


class Screen:
    """Draws lines as they come. `below` says that lines which are not known stand above the first."""

    def __init__(self, *, below: bool = False) -> None:
        self._rows = [ScreenRow() for _ in range(REACH if below else 0)] + [ScreenRow()]
        self._done: list[RenderedRow] = []
        self._y = len(self._rows) - 1
        self._column = 0
        self._style = PLAIN
        self._styles = [PLAIN]
        self._line_start = self._rows[self._y]
        self._saved: tuple[ScreenRow, int] = (self._line_start, 0)

    @property
    def at_bottom(self) -> bool:
        return self._y == len(self._rows) - 1

    def line(self, number: int, text: str, *, ended: bool = True) -> None:
        """Draw a line, or, if not `ended`, a part of one."""
        if not text and not ended:
            return
        row = self._rows[self._y]
        if SPECIAL.search(text) is None:
            if self._is_fresh(row):
                row.spans = [Span(text, PLAIN)] if text else []
                row.writer = number
                self._column = -1 if text else 0
            else:
                self._write(text, self._style, number)
        else:
            self._draw(list(tokens(text)), row, number)
        if ended:
            self._newline(number)

    def numbers(self) -> set[int]:
        """Return the numbers of the lines on the rows that the cursor can still reach."""
        return {row.number or row.writer for row in self._rows}

    def completed_rows(self) -> list[RenderedRow]:
        """Return and forget the rows that the cursor can no longer reach."""
        done, self._done = self._done, []
        return done

    def remaining_rows(self) -> list[RenderedRow]:
        """Return all remaining rows. An unfinished line belongs to the row on which it began."""
        if (
            self._line_start in self._rows
            and self._line_start.writer
            and (self._line_start.number or 0) < self._line_start.writer
        ):
            self._line_start.number = self._line_start.writer
        for row in self._rows:
            self._finish(row)
        self._rows = [ScreenRow()]
        return self.completed_rows()

    # -- parts

    def _is_fresh(self, row: ScreenRow) -> bool:
        return row.blank and row.number is None and self._column == 0 and self._style == PLAIN and self.at_bottom

    def _draw(self, line_tokens: list[Token], row: ScreenRow, number: int) -> None:
        if self._is_fresh(row) and not any(token.kind is Kind.MOVE for token in _without_returns(line_tokens)):
            row.spans = straight(line_tokens)
            row.writer = number
            self._column = 0 if line_tokens[-1].value == "\r" or not row.spans else -1
            self._style = _last_style(line_tokens)
            return
        for token in line_tokens:
            if token.kind is Kind.TEXT:
                self._write(token.value, self._style, number)
            elif token.kind is Kind.SIGN:
                self._write(token.value, _sign_style(self._style), number)
            elif token.kind is Kind.STYLE:
                self._style = apply_codes(self._style, token.value)
            elif token.kind is Kind.MOVE:
                self._move(token.value, token.times, number)

    def _newline(self, number: int) -> None:
        row = self._rows[self._y]
        if row.number is None or row.writer == number:
            row.number = number
        self._y += 1
        if self._y == len(self._rows):
            self._rows.append(ScreenRow())
            if len(self._rows) > REACH + 1:
                self._finish(self._rows.pop(0))
                self._y -= 1
        self._column, self._style = 0, PLAIN
        self._line_start = self._rows[self._y]

    def _finish(self, row: ScreenRow) -> None:
        """Complete a row. If no line ended on it, it belongs to the line that wrote to it, if it has any text."""
        if row.number is None and (row.blank or not row.writer):
            return
        spans = row.spans if row.spans is not None else self._spans(row)
        if row.number is None and not spans:
            return
        self._done.append(RenderedRow(row.number or row.writer, spans))

    def _spans(self, row: ScreenRow) -> list[Span]:
        spans: list[Span] = []
        at = 0
        while at < len(row.text):
            end, style = at + 1, row.styles[at]
            while end < len(row.text) and row.styles[end] == style:
                end += 1
            _add(spans, row.text_of(row.text[at:end]), self._styles[ord(style) - 1])
            at = end
        while spans and not any(name in spans[-1].style for name in _VISIBLE_BLANKS):
            text = spans[-1].text.rstrip(" ")
            if text:
                spans[-1] = Span(text, spans[-1].style)
                break
            spans.pop()
        return spans

    def _touch(self) -> ScreenRow:
        """Return the row of the cursor, converted to cells, with the cursor at a definite column."""
        row = self._rows[self._y]
        if row.spans is not None:
            spans, row.spans = row.spans, None
            for span in spans:
                row.write(len(row.text), row.cells(span.text, len(row.text)), self._index(span.style))
        if self._column < 0:
            self._column = len(row.text)
        return row

    def _index(self, style: str) -> str:
        if style not in self._styles:
            self._styles.append(style)
        return chr(self._styles.index(style) + 1)

    def _write(self, text: str, style: str, number: int) -> None:
        if not text:
            return
        row = self._touch()
        if text[0] == "\t" and self._column < len(row.text):  # over text, a tab only moves the cursor
            while text[:1] == "\t":
                self._column += _TAB - self._column % _TAB
                text = text[1:]
            if not text:
                return
        cells = row.cells(text, self._column)
        row.write(self._column, cells, self._index(style))
        row.writer = number
        self._column += len(cells)

    def _move(self, letter: str, count: int, number: int) -> None:
        if letter == "\r":
            self._column = 0
            return
        if letter in "ABEF":
            self._vertical(letter, count)
            return
        row = self._touch()
        column = self._column
        last_column = max(COLUMNS, len(row.text))
        match letter:
            case "\b" | "D":
                self._column = max(0, column - count)
            case "C":
                self._column = min(last_column, column + count)
            case "G":
                self._column = min(last_column, count - 1)
            case "K":
                row.writer = number
                self._erase(row, count)
            case "J" if count == 0:
                row.cut(column)
                for below in self._rows[self._y + 1 :]:
                    below.spans, below.text, below.styles = None, "", ""
            case "X":
                row.write(column, " " * min(count, max(0, len(row.text) - column)), _FIRST_STYLE)
            case "P":
                row.delete(column, count)
            case "@":
                row.insert(column, min(count, COLUMNS))
            case "s":
                self._saved = row, column
            case "u":
                self._restore()

    def _vertical(self, letter: str, count: int) -> None:
        to = self._y + (count if letter in "BE" else -count)
        if letter in "BE" and self.at_bottom:  # there are no rows below the end of a log
            return
        self._touch()
        self._y = max(0, min(to, len(self._rows) - 1))
        if letter in "EF":
            self._column = 0

    def _erase(self, row: ScreenRow, which: int) -> None:
        column = self._column
        if which == 0:
            row.cut(column)
        elif which == 1:
            row.write(0, " " * min(column + 1, len(row.text)), _FIRST_STYLE)
        elif which == 2:
            row.cut(0)

    def _restore(self) -> None:
        row, column = self._saved
        if row in self._rows:
            self._y, self._column = self._rows.index(row), column


def _without_returns(line_tokens: Sequence[Token]) -> Sequence[Token]:
    """Return the tokens without carriage returns at their end, which draw nothing."""
    end = len(line_tokens)
    while end and line_tokens[end - 1].value == "\r":
        end -= 1
    return line_tokens[:end]


def _last_style(line_tokens: Sequence[Token]) -> str:
    style = PLAIN
    for token in line_tokens:
        if token.kind is Kind.STYLE:
            style = apply_codes(style, token.value)
    return style
