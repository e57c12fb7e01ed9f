"""The results of a poll: counts, rounds side by side, the tally over time, ballots, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from livewall.cli import output
from livewall.cli.exit_status import REFUSED, run, stop
from livewall.cli.options import json_option, output_option, poll_argument, server_options
from livewall.cli.tally_table import rows, tally_text
from livewall.client.ballots import find_poll
from livewall.client.calls import Server, segment


async def poll_and_answer(server: Server, name: str, path: str) -> tuple[dict[str, Any], Any]:
    """Return the poll that `name` denotes, and the server's answer for a path below it."""
    poll = await find_poll(server, name)
    return poll, await server.get(f"/api/polls/{segment(poll['id'])}/{path}")


@click.command()
@poll_argument
@click.option("--rounds", is_flag=True, help="Print the counts of every round, side by side.")
@click.option("--export", is_flag=True, help="Print the poll with all its rounds as JSON; for hosts.")
@output_option
@json_option
@server_options
def results(server: Server, poll: str, rounds: bool, export: bool, into: Path | None, as_json: bool) -> None:
    """Print the counts. In a pipe: id, count and label of each option, separated by tabs.

    \b
    livewall poll results $poll
    livewall poll results $poll --rounds
    livewall poll results $poll --json | jq .counts
    livewall poll results $poll --export --output result.json
    """
    if into is not None and not export:
        raise click.UsageError("--output needs --export.")
    if export:
        output.document(output.json_document(run(poll_and_answer(server, poll, "results.json"))[1]), into)
    elif rounds:
        show_rounds(server, poll, as_json)
    else:
        show_tally(run(find_poll(server, poll)), as_json)


def show_tally(poll: dict[str, Any], as_json: bool) -> None:
    tally = poll["tally"]
    if tally is None:
        stop(REFUSED, f"You may not see the results of {poll['id']} yet (results: {poll['results']}).")
    if as_json:
        output.as_json({"poll": poll["id"], "title": poll["title"], "phase": poll["phase"], **tally})
        return
    listed = rows(poll, tally)
    if not output.terminal():
        output.table((), [(row.id, row.votes, row.label) for row in listed], empty="")
        return
    most = max((row.votes for row in listed), default=0)
    output.heading(poll["title"])
    output.table(
        ("", "Votes", "", "Option", ""),
        [
            (row.id, row.votes, row.percent, row.label + (" ✓" if row.wins else ""), output.bar(row.votes, most))
            for row in listed
        ],
        empty="",
    )
    click.echo(output.plain(tally_text(poll, tally)))


@click.command()
@poll_argument
@json_option
@server_options
def rounds(server: Server, poll: str, as_json: bool) -> None:
    """Print the counts of every round, the oldest first. In a pipe: round, id, count and label, separated by tabs.

    \b
    livewall poll rounds $poll
    """
    show_rounds(server, poll, as_json)


def show_rounds(server: Server, name: str, as_json: bool) -> None:
    poll, answer = run(poll_and_answer(server, name, "rounds"))
    if as_json:
        output.as_json(answer)
        return
    tallies = answer["items"]
    if not output.terminal():
        lines = [(tally["round"], row.id, row.votes, row.label) for tally in tallies for row in rows(poll, tally)]
        output.table((), lines, empty="")
        return
    rows_by_round = [rows(poll, tally) for tally in tallies]
    output.heading(poll["title"])
    output.table(
        ("", "Option", *(f"Round {tally['round']}" for tally in tallies)),
        [
            (each[0].id, each[0].label, *(f"{row.votes} {row.percent}" for row in each))
            for each in zip(*rows_by_round, strict=True)
        ]
        + [("", "ballots", *(tally["ballots"] for tally in tallies))],
        empty="",
    )


@click.command()
@poll_argument
@click.option(
    "--round", "round_number", type=click.IntRange(1), metavar="N", help="The round.  [default: the current one]"
)
@json_option
@server_options
def replay(server: Server, poll: str, round_number: int | None, as_json: bool) -> None:
    """Print how the counts of a round changed. In a pipe: time, ballots and each count, separated by tabs.

    \b
    livewall poll replay $poll
    livewall poll replay $poll --round 1 --json
    """
    _, answer = run(poll_and_answer(server, poll, f"replay{f'?round={round_number}' if round_number else ''}"))
    if as_json:
        output.as_json(answer)
        return
    options = answer["options"]
    lines = [(output.when(each["at"]), each["ballots"], *(each["counts"].get(one["id"], 0) for one in options))
             for each in answer["items"]]  # fmt: skip
    output.table(("At", "Ballots", *(one["label"] for one in options)), lines, empty="Nothing was counted yet.")


@click.command()
@poll_argument
@output_option
@server_options
def ballots(server: Server, poll: str, into: Path | None) -> None:
    """Print all ballots under their receipts, as CSV; for hosts.

    \b
    livewall poll ballots $poll --output ballots.csv
    """
    print_raw(server, poll, "ballots.csv", into)


@click.command()
@poll_argument
@click.option("--race", is_flag=True, help="Draw the tally over time.")
@click.option(
    "--round", "round_number", type=click.IntRange(1), metavar="N", help="The round.  [default: the current one]"
)
@click.option("--dark", is_flag=True, help="Use a dark background.")
@output_option
@server_options
def picture(server: Server, poll: str, race: bool, round_number: int | None, dark: bool, into: Path | None) -> None:
    """Print a picture of the result, as SVG.

    \b
    livewall poll picture $poll --output result.svg
    livewall poll picture $poll --race --dark --output race.svg
    """
    parameters = [f"round={round_number}" if round_number else "", "theme=dark" if dark else ""]
    query = "&".join(filter(None, parameters))
    print_raw(server, poll, f"{'race' if race else 'results'}.svg" + (f"?{query}" if query else ""), into)


def print_raw(server: Server, poll: str, path: str, into: Path | None) -> None:
    """Print an answer that is not JSON byte for byte, or write it to a file."""

    async def work() -> bytes:
        state = await find_poll(server, poll)
        return await server.raw(f"/api/polls/{segment(state['id'])}/{path}")

    output.document(run(work()), into)


@click.command()
@poll_argument
@click.argument("receipt")
@json_option
@server_options
def receipt(server: Server, poll: str, receipt: str, as_json: bool) -> None:
    """Print the ballot counted under RECEIPT, once you may see the results. In a pipe: id and label of each choice.

    \b
    livewall poll receipt $poll 7Q4F-K7M2-9PRT-QD4X
    """
    state, ballot = run(poll_and_answer(server, poll, f"receipts/{segment(receipt)}"))
    if as_json:
        output.as_json({"poll": state["id"], **ballot})
        return
    labels = {option["id"]: option["label"] for option in state["options"]}
    if not output.terminal():
        output.table((), [(id, labels.get(id, "")) for id in ballot["choices"]], empty="")
        return
    chosen = ", ".join(output.plain(labels.get(choice, choice)) for choice in ballot["choices"])
    click.echo(f"Counted in round {ballot['round']}: {chosen}")


COMMANDS = (results, rounds, replay, ballots, picture, receipt)
