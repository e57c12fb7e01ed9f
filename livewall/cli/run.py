"""`livewall run -- CMD…`: run a command unchanged, and show it as a task with its output."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

import click

from livewall.cli.child_process import Child
from livewall.cli.exit_status import refusal_text, remember_secret_folder, say
from livewall.cli.options import data_option, token_option, url_option
from livewall.client.calls import QUIET_SECONDS, Refusal, Server, reason
from livewall.client.reporting import Reports
from livewall.client.secret import admin_token, is_this_machine
from livewall.client.spool import DiskStorage, Spool
from livewall.names import is_name
from livewall.settings import data_folder, secret

SPOOL_BYTES = 64 << 20
"""How many bytes of output are stored while the server is away."""
MEMORY_SPOOL_BYTES = 4 << 20
NOT_FOUND, NOT_EXECUTABLE = 127, 126


def check_name(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not is_name(value):
        raise click.BadParameter("letters, digits, dots, dashes and underscores, 80 at most")
    return value


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--title", metavar="TITLE", help="What the task is called.  [default: the command's name]")
@click.option(
    "--step", default="run", show_default=True, metavar="NAME", callback=check_name, help="The name of its only step."
)
@click.option("--id", "task_id", metavar="ID", callback=check_name, help="The task's id.  [default: a new one]")
@click.option(
    "--lease",
    type=click.FloatRange(3, 86400),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="The step is lost if nothing is reported for this long.",
)
@click.option(
    "--patience",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the server after CMD has ended.",
)
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between SIGTERM and SIGKILL when CMD is cancelled.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[--] CMD...")
@data_option
@token_option
@url_option
def run(
    url: str,
    token: str | None,
    data: Path | None,
    command: tuple[str, ...],
    title: str | None,
    step: str,
    task_id: str | None,
    lease: float,
    patience: float,
    grace: float,
) -> None:
    """Run CMD, show it as a task with its output, and end with its exit status.

    CMD runs just the same without a server: its output is kept (up to 64 MiB) and reported when the server can be
    reached. CMD does not get LIVEWALL_TOKEN. Cancelling the task on its page ends CMD and all processes it started.

    \b
    livewall run -- make -j4
    livewall run --title "Nightly backup" -- ./backup.sh --all
    """
    task = task_id or secrets.token_hex(6)
    task_title = title or os.path.basename(command[0]) or "run"
    reports = Reports(
        find_server(url, token, data),
        task,
        task_title[:500],
        [{"name": step, "needs": []}],
        lease=lease,
        new_spool=spool,
        on_cancel=lambda: child.cancel(),
        on_refusal=lambda problem: report_refusal(problem),
    )
    reports.begin(step)
    try:
        child = Child(command, lambda text: reports.log(step, text))
    except OSError as problem:
        failure = f"{command[0]}: {reason(problem)}"
        say(failure)
        reports.start()
        status = NOT_FOUND if isinstance(problem, FileNotFoundError) else NOT_EXECUTABLE
        reports.end(step, "failed", failure)
    else:
        reports.start()
        status = child.wait(grace)
        reports.end(step, *outcome(status, cancelled=reports.cancelled))
        child.on_late_signal(reports.give_up)
    with suppress(KeyboardInterrupt):
        finish_reporting(reports, url, status, patience)
    sys.exit(status)


def find_server(url: str, token: str | None, data: Path | None) -> Server:
    """Return the server, without patience: the reports repeat calls themselves."""
    given_token = secret(token or "")
    folder = None if given_token or not is_this_machine(url) else data or data_folder()
    remember_secret_folder(folder)
    return Server(url, given_token, find_token=lambda: admin_token(folder) if folder else None)


def spool() -> Spool:
    try:
        return Spool(SPOOL_BYTES, DiskStorage())
    except OSError:
        return Spool(MEMORY_SPOOL_BYTES)


def report_refusal(problem: Refusal) -> None:
    say(f"This run is not reported. {refusal_text(problem)}")


def outcome(status: int, *, cancelled: bool) -> tuple[str, str]:
    """Return the state and message with which the step ends, from an exit status in a shell's notation."""
    message = f"exit status {status}"
    if status > 128 and status - 128 in set(signal.Signals):
        message = f"ended by {signal.Signals(status - 128).name}"
    if cancelled or status == 128 + signal.SIGINT:
        return "cancelled", message
    return ("failed" if status else "succeeded"), message


def finish_reporting(reports: Reports, url: str, status: int, patience: float) -> None:
    """Report what is left, at most for `patience` seconds, and print what could not be reported."""
    waiting = threading.Timer(
        QUIET_SECONDS,
        lambda: say(
            f"The command has ended with status {status}; waiting for {url} to report it "
            f"(ends after {patience:g} s, or with Ctrl-C)"
        ),
    )
    waiting.daemon = True
    if patience > QUIET_SECONDS:
        waiting.start()
    unreported = reports.close(patience)
    waiting.cancel()
    if reports.refusal is None:
        for each in unreported:
            say(f"Not reported: {each}.")
