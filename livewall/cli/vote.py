"""`livewall vote`: cast a ballot as a voter whose token this user stores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from livewall.cli import output
from livewall.cli.exit_status import REFUSED, run, say, stop
from livewall.cli.options import RETRY_SECONDS, json_option, url_option, wait_option
from livewall.client.ballots import find_poll
from livewall.client.calls import Server, segment
from livewall.client.choices import AmbiguousChoice, By, NoSuchChoice
from livewall.client.voters import Voters
from livewall.client.voting import cast_as, server_of_link
from livewall.settings import config_folder


@click.command()
@click.argument("poll", metavar="POLL-OR-CODE")
@click.argument("choices", nargs=-1, metavar="CHOICE...")
@click.option("--id", "by", flag_value="id", help="CHOICE is an option's id.")
@click.option("--label", "by", flag_value="label", help="CHOICE is an option's label.")
@click.option("--as", "name", default="", metavar="NAME", help="Vote as another voter, called NAME.")
@click.option("--code", metavar="CODE", help="The code you were given, if the poll asks for one.")
@click.option("--retract", is_flag=True, help="Retract your ballot, if the poll allows it.")
@json_option
@wait_option(8.0)
@url_option
def vote(
    url: str,
    wait: float,
    poll: str,
    choices: tuple[str, ...],
    by: By | None,
    name: str,
    code: str | None,
    retract: bool,
    as_json: bool,
) -> None:
    """Cast your ballot in a poll, or in the poll on the screen of a wall.

    POLL-OR-CODE is a poll's ID, a wall's code, or a link to either. CHOICE is an option's id or label. Voting again
    changes the ballot, if the poll allows it. A code (--code) is needed once for all polls of its wall. You stay
    the same voter: your token is kept in your configuration folder.

    \b
    livewall vote K7M2QD "4.2"
    livewall vote https://wall.example.org/w/K7M2QD 2
    livewall vote $poll --retract
    """
    if retract == bool(choices):
        raise click.UsageError("Give a CHOICE, or --retract.")
    try:
        url = server_of_link(poll) or url  # the link chooses the server, which gets only this voter's token
    except ValueError as problem:
        raise click.UsageError(str(problem)) from None
    try:
        if retract:
            print_retracted(*run(retract_ballot(url, wait, poll, name)), as_json)
            return
        answer = run(cast_ballot(url, wait, poll, choices, by, name, code))
    except (OSError, ValueError) as problem:
        stop(REFUSED, f"Your voter token cannot be stored: {problem}")
    if as_json:
        output.as_json(answer)
        return
    labels = ", ".join(output.plain(label) for label in answer["labels"])
    click.echo(f"Your ballot is in: {labels}\nreceipt {answer['receipt']}, round {answer['round']}")


async def retract_ballot(url: str, wait: float, poll: str, name: str) -> tuple[dict[str, Any], bool]:
    """Retract the ballot of a stored voter. Return the server's answer, and whether there was a ballot."""
    server = Server(url, Voters(config_folder()).token(url, name), patience=RETRY_SECONDS, wait=wait, say=say)
    if server.token is None:
        stop(REFUSED, "This user's configuration folder has no voter for this server.")
    target = await find_poll(server, poll)
    answer: dict[str, Any] = await server.delete(f"/api/polls/{segment(target['id'])}/ballot")
    return {"poll": target["id"], **answer}, target["ballot"] is not None


def print_retracted(answer: dict[str, Any], had_ballot: bool, as_json: bool) -> None:
    if as_json:
        output.as_json(answer)
    elif had_ballot:
        click.echo("Your ballot was retracted.")
    else:
        click.echo(f"You have no ballot in round {answer['round']}.")


async def cast_ballot(
    url: str, wait: float, poll: str, choices: Sequence[str], by: By | None, name: str, code: str | None = None
) -> dict[str, Any]:
    """Return the receipt, with the poll's id and the labels chosen."""
    server = Server(url, patience=RETRY_SECONDS, wait=wait, say=say)
    try:
        return await cast_as(server, Voters(config_folder()), poll, choices, by=by, name=name, code=code)
    except NoSuchChoice as problem:
        raise click.UsageError(advice(problem)) from None


def advice(problem: NoSuchChoice) -> str:
    """Return a message with the problem, what to do about it, and the options."""
    listed = "".join(f"\n  {output.plain(option['id'])}  {output.plain(option['label'])}" for option in problem.options)
    if isinstance(problem, AmbiguousChoice):
        return f"{problem}; {'add --id or --label' if problem.either else 'give an id'}:{listed}"
    return f"{problem}. There are:{listed}"
