"""`livewall task …`: tasks that run on the server, and tasks that are reported from elsewhere."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import click

from livewall.cli import output, task_hosts, task_logs
from livewall.cli.confirmation import confirm, yes_option
from livewall.cli.exit_status import REFUSED, run, say, stop
from livewall.cli.group import Group
from livewall.cli.options import acting_server_options, json_option, server_options
from livewall.cli.paging import pages
from livewall.cli.task_logs import address, bare_id
from livewall.cli.task_states import ENDED
from livewall.cli.watch import show
from livewall.client.calls import Refusal, Server, segment
from livewall.client.stream_state import StreamState
from livewall.client.subscription import subscribe
from livewall.own_command import this_command

STATES = ("pending", "running", "waiting", "cancelling", "succeeded", "failed", "cancelled", "lost")
ENDS = {"failed": "failed", "cancelled": "was cancelled", "lost": "was lost"}
PAGE = 100  # tasks of one answer


@click.group(cls=Group)
def task() -> None:
    """Start, list, follow, cancel and retry tasks, decide their gates, steer steps on hosts, and read logs.

    ID may be written tasks/ID.

    \b
    livewall task start build ref=next --watch
    """


@task.command()
@click.argument("pipeline")
@click.argument("params", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--id", "task_id", metavar="ID", help="The task's id; repeating an id returns the existing task.")
@click.option("--watch", is_flag=True, help="Follow the task to its end. The exit status is 1 if it does not succeed.")
@json_option
@acting_server_options
def start(
    server: Server, pipeline: str, params: tuple[str, ...], task_id: str | None, watch: bool, as_json: bool
) -> None:
    """Start a task of PIPELINE. Its ID is printed.

    \b
    task=$(livewall task start build ref=next)
    """
    parameters = dict(parameter(text) for text in params)
    # A missing id is made here, so that a call whose answer was lost can be repeated.
    task_id = task_id or f"{pipeline[:60]}-{secrets.token_hex(4)}"

    async def work() -> dict[str, Any]:
        types = await parameter_types(server, pipeline) if parameters else {}
        body = {
            "params": {name: convert(value, types.get(name, "")) for name, value in parameters.items()},
            "id": task_id,
        }
        task: dict[str, Any] = await server.post(f"/api/pipelines/{segment(pipeline)}/tasks", body, repeat=True)
        return task

    task = run(report_field_errors(work()))
    if as_json:
        output.as_json(task)
    elif not (watch and output.terminal()):
        click.echo(task["id"])
    if watch:
        follow_to_end(server, task["id"], ndjson=as_json)


def parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.UsageError(f"{text!r} is not a parameter; write NAME=VALUE.")
    return name, value


async def parameter_types(server: Server, pipeline: str) -> dict[str, str]:
    """Return the types of a pipeline's parameters; empty if it does not exist, which the server then reports."""
    for item in await pages(server, "/api/pipelines"):
        if item["name"] == pipeline:
            return {param["name"]: param["type"] for param in item["params"]}
    return {}


def convert(value: str, kind: str) -> str | int | float | bool:
    """Convert a value to the type of its parameter. An invalid one stays text, and the server gives the reason."""
    try:
        if kind == "integer":
            return int(value)
        if kind == "number":
            return float(value)
    except ValueError:
        return value
    if kind == "boolean":
        return {"true": True, "yes": True, "false": False, "no": False}.get(value.lower(), value)
    return value


async def report_field_errors(work: Any) -> dict[str, Any]:
    """Return the result of `work`. If the server refuses fields, print a line for each and exit."""
    try:
        result: dict[str, Any] = await work
        return result
    except Refusal as problem:
        if problem.status != 422 or not problem.fields:
            raise
        for name, why in problem.fields.items():
            say(f"{output.plain(name.removeprefix('params.'))}: {output.plain(why)}")
        sys.exit(REFUSED)


