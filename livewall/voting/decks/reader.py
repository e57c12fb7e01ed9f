"""The reader of decks: lines become questions, questions become polls, and problems are reported with their lines."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from typing import Any, NamedTuple

import msgspec

from livewall.errors import BadInput
from livewall.visible_text import alike, readable, shows
from livewall.voting.decks import deck_settings
from livewall.voting.decks.deck_settings import named
from livewall.voting.decks.lines import Kind, Line, assignment_of, has_checkbox, lines_of, marks_of, read
from livewall.voting.kinds import check_kind, marking
from livewall.voting.poll import new_poll
from livewall.wire import OptionIn, PollIn, refused

MAX_POLLS = 500
MAX_OPTIONS = 40
NESTED = 2
"""The number of spaces that tell a question from the options below it, where both have marks."""
LOOKS_ALIKE = "use other words, or give each an id of its own, such as {#a} and {#b}"
_NOT_SHOWN = re.compile(
    r"(?:(?:the )?(?:correct|right) answers?|answers?|correct|right|key|solution|explanation|feedback|rationale|points"
    r"|speaker notes?|antwort|l[öo]sung|richtig|erkl[äa]rung|(?:正确)?答案|解析)\s*[:：=]",
    re.IGNORECASE,
)
"""Marks of correct answers in files of questions, which the audience must not read."""
_REFERENCE = re.compile(r"\[[^\]]{0,80}\]:(?:\s|\Z)")
"""Parts that Markdown does not show: the target of a link, and a link that some write as a comment."""
MAX_PROBLEMS = 100
"""The largest number of problems that are reported for one deck."""


class Problem(NamedTuple):
    line: int
    reason: str


class DeckFault(BadInput):
    """A deck that cannot be imported, with all its `problems` in the order of their lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.line)
        fields: dict[str, str] = {}
        for line, reason in self.problems:
            name = f"line {line}"
            fields[name] = f"{fields[name]}; {reason}" if name in fields else reason
        first, more = self.problems[0], len(self.problems) - 1
        message = f"line {first.line}: {first.reason}{f' (and {more} more)' if more else ''}"
        super().__init__("invalid", message, fields=fields)


class _Full(Exception):
    """Raised when no further problem is reported."""


class _Option(NamedTuple):
    """An option: the fields of its `Line`, and the lines that continue it."""

    number: int
    indent: int
    kind: Kind
    name: str
    lines: list[Sequence[str]]


class _Question:
    """A question as far as it has been read. A plain one has no `#` and level 0."""

    def __init__(self, line: Line) -> None:
        self.number = line.number
        self.level = line.level
        self.lines: list[Sequence[str]] = [line.pieces]
        self.options: list[_Option] = []
        self.settings: dict[str, tuple[Any, int]] = {}
        self.too_many = False
        self.doubtful: Line | None = None
        """The line of a setting, after which an option cannot belong to this question; it may be a question itself."""


