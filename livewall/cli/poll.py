"""`livewall poll …`: a question, its phases, its results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from livewall.cli import deck, output
from livewall.cli.options import acting_server_options, json_option, server_options
from livewall.cli.outcome import REFUSED, run, say, stop
from livewall.cli.wall import pages
from livewall.client.ballots import find_poll
from livewall.client.calls import Server, segment

RESULTS = ("live", "after_vote", "after_close", "on_publish")


@click.group()
def poll() -> None:
    """Create, run and read polls. POLL is a poll's ID, or a wall's code for the poll on its stage."""


poll.add_command(deck.import_)
poll.add_command(deck.export)


@poll.command()
@click.argument("title")
@click.argument("options", nargs=-1, required=True, metavar="OPTION...")
@click.option("--wall", metavar="CODE", help="Append it to this wall.")
@click.option("--multi", is_flag=True, help="Several choices in one ballot.")
@click.option("--max-choices", type=click.IntRange(1), metavar="N", help="How many, with --multi.  [default: all]")
@click.option("--results", type=click.Choice(RESULTS), help="When all may see the counts.  [default: live]")
@click.option("--final", is_flag=True, help="A ballot cannot be changed.")
@click.option("--closes-in", type=click.IntRange(1), metavar="SECONDS", help="Close so long after opening.")
@click.option("--codes", is_flag=True, help="Only with a code of its wall: see `wall codes`.")
@click.option("--open", "open_now", is_flag=True, help="Open it at once.")
@json_option
@acting_server_options
def create(
    server: Server,
    title: str,
    options: tuple[str, ...],
    wall: str | None,
    multi: bool,
    max_choices: int | None,
    results: str | None,
    final: bool,
    closes_in: int | None,
    codes: bool,
    open_now: bool,
    as_json: bool,
) -> None:
    """Make a poll, a draft unless --open. Prints its ID."""
    if max_choices and not multi:
        raise click.UsageError("--max-choices needs --multi: otherwise a ballot has one choice.")
    body: dict[str, Any] = {"title": title, "options": list(options)}
    if multi:
        body |= {"kind": "multi", "max_choices": max_choices or len(options)}
    if wall:
        body["wall"] = wall.upper()
    if results:
        body["results"] = results
    if final:
        body["allow_change"] = False
    if codes:
        if not wall:
            raise click.UsageError("--codes needs --wall: codes belong to a wall.")
        body["assurance"] = "code"
    if closes_in:
        body["closes_in"] = closes_in

    async def work() -> dict[str, Any]:
        made: dict[str, Any] = await server.post("/api/polls", body)
        return await act(server, made, "open") if open_now else made

    made = run(work())
    if twice := same_labels(made["options"]):
        say(f"Several options are called {', '.join(map(repr, twice))}: `vote` needs their ids.")
    if as_json:
        output.as_json(made)
    else:
        click.echo(made["id"])


def same_labels(options: Sequence[dict[str, str]]) -> list[str]:
    """Labels that more than one option has, as people read them."""
    counted = Counter(output.plain(option["label"]) for option in options)
    return [label for label, times in counted.items() if times > 1]


@poll.command(name="list")
@json_option
@server_options
def list_(server: Server, as_json: bool) -> None:
    """List the polls."""
    polls = run(pages(server, "/api/polls"))
    if as_json:
        output.as_json(polls)
    else:
        rows = [(poll["id"], poll["phase"], poll["round"], poll["wall"], poll["title"]) for poll in polls]
        empty = f"No poll yet: {output.this_command()} poll create TITLE OPTION OPTION"
        output.table(("ID", "Phase", "Round", "Wall", "Title"), rows, empty=empty)


async def act(server: Server, poll: dict[str, Any], action: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Opening, closing, publishing, and leaving a named round do the same done twice."""
    answer: dict[str, Any] = await server.post(f"/api/polls/{segment(poll['id'])}/{action}", body, repeat=True)
    return answer


def acted(server: Server, name: str, action: str, as_json: bool, body: dict[str, Any] | None = None) -> None:
    async def work() -> dict[str, Any]:
        return await act(server, await find_poll(server, name), action, body)

    told(run(work()), as_json)


