"""`livewall report`: what a program elsewhere, or a step of a pipeline, tells about its own work."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
from typing import Any, BinaryIO

import click

from livewall.cli import output
from livewall.cli.options import json_option, patient_server_options
from livewall.cli.outcome import run, say
from livewall.client.calls import Server, segment
from livewall.client.logs import PIECE, append, patiently
from livewall.client.tasks import parse_step

STATES = ("pending", "running", "waiting", "retrying", "succeeded", "failed", "cancelled", "skipped", "lost")
ENDS = frozenset({"succeeded", "failed", "cancelled", "skipped", "lost"})


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
    help="The step is lost unless something is reported of it again within this time.",
)
@click.option(
    "--log", type=click.File("rb"), metavar="FILE", help="Append FILE to the step's log; - is what is piped in."
)
@click.option("--new", "title", metavar="TITLE", help="Make a task first; its steps are given by --step.")
@click.option(
    "--step", "steps", multiple=True, metavar="NAME[:NEED,…]", help="With --new: a step, and what it waits for."
)
@click.option("--id", "task_id", metavar="ID", help="With --new: the task's id; makes repeating it harmless.")
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
    as_json: bool,
) -> None:
    """Report that STEP of TASK is in STATE, or how far it is, or make a task to report about.

    STATE is pending, running, waiting, retrying, succeeded, failed, cancelled, skipped or lost. Inside a step of a
    pipeline TASK and STEP are left out: it reports on itself.

    \b
    id=$(livewall report --new Release --step build --step upload:build)
    livewall report $id build running --progress 0.4 --message compiling
    make 2>&1 | livewall report $id build --log -
    """
    if title is not None:
        if task or not steps:
            raise click.UsageError("--new takes one or more --step, and no TASK.")
        made = run(create(server, title, [parse_step(text) for text in steps], task_id))
        output.as_json(made) if as_json else click.echo(made["id"])
        return
    if steps or task_id:
        raise click.UsageError("--step and --id go with --new.")
    given = {"state": state, "progress": progress, "message": message, "lease": lease}
    body = {name: value for name, value in given.items() if value is not None}
    if task is None:
        task, step = step_of_token(server.token or "")
    if not (task and step and (body or log)):
        raise click.UsageError("Give TASK, STEP and STATE, --progress, --message, --lease or --log; or --new TITLE.")
    answer = run(tell(server, task.removeprefix("tasks/"), step, body, log))
    if as_json:
        output.as_json(answer)
    elif answer.get("cancel"):
        click.echo("Someone asked to cancel this task.", err=True)


def step_of_token(token: str) -> tuple[str | None, str | None]:
    """The task and the step that a step's own token is good for; it names them (`s1.NAMES.SIGNATURE`)."""
    version, _, rest = token.partition(".")
    try:
        task, step, _ = base64.urlsafe_b64decode(rest.partition(".")[0]).decode().split("/")
    except ValueError:
        return None, None
    return (task, step) if version == "s1" else (None, None)


async def create(server: Server, title: str, steps: list[dict[str, Any]], id: str | None) -> dict[str, Any]:
    """The task. Its id is made here when none is given, so that a call whose answer is lost can be repeated."""
    body = {"title": title, "steps": steps, "id": id or secrets.token_hex(6)}
    made: dict[str, Any] = await server.post("/api/tasks", body, repeat=True)
    return made


async def tell(server: Server, task: str, step: str, body: dict[str, Any], log: BinaryIO | None) -> dict[str, Any]:
    """The step's report and its log; an end is told after the log. Answers what the server said last."""
    path = f"/api/tasks/{segment(task)}/steps/{segment(step)}"
    answer: dict[str, Any] = {}
    if body and body.get("state") not in ENDS:
        answer = await server.put(path, body)
        body = {}
    if log is not None:
        answer = await append_all(server, task, step, log) or answer
    return await server.put(path, body) if body else answer


async def append_all(server: Server, task: str, step: str, log: BinaryIO) -> dict[str, Any]:
    """Everything that can be read, as it comes."""

    async def once(data: bytes, offset: int | None) -> dict[str, Any]:
        return await patiently(server, lambda: append(server, task, step, data, offset))

    found = await once(b"", None)
    asked = False
    while data := await asyncio.to_thread(os.read, log.fileno(), PIECE):
        found = await once(data, found["bytes"])
        if found["cancel"] and not asked:
            asked = True
            say("Someone asked to cancel this task.")
    return found | {"cancel": found["cancel"] and not asked}
