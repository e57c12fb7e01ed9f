"""`livewall wall …`: events with a join code, their items, and the active item."""

from __future__ import annotations

from typing import Any

import click

from livewall.cli import output
from livewall.cli.codes import codes
from livewall.cli.confirmation import confirm, title_question, yes_option
from livewall.cli.exit_status import run, say
from livewall.cli.group import Group
from livewall.cli.options import acting_server_options, code_argument, json_option, server_options
from livewall.cli.paging import pages
from livewall.cli.tally_table import rows, tally_text
from livewall.client.calls import Server, segment
from livewall.own_command import this_command


@click.group(cls=Group)
def wall() -> None:
    """Create and list walls, and choose what is on the screen. CODE is a wall's code, in any case.

    \b
    code=$(livewall wall create "Autumn Forum")
    livewall wall activate $code polls/$poll
    """


@wall.command()
@click.argument("title")
@json_option
@acting_server_options
def create(server: Server, title: str, as_json: bool) -> None:
    """Create a wall. Its code is printed, and on a terminal also the addresses for the audience and the projector.

    \b
    code=$(livewall wall create "Autumn Forum")
    """
    print_wall(run(server.post("/api/walls", {"title": title})), as_json)


@wall.command(name="list")
@json_option
@server_options
def list_(server: Server, as_json: bool) -> None:
    """List the walls, the newest first. In a pipe: code, title, active item and number of items, separated by tabs.

    \b
    livewall wall list
    """
    walls = run(pages(server, "/api/walls"))
    if as_json:
        output.as_json(walls)
    else:
        rows = [(wall["code"], wall["title"], wall["active"], len(wall["items"])) for wall in walls]
        empty = f"No wall yet: {this_command()} wall create TITLE"
        output.table(("Code", "Title", "Active", "Items"), rows, empty=empty)


@wall.command()
@code_argument
@json_option
@server_options
def show(server: Server, code: str, as_json: bool) -> None:
    """Print a wall, its items in their order, and its addresses. In a pipe: name and value, separated by a tab.

    \b
    livewall wall show K7M2QD
    """
    state = run(server.get(address(code)))
    if as_json:
        output.as_json(state)
    else:
        output.table(("Wall", ""), [*wall_rows(state), *(("item", item) for item in state["items"])], empty="")


@wall.command()
@code_argument
@json_option
@acting_server_options
def duplicate(server: Server, code: str, as_json: bool) -> None:
    """Create a wall with the same polls as drafts, but without tasks and codes. Its code is printed.

    \b
    next=$(livewall wall duplicate K7M2QD)
    """
    print_wall(run(server.post(address(code, "/duplicate"))), as_json)


@wall.command()
@code_argument
@click.argument("item", required=False)
@click.option("--none", is_flag=True, help="Take the active item off the screen.")
@json_option
@acting_server_options
def activate(server: Server, code: str, item: str | None, none: bool, as_json: bool) -> None:
    """Put ITEM (polls/ID, tasks/ID, or a poll's ID) on the screen of the wall CODE. A new item is added to the wall.

    \b
    livewall wall activate K7M2QD polls/$poll
    livewall wall activate K7M2QD --none
    """
    if bool(item) == none:
        raise click.UsageError("Give the ITEM to put on the screen, or --none.")
    print_wall(run(put_on_screen(server, code, item)), as_json)


async def put_on_screen(server: Server, code: str, item: str | None) -> dict[str, Any]:
    change: dict[str, Any] = {"active": None}
    if item:
        item = item_name(item)
        items = (await server.get(address(code)))["items"]
        change = {"active": item} if item in items else {"active": item, "items": [*items, item]}
    wall: dict[str, Any] = await server.put(address(code), change)
    return wall


@wall.command()
@code_argument
@click.option("--title", metavar="TITLE", help="The new title.")
@click.option("--order", multiple=True, metavar="ITEM", help="Put this item first; repeat it for the next ones.")
@click.option("--add", multiple=True, metavar="ITEM", help="Add this item at the end.")
@click.option(
    "--remove", multiple=True, metavar="ITEM", help="Remove this item from the wall; the item itself is kept."
)
@click.option(
    "--questions",
    type=click.Choice(["off", "open", "moderated", "closed"]),
    help="Whether the audience asks questions, and whether a host looks at each first.",
)
@click.option("--reactions", type=click.Choice(["on", "off"]), help="Whether the audience reacts.")
@json_option
@acting_server_options
def edit(
    server: Server,
    code: str,
    title: str | None,
    questions: str | None,
    reactions: str | None,
    order: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    as_json: bool,
) -> None:
    """Change a wall's title, its items, and what its audience may do. ITEM is polls/ID, tasks/ID, rooms/NAME,
    questions/CODE, or a poll's ID.

    \b
    livewall wall edit K7M2QD --title "Autumn Forum, second day"
    livewall wall edit K7M2QD --order $second --order $first
    """
    given = {"title": title, "questions": questions, "reactions": reactions and reactions == "on"}
    if not (order or add or remove or any(value is not None for value in given.values())):
        raise click.UsageError("Give at least one option that says what to change.")

    async def work() -> dict[str, Any]:
        change: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
        if order or add or remove:
            named = [[item_name(item) for item in each] for each in (order, add, remove)]
            change["items"] = ordered((await server.get(address(code)))["items"], *named)
        wall: dict[str, Any] = await server.put(address(code), change)
        return wall

    print_wall(run(work()), as_json)


