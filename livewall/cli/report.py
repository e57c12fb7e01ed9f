"""`livewall report`: reports of a program elsewhere, or of a step of a pipeline, about its own work."""

from __future__ import annotations

import secrets
from typing import Any, BinaryIO

import click

from livewall.cli import output
from livewall.cli.exit_status import NOT_REACHED, REFUSED, refusal_text, run, say, stop
from livewall.cli.options import json_option, patient_server_options
from livewall.cli.run import spool
from livewall.cli.task_states import ENDED
from livewall.client.calls import Refusal, Server, segment
from livewall.client.log_forwarding import LogForwarder
from livewall.client.pipe_reader import PipeReader
from livewall.client.tasks import parse_step
from livewall.names import step_of_token

STATES = ("pending", "running", "waiting", "retrying", "succeeded", "failed", "cancelled", "skipped", "lost")


@click.command()
@click.argument("task", required=False)
@click.argument("step", required=False)
@click.argument("state", required=False, type=click.Choice(STATES), metavar="STATE")
@click.option("--progress", type=click.FloatRange(0, 1), metavar="0..1", help="How much of the step is done.")
@click.option("--message", metavar="TEXT", help="What the step is doing.")
@click.option(
    "--lease",
    type=click.FloatRange(1, 86400),
    metavar="SECONDS",
    help="The step is lost unless it is reported again within this time.",
)
@click.option(
    "--log", type=click.File("rb"), metavar="FILE", help="Append FILE to the step's log; - is standard input."
)
@click.option("--new", "title", metavar="TITLE", help="Create a task; --step names its steps.")
@click.option(
    "--step", "steps", multiple=True, metavar="NAME[:NEED,…]", help="With --new: a step, and what it waits for."
)
@click.option(
    "--id", "task_id", metavar="ID", help="With --new: the task's id; repeating an id returns the existing task."
)
@click.option("--room", metavar="NAME", help="With --new: a room that is told when the task starts, fails and ends.")
@json_option
@patient_server_options
def report(
    server: Server,
    task: str | None,
    step: str | None,
    state: str | None,
    progress: float | None,
    message: str | None,
    lease: float | None,
    log: BinaryIO | None,
    title: str | None,
    steps: tuple[str, ...],
    task_id: str | None,
    room: str | None,
    as_json: bool,
) -> None:
    """Report the state or the progress of STEP of TASK, or create a task to report on.

    STATE is pending, running, waiting, retrying, succeeded, failed, cancelled, skipped or lost. Inside a step of a
    pipeline, leave out TASK and STEP: the step reports on itself.

    \b
    id=$(livewall report --new Release --step build --step upload:build)
    livewall report $id build running --progress 0.4 --message compiling
    make 2>&1 | livewall report $id build --log -
    """
    if title is not None:
        if task or not steps:
            raise click.UsageError("--new needs one or more --step, and no TASK.")
        task_created = run(create(server, title, [parse_step(text) for text in steps], task_id, room))
        output.as_json(task_created) if as_json else click.echo(task_created["id"])
        return
    if steps or task_id or room:
        raise click.UsageError("--step, --id and --room need --new.")
    fields = {"state": state, "progress": progress, "message": message, "lease": lease}
    body = {name: value for name, value in fields.items() if value is not None}
    if task is None:
        task, step = step_of_token(server.token or "")
    if not (task and step and (body or log)):
        raise click.UsageError("Give TASK, STEP and STATE, --progress, --message, --lease or --log; or --new TITLE.")
    task = task.removeprefix("tasks/")
    if log is not None:
        answer, forwarding, pipe = run(forward(server, task, step, body, log))
        if as_json and answer:
            output.as_json(answer)
        stop_if_unreported(forwarding, pipe)
        return
    answer = run(server.put(f"/api/tasks/{segment(task)}/steps/{segment(step)}", body))
    if as_json:
        output.as_json(answer)
    elif answer.get("cancel"):
        click.echo("Someone asked to cancel this task.", err=True)


async def create(
    server: Server, title: str, steps: list[dict[str, Any]], task_id: str | None, room: str | None
) -> dict[str, Any]:
    """Create a task and return it. A missing id is made here, so that a call whose answer was lost can be repeated."""
    body = {"title": title, "steps": steps, "id": task_id or secrets.token_hex(6), "room": room}
    task: dict[str, Any] = await server.post("/api/tasks", body, repeat=True)
    return task


async def forward(
    server: Server, task: str, step: str, body: dict[str, Any], log: BinaryIO
) -> tuple[dict[str, Any], LogForwarder, PipeReader]:
    """Report the step and forward its log; an end is reported after the log.

    Return the server's last answer, the forwarder with its problems, and the pipe.
    """
    pipe = PipeReader(log.fileno(), spool)
    forwarding = LogForwarder(server, task, step, pipe, lease=body.get("lease"), say=say)
    ends = body.get("state") in ENDED
    if body and not ends:
        await forwarding.report(body)
    await forwarding.send_log()
    if ends:
        await forwarding.report(body)
    return forwarding.answer, forwarding, pipe


def stop_if_unreported(forwarding: LogForwarder, pipe: PipeReader) -> None:
    """Print what could not be reported, and end with the status for it."""
    lost = 0 if pipe.is_file else pipe.lost
    unsent = f"{lost:,} bytes of standard input were not sent." if lost else ""
    messages = [
        refusal_text(problem) if isinstance(problem, Refusal) else str(problem) for problem in forwarding.problems
    ]
    for each in dict.fromkeys(messages):  # the report and the log may have been refused alike
        say(each)
    if forwarding.problems:
        refused = any(isinstance(problem, Refusal) for problem in forwarding.problems)
        stop(REFUSED if refused else NOT_REACHED, unsent)
    if lost:
        stop(NOT_REACHED, f"{unsent} The server could not be reached for too long.")
