"""`livewall report`: what a program elsewhere tells about its own steps."""

from __future__ import annotations

import secrets
from typing import Any

import click

from livewall.cli import output
from livewall.cli.options import json_option, patient_server_options
from livewall.cli.outcome import run
from livewall.client.calls import Server, segment

STATES = ("pending", "running", "waiting", "retrying", "succeeded", "failed", "cancelled", "skipped", "lost")


@click.command()
@click.argument("task", required=False)
@click.argument("step", required=False)
@click.argument("state", required=False, type=click.Choice(STATES), metavar="STATE")
@click.option("--progress", type=click.FloatRange(0, 1), metavar="0..1", help="How much of the step is done.")
@click.option("--message", metavar="TEXT", help="What the step is doing.")
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
    title: str | None,
    steps: tuple[str, ...],
    task_id: str | None,
    as_json: bool,
) -> None:
    """Report that STEP of TASK is in STATE, or how far it is, or make a task to report about.

    STATE is pending, running, waiting, retrying, succeeded, failed, cancelled, skipped or lost.

    \b
    id=$(livewall report --new Release --step build --step upload:build)
    livewall report $id build running --progress 0.4 --message compiling
    """
    if title is not None:
        if task or not steps:
            raise click.UsageError("--new takes one or more --step, and no TASK.")
        made = run(create(server, title, [parse_step(text) for text in steps], task_id))
        output.as_json(made) if as_json else click.echo(made["id"])
        return
    if steps or task_id:
        raise click.UsageError("--step and --id go with --new.")
    if not (task and step and (state or progress is not None or message is not None)):
        raise click.UsageError("Give TASK, STEP and STATE, --progress or --message; or --new TITLE.")
    body: dict[str, Any] = {}
    if state:
        body["state"] = state
    if progress is not None:
        body["progress"] = progress
    if message is not None:
        body["message"] = message
    answer = run(server.put(f"/api/tasks/{segment(task.removeprefix('tasks/'))}/steps/{segment(step)}", body))
    if as_json:
        output.as_json(answer)
    elif answer.get("cancel"):
        click.echo("Someone asked to cancel this task.", err=True)


async def create(server: Server, title: str, steps: list[dict[str, Any]], id: str | None) -> dict[str, Any]:
    """The task. Its id is made here when none is given, so that a call whose answer is lost can be repeated."""
    body = {"title": title, "steps": steps, "id": id or secrets.token_hex(6)}
    made: dict[str, Any] = await server.post("/api/tasks", body, repeat=True)
    return made


def parse_step(text: str) -> dict[str, Any]:
    name, _, needs = text.partition(":")
    return {"name": name, "needs": [need for need in needs.split(",") if need]}
