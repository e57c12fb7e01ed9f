"""Confirmation of destructive commands: a question on a terminal, `--yes` elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import click

from livewall.cli import output
from livewall.cli.exit_status import REFUSED, run, stop
from livewall.client.calls import Refusal, Server

F = TypeVar("F", bound=Callable[..., Any])


def yes_option(command: F) -> F:
    return click.option("--yes", is_flag=True, help="Do not ask for confirmation.")(command)


def confirm(question: Callable[[], Coroutine[Any, Any, str]], yes: bool, *, strict: bool = True) -> None:
    """Return if the user confirms; otherwise end the program. `question` is called only if there is a terminal.

    Without a terminal this is a usage error, unless `strict` is off, for commands that scripts could always run.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        if strict:
            raise click.UsageError("There is no terminal to ask for confirmation; give --yes.")
        return
    if not click.confirm(run(question()), err=True):
        stop(REFUSED, "Nothing was done.")


async def title_question(server: Server, path: str, words: str) -> str:
    """Return a question with the title of the object at `path`; an archived one has only its name."""
    try:
        title = str((await server.get(path))["title"])
    except Refusal as problem:
        if problem.status != 404:
            raise
        title = path.rpartition("/")[2]
    return words.format(output.plain(title))
