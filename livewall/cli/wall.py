"""`livewall wall …`: one event with a join code, its items, and which of them is on stage."""

from __future__ import annotations

from typing import Any

import click

from livewall.cli import output
from livewall.cli.options import acting_server_options, json_option, server_options
from livewall.cli.outcome import run
from livewall.client.calls import Server, segment


@click.group()
def wall() -> None:
    """Create and list walls, choose what is on stage."""


@wall.command()
@click.argument("title")
@json_option
@acting_server_options
def create(server: Server, title: str, as_json: bool) -> None:
    """Make a wall. Prints its code (in a pipe, only that) and where people and the projector find it."""
    show(run(server.post("/api/walls", {"title": title})), as_json)


@wall.command(name="list")
@json_option
@server_options
def list_(server: Server, as_json: bool) -> None:
    """List the walls."""
    walls = run(pages(server, "/api/walls"))
    if as_json:
        output.as_json(walls)
    else:
        rows = [(wall["code"], wall["title"], wall["active"], len(wall["items"])) for wall in walls]
        empty = f"No wall yet: {output.this_command()} wall create TITLE"
        output.table(("Code", "Title", "On stage", "Items"), rows, empty=empty)


@wall.command()
@click.argument("code")
@json_option
@acting_server_options
def duplicate(server: Server, code: str, as_json: bool) -> None:
    """Make a wall with the same polls, as drafts; tasks and codes stay where they are. Prints its code."""
    show(run(server.post(f"/api/walls/{segment(code.upper())}/duplicate")), as_json)


@wall.command()
@click.argument("code")
@click.argument("item", required=False)
@click.option("--none", is_flag=True, help="Take whatever is on stage off it.")
@json_option
@acting_server_options
def activate(server: Server, code: str, item: str | None, none: bool, as_json: bool) -> None:
    """Put ITEM (polls/ID, tasks/ID, or a poll's ID) on the stage of the wall CODE. It joins the wall if it is new."""
    if bool(item) == none:
        raise click.UsageError("Give the ITEM to put on stage, or --none.")
    show(run(put_on_stage(server, code, item)), as_json)


@wall.command()
@click.argument("code")
@click.option("--count", type=click.IntRange(1, 2000), metavar="N", help="Make N new codes.")
@click.option("--replace", metavar="NO", help="A new code for the holder of code number NO.")
@click.option("--revoke", metavar="NO", help="Take code number NO back.")
@json_option
@acting_server_options
def codes(
    server: Server, code: str, count: int | None, replace: str | None, revoke: str | None, as_json: bool
) -> None:
    """Codes to vote with in polls of the wall CODE: how many there are or, with --count, new ones.

    New codes are printed once, each after its number; the server keeps nothing they could be read from.
    """
    if sum(each is not None for each in (count, replace, revoke)) > 1:
        raise click.UsageError("Give one of --count, --replace and --revoke.")
    path = f"/api/walls/{segment(code.upper())}/codes"
    if count is not None:
        made = run(server.post(path, {"count": count}))
    elif replace is not None:
        again = run(server.post(f"{path}/{segment(replace)}/replace"))
        made = {"codes": [again["code"]], "ids": [again["id"]]}
    elif revoke is not None:
        run(server.delete(f"{path}/{segment(revoke)}"))
        made = None
    else:
        made = run(server.get(f"{path}?limit=1"))
        made = {name: made[name] for name in ("made", "used", "left")}
    if as_json:
        output.as_json(made or {})
    elif made is None:
        click.echo(f"Code {revoke} is revoked.")
    elif "codes" in made:
        output.table(("No.", "Code"), list(zip(made["ids"], made["codes"], strict=True)), empty="")
    else:
        click.echo(f"{made['made']} made, {made['used']} used, {made['left']} not used yet")


async def put_on_stage(server: Server, code: str, item: str | None) -> dict[str, Any]:
    path = f"/api/walls/{segment(code.upper())}"
    change: dict[str, Any] = {"active": None}
    if item:
        item = item if "/" in item else f"polls/{item}"
        items = (await server.get(path))["items"]
        change = {"active": item} if item in items else {"active": item, "items": [*items, item]}
    wall: dict[str, Any] = await server.put(path, change)
    return wall


async def pages(server: Server, path: str) -> list[dict[str, Any]]:
    """All items of a list, however many answers they come in."""
    items: list[dict[str, Any]] = []
    query = ""
    while True:
        answer = await server.get(path + query)
        items += answer["items"]
        if not answer.get("next"):
            return items
        query = f"?before={segment(str(answer['next']))}"


def show(wall: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.as_json(wall)
        return
    if not output.terminal():
        click.echo(wall["code"])
        return
    links = wall.get("links") or {}
    rows = [("code", wall["code"]), ("title", wall["title"]), ("on stage", wall["active"])]
    output.table(("Wall", ""), [*rows, *links.items()], empty="")
