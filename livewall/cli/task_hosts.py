"""`livewall task hosts|pause|resume|abort|skip|key …`: steps that run on several hosts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from livewall.cli import output
from livewall.cli.confirmation import confirm, yes_option
from livewall.cli.exit_status import REFUSED, run, stop
from livewall.cli.options import acting_server_options, json_option, server_options
from livewall.cli.task_logs import address
from livewall.client.calls import Server, segment


@click.command()
@click.argument("task_id", metavar="ID")
@json_option
@server_options
def hosts(server: Server, task_id: str, as_json: bool) -> None:
    """List the hosts of a task's steps: step, host, wave, state, attempt and reason.

    \b
    livewall task hosts $task
    livewall task hosts $task --json | jq -r '.[] | select(.state == "failed") | .host'
    """
    task = run(server.get(address(task_id)))
    found = [{"step": step["name"], **target} for step in task["steps"] for target in step["targets"]]
    if as_json:
        output.as_json(found)
        return
    rows = [
        (
            each["step"],
            each["host"],
            str(each["wave"]),
            each["state"],
            str(each["attempt"]),
            each["reason"] or each.get("message", ""),
        )
        for each in found
    ]
    titles = ("Step", "Host", "Wave", "State", "Attempt", "Reason")
    output.table(titles, rows, empty="No step of this task runs on hosts.")


Question = Callable[[dict[str, Any], str | None], str]


def act(name: str, about: str, question: Question | None = None, *, on_host: bool = False) -> click.Command:
    """Return the command for an act on a step, or on one of its hosts. `question` is asked before it."""

    def command(
        server: Server, task_id: str, step: str, as_json: bool, host: str | None = None, yes: bool = True
    ) -> None:
        if question is not None:
            found = run(step_of(server, task_id, step))
            confirm(lambda: _coroutine(question(found, host)), yes, strict=False)
        path = f"/steps/{segment(step)}" + ("" if host is None else f"/hosts/{segment(host)}")
        print_step(
            run(server.post(address(task_id, f"{path}/{name}"), repeat=True)), as_json, host, WISHES.get(name, "")
        )

    command.__doc__ = f"{about}\n\n\b\nlivewall task {name} $task switch{' web3' if on_host else ''}\n"
    decorated: Any = acting_server_options(json_option(command))
    if question is not None:
        decorated = yes_option(decorated)
    if on_host:
        decorated = click.argument("host")(decorated)
    decorated = click.argument("task_id", metavar="ID")(click.argument("step")(decorated))
    return click.command(name=name)(decorated)


async def _coroutine(text: str) -> str:
    return text


async def step_of(server: Server, task_id: str, name: str) -> dict[str, Any]:
    """Return a step of a task as it is now; empty if there is none, which the server then says."""
    task = await server.get(address(task_id))
    return next((step for step in task["steps"] if step["name"] == name), {})


WISHES = {"abort": "it is being aborted", "skip": "it is skipped as soon as what runs there has ended"}
"""What is said of an act that takes a while, as long as something runs."""


def print_step(step: dict[str, Any], as_json: bool, host: str | None = None, wish: str = "") -> None:
    if as_json:
        output.as_json(step)
        return
    target = next((each for each in step["targets"] if each["host"] == host), None)
    shown = step if target is None else target
    name = step["name"] if host is None else f"{step['name']}@{host}"
    under_way = shown["state"] in ("running", "retrying")
    words = (wish if under_way else "") or shown["reason"] or shown.get("message") or shown["state"]
    click.echo(output.plain(f"{name}: {words}"))


def counted(step: dict[str, Any], *states: str) -> str:
    """Return in words how many hosts of a step have one of these states."""
    count = sum(target["state"] in states for target in step.get("targets", []))
    return "1 host" if count == 1 else f"{count} hosts"


def abort_question(step: dict[str, Any], host: str | None) -> str:
    running, waiting = counted(step, "running", "retrying"), counted(step, "pending", "waiting")
    return (
        f"Abort {output.plain(step.get('name', ''))}? It fails. What runs ends now, on {running}; "
        f"it begins on none of the others, {waiting}."
    )


def skip_question(step: dict[str, Any], host: str | None) -> str:
    state = next((target["state"] for target in step.get("targets", []) if target["host"] == host), "unknown")
    what = "What runs there ends now. " if state == "running" else ""
    return f"Skip {output.plain(host or '')} ({state})? {what}Later steps leave it out as well."


pause = act("pause", "Pause a step: no other host begins until it is resumed. What runs goes to its end.")
resume = act("resume", "Resume a paused step.")
abort = act("abort", "Abort a step: it fails. What runs on hosts is ended, and no other host begins.", abort_question)
skip = act("skip", "Skip a host of a step, and of the steps after it.", skip_question, on_host=True)


@click.command()
@click.argument("task_id", metavar="ID")
@click.argument("step")
@click.argument("host")
@click.option("--fingerprint", metavar="SHA256:…", help="Trust only this key, and do not ask.")
@json_option
@acting_server_options
def key(server: Server, task_id: str, step: str, host: str, fingerprint: str | None, as_json: bool) -> None:
    """Trust the key of a host that a step waits for. Without --fingerprint, the key is shown first.

    On the host, `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints the fingerprint that must be the same.

    \b
    livewall task key $task switch web3
    """
    if fingerprint is None:
        found = run(step_of(server, task_id, step))
        target: dict[str, Any] = next((each for each in found.get("targets", []) if each["host"] == host), {})
        fingerprint = target.get("fingerprint")
        if fingerprint is None:
            state = target.get("state")
            stop(REFUSED, f"{host} does not wait for its key to be trusted" + (f"; it is {state}." if state else "."))
        if not sys.stdin.isatty():
            raise click.UsageError("There is no terminal to show the key on; give --fingerprint.")
        shown = output.plain(f"The key of {host} has the fingerprint {fingerprint}. Trust it?")
        confirm(lambda: _coroutine(shown), yes=False)
    path = f"/steps/{segment(step)}/hosts/{segment(host)}/key"
    print_step(run(server.post(address(task_id, path), {"fingerprint": fingerprint}, repeat=True)), as_json, host)
