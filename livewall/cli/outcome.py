"""How a command ends: 0 done, 1 refused, 2 usage, 3 server not reached; the reason in words, on standard error."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

import click

from livewall.client.calls import NotReached, Refusal, Unclear

T = TypeVar("T")

REFUSED, USAGE, NOT_REACHED, INTERRUPTED = 1, 2, 3, 130


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; what stops it becomes an exit status."""
    try:
        return asyncio.run(work)
    except Refusal as problem:
        stop(REFUSED, words(problem))
    except Unclear as problem:
        stop(NOT_REACHED, f"{problem} Whether it was done is not known; look before you repeat it.")
    except NotReached as problem:
        stop(NOT_REACHED, f"{problem} Is the server running? --url or LIVEWALL_URL say where it is.")
    except KeyboardInterrupt:
        stop(INTERRUPTED, "")
    except BrokenPipeError:
        # Who reads us has had enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def stop(status: int, message: str) -> NoReturn:
    if message:
        click.echo(f"livewall: {message}", err=True)
    sys.exit(status)


def words(problem: Refusal) -> str:
    """What the server said, and what to do about it where it can be said from here."""
    advice = {
        "unauthenticated": "Give a token with --token or LIVEWALL_TOKEN, or, on the server's machine, --data.",
        "bad_token": "The token is unknown here, was revoked or has ended; the admin can make a new one.",
        "forbidden": "Your token does not allow this.",
        "rate": "Too much at once; try again in a moment.",
        "unavailable": "Try again in a moment.",
        "draining": "The server is restarting; try again in a moment.",
    }.get(problem.code, "")
    message = problem.message.strip()
    if message and message[-1] not in ".!?":
        message += "."
    details = [text for name, text in problem.fields.items() if text not in message]
    return " ".join(filter(None, [message[:1].upper() + message[1:], *details, advice, f"({problem.code})"]))