class Reader:
    def __init__(self) -> None:
        self._polls: list[PollIn] = []
        self._problems: list[Problem] = []
        self._open: _Question | None = None
        self._lost = False
        """Whether the lines that follow belong to a question that is missing, which was reported."""
        self._titled = False
        self._count = 0

    def polls_of(self, text: str) -> list[PollIn]:
        before: Line | None = None
        try:
            for line, after in pairwise(chain(lines_of(text, named), (None,))):
                assert line is not None
                self._take(line, before if not line.apart else None, after)
                before = line
            self._close()
            if not self._count and not self._problems:
                self._wrong(1, "there is no question here: write `## ` and the question, then `- ` before each option")
        except _Full:
            pass
        if self._problems:
            raise DeckFault(self._problems)
        return self._polls

    def _wrong(self, line: int, reason: str) -> None:
        self._problems.append(Problem(line, reason))
        if len(self._problems) >= MAX_PROBLEMS:
            raise _Full

    # -- line by line

    def _take(self, line: Line, before: Line | None, after: Line | None) -> None:
        """Take a line. `before` is the line above, unless a blank line separates them; `after` is the next one."""
        match line.kind:
            case Kind.HEADING:
                self._begin(line)
            case Kind.OPTION if after is not None and self._asks(line, after):
                self._begin(line)
            case Kind.OPTION:
                self._option(line)
            case Kind.SETTING:
                self._setting(line)
            case Kind.TEXT:
                self._text(line, before.kind if before else Kind.BLANK, after)
            case Kind.FENCE:
                self._wrong(line.number, "a deck cannot contain a block of code; this one was not read")
            case Kind.COMMENT:
                self._wrong(line.number, line.pieces[0])

    def _begin(self, line: Line) -> None:
        self._close()
        self._open, self._lost = _Question(line), False

    def _asks(self, line: Line, after: Line) -> bool:
        """Return whether a line that begins like an option is a question: it has options below it, and is not one of
        several options itself."""
        first = self._open.options[0] if self._open and self._open.options else None
        return _is_below(line, after) and (first is None or _is_below(line, first))

    def _astray(self, line: Line, why: str) -> None:
        """Report a line that belongs to no question; only the first of several is reported."""
        if not self._lost:
            self._wrong(line.number, f"{why}: write `## ` before a question")
            self._lost = True

    def _option(self, line: Line) -> None:
        if self._open is None:
            return self._astray(line, "an option belongs below a question, but there is none above")
        if doubtful := self._open.doubtful:
            if not self._lost:
                why = f"{doubtful.name}: this may be a setting of the question above or a question itself"
                self._wrong(doubtful.number, f"{why}: write `## ` before a question, and settings below all options")
            self._lost = True
            return
        first = self._open.options[0] if self._open.options else None
        if first and (line.name != first.name or abs(line.indent - first.indent) >= NESTED):
            return self._astray(line, "this begins differently from the options above it")
        self._lost = False
        if len(self._open.options) < MAX_OPTIONS:
            self._open.options.append(_Option(line.number, line.indent, line.kind, line.name, [line.pieces]))
        elif not self._open.too_many:
            self._open.too_many = True
            self._wrong(line.number, f"a poll has at most {MAX_OPTIONS} options")

    def _setting(self, line: Line) -> None:
        question = self._open
        if question is None:
            return self._astray(line, f"the setting {line.name!r} belongs below a question, but there is none above")
        if question.options or (question.level == 0 and line.apart):
            question.doubtful = question.doubtful or line
        try:
            given = deck_settings.fields(line.name, line.pieces[0])
        except ValueError as taken:
            return self._wrong(line.number, f"{line.name}: must be {taken}; not {_short(line.pieces[0])}")
        for field, value in given.items():
            if field in question.settings:
                self._wrong(line.number, f"{line.name}: line {question.settings[field][1]} sets this already")
            elif value is not None and (why := fault({field: value})):
                self._wrong(line.number, f"{line.name}: {why}")
            question.settings.setdefault(field, (value, line.number))

    def _text(self, line: Line, before: Kind, after: Line | None) -> None:
        question = self._open
        if _REFERENCE.match(line.pieces[0]):
            return self._wrong(line.number, "this would be shown: write <!-- before a note and --> after it")
        asks = before is Kind.BLANK and after is not None and after.kind is Kind.OPTION
        if question is not None and not asks and _NOT_SHOWN.match(line.pieces[0]):
            why = "this would be shown, and seems to reveal the correct answer: delete the line"
            return self._wrong(line.number, why)
        if question is None or (question.level == 1 and self._is_title(question)):
            return self._begin(line)
        if question.options:
            last = question.options[-1]
            below, deeper = before in (Kind.OPTION, Kind.TEXT), line.indent > last.indent
            if before is not Kind.BLANK and not deeper and (name := _assigned(line)):
                unknown = f"there is no setting {name!r}; indent a line that continues the option above"
                self._wrong(line.number, _suggestion(name) or unknown)
            elif below and not deeper and after is not None and _asks_something(line, after):
                self._wrong(
                    line.number,
                    "this may be a question or the rest of the option above: put a blank line before a question, and "
                    "indent what continues an option",
                )
            elif below:
                last.lines.append(line.pieces)
            else:
                self._begin(line)
        elif question.level == 0 and before is Kind.TEXT and not _suggestion(_assigned(line)):
            question.lines.append(line.pieces)
        elif question.level == 0 and before is not Kind.TEXT and not question.settings:
            self._begin(line)
        else:
            why = _suggestion(_assigned(line)) or "this is neither an option (`- ` before it) nor a setting"
            self._wrong(line.number, why)

    def _is_title(self, question: _Question) -> bool:
        """Return whether a question may be the title of the deck instead."""
        first = not (self._count or self._problems or self._titled)
        return first and question.level == 1 and not question.options and not question.settings

    # -- question by question

    def _close(self) -> None:
        question, self._open = self._open, None
        if question is None:
            return
        if self._is_title(question):
            self._titled = True
            return
        self._count += 1
        if self._count > MAX_POLLS:
            self._wrong(question.number, f"a deck has at most {MAX_POLLS} polls")
            raise _Full
        if not question.options:
            why = "this has no options: write each on a line of its own below it, `- ` before it"
            self._wrong(question.number, why)
            return
        known = len(self._problems)
        title, options, settings = self._title(question), self._options(question), _settings(question)
        self._check_together(question, options, settings)
        if len(self._problems) == known:
            self._polls.append(PollIn(title, options, **settings))

    def _title(self, question: _Question) -> str:
        title = " ".join(map(read, question.lines))
        if why := fault({"title": title}) or unclean(title):
            self._wrong(question.number, f"the question {why}")
        return title

    def _options(self, question: _Question) -> list[str | OptionIn]:
        options: list[str | OptionIn] = []
        taken: dict[str, int] = {}
        for index, option in enumerate(question.options, 1):
            number, last = option.number, option.lines[-1]
            end, marks = marks_of(last[-1])
            if has_checkbox(option.lines[0][0]):
                why = "`[x]` and `[ ]` mark correct answers, which a poll does not have: remove them, or write `\\[`"
                self._wrong(number, why)
            label = " ".join(map(read, [*option.lines[:-1], [*last[:-1], end]])).strip()
            if why := fault({"options": [label]}) or unclean(label):
                self._wrong(number, f"the option {why}")
            ids = [mark[1:] for mark in marks if mark.startswith("#")]
            for option_id in ids:
                if fault({"options": [{"label": "A", "id": option_id}]}):
                    self._wrong(number, f"{_short('#' + option_id)} is not an id: at most 40 letters, digits, . _ -")
            if len(ids) > 1:
                self._wrong(number, "an option has one id")
            own, abstains = ids[0] if ids else str(index), len(marks) > len(ids)
            if own in taken:
                self._wrong(number, f"the option has the id {_short(own)}, like that of line {taken[own]}")
            taken.setdefault(own, number)
            plain = own == str(index) and not abstains
            options.append(label if plain else OptionIn(label, None if own == str(index) else own, abstains))
        labels = [option if isinstance(option, str) else option.label for option in options]
        for places in alike(labels):
            if not shows(labels[places[0]]):
                continue  # which was reported
            first, *others = [question.options[index].number for index in places]
            if not all(_own_id(options[index]) for index in places):
                for other in others:
                    self._wrong(other, f"this option looks like that of line {first}: {LOOKS_ALIKE}")
        return options

    def _check_together(self, question: _Question, options: Sequence[str | OptionIn], settings: dict[str, Any]) -> None:
        """Check the rules between the fields: those of any poll on a wall."""
        valid = {name: value for name, value in settings.items() if not fault({name: value})}
        plain: list[str | OptionIn] = [
            OptionIn(f"{index}", abstain=isinstance(option, OptionIn) and option.abstain)
            for index, option in enumerate(options)
        ]
        try:
            new_poll("", PollIn("?", plain, wall="", **valid))
        except BadInput as error:
            for field, why in error.fields.items():
                self._wrong(question.settings.get(field, (None, question.number))[1], f"{field}: {why}")


