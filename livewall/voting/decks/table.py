"""Questions as a table: a row for each question, with columns that the first row names; from CSV text or a workbook."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from livewall.visible_text import skeleton
from livewall.voting.decks import deck_settings
from livewall.voting.decks.drafts import RIGHT_ANSWERS, Drafts, Taken
from livewall.voting.decks.reader import fault as refusal
from livewall.voting.decks.xlsx import SheetRow, fault
from livewall.voting.kinds import ONE, SEVERAL, marking

_QUESTION = frozenset(
    {"question", "questions", "question text", "question title", "title", "poll"}
    | {"frage", "fragen", "fragetext", "pregunta", "domanda", "问题", "题目"}
)
_OPTION = re.compile(
    r"(?:(?:(?:answer |response )?(?:option|choice|answer|alternative)|antwort(?:möglichkeit)?|auswahl|opci[óo]n"
    r"|respuesta|r[ée]ponse|risposta|opzione|选项|答案)(?: ?text)?[ _.-]*(?:[0-9]{1,2}|[a-z])?|[a-j])"
)
_LISTED = frozenset(
    {"options", "choices", "answers", "answer options", "antworten", "antwortmöglichkeiten", "opciones", "réponses"}
)
_RIGHT = re.compile(
    r"(?:correct|right|richtige?|korrekte?|bonne|correcta|respuesta correcta|risposta corretta|正确|lösung|losung"
    r"|solution|answer key|key|points|score|punkte|feedback|explanation|answer explanation|erklärung"
    r"|rationale|hint)\b.*|(?:the )?(?:correct|right) .*|正确答案"
)
_ALONE = frozenset({"answer", "antwort", "答案", "respuesta", "réponse", "reponse", "risposta"})
_DELIMITERS = "\t;,"
_SEPARATORS = ("\n", "|", ";")
_TYPE = frozenset({"type", "question type", "slide type", "typ", "fragetyp", "题型"})
_CHOICE = frozenset(
    {"multiple choice", "multiple-choice", "single choice", "single-choice", "mc", "choice", "quiz", "poll", "single"}
    | {"select answer", "单选", "单选题"}
)
_SEVERAL = frozenset(
    {"checkbox", "checkboxes", "multi select", "multiple select", "multi", "several", "多选", "多选题"}
)
_TIME = re.compile(r"time limit|time in seconds|time|seconds|duration|zeit.*|时间")
TIME = "time limits are not imported: set one when you open a poll, or in a column Closes in"
OTHERS = "of a spreadsheet from Kahoot, Mentimeter, Quizizz or the like, keep only the questions and options"
HOW = "name the columns in the first row: Question, Option 1, Option 2, …"


class _Columns(NamedTuple):
    question: int
    options: list[int]
    listed: int | None
    settings: dict[int, str]
    dropped: list[int]
    kind: int | None
    times: list[int]


def rows_of(text: str, *, headed: bool) -> list[SheetRow] | None:
    """Return the rows of CSV text, each with its first line, whichever sign separates its cells; None if it is not a
    table. With `headed`, only the first row can tell that it is one.

    Raises DeckFault if there are two ways to read it.
    """
    given = re.match(r"\s*sep=(.)\n", text)
    if given:
        rows = _parted(text[given.end() :], given[1], text[: given.end()].count("\n"))
        if rows is None:
            raise fault("a quoted cell has no end, or is followed by text")
        return rows
    named, plain = [], []
    for delimiter in _DELIMITERS:
        rows = _parted(text, delimiter, 0)
        if not rows:
            continue
        if _is_header(rows[0].cells):
            named.append(rows)
        elif not headed and all(len([cell for cell in row.cells if cell.strip()]) >= 3 for row in rows):
            plain.append(rows)
    if named:
        return named[0]
    if len(plain) > 1:
        raise fault(f"commas or semicolons may separate the cells here: {HOW}")
    return plain[0] if plain else None


def _parted(text: str, delimiter: str, skipped: int) -> list[SheetRow] | None:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    rows, begun = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(SheetRow(begun + skipped, cells))
            begun = reader.line_num + 1
    except csv.Error:
        return None
    return rows


def _plain(name: str) -> str:
    """Return a heading in lower case, without a hint after it such as `- max 120 characters` or `(optional)`."""
    return re.split(r"\s+-\s+|\s*[(\[*:]", skeleton(name), maxsplit=1)[0].strip()


def _is_header(cells: Sequence[str]) -> bool:
    names = [_plain(cell) for cell in cells]
    return any(name in _QUESTION for name in names) and any(
        name in _LISTED or _OPTION.fullmatch(name) or _RIGHT.fullmatch(name) for name in names
    )


def has_header(rows: Sequence[SheetRow]) -> bool:
    """Return whether the first row names the columns."""
    return bool(rows) and _is_header(rows[0].cells)


def parse(rows: Sequence[SheetRow]) -> Taken:
    """Return the drafts of the questions in a table. Raises DeckFault."""
    drafts = Drafts()
    if not rows:
        return drafts.taken()
    first, *other_rows = rows
    if _is_header(first.cells):
        columns = _columns(drafts, first, other_rows)
    elif "?" in first.cells[0] or "？" in first.cells[0]:
        width = max(len(row.cells) for row in rows)
        columns, other_rows = _Columns(0, list(range(1, width)), None, {}, [], None, []), list(rows)
    else:
        raise fault(f"the first row does not say what the columns are: {HOW}; {OTHERS}", first.number)
    if columns is None:
        return drafts.taken()
    if len(columns.options) == 1 and columns.listed is None:
        _grouped(drafts, columns, other_rows)
    else:
        for row in other_rows:
            _question(drafts, columns, row)
    return drafts.taken()


def _columns(drafts: Drafts, header: SheetRow, rows: Sequence[SheetRow]) -> _Columns | None:
    question, listed, kind = None, None, None
    times: list[int] = []
    options, alone, dropped, strange = list[int](), list[int](), list[int](), list[str]()
    settings: dict[int, str] = {}
    for column, cell in enumerate(header.cells):
        name = _plain(cell)
        if not cell.strip():
            continue
        if name in _QUESTION and question is None:
            question = column
        elif name in _ALONE:
            alone.append(column)
        elif name in _LISTED:
            listed = column
        elif _RIGHT.fullmatch(name):
            dropped.append(column)
        elif _OPTION.fullmatch(name):
            options.append(column)
        elif deck_settings.named(name):
            settings[column] = name
        elif name in _TYPE:
            kind = column
        elif _TIME.fullmatch(name):
            times.append(column)
        elif any(_cell(row, column) for row in rows):
            strange.append(cell.strip()[:60])
    if options and listed is not None and _plain(header.cells[listed]) == "choices":
        settings[listed], listed = "choices", None  # how many options may be chosen
    if len(alone) > 1 or (alone and not options and listed is None):
        options = sorted([*options, *alone])
    else:
        dropped += alone  # beside the options, this column says which of them is right
    for name in strange:
        drafts.wrong(header.number, f"the column {name!r} has no place in a poll: delete it; {OTHERS}")
    if not options and listed is None:
        drafts.wrong(header.number, f"no column holds the options: {HOW}")
    if options and listed is not None:
        drafts.wrong(header.number, "the options are in one column and also in several: keep one of the two forms")
    if question is None or strange or (not options and listed is None) or (options and listed is not None):
        return None
    return _Columns(question, options, listed, settings, dropped, kind, times)


def _cell(row: SheetRow, column: int) -> str:
    return row.cells[column].strip() if column < len(row.cells) else ""


def _question(drafts: Drafts, columns: _Columns, row: SheetRow) -> None:
    known = {columns.question, *columns.options, *columns.settings, *columns.dropped, *columns.times}
    for column, cell in enumerate(row.cells):
        if column not in known | {columns.listed, columns.kind} and cell.strip():
            return drafts.wrong(row.number, f"{cell.strip()[:60]!r} is in a column without a name")
    _note(drafts, columns, row)
    labels = [label for column in columns.options if (label := _cell(row, column))]
    if columns.listed is not None:
        labels = _split(_cell(row, columns.listed))
    options = [(row.number, label) for label in labels]
    drafts.add(row.number, _cell(row, columns.question), options, **_settings(drafts, columns, row, len(options)))


def _note(drafts: Drafts, columns: _Columns, row: SheetRow) -> None:
    if any(_cell(row, column) for column in columns.dropped):
        drafts.note(RIGHT_ANSWERS)
    if any(_cell(row, column) for column in columns.times):
        drafts.note(TIME)


def _split(cell: str) -> list[str]:
    """Return the options in one cell, split at the first of its separators."""
    separator = next((each for each in _SEPARATORS if each in cell), None)
    return [label for each in cell.split(separator) if (label := each.strip())] if separator else [cell] if cell else []


def _settings(drafts: Drafts, columns: _Columns, row: SheetRow, options: int) -> dict[str, Any]:
    given: dict[str, Any] = {}
    kind = skeleton(_cell(row, columns.kind)) if columns.kind is not None else ""
    if kind in _SEVERAL:
        given = {"kind": SEVERAL, "max_choices": None}
    elif kind and kind not in _CHOICE:
        drafts.wrong(row.number, f"a question of the type {kind[:60]!r} has nothing to choose from: delete the row")
    for column, name in columns.settings.items():
        if not (value := _cell(row, column)):
            continue
        try:
            fields = deck_settings.fields(name, value)
        except ValueError as taken:
            drafts.wrong(row.number, f"{name}: must be {taken}; not {value[:60]!r}")
            continue
        for field, each in fields.items():
            if each is not None and (why := refusal({field: each})):
                drafts.wrong(row.number, f"{name}: {why}")
        given |= fields
    kind = given.get("kind", ONE)
    most = given.get("max_choices", 1 if kind == ONE else None)
    if most is None or most > 1:
        given |= marking(most, options) | ({} if kind == ONE else {"kind": kind})
    if given.get("max_choices", 1) > options > 0:
        drafts.wrong(row.number, f"choices: there are only {options} options")
    return given


def _grouped(drafts: Drafts, columns: _Columns, rows: Sequence[SheetRow]) -> None:
    """Read a table with a row for each option: the question is in each of its rows, or in the first."""
    option_column = columns.options[0]
    groups: list[list[SheetRow]] = []
    title = ""
    for row in rows:
        question = _cell(row, columns.question)
        if question and (question != title or not groups):
            groups.append([])
            title = question
        if not groups:
            drafts.wrong(row.number, "an option belongs below a question, but there is none above")
            continue
        groups[-1].append(row)
    for group in groups:
        labels = [(row.number, label) for row in group if (label := _cell(row, option_column))]
        for row in group:
            _note(drafts, columns, row)
        first = group[0]
        drafts.add(
            first.number, _cell(first, columns.question), labels, **_settings(drafts, columns, first, len(labels))
        )
