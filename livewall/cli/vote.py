"""`livewall vote`: one ballot, by a voter this user keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import click

from livewall.cli import output
from livewall.cli.options import PATIENCE, json_option, url_option, wait_option
from livewall.cli.outcome import REFUSED, run, say, stop
from livewall.client.ballots import cast, find_poll, new_voter
from livewall.client.calls import Refusal, Server, segment, server_url
from livewall.client.voters import Voters
from livewall.settings import config_folder

Option = dict[str, str]


@click.command()
@click.argument("poll", metavar="POLL-OR-CODE")
@click.argument("choices", nargs=-1, metavar="CHOICE...")
@click.option("--id", "by", flag_value="id", help="CHOICE is an option's id.")
@click.option("--label", "by", flag_value="label", help="CHOICE is an option's label.")
@click.option("--as", "name", default="", metavar="NAME", help="Vote as another voter of yours.")
@click.option("--code", metavar="CODE", help="The code you were given, where the poll asks for one.")
@click.option("--retract", is_flag=True, help="Take your ballot back, where the poll allows it.")
@json_option
@wait_option(8.0)
@url_option
def vote(
    url: str,
    wait: float,
    poll: str,
    choices: tuple[str, ...],
    by: str | None,
    name: str,
    code: str | None,
    retract: bool,
    as_json: bool,
) -> None:
    """Cast your ballot in a poll, or in the poll on the stage of a wall.

    POLL-OR-CODE is a poll's ID, a wall's code, or the link of either. CHOICE is an option's id or label. Voting again
    changes the ballot, where the poll allows it. A code (--code) is needed once for all polls of its wall. You stay
    the same voter: your token is kept in your configuration folder.

    \b
    livewall vote K7M2QD "4.2"
    livewall vote https://wall.example.org/w/K7M2QD 2
    livewall vote $poll --retract
    """
    if retract == bool(choices):
        raise click.UsageError("Give a CHOICE, or --retract.")
    if "://" in poll:
        url = base_of(poll)
    try:
        if retract:
            taken_back(run(retract_ballot(url, wait, poll, name)), as_json)
            return
        answer = run(cast_ballot(url, wait, poll, choices, by, name, code))
    except (OSError, ValueError) as problem:
        stop(REFUSED, f"Your voter token cannot be kept: {problem}")
    if as_json:
        output.as_json(answer)
        return
    labels = ", ".join(output.plain(label) for label in answer["labels"])
    click.echo(f"Your ballot is in: {labels}\nreceipt {answer['receipt']}, round {answer['round']}")


async def retract_ballot(url: str, wait: float, poll: str, name: str) -> dict[str, Any]:
    """What the server says once there is no ballot of this voter any more."""
    server = Server(url, Voters(config_folder()).token(url, name), patience=PATIENCE, wait=wait, say=say)
    if server.token is None:
        stop(REFUSED, "You have not voted here, as far as this user's configuration folder knows.")
    found = await find_poll(server, poll)
    answer: dict[str, Any] = await server.delete(f"/api/polls/{segment(found['id'])}/ballot")
    return {"poll": found["id"], **answer}


def taken_back(answer: dict[str, Any], as_json: bool) -> None:
    output.as_json(answer) if as_json else click.echo(f"You have no ballot in round {answer['round']}.")


def base_of(link: str) -> str:
    """The server of a link that somebody was given: to vote there, its voter is all that is sent."""
    parts = urlsplit(link)
    try:
        return server_url(f"{parts.scheme}://{parts.netloc}")
    except ValueError as problem:
        raise click.UsageError(str(problem)) from None


async def cast_ballot(
    url: str, wait: float, poll: str, choices: Sequence[str], by: str | None, name: str, code: str | None = None
) -> dict[str, Any]:
    """The receipt, with the poll's id and the labels chosen."""
    server = Server(url, patience=PATIENCE, wait=wait, say=say)
    found = await find_poll(server, poll)
    chosen = [match(choice, found["options"], by) for choice in choices]
    ids = [option["id"] for option in chosen]
    voters = Voters(config_folder())
    server.token = known = voters.token(url, name)
    if known is None:
        server.token = await new_token(voters, server, name, None)
    try:
        receipt = await cast(server, found["id"], ids, found["round"], code)
    except Refusal as problem:
        if problem.status != 401:
            raise
        # The server no longer knows this voter (another data folder, a year gone by), so no ballot of it counts here.
        server.token = await new_token(voters, server, name, server.token)
        receipt = await cast(server, found["id"], ids, found["round"], code)
    return {"poll": found["id"], **receipt, "labels": [option["label"] for option in chosen]}


async def new_token(voters: Voters, server: Server, name: str, old: str | None) -> str:
    server.token = None
    return voters.keep(server.url, name, await new_voter(server), instead_of=old)


def match(choice: str, options: Sequence[Option], by: str | None) -> Option:
    """The one option that `choice` means. Raises UsageError when there is none, or more than one."""
    found: list[Option] = []
    if by != "label":
        found += [option for option in options if option["id"] == choice]
    if by != "id":
        same = [option for option in options if option["label"] == choice]
        similar = [option for option in options if option["label"].casefold() == choice.casefold()]
        found += [option for option in same or similar if option not in found]
    if len(found) == 1:
        return found[0]
    listed = "".join(
        f"\n  {output.plain(option['id'])}  {output.plain(option['label'])}" for option in found or options
    )
    if found:
        settle = "say --id or --label" if by is None and any(o["id"] == choice for o in found) else "give an id"
        raise click.UsageError(f"{choice!r} means more than one option; {settle}:{listed}")
    raise click.UsageError(f"No option is called {choice!r}. There are:{listed}")
