"""`livewall poll …`: create, list, show and edit polls.

The other commands of the group are in `poll_commands`, `poll_results` and `deck`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from livewall.cli import deck, output, poll_commands, poll_results
from livewall.cli.exit_status import run
from livewall.cli.group import Group
from livewall.cli.options import acting_server_options, json_option, poll_argument, server_options, wall_option
from livewall.cli.paging import pages
from livewall.cli.poll_commands import post_action, print_poll
from livewall.cli.tally_table import tally_text
from livewall.client.ballots import find_poll
from livewall.client.calls import Server, segment
from livewall.own_command import this_command
from livewall.visible_text import matching
from livewall.voting import shares
from livewall.voting.kinds import ONE, SEVERAL

RESULTS = ("live", "after_vote", "after_close", "on_publish")
MAJORITIES = tuple(shares.MAJORITIES)


class OrNone(click.ParamType[Any]):
    """A parameter type that accepts the word `none` besides the values of another type."""

    def __init__(self, inner: click.ParamType[Any]) -> None:
        self.inner = inner
        self.name = f"{inner.name} or none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == "none" else self.inner.convert(value, param, ctx)


@click.group(cls=Group)
def poll() -> None:
    """Create, run and read polls. POLL is a poll's ID, or a wall's code for the poll on its screen.

    \b
    poll=$(livewall poll create "Which release goes out?" 4.2 4.1.7 --open)
    livewall poll close $poll
    livewall poll results $poll
    """


@poll.command()
@click.argument("title")
@click.argument("options", nargs=-1, required=True, metavar="OPTION...")
@wall_option(help="Add the poll to this wall, at the end.")
@click.option("--multi", is_flag=True, help="Allow several choices in one ballot.")
@click.option("--kind", metavar="NAME", help="The name of a kind of poll that a package adds to the server.")
@click.option(
    "--max-choices", type=click.IntRange(1), metavar="N", help="At most N choices, with --multi.  [default: all]"
)
@click.option(
    "--abstain",
    metavar="LABEL",
    help="An option to abstain, which counts towards turnout but not towards shares.",
)
@click.option("--results", type=click.Choice(RESULTS), help="Who may see the counts, and when.  [default: live]")
@click.option("--quorum", type=click.IntRange(1), metavar="N", help="The number of ballots that are needed.")
@click.option(
    "--majority",
    type=click.Choice(MAJORITIES),
    help="The share that is needed to win: more than 1/2, or at least 2/3 or 3/4.",
)
@click.option("--compare", is_flag=True, help="Show earlier rounds beside the current one.")
@click.option("--final", is_flag=True, help="Do not let ballots be changed.")
@click.option("--closes-in", type=click.IntRange(1), metavar="SECONDS", help="Close voting this long after it opens.")
@click.option("--codes", is_flag=True, help="Ask voters for a code of the wall; see `wall codes`.")
@click.option("--open", "open_now", is_flag=True, help="Open voting at once.")
@json_option
@acting_server_options
def create(
    server: Server,
    title: str,
    options: tuple[str, ...],
    wall: str | None,
    multi: bool,
    kind: str | None,
    max_choices: int | None,
    abstain: str | None,
    results: str | None,
    quorum: int | None,
    majority: str | None,
    compare: bool,
    final: bool,
    closes_in: int | None,
    codes: bool,
    open_now: bool,
    as_json: bool,
) -> None:
    """Create a poll, as a draft unless --open is given. Its ID is printed.

    \b
    livewall poll create "Lunch?" Soup Salad --wall K7M2QD --closes-in 60 --open
    livewall poll create "The budget?" Yes No --abstain Abstention --quorum 50 --majority 2/3
    """
    if multi and kind not in (None, SEVERAL):
        raise click.UsageError("--multi and --kind cannot be used together.")
    if max_choices and not multi and kind is None:
        raise click.UsageError("--max-choices needs --multi: otherwise a ballot has one choice.")
    if codes and not wall:
        raise click.UsageError("--codes needs --wall: codes belong to a wall.")
    body: dict[str, Any] = {"title": title, "options": with_abstention(list(options), abstain)}
    if multi:
        body |= {"kind": SEVERAL, "max_choices": max_choices or len(options)}
    elif kind:
        body |= {"kind": kind, "max_choices": max_choices or 1}
    settings = {
        "wall": wall.upper() if wall else None,
        "results": results,
        "quorum": quorum,
        "majority": majority,
        "compare": compare or None,
        "allow_change": False if final else None,
        "assurance": "code" if codes else None,
        "closes_in": closes_in,
    }
    body |= {name: value for name, value in settings.items() if value is not None}

    async def work() -> dict[str, Any]:
        poll: dict[str, Any] = await server.post("/api/polls", body)
        return await post_action(server, poll, "open") if open_now else poll

    poll = run(work())
    output.as_json(poll) if as_json else click.echo(poll["id"])


def with_abstention(options: Sequence[Any], label: str | None) -> list[Any]:
    """Return the options, with the one that has the label marked as the abstention; a new label adds an option."""
    if label is None:
        return list(options)
    plain = [each if isinstance(each, dict) else {"label": each} for each in options]
    marked = [{key: value for key, value in each.items() if key != "abstain"} for each in plain]
    matches = matching(label, [each["label"] for each in marked])
    if len(matches) > 1:
        raise click.UsageError(f"--abstain {label!r} means more than one option.")
    if matches:
        marked[matches[0]]["abstain"] = True
        return marked
    return [
        *(marked if any(isinstance(each, dict) for each in options) else options),
        {"label": label, "abstain": True},
    ]


@poll.command()
@poll_argument
@click.option("--title", metavar="TITLE", help="The new question.")
@click.option(
    "--option", "options", multiple=True, metavar="LABEL", help="An option, in place of all old ones; repeat it."
)
@click.option("--abstain", metavar="LABEL", help="The option to abstain; it is added if it does not exist.")
@click.option("--multi/--single", default=None, help="Allow several choices in one ballot, or only one.")
@click.option("--kind", metavar="NAME", help="The name of a kind of poll that a package adds to the server.")
@click.option("--max-choices", type=click.IntRange(1), metavar="N", help="At most N choices, if several are allowed.")
@click.option("--results", type=click.Choice(RESULTS), help="Who may see the counts, and when.")
@click.option("--quorum", type=OrNone(click.IntRange(1)), metavar="N|none", help="How many ballots are needed.")
@click.option(
    "--majority", type=OrNone(click.Choice(MAJORITIES)), metavar="1/2|2/3|3/4|none", help="The share that is needed."
)
@click.option("--compare/--no-compare", default=None, help="Show earlier rounds beside the current one.")
@click.option("--final/--changeable", default=None, help="Whether a ballot can be changed.")
@click.option(
    "--closes-in", type=OrNone(click.IntRange(1)), metavar="SECONDS|none", help="Close voting this long after it opens."
)
@click.option("--codes/--no-codes", default=None, help="Whether voters need a code of the wall.")
@json_option
@acting_server_options
def edit(
    server: Server,
    poll: str,
    title: str | None,
    options: tuple[str, ...],
    abstain: str | None,
    multi: bool | None,
    kind: str | None,
    max_choices: int | None,
    results: str | None,
    quorum: Any,
    majority: Any,
    compare: bool | None,
    final: bool | None,
    closes_in: Any,
    codes: bool | None,
    as_json: bool,
) -> None:
    """Change the given settings of a poll. Options, kind and codes cannot change once there is a ballot.

    \b
    livewall poll edit $poll --title "Which release goes out today?"
    livewall poll edit $poll --quorum none --closes-in 90
    """
    settings = {
        "title": title,
        "options": with_abstention(options, abstain) if options else None,
        "kind": kind if multi is None else SEVERAL if multi else ONE,
        "max_choices": max_choices,
        "results": results,
        "quorum": quorum,
        "majority": majority,
        "compare": compare,
        "allow_change": None if final is None else not final,
        "closes_in": closes_in,
        "assurance": None if codes is None else "code" if codes else "open",
    }
    body = {name: None if value == "none" else value for name, value in settings.items() if value is not None}
    if not body and abstain is None:
        raise click.UsageError("Give at least one option that says what to change.")

    async def work() -> dict[str, Any]:
        current = await find_poll(server, poll)
        if abstain is not None and not options:
            body["options"] = with_abstention(current["options"], abstain)
        changed: dict[str, Any] = await server.put(f"/api/polls/{segment(current['id'])}", body)
        return changed

    changed = run(work())
    print_poll(changed, as_json)


@poll.command(name="list")
@json_option
@server_options
def list_(server: Server, as_json: bool) -> None:
    """List the polls, the newest first. In a pipe: id, phase, round, wall and title, separated by tabs.

    \b
    livewall poll list
    livewall poll list --json | jq -r '.[] | select(.phase == "open") | .id'
    """
    polls = run(pages(server, "/api/polls"))
    if as_json:
        output.as_json(polls)
    else:
        rows = [(poll["id"], poll["phase"], poll["round"], poll["wall"], poll["title"]) for poll in polls]
        empty = f"No poll yet: {this_command()} poll create TITLE OPTION OPTION"
        output.table(("ID", "Phase", "Round", "Wall", "Title"), rows, empty=empty)


@poll.command()
@poll_argument
@json_option
@server_options
def show(server: Server, poll: str, as_json: bool) -> None:
    """Print a poll: its settings, options and state. In a pipe: name and value, separated by a tab.

    \b
    livewall poll show $poll
    livewall poll show K7M2QD --json | jq .closes_at
    """
    state = run(find_poll(server, poll))
    if as_json:
        output.as_json(state)
        return
    names = ("id", "title", "phase", "round", "wall", "kind", "max_choices", "results", "published", "allow_change",
             "assurance", "closes_at", "closed_at", "quorum", "majority", "compare", "erased_at")  # fmt: skip
    fields = [(name, state[name]) for name in names if state.get(name) is not None]
    rows = [(name, output.when(value) if name.endswith("_at") else value_text(value)) for name, value in fields]
    for each in state["options"]:
        rows.append(("abstain" if each.get("abstain") else "option", f"{each['id']} {each['label']}"))
    if state["tally"] is not None:
        rows.append(("tally", tally_text(state, state["tally"])))
    output.table(("Poll", ""), rows, empty="")


def value_text(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


for command in (*poll_commands.COMMANDS, *poll_results.COMMANDS, deck.import_, deck.export):
    poll.add_command(command)