def _own_id(option: str | OptionIn) -> bool:
    return isinstance(option, OptionIn) and option.id is not None


def _asks_something(line: Line, after: Line) -> bool:
    """Return whether a line reads like a question for the options that follow it."""
    return after.kind is Kind.OPTION and read(line.pieces).endswith(("?", "？", "؟", ":", "："))


def _is_below(line: Line, other: Line | _Option) -> bool:
    """Return whether an option belongs to a numbered or less indented line above."""
    deeper = other.indent >= line.indent + NESTED
    return other.kind is Kind.OPTION and (deeper or (line.name == "number" and other.name != "number"))


def _settings(question: _Question) -> dict[str, Any]:
    """Return the fields that a question's settings give."""
    values = {name: value for name, (value, _) in question.settings.items()}
    most = values.pop("max_choices", None)
    if most is not None:
        return marking(most, len(question.options)) | values
    if "kind" in values:
        values["max_choices"] = check_kind(values["kind"]).read_form({}, len(question.options)).get("max_choices", 1)
    return values


def fault(fields: dict[str, Any]) -> str:
    """Return the API's objection to these fields, or ""."""
    try:
        msgspec.convert({"title": "?", "options": ["A"]} | fields, PollIn)
    except msgspec.ValidationError as error:
        return next(iter(refused(error, PollIn).fields.values()))
    return ""


def unclean(text: str) -> str:
    try:
        readable(text, "text", lines=True)
    except BadInput as error:
        return error.fields["text"]
    return ""


def _assigned(line: Line) -> str:
    """Return what stands before the colon or the equals sign of a line that may have been meant as a setting, or ""."""
    parts = assignment_of(line.pieces[0])
    return parts[0] if parts else ""


def _suggestion(name: str) -> str:
    """Return the objection to a name that is that of a setting, or nearly so, or ""."""
    plain = deck_settings.plain(name)
    matches = difflib.get_close_matches(plain, deck_settings.NAMES, n=1) if name else []
    if not matches:
        return ""
    if matches[0] == plain:
        return f"a setting has a colon after its name: write `{name}: …`"
    return f"there is no setting {name!r}; did you mean {matches[0]!r}?"


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")
