"""`livewall question …` and `livewall ask`: what the audience of a wall asks, for hosts and for whoever asks."""

from __future__ import annotations

import secrets
from typing import Any

import click

from livewall.cli import output
from livewall.cli.exit_status import run
from livewall.cli.group import Group
from livewall.cli.options import acting_server_options, code_argument, json_option, server_options
from livewall.client.calls import Server, segment

STATES = click.Choice(["pending", "shown", "pinned", "answered", "hidden"])
number_argument = click.argument("number", type=click.IntRange(1))


@click.command()
@code_argument
@click.argument("text")
@click.option("--anonymous", is_flag=True, help="Nobody learns who asks.")
@json_option
@acting_server_options
def ask(server: Server, code: str, text: str, anonymous: bool, as_json: bool) -> None:
    """Ask TEXT on the wall CODE. The number of the question is printed.

    \b
    livewall ask K7M2QD "When does the library open?"
    """
    body = {"text": text, "id": secrets.token_urlsafe(12), "anonymous": anonymous}
    asked = run(server.post(address(code), body, repeat=True))
    output.as_json(asked) if as_json else click.echo(asked["n"])


@click.group(cls=Group)
def question() -> None:
    """List, vote up and moderate the questions of a wall. CODE is the wall's code, N the number of a question.

    \b
    livewall wall edit K7M2QD --questions moderated
    livewall question list K7M2QD --state pending
    livewall question show K7M2QD 3
    """


@question.command(name="list")
@code_argument
@click.option("--state", type=STATES, help="Only questions in this state.")
@json_option
@server_options
def list_(server: Server, code: str, state: str | None, as_json: bool) -> None:
    """List questions in the order of the screen. In a pipe: number, votes, state, name and text, separated by tabs.

    \b
    livewall question list K7M2QD
    """
    items = run(server.get(address(code)))["items"]
    items = [each for each in items if state in (None, each["state"])]
    if as_json:
        output.as_json(items)
        return
    rows = [(each["n"], each["votes"], each["state"], each["name"] or "(anonymous)", each["text"]) for each in items]
    output.table(("No", "Votes", "State", "Name", "Question"), rows, empty="No question yet.")


@question.command()
@code_argument
@number_argument
@click.option("--retract", is_flag=True, help="Take your vote back.")
@json_option
@acting_server_options
def vote(server: Server, code: str, number: int, retract: bool, as_json: bool) -> None:
    """Vote a question up. Your vote counts once.

    \b
    livewall question vote K7M2QD 3
    """
    path = address(code, f"/{number}/vote")
    answer = run(server.delete(path) if retract else server.put(path, {}))
    said = "voted up" if answer["voted"] else "vote retracted"
    output.as_json(answer) if as_json else click.echo(f"{number}: {said}")


@question.command()
@code_argument
@number_argument
@json_option
@acting_server_options
def show(server: Server, code: str, number: int, as_json: bool) -> None:
    """Show a question to everyone: one that is pending, or was pinned, answered or hidden.

    \b
    livewall question show K7M2QD 3
    """
    decide(server, code, number, {"state": "shown"}, as_json)


@question.command()
@code_argument
@number_argument
@json_option
@acting_server_options
def pin(server: Server, code: str, number: int, as_json: bool) -> None:
    """Put a question before all others, such as the one that is being answered.

    \b
    livewall question pin K7M2QD 3
    """
    decide(server, code, number, {"state": "pinned"}, as_json)


@question.command()
@code_argument
@number_argument
@click.argument("text", required=False)
@json_option
@acting_server_options
def answer(server: Server, code: str, number: int, text: str | None, as_json: bool) -> None:
    """Mark a question as answered, with the answer as TEXT if there is one.

    \b
    livewall question answer K7M2QD 3 "At nine, from Monday on."
    """
    decide(server, code, number, {"state": "answered"} | ({"answer": text} if text else {}), as_json)


@question.command()
@code_argument
@number_argument
@json_option
@acting_server_options
def hide(server: Server, code: str, number: int, as_json: bool) -> None:
    """Hide a question from everyone but hosts. `question show` shows it again.

    \b
    livewall question hide K7M2QD 3
    """
    decide(server, code, number, {"state": "hidden"}, as_json)


def decide(server: Server, code: str, number: int, change: dict[str, Any], as_json: bool) -> None:
    decided = run(server.put(address(code, f"/{number}"), change))
    output.as_json(decided) if as_json else click.echo(f"{number}: {decided['state']}")


def address(code: str, rest: str = "") -> str:
    return f"/api/walls/{segment(code)}/questions{rest}"
