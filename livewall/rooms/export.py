"""The messages of a room as a file: text for people, CSV for tables, or a line of JSON for each message. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import NamedTuple

from msgspec import UNSET

from livewall import wire
from livewall.rooms.rows import Message, Withdrawn

COLUMNS = ("n", "at", "from", "name", "role", "text", "reply_to", "edited_at", "withdrawn")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a program for tables takes for a formula (OWASP, CSV injection)."""


class Format(NamedTuple):
    media_type: str
    heading: str
    line: Callable[[Message | Withdrawn], str]


def _as_csv(*cells: object) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([f"'{cell}" if str(cell).startswith(_FORMULA) else cell for cell in cells])
    return text.getvalue()


def _csv_line(message: Message | Withdrawn) -> str:
    if isinstance(message, Withdrawn):
        return _as_csv(message.n, message.at, *[""] * 6, message.withdrawn)
    optional = ["" if value is UNSET else value for value in (message.reply_to, message.edited_at)]
    return _as_csv(
        message.n, message.at, message.said_by, message.name, message.role, message.text, *optional, ""
    )  # fmt: skip


def _text_line(message: Message | Withdrawn) -> str:
    if isinstance(message, Withdrawn):
        return f"{message.at}  (withdrawn)\n"
    role = f" [{message.role}]" if message.role else ""
    return f"{message.at}  {message.name}{role}: " + message.text.replace("\n", "\n    ") + "\n"


def _json_line(message: Message | Withdrawn) -> str:
    return wire.text(message) + "\n"


FORMATS = {
    "txt": Format("text/plain", "", _text_line),
    "csv": Format("text/csv", _as_csv(*COLUMNS), _csv_line),
    "jsonl": Format("application/jsonl", "", _json_line),
}