def ordered(items: list[str], first: list[str], add: list[str], remove: list[str]) -> list[str]:
    """Return each item once: those in `first`, then the others in their order, then `add`. Raises UsageError."""
    for item in [*first, *remove]:
        if item not in [*items, *add]:
            raise click.UsageError(f"{item} is not an item of this wall.")
    every = dict.fromkeys([*first, *items, *add])
    return [item for item in every if item not in remove]


@wall.command()
@code_argument
@yes_option
@json_option
@acting_server_options
def archive(server: Server, code: str, yes: bool, as_json: bool) -> None:
    """Archive a wall, with its codes. Its tasks, its polls and their ballots are kept.

    \b
    livewall wall archive K7M2QD --yes
    """
    confirm(
        lambda: title_question(server, address(code), "Archive the wall {}, with its join code and its voting codes?"),
        yes,
    )
    answer = run(server.delete(address(code)))
    output.as_json(answer) if as_json else click.echo(f"{code.upper()} archived")


@wall.command()
@code_argument
@json_option
@server_options
def results(server: Server, code: str, as_json: bool) -> None:
    """Print the counts of all closed polls of a wall that you may see.

    In a pipe: the poll's id, the option's id, its count and its label, separated by tabs.

    \b
    livewall wall results K7M2QD
    """
    answer = run(server.get(address(code, "/results")))
    if as_json:
        output.as_json(answer)
        return
    for item in answer["items"]:
        poll, tally = item["poll"], item["tally"]
        listed = rows(poll, tally)
        if not output.terminal():
            output.table((), [(poll["id"], each.id, each.votes, each.label) for each in listed], empty="")
            continue
        output.heading(poll["title"])
        lines = [(each.votes, each.percent, each.label + (" ✓" if each.wins else "")) for each in listed]
        output.table(("Votes", "", "Option"), lines, empty="")
        click.echo(output.plain(tally_text(poll, tally)) + "\n")
    if answer["hidden"]:
        say(f"Closed polls whose results you may not see: {answer['hidden']}.")
    elif not answer["items"]:
        say("No poll of this wall is closed.")


@wall.command()
@code_argument
@json_option
@server_options
def health(server: Server, code: str, as_json: bool) -> None:
    """Print the state of the screens of a wall, and the connections of its audience.

    \b
    livewall wall health K7M2QD
    watch -n 5 livewall wall health K7M2QD
    """
    answer = run(server.get(address(code, "/health")))
    if as_json:
        output.as_json(answer)
        return
    rows = [
        (each["id"], f"{each['width']}×{each['height']}", each["transport"], f"{each['age']} ms", each["seen"])
        for each in answer["screens"]
    ]
    output.table(("Screen", "Size", "Transport", "Last frame", "Seen"), rows, empty="No screen shows this wall.")
    audience = answer["audience"]
    line = f"{audience['live']} live, {audience['behind']} catching up, {audience['polling']} polling"
    click.echo(f"Audience: {line}", err=not output.terminal())


def address(code: str, suffix: str = "") -> str:
    return f"/api/walls/{segment(code.upper())}{suffix}"


def item_name(item: str) -> str:
    """Return the name of an item; the id of a poll alone stands for `polls/ID`."""
    return item if "/" in item else f"polls/{item}"


def print_wall(wall: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.as_json(wall)
    elif not output.terminal():
        click.echo(wall["code"])
    else:
        output.table(("Wall", ""), wall_rows(wall), empty="")


def wall_rows(wall: dict[str, Any]) -> list[tuple[str, Any]]:
    rows = [("code", wall["code"]), ("title", wall["title"]), ("active", wall["active"])]
    return [*rows, *(wall.get("links") or {}).items()]


wall.add_command(codes)