def told(poll: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.as_json(poll)
    else:
        shown = ", published" if poll["published"] else ""
        click.echo(f"{poll['id']} {poll['phase']}, round {poll['round']}{shown}")


@poll.command()
@click.argument("poll", metavar="POLL")
@json_option
@acting_server_options
def duplicate(server: Server, poll: str, as_json: bool) -> None:
    """Copy a poll: a draft with the same question and rules, last on its wall. Prints its ID."""

    async def work() -> dict[str, Any]:
        found = await find_poll(server, poll)
        made: dict[str, Any] = await server.post(f"/api/polls/{segment(found['id'])}/duplicate")
        return made

    made = run(work())
    if as_json:
        output.as_json(made)
    else:
        click.echo(made["id"])


@poll.command(name="open")
@click.argument("poll", metavar="POLL")
@json_option
@acting_server_options
def open_(server: Server, poll: str, as_json: bool) -> None:
    """Let people vote."""
    acted(server, poll, "open", as_json)


@poll.command()
@click.argument("poll", metavar="POLL")
@json_option
@acting_server_options
def close(server: Server, poll: str, as_json: bool) -> None:
    """Take no more ballots."""
    acted(server, poll, "close", as_json)


@poll.command()
@click.argument("poll", metavar="POLL")
@click.option("--withdraw", is_flag=True, help="Hide them again.")
@json_option
@acting_server_options
def publish(server: Server, poll: str, withdraw: bool, as_json: bool) -> None:
    """Show the results to all."""
    acted(server, poll, "publish", as_json, {"published": False} if withdraw else None)


@poll.command()
@click.argument("poll", metavar="POLL")
@click.option("--round", type=click.IntRange(1), help="The round to leave.  [default: the present one]")
@json_option
@acting_server_options
def reset(server: Server, poll: str, round: int | None, as_json: bool) -> None:
    """Start a new round of a closed poll; the rounds before are kept."""

    async def work() -> dict[str, Any]:
        found = await find_poll(server, poll)
        return await act(server, found, "reset", {"round": round or found["round"]})

    told(run(work()), as_json)


@poll.command()
@click.argument("poll", metavar="POLL")
@json_option
@server_options
def results(server: Server, poll: str, as_json: bool) -> None:
    """Print the counts. In a pipe: id, count and label of each option, separated by tabs."""
    found = run(find_poll(server, poll))
    tally = found["tally"]
    if tally is None:
        stop(REFUSED, f"The results of {found['id']} are not shown yet (they are {found['results']}).")
    if as_json:
        output.as_json({"poll": found["id"], "title": found["title"], "phase": found["phase"], **tally})
        return
    counts = tally["counts"]
    most = max(counts.values(), default=0)
    rows = [
        (option["id"], counts.get(option["id"], 0), option["label"], output.bar(counts.get(option["id"], 0), most))
        for option in found["options"]
    ]
    if not output.terminal():
        output.table((), [row[:3] for row in rows], empty="")
        return
    output.heading(found["title"])
    output.table(("", "Votes", "Option", ""), rows, empty="")
    ballots = tally["ballots"]
    click.echo(f"{ballots} ballot{'' if ballots == 1 else 's'}, round {tally['round']}, {found['phase']}")


@poll.command()
@click.argument("poll", metavar="POLL")
@click.argument("receipt")
@json_option
@server_options
def receipt(server: Server, poll: str, receipt: str, as_json: bool) -> None:
    """Print what was counted under RECEIPT, once the results may be seen. In a pipe: id and label of each choice."""

    async def work() -> tuple[dict[str, Any], dict[str, Any]]:
        found = await find_poll(server, poll)
        return found, await server.get(f"/api/polls/{segment(found['id'])}/receipts/{segment(receipt)}")

    found, ballot = run(work())
    if as_json:
        output.as_json({"poll": found["id"], **ballot})
        return
    labels = {option["id"]: option["label"] for option in found["options"]}
    if not output.terminal():
        output.table((), [(id, labels.get(id, "")) for id in ballot["choices"]], empty="")
        return
    chosen = ", ".join(output.plain(labels.get(id, id)) for id in ballot["choices"])
    click.echo(f"Counted in round {ballot['round']}: {chosen}")