@task.command(name="list")
@click.option("--state", type=click.Choice(STATES), help="Only tasks in this state.")
@click.option("--search", metavar="TEXT", help="Only tasks with this text in their title, or with this id.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, metavar="N", help="At most N tasks.")
@json_option
@server_options
def list_(server: Server, state: str | None, search: str | None, limit: int, as_json: bool) -> None:
    """List tasks, the newest first. In a pipe: id, state, started by, created, duration, title, separated by tabs.

    \b
    livewall task list --state failed --search nightly
    """
    tasks = run(newest(server, {"state": state, "q": search}, limit))
    if as_json:
        output.as_json(tasks)
        return
    from livewall.cli.task_tree import duration_text

    now = server.now()
    rows = [
        (
            each["id"],
            each["state"],
            each["started_by"],
            output.when(each["created_at"]),
            duration_text(each, now),
            each["title"],
        )
        for each in tasks
    ]
    empty = "No such task." if state or search else f"No task yet: {this_command()} task start PIPELINE"
    output.table(("ID", "State", "Started by", "Created", "Duration", "Title"), rows, empty=empty)


async def newest(server: Server, query: Mapping[str, str | None], limit: int) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = []
    before: str | None = None
    while True:
        parameters = {**query, "limit": str(min(PAGE, limit - len(tasks))), "before": before}
        answer = await server.get("/api/tasks?" + urlencode({name: text for name, text in parameters.items() if text}))
        tasks += answer["items"]
        before = answer.get("next")
        if before is None or len(tasks) >= limit:
            return tasks


@task.command(name="show")
@click.argument("task_id", metavar="ID")
@json_option
@server_options
def show_(server: Server, task_id: str, as_json: bool) -> None:
    """Print a task and its steps as they are now: a tree on a terminal; name, state and reason of each step in a pipe.

    The state of the task and the reason for it are on a terminal and in --json.

    \b
    livewall task show $task
    livewall task show $task --json | jq '.steps[] | select(.state == "failed")'
    """
    state = run(server.get(address(task_id)))
    if as_json:
        output.as_json(state)
        return
    if not output.terminal():
        rows = [(each["name"], each["state"], each["reason"] or each["message"]) for each in state["steps"]]
        output.table((), rows, empty="")
        return
    from rich.console import Console

    from livewall.cli.task_tree import TaskTree

    Console().print(TaskTree(state, state["steps"], server.now()))


@task.command()
@click.argument("task_id", metavar="ID")
@click.option("--json", "ndjson", is_flag=True, help="One JSON object a line, also on a terminal.")
@server_options
def watch(server: Server, task_id: str, ndjson: bool) -> None:
    """Follow a task to its end: as a tree on a terminal, as events in a pipe.

    The exit status is 1 if the task does not succeed.

    \b
    livewall task watch $task
    """
    follow_to_end(server, bare_id(task_id), ndjson=ndjson)


def follow_to_end(server: Server, task_id: str, *, ndjson: bool) -> None:
    subscription = subscribe(server, [f"tasks/{task_id}"])
    held = subscription.held[f"tasks/{task_id}"]
    run(show(subscription, ndjson=ndjson, enough=lambda subscription: ended(held)))
    task = held.entries["task"]
    if task["state"] != "succeeded":
        reason = output.plain(task.get("reason") or "")
        stop(REFUSED, f"The task {ENDS[task['state']]}{f': {reason}' if reason else ''}.")


def ended(held: StreamState) -> bool:
    """Return whether the task and all its steps have ended."""
    entries = held.entries
    steps = [data["state"] for key, data in entries.items() if key.startswith("step/")]
    return bool(held.synced and "task" in entries and entries["task"]["ended_at"]) and all(
        state in ENDED for state in steps
    )


@task.command()
@click.argument("task_id", metavar="ID")
@yes_option
@json_option
@acting_server_options
def cancel(server: Server, task_id: str, yes: bool, as_json: bool) -> None:
    """Cancel a task. Running steps are ended with all their processes, and the others do not start.

    A program that reports its own task is asked to end it; if it does not, a second cancel ends the task without it.

    \b
    livewall task cancel $task
    """

    async def question() -> str:
        state = await server.get(address(task_id))
        return f"Cancel {output.plain(state['title'])} ({state['id']}, {state['state']})?"

    confirm(question, yes, strict=False)
    # Not repeated if the answer is lost, because a second cancel does more than the first.
    print_task(run(server.post(address(task_id, "/cancel"))), as_json)


def decision(name: str, about: str) -> click.Command:
    """Return the command that decides a gate: `approve` or `reject`."""

    @click.argument("task_id", metavar="ID")
    @click.argument("step")
    @click.option("--comment", metavar="TEXT", default="", help="A comment that is shown with the decision.")
    @json_option
    @acting_server_options
    def decide(server: Server, task_id: str, step: str, comment: str, as_json: bool) -> None:
        # Repeated with the same `ref` if the answer is lost, the decision counts once.
        body = {"decision": name, "comment": comment, "ref": secrets.token_hex(8)}
        decided = run(server.post(address(task_id, f"/steps/{segment(step)}/decide"), body, repeat=True))
        output.as_json(decided) if as_json else click.echo(output.plain(f"{decided['name']}: {decided['reason']}"))

    comment = "looks good" if name == "approve" else "not before Monday"
    decide.__doc__ = f"{about}\n\n\b\nlivewall task {name} $task go --comment '{comment}'\n"
    return task.command(name=name)(decide)


decision("approve", "Approve a gate: the step STEP of the task ID succeeds, and what needs it runs.")
decision("reject", "Reject a gate: the step STEP of the task ID fails, and what needs it does not run.")


@task.command()
@click.argument("task_id", metavar="ID")
@click.argument("step", required=False)
@click.argument("host", required=False)
@click.option(
    "--hosts",
    type=click.Choice(["all", "failed"]),
    default="all",
    show_default=True,
    help="Run steps that failed on all their hosts again, or only on those that failed.",
)
@json_option
@acting_server_options
def retry(server: Server, task_id: str, step: str | None, host: str | None, hosts: str, as_json: bool) -> None:
    """Retry a task that has ended. A new task takes over the steps that succeeded; its ID is printed.

    With STEP and HOST, run a step that is under way again on a host on which it failed.

    \b
    task=$(livewall task retry $task --hosts failed)
    """
    if step is not None:
        if host is None:
            raise click.UsageError("STEP needs a HOST; to retry the whole task, give only its ID.")
        path = address(task_id, f"/steps/{segment(step)}/hosts/{segment(host)}/retry")
        task_hosts.print_step(run(server.post(path)), as_json, host)
        return
    task = run(server.post(address(task_id, "/retry"), {"hosts": hosts}, repeat=True))
    output.as_json(task) if as_json else click.echo(task["id"])


def print_task(task: Mapping[str, Any], as_json: bool) -> None:
    output.as_json(task) if as_json else click.echo(f"{task['id']} {task['state']}")


task.add_command(task_logs.logs)
task.add_command(task_logs.search)
for command in ("hosts", "pause", "resume", "abort", "skip", "key"):
    task.add_command(getattr(task_hosts, command))
