"""`livewall task logs` and `search`: the output of a step."""

from __future__ import annotations

import sys
from contextlib import aclosing
from typing import Any
from urllib.parse import urlencode

import click

from livewall.ansi.sanitizer import Sanitizer
from livewall.ansi.transcript import Transcript
from livewall.cli import output
from livewall.cli.exit_status import REFUSED, run, say, stop
from livewall.cli.options import RETRY_SECONDS, json_option, server_options
from livewall.cli.task_states import ENDED
from livewall.client.calls import Server, segment
from livewall.client.logs import line_offset, read, retry
from livewall.client.subscription import Subscription, subscribe

READ_BYTES = 1 << 20  # bytes of one answer
PAGE = 1000  # lines of one answer
NAMED_LOGS = 5  # logs of hosts that a message names


def bare_id(task_id: str) -> str:
    return task_id.removeprefix("tasks/")


def address(task_id: str, action: str = "") -> str:
    return f"/api/tasks/{segment(bare_id(task_id))}{action}"


@click.command()
@click.argument("task_id", metavar="ID")
@click.argument("step")
@click.argument("text")
@click.option("--case", is_flag=True, help="Distinguish upper and lower case.")
@click.option(
    "--from-line", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="Begin with this line."
)
@click.option(
    "--limit",
    type=click.IntRange(1, PAGE),
    default=100,
    show_default=True,
    metavar="N",
    help="Print at most this many lines.",
)
@json_option
@server_options
def search(
    server: Server, task_id: str, step: str, text: str, case: bool, from_line: int, limit: int, as_json: bool
) -> None:
    """Print the lines of the log of STEP that contain TEXT literally. In a pipe: number and line, separated by a tab.

    The visible text is searched, without colours and without text that was overwritten.

    \b
    livewall task search $task compile error:
    """
    query = urlencode({"q": text, "from": from_line, "limit": limit, "case": int(case)})
    answer: dict[str, Any] = run(server.get(address(task_id, f"/logs/{segment(step)}/search?{query}")))
    if as_json:
        output.as_json(answer)
        return
    lines = [(each["n"], each.get("shown", each["text"])) for each in answer["items"]]
    output.table(("Line", ""), lines, empty="No line matches.")
    if answer["next"]:
        say(f"There are more lines. Continue with --from-line {answer['next']}.")


@click.command()
@click.argument("task_id", metavar="ID")
@click.argument("step")
@click.option("--follow", "-f", is_flag=True, help="Continue until the step ends, even if the server restarts.")
@click.option("--from-line", type=click.IntRange(1), metavar="N", help="Begin with this line.")
@click.option("--tail", type=click.IntRange(1), metavar="N", help="Begin with the last N lines.")
@click.option("--raw", "form", flag_value="raw", help="Print the log byte for byte on a terminal, too.")
@click.option("--seen", "form", flag_value="seen", help="Print what a terminal shows in the end, without colours.")
@server_options
def logs(
    server: Server, task_id: str, step: str, follow: bool, from_line: int | None, tail: int | None, form: str | None
) -> None:
    """Print the log of STEP, or STEP@HOST for that of a step on a host.

    In a pipe, the log is printed byte for byte. On a terminal, colours and redraws are kept, and all other control
    sequences are removed, such as those that set the title or clear the screen.

    \b
    livewall task logs $task compile --follow
    livewall task logs $task compile --seen | tail
    """
    if from_line and tail:
        raise click.UsageError("--from-line and --tail cannot be used together.")
    run(check_log(server, task_id, step))
    log = Log(server, bare_id(task_id), step, form or ("terminal" if output.terminal() else "raw"))

    async def work() -> None:
        if follow:
            server.patience = RETRY_SECONDS
        if from_line or tail:
            log.offset = await line_offset(server, log.task, step, from_line or -(tail or 0))
        try:
            await log.print()
            if follow:
                await log.follow()
        finally:
            log.close()

    run(work())


async def check_log(server: Server, task_id: str, step: str) -> None:
    """End the program for a step on hosts, each of which has a log of its own."""
    if "@" in step:
        return
    task = await server.get(address(task_id))
    targets: list[dict[str, Any]] = next((each["targets"] for each in task["steps"] if each["name"] == step), [])
    if targets:
        names = ", ".join(f"{step}@{target['host']}" for target in targets[:NAMED_LOGS])
        more = ", …" if len(targets) > NAMED_LOGS else ""
        stop(REFUSED, output.plain(f"{step} runs on hosts, and each has its own log: {names}{more}"))


class Log:
    """Prints a log from an offset on, without repeating or skipping bytes that the server has.

    `form` is `raw` (the bytes), `terminal` (control sequences other than styles and redraws are removed) or `seen`
    (the visible text, with redraws resolved).
    """

    def __init__(self, server: Server, task: str, step: str, form: str = "raw") -> None:
        self.server, self.task, self.step = server, task, step
        self.offset = 0
        self._form = form
        self._reset_filters()

    def _reset_filters(self) -> None:
        self._sanitizer = Sanitizer()
        self._transcript = Transcript(1, 0, overlap=0)

    def write(self, data: bytes) -> None:
        if self._form == "terminal":
            data = self._encoded(self._sanitizer.feed(data))
        elif self._form == "seen":
            data = self._encoded("".join([lines.text for lines in self._transcript.add(data)]))
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def close(self) -> None:
        """Print what the filters held back, at the end of a part without gaps."""
        if self._form == "terminal":
            remaining = self._sanitizer.close()
        else:
            remaining = "".join([lines.text for lines in self._transcript.close()])
        if remaining:
            sys.stdout.buffer.write(self._encoded(remaining))
            sys.stdout.buffer.flush()
        self._reset_filters()

    def _encoded(self, text: str) -> bytes:
        return text.encode(sys.stdout.encoding or "utf-8", "replace")

    async def print(self) -> None:
        """Print everything that the server has now."""
        while True:
            part = await retry(self.server, lambda: read(self.server, self.task, self.step, self.offset, READ_BYTES))
            if self.offset < part.offset < part.end:
                self.close()
                say(f"{part.offset - self.offset} bytes were left out here.")
                self.offset = part.offset
                if not part.data:  # the requested bytes are all in the gap
                    continue
            if not part.data:
                return
            self.offset = part.offset + len(part.data)
            self.write(part.data)
            if self.offset >= part.end:
                return

    async def follow(self) -> None:
        """Print new output as it arrives, until the step has ended and everything is printed."""
        name = f"tasks/{self.task}"
        subscription = subscribe(self.server, [name, f"{name}/logs/{self.step}"])
        async with aclosing(aiter(subscription)) as messages:
            async for _ in messages:
                ended = self._step_ended(subscription, name)
                end = (subscription.held[f"{name}/logs/{self.step}"].entries.get("end") or {}).get("bytes", 0)
                if ended or end > self.offset:
                    await self.print()
                if ended:
                    return

    def _step_ended(self, subscription: Subscription, name: str) -> bool:
        step = subscription.held[name].entries.get(f"step/{self.step}")
        return step is not None and step["state"] in ENDED
