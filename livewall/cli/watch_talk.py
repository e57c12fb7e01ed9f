"""Rooms, conversations and questions in the live view of `livewall watch`. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from livewall.cli.output import plain
from livewall.client.stream_state import StreamState
from livewall.questions.rules import rank

LAST = 20
"""How many of the newest messages are shown."""


def room_view(held: StreamState) -> RenderableType:
    """Return the view of a room: its newest messages, the newest last."""
    room = held.entries.get("room") or {}
    closed = " (closed)" if room.get("closed") else ""
    messages = sorted(_numbered(held, "message/"), key=lambda message: message["n"])
    rows = _table()
    for message in messages[-LAST:]:
        name = Text(plain(message.get("name", "")), style="bold" if message.get("role") not in ("", "guest") else "")
        text = Text(plain(message["text"])) if "text" in message else Text("withdrawn", style="dim")
        rows.add_row(Text(plain(message["at"][11:16]), style="dim"), name, text)
    return Group(Text(plain(room.get("title", held.stream)) + closed, style="bold"), rows)


def questions_view(held: StreamState) -> RenderableType:
    """Return the view of the questions of a wall, in the order of its screen."""
    info = held.entries.get("questions") or {}
    state = ("moderated" if info.get("moderated") else "open") if info.get("open") else "closed"
    questions = sorted(_numbered(held, "question/"), key=lambda q: rank(q["state"], q["votes"], q["n"]))
    rows = _table()
    for question in questions:
        told = f"▲{question['votes']}" + (f" {question['state']}" if question["state"] != "shown" else "")
        rows.add_row(Text(str(question["n"])), Text(plain(told), style="dim"), Text(plain(question["text"])))
    return Group(Text(f"{held.stream}: {info.get('count', 0)} questions, {state}", style="bold"), rows)


def _numbered(held: StreamState, prefix: str) -> Iterable[Mapping[str, Any]]:
    return [data for key, data in held.entries.items() if key.startswith(prefix) and isinstance(data, dict)]


def _table() -> Table:
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_column(justify="right", no_wrap=True)
    rows.add_column(no_wrap=True, overflow="ellipsis", max_width=24)
    rows.add_column(overflow="fold")
    return rows
