"""`livewall poll import` and `export`: the questions of an event as a file."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from livewall.cli import output
from livewall.cli.exit_status import REFUSED, run, say, stop
from livewall.cli.options import (
    acting_server_options,
    code_argument,
    json_option,
    output_option,
    server_options,
    wall_option,
)
from livewall.client.calls import Refusal, Server, reason, segment


@click.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@wall_option(help="Add the polls to this wall, at the end.")
@click.option("--check", is_flag=True, help="Only check the file, without a server.")
@click.option("--id", "import_id", metavar="NAME", help="A name of your choice: a file is imported only once under it.")
@json_option
@acting_server_options
def import_(server: Server, file: Path, wall: str | None, check: bool, import_id: str | None, as_json: bool) -> None:
    """Create the polls of FILE (- for standard input) as drafts: all of them or none.

    FILE is Markdown or plain text, Aiken, GIFT, or a table of questions and options as CSV or .xlsx.

    In a pipe, their IDs are printed, one a line. Errors in FILE are printed as FILE:LINE: REASON.

    \b
        ## Which release goes out?
        - 4.2
        - 4.1.7
        results: after close

    \b
    livewall poll import deck.md --wall K7M2QD
    """
    if check == bool(wall):
        raise click.UsageError("Give --wall CODE, or --check.")
    data, name = read_file(file)
    count, notes = check_deck(data, name)
    for note in notes:
        say(f"{name}: {note}.")
    if check:
        if as_json:
            return output.as_json({"polls": count} | ({"notes": notes} if notes else {}))
        return click.echo(f"{name}: ok, {count} poll{'' if count == 1 else 's'}")
    path = f"/api/walls/{segment((wall or '').upper())}/deck?id={segment(import_id or secrets.token_hex(16))}"

    async def work() -> dict[str, Any]:
        try:
            deck: dict[str, Any] = await server.call("POST", path, data, repeat=True)
            return deck
        except Refusal as problem:
            if lines := problem_lines(problem.fields):
                stop_with(name, lines)
            raise

    deck = run(work())
    if as_json:
        output.as_json(deck)
    elif output.terminal():
        output.table(("ID", "Title"), [(poll["id"], poll["title"]) for poll in deck["polls"]], empty="")
    else:
        click.echo("\n".join(poll["id"] for poll in deck["polls"]))


@click.command()
@code_argument
@output_option
@json_option
@server_options
def export(server: Server, code: str, into: Path | None, as_json: bool) -> None:
    """Print the polls of the wall CODE as Markdown that `import` reads.

    \b
    livewall poll export K7M2QD --output deck.md
    """
    text = run(server.get(f"/api/walls/{segment(code.upper())}/deck.md"))
    output.document(output.json_document({"deck": text}) if as_json else text.encode(), into)


def read_file(file: Path) -> tuple[bytes, str]:
    """Return the bytes of a file, and its name for messages."""
    from livewall.voting.decks.deck import MAX_BYTES

    if str(file) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1), "<stdin>"
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1), str(file)
    except OSError as problem:
        stop(REFUSED, f"{file} cannot be read: {reason(problem)}.")


def check_deck(data: bytes, name: str) -> tuple[int, list[str]]:
    """Return the number of polls in the file, and notes on what is not imported. Problems end the program."""
    from livewall.errors import BadInput
    from livewall.voting.decks import question_file
    from livewall.voting.decks.reader import DeckFault

    try:
        questions = question_file.read(data)
        return len(questions.polls), questions.notes
    except DeckFault as fault:
        stop_with(name, [(str(problem.line), problem.reason) for problem in fault.problems])
    except BadInput as problem:
        stop(REFUSED, f"{name}: {problem}.")


def problem_lines(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the lines of a deck that the server refused, with the reasons."""
    return [(field.removeprefix("line "), why) for field, why in fields.items() if field.startswith("line ")]


def stop_with(name: str, lines: list[tuple[str, str]]) -> NoReturn:
    for line, why in lines:
        click.echo(output.plain(f"{name}:{line}: {why}"), err=True)
    stop(REFUSED, "")
