"""The lines of a log and what a search finds in it, as they are sent on the wire. UNSET fields are left out there."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType


class LogLine(Struct):
    """A line of a log, or a `gap` of so many bytes in place of lines that are not kept. A line that was `cut` has its
    full `size`. `text` is the line as it was printed. `shown` is what a terminal shows of it in the end, if that
    differs. `spans` are its parts with their styles (`ink1 bold`), if it has any. A line that is `over` was overwritten
    by others."""

    n: int
    offset: int | UnsetType = UNSET
    text: str | UnsetType = UNSET
    at: str | UnsetType = UNSET
    cut: bool | UnsetType = UNSET
    size: int | UnsetType = UNSET
    gap: int | UnsetType = UNSET
    shown: str | UnsetType = UNSET
    spans: list[tuple[str, str]] | UnsetType = UNSET
    over: bool | UnsetType = UNSET


class TextLine(LogLine):
    """A line that is kept."""

    offset: int
    text: str
    at: str
    cut: bool


class LogLines(Struct):
    """Lines of a log, the number of its lines and bytes, and the line at which the next request continues. With
    `redraws`, lines overwrite others, so that their visible text may change while the log grows."""

    items: list[LogLine]
    lines: int
    bytes: int
    next: str | None
    redraws: bool | UnsetType = UNSET


class Match(Struct):
    """A line that matches: its number, the offset of the match, the text around it as it was printed, and the visible
    text (`shown`) if that differs."""

    n: int
    offset: int
    text: str
    shown: str | UnsetType = UNSET


class Matches(Struct):
    """The lines that match, the number of lines with a match, and the line at which the next request continues."""

    items: list[Match]
    count: int
    next: str | None
