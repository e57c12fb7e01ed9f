"""Output: JSON on request, a table on a terminal, lines of tab-separated fields in a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from livewall.atomic_file import ORDINARY, write_whole
from livewall.terminal import one_line, visible_json


def terminal() -> bool:
    """Return whether the output goes to a terminal."""
    return sys.stdout.isatty()


def as_json(value: Any) -> None:
    click.echo(json_document(value), nl=False)


def json_text(value: Any, *, indent: int | None = None, separators: tuple[str, str] | None = None) -> str:
    """Return `value` as JSON without control characters that could affect a terminal."""
    return visible_json(json.dumps(value, ensure_ascii=False, indent=indent, separators=separators))


def json_document(value: Any) -> bytes:
    """Return what `as_json` prints."""
    return (json_text(value, indent=2 if terminal() else None) + "\n").encode()


def document(content: bytes, into: Path | None) -> None:
    """Print a document, or write it to the file `into`, which appears only when it is complete."""
    if into is None or str(into) == "-":
        return click.echo(content, nl=False)
    try:
        write_whole(into, content, mode=ORDINARY)
    except BrokenPipeError:
        raise  # the reader is gone, which `run` handles
    except OSError as problem:
        from livewall.cli.exit_status import REFUSED, stop
        from livewall.client.calls import reason

        stop(REFUSED, f"{into} cannot be written: {reason(problem)}.")


def when(at: Any) -> str:
    """Return a time of the server: on a terminal in the local time zone, with its name; in a pipe unchanged, in UTC."""
    if not isinstance(at, str) or not terminal():
        return "" if at is None else str(at)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return at
    local = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"


def heading(text: str) -> None:
    click.secho(plain(text), bold=True)


def plain(text: str) -> str:
    """Return text on one line, with control characters escaped."""
    return one_line(text)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str) -> None:
    """Print a table, or `empty` if it has no rows. In a pipe, only the rows are printed, without a heading."""
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

    rich_table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        rich_table.add_column(column, overflow="fold")
    for row in cells:
        rich_table.add_row(*[Text(cell) for cell in row])
    Console().print(rich_table)


def bar(part: int, total: int, width: int = 30) -> str:
    """Return a bar of block characters in eighths; empty if `total` is 0."""
    eighths = round(part * width * 8 / total) if total else 0
    full, remainder = divmod(eighths, 8)
    return "█" * full + (" ▏▎▍▌▋▊▉"[remainder].strip() if remainder else "")
