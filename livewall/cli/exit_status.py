"""Exit statuses: 0 done, 1 refused, 2 usage, 3 server not reached; and the messages on standard error."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from livewall.client.calls import NotReached, Refusal, Unclear
from livewall.terminal import one_line

T = TypeVar("T")

REFUSED, USAGE, NOT_REACHED, INTERRUPTED = 1, 2, 3, 130

SECRET_FOLDER = "livewall.looked_in"


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine and return its result. Errors of the client end the program with a message and a status."""
    try:
        return asyncio.run(work)
    except Refusal as problem:
        stop(REFUSED, refusal_text(problem))
    except Unclear as problem:
        stop(NOT_REACHED, f"{problem} The request may have been carried out; check before you repeat it.")
    except NotReached as problem:
        stop(NOT_REACHED, f"{problem} Is the server running? Give its address with --url or LIVEWALL_URL.")
    except KeyboardInterrupt:
        stop(INTERRUPTED, "")
    except BrokenPipeError:
        # The reader of the output is gone. Python would fail again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def stop(status: int, message: str) -> NoReturn:
    if message:
        say(message)
    sys.exit(status)


def say(message: str) -> None:
    """Print a message to standard error, with control characters escaped: it may quote other people's text."""
    click.echo(f"livewall: {one_line(message)}", err=True)


def remember_secret_folder(folder: Path | None) -> None:
    """Remember where the secret of the server was looked for, for messages about it."""
    click.get_current_context().meta[SECRET_FOLDER] = folder


def token_advice(code: str) -> str:
    context = click.get_current_context(silent=True)
    folder: Path | None = context.meta.get(SECRET_FOLDER) if context else None
    token = "a token with --token or LIVEWALL_TOKEN"
    which = "give the server's data folder with --data or LIVEWALL_DATA"
    if code == "bad_token":
        if folder:
            return f"The secret in {folder} is not that of this server: {which}, or give {token}."
        return "The admin can make a new one."
    if folder is None:
        return f"Give {token}, or, on the server's machine, --data."
    return f"{folder} has no server's secret that you may read: {which}, or give {token}."


def refusal_text(problem: Refusal) -> str:
    """Return the message of a refusal, with advice on what to do."""
    advice = {
        "unauthenticated": token_advice("unauthenticated"),
        "bad_token": token_advice("bad_token"),
        "forbidden": "Your token does not allow this.",
        "no_such_poll": "Give a poll's id, or the code of a wall that shows one.",
        "bad_code": "Give the code you were handed with --code.",
        "rate": "There were too many requests at once; try again in a moment.",
        "unavailable": "Try again in a moment.",
        "draining": "The server is restarting; try again in a moment.",
    }.get(problem.code, "")
    message = problem.message.strip()
    if message and message[-1] not in ".!?":
        message += "."
    details = [text for name, text in problem.fields.items() if text not in message]
    if message.partition(" ")[0].isalpha():  # not the name of a file or an id
        message = message[:1].upper() + message[1:]
    return " ".join(filter(None, [message, *details, advice, f"({problem.code})"]))
