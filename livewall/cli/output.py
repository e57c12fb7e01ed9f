"""What is printed: JSON when asked for, a table on a terminal, lines of tab-separated fields in a pipe."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click

from livewall.terminal import one_line, visible_json


def terminal() -> bool:
    """Whether a person reads what is printed."""
    return sys.stdout.isatty()


def this_command() -> str:
    """How this program was started, for a command that somebody is to type: `livewall`, where the shell finds it."""
    started = sys.argv[0]
    name = os.path.basename(started)
    if name == "__main__.py":
        return f"{shlex.quote(sys.orig_argv[0])} -m livewall"
    found = shutil.which(name)
    return name if found and os.path.realpath(found) == os.path.realpath(started) else shlex.quote(started)


def as_json(value: Any) -> None:
    click.echo(json_text(value, indent=2 if terminal() else None))


def json_text(value: Any, *, indent: int | None = None, separators: tuple[str, str] | None = None) -> str:
    """Return `value` as JSON in which no text of others can steer a terminal."""
    return visible_json(json.dumps(value, ensure_ascii=False, indent=indent, separators=separators))


def heading(text: str) -> None:
    click.secho(plain(text), bold=True)


def plain(text: str) -> str:
    """Return text of others on one line, its control characters as escapes."""
    return one_line(text)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str) -> None:
    """In a pipe there is no heading, and no row when there are none."""
    cells = [["" if cell is None else plain(str(cell)) for cell in row] for row in rows]
    if not terminal():
        for row in cells:
            click.echo("\t".join(row))
        return
    if not cells:
        click.echo(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in cells:
        shown.add_row(*[Text(cell) for cell in row])
    Console().print(shown)


def bar(part: int, whole: int, width: int = 30) -> str:
    """A bar of block characters in eighths; empty when there is nothing to compare."""
    eighths = round(part * width * 8 / whole) if whole else 0
    full, rest = divmod(eighths, 8)
    return "█" * full + (" ▏▎▍▌▋▊▉"[rest].strip() if rest else "")
