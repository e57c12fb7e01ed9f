"""`livewall rehearse`: test a server with a simulated audience."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from livewall.cli import output
from livewall.cli.exit_status import INTERRUPTED, REFUSED, run, say, stop
from livewall.cli.options import acting_server_options, output_option
from livewall.client.calls import Server
from livewall.client.secret import is_this_machine
from livewall.missing_packages import advice

if TYPE_CHECKING:
    from livewall.rehearsal.test_wall import Kind

T = TypeVar("T")

FILES_PER_VOTER = 3  # the live connection, one for the page or the ballots, and one that is out of reach
REDRAW_SECONDS = 0.5  # seconds, on a terminal
LINE_SECONDS = 2.0  # seconds between two lines in a pipe


@click.command()
@click.option(
    "--voters", type=click.IntRange(1, 20_000), default=500, show_default=True, metavar="N", help="How many voters."
)
@click.option(
    "--seconds",
    type=click.FloatRange(4, 3600),
    default=60.0,
    show_default="60",
    metavar="S",
    help="How long the event lasts, in seconds.",
)
@click.option(
    "--screens", type=click.IntRange(0, 50), default=2, show_default=True, metavar="N", help="How many screens."
)
@click.option(
    "--wifi",
    type=click.Choice(["good", "poor"]),
    default="good",
    show_default=True,
    help="The simulated network of the voters.",
)
@click.option(
    "--kind",
    type=click.Choice(["votes", "chat", "questions"]),
    default="votes",
    show_default=True,
    help="What people do: vote, talk in a room, or ask and vote questions up.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Repeat an earlier rehearsal.  [default: random]")
@click.option(
    "--ack",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default="1",
    metavar="S",
    help="Limit: 95 of 100 ballots (or messages, questions and votes) are acknowledged within this many seconds.",
)
@click.option(
    "--screen",
    type=click.FloatRange(0, min_open=True),
    default=1.5,
    show_default="1.5",
    metavar="S",
    help="Limit: an action of the host is on every screen within this many seconds.",
)
@click.option("--clean", is_flag=True, help="Only remove the walls that earlier rehearsals left behind.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation if the server is another machine.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@output_option
@acting_server_options
def rehearse(
    server: Server,
    voters: int,
    seconds: float,
    screens: int,
    wifi: str,
    kind: Kind,
    seed: int | None,
    ack: float,
    screen: float,
    clean: bool,
    yes: bool,
    as_json: bool,
    into: Path | None,
) -> None:
    """Test a server with a simulated audience.

    On a wall of its own, which is removed afterwards, N voters join as phones do, vote in waves, change their ballots,
    lose their connections and reconnect, while screens follow and a host opens, closes, publishes and resets polls. In
    the end, every acknowledged ballot must be counted, every screen must be correct, no reader may have missed an
    event, and the limits must be met. With --kind, people talk in a room of their own, or ask questions and vote them
    up, while a host moderates; the same is checked of what they say and ask. The times are those of the server; what
    the simulated wifi adds is reported
    beside them. This command needs the role host. The exit status is 1 if the rehearsal fails, 130 if interrupted.

    \b
      livewall rehearse --voters 300
      livewall rehearse --voters 1000 --wifi poor --seconds 120 --ack 0.5 --json
    """
    if not (yes or is_this_machine(server.url)):
        question = f"{server.url} is not this machine. Rehearse there with {voters} voters?"
        if not sys.stdin.isatty():
            raise click.UsageError(f"{question} Confirm with --yes.")
        click.confirm(question, abort=True, err=True)
    from livewall.file_limit import raise_file_limit

    try:
        from livewall.rehearsal import sequence
    except ModuleNotFoundError as problem:  # an environment of an earlier version, which has no h11 and no wsproto
        sys.exit(advice(problem))
    from livewall.rehearsal.network import BY_NAME
    from livewall.rehearsal.report import Limits

    if clean:
        count = run_interruptibly(sequence.clean(server, say))
        say(f"{count} removed." if count else "Nothing to remove.")
        return
    if (files := raise_file_limit()) < FILES_PER_VOTER * voters:
        say(f"{voters} voters need more open files than this process may have ({files}; see ulimit -n).")
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    plan = sequence.Plan(voters, seconds, screens, BY_NAME[wifi], seed, Limits(ack, screen), kind)
    say(f"{voters} voters, {screens} screens, {wifi} wifi, {seconds:g} seconds, then the checks; --seed {seed}")
    report = run_interruptibly(perform(server, plan))
    if into is not None:
        output.document(output.json_document(report.as_dict()), into)
    if as_json:
        output.as_json(report.as_dict())
    else:
        output.table(("Rehearsal", ""), report.lines(), empty="")
        for line in report.verdict():
            click.echo(output.plain(line))
    if not report.passed:
        sys.exit(REFUSED)


async def perform(server: Server, plan: Any) -> Any:
    from livewall.rehearsal.sequence import rehearse as run_rehearsal

    progress = Progress()
    try:
        return await run_rehearsal(server, plan, say=progress.say, started=progress.follow)
    finally:
        await progress.end()


def run_interruptibly(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`. The first Ctrl-C or SIGTERM cancels it, so that it cleans up; a second one exits."""

    async def interruptible() -> T | None:
        task = asyncio.ensure_future(work)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        try:
            return await task
        except asyncio.CancelledError:
            return None

    result = run(interruptible())
    if result is None:
        stop(INTERRUPTED, "Interrupted.")
    return result


class Progress:
    """The progress on standard error: one live line on a terminal, a line every two seconds in a pipe."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._task: asyncio.Task[None] | None = None
        self._crowd: Any = None
        self._start = 0.0

    def say(self, text: str) -> None:
        self._console.print(output.plain(text), markup=False, soft_wrap=True)

    def follow(self, crowd: Any) -> None:
        self._crowd, self._start = crowd, time.monotonic()
        self._task = asyncio.ensure_future(self._draw() if self._console.is_terminal else self._print_lines())

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def line(self) -> str:
        figures = self._crowd.run.figures
        live = sum(count for name, count in figures.live.items() if name != "screens")
        parts = [
            f"{time.monotonic() - self._start:5.1f} s",
            f"{figures.joined} joined",
            f"{live} live",
            f"{figures.acknowledged_ballots} {self._crowd.acts} acknowledged",
            f"{figures.returned} reconnected",
        ]
        faults = len(self._crowd.run.faults)
        return output.plain(" · ".join([*parts, *([f"{faults} FAULTS"] if faults else []), self._crowd.phase]))

    async def _draw(self) -> None:
        from rich.text import Text

        with self._console.status(Text(self.line())) as status:
            while True:
                await asyncio.sleep(REDRAW_SECONDS)
                status.update(Text(self.line()))

    async def _print_lines(self) -> None:
        while True:
            await asyncio.sleep(LINE_SECONDS)
            self.say(self.line())
