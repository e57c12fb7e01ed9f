"""`livewall room …` and `livewall say`: places to talk, for hosts and for whoever has something to say there."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from livewall.cli import output
from livewall.cli.confirmation import confirm, yes_option
from livewall.cli.exit_status import run
from livewall.cli.group import Group
from livewall.cli.options import acting_server_options, json_option, output_option, server_options
from livewall.cli.paging import pages
from livewall.client.calls import Server, segment
from livewall.own_command import this_command

WRITE = click.Choice(["all", "signed_in", "hosts"])
READ = click.Choice(["all", "signed_in"])


@click.group(cls=Group)
def room() -> None:
    """Create and list rooms, in which people talk, and moderate them.

    \b
    livewall room create ops "Operations"
    livewall say ops "The release begins at ten."
    """


@room.command()
@click.argument("name")
@click.argument("title", required=False)
@click.option("--write", type=WRITE, default="all", show_default=True, help="Who may say something.")
@click.option("--read", type=READ, default="all", show_default=True, help="Who may read.")
@click.option("--slow", type=click.IntRange(0, 3600), default=0, metavar="SECONDS", help="Between two messages of one.")
@json_option
@acting_server_options
def create(server: Server, name: str, title: str | None, write: str, read: str, slow: int, as_json: bool) -> None:
    """Create a room. Its name is printed.

    \b
    livewall room create ops "Operations" --read signed_in
    """
    given = {"name": name, "title": title or "", "write": write, "read": read, "slow": slow}
    print_room(run(server.post("/api/rooms", given)), as_json)


@room.command(name="list")
@json_option
@server_options
def list_(server: Server, as_json: bool) -> None:
    """List the rooms by name. In a pipe: name, title, number of messages and state, separated by tabs.

    \b
    livewall room list
    """
    rooms = run(pages(server, "/api/rooms"))
    if as_json:
        output.as_json(rooms)
        return
    rows = [(each["name"], each["title"], each["messages"], "closed" if each["closed"] else "open") for each in rooms]
    empty = f"No room yet: {this_command()} room create NAME TITLE"
    output.table(("Room", "Title", "Messages", "State"), rows, empty=empty)


@room.command()
@click.argument("name")
@click.option("--title", metavar="TITLE", help="The new title.")
@click.option("--write", type=WRITE, help="Who may say something.")
@click.option("--read", type=READ, help="Who may read.")
@click.option("--slow", type=click.IntRange(0, 3600), metavar="SECONDS", help="Between two messages of one person.")
@json_option
@acting_server_options
def edit(
    server: Server, name: str, title: str | None, write: str | None, read: str | None, slow: int | None, as_json: bool
) -> None:
    """Change a room.

    \b
    livewall room edit ops --slow 30
    """
    given = {"title": title, "write": write, "read": read, "slow": slow}
    change = {field: value for field, value in given.items() if value is not None}
    if not change:
        raise click.UsageError("Give at least one option that says what to change.")
    print_room(run(server.put(address(name), change)), as_json)


@room.command()
@click.argument("name")
@click.option("--open", "again", is_flag=True, help="Open a room again that was closed.")
@json_option
@acting_server_options
def close(server: Server, name: str, again: bool, as_json: bool) -> None:
    """Close a room: it can be read, and only hosts write there.

    \b
    livewall room close ops
    livewall room close ops --open
    """
    print_room(run(server.put(address(name), {"closed": not again})), as_json)


@room.command()
@click.argument("name")
@json_option
@server_options
def show(server: Server, name: str, as_json: bool) -> None:
    """Print a room. In a pipe: name and value, separated by a tab.

    \b
    livewall room show ops
    """
    shown = run(server.get(address(name)))
    output.as_json(shown) if as_json else output.table(("Room", ""), [*shown.items()], empty="")


@room.command()
@click.argument("name")
@yes_option
@json_option
@acting_server_options
def delete(server: Server, name: str, yes: bool, as_json: bool) -> None:
    """Delete a room with everything that was said there.

    \b
    livewall room delete ops --yes
    """

    async def question() -> str:
        found = await server.get(address(name))
        return f"Delete the room {output.plain(found['title'])} with its {found['messages']} messages?"

    confirm(question, yes)
    answer = run(server.delete(address(name)))
    output.as_json(answer) if as_json else click.echo(f"{name} deleted")


@room.command()
@click.argument("name")
@click.option("--search", metavar="TEXT", help="Only messages with this text, in whatever case.")
@click.option("--last", type=click.IntRange(1, 200), default=50, show_default=True, help="The number of messages.")
@json_option
@server_options
def history(server: Server, name: str, search: str | None, last: int, as_json: bool) -> None:
    """Print the last messages of a room. In a pipe: number, name and text, separated by tabs.

    \b
    livewall room history ops --search rollback
    """
    query = f"?limit={last}" + (f"&q={segment(search)}" if search else "")
    messages = run(server.get(address(name, f"/messages{query}")))["items"]
    if as_json:
        output.as_json(messages)
        return
    rows = [(each["n"], each.get("name", ""), each.get("text", "(withdrawn)")) for each in messages]
    output.table(("No", "Name", "Text"), rows, empty="Nothing was said yet.")


@room.command()
@click.argument("name")
@click.argument("number", type=click.IntRange(1))
@click.argument("text")
@json_option
@acting_server_options
def change(server: Server, name: str, number: int, text: str, as_json: bool) -> None:
    """Change the text of a message that you said in the last 15 minutes.

    \b
    livewall room change ops 7 "The release begins at eleven."
    """
    print_message(run(server.put(address(name, f"/messages/{number}"), {"text": text})), as_json)


@room.command()
@click.argument("name")
@click.argument("number", type=click.IntRange(1))
@json_option
@acting_server_options
def withdraw(server: Server, name: str, number: int, as_json: bool) -> None:
    """Withdraw a message: its text is then nowhere. Hosts withdraw any message.

    \b
    livewall room withdraw ops 7
    """
    print_message(run(server.delete(address(name, f"/messages/{number}"))), as_json)


@room.command()
@click.argument("name")
@json_option
@server_options
def people(server: Server, name: str, as_json: bool) -> None:
    """List the people in a room. In a pipe: id, name, role and state, separated by tabs.

    \b
    livewall room people ops
    """
    found = run(pages(server, address(name, "/people")))
    if as_json:
        output.as_json(found)
        return
    rows = [
        (each["id"], each["name"], each["role"], "muted" if each["muted"] else "here" if each["here"] else "")
        for each in found
    ]
    output.table(("Person", "Name", "Role", "State"), rows, empty="Nobody was here yet.")


@room.command()
@click.argument("name")
@click.option("--format", "kind", type=click.Choice(["txt", "csv", "jsonl"]), default="txt", show_default=True)
@output_option
@server_options
def export(server: Server, name: str, kind: str, into: Path | None) -> None:
    """Print all messages of a room: as text, as CSV, or a line of JSON for each.

    \b
    livewall room export ops --format csv --output ops.csv
    """
    output.document(run(server.raw(address(name, f"/export?format={kind}"))), into)


@room.command()
@click.argument("name")
@click.argument("person")
@yes_option
@json_option
@acting_server_options
def erase(server: Server, name: str, person: str, yes: bool, as_json: bool) -> None:
    """Erase all messages of PERSON in a room, and the name that PERSON chose there. PERSON is the `from` of a message.

    \b
    livewall room erase ops $person --yes
    """

    async def question() -> str:
        found = await server.get(address(name))
        return f"Erase all messages of {person} in the room {output.plain(found['title'])}? Nothing brings them back."

    confirm(question, yes)
    erased = run(server.delete(address(name, f"/people/{segment(person)}/messages")))
    output.as_json(erased) if as_json else click.echo(f"{erased['messages']} messages erased")


@room.command()
@click.argument("name")
@click.argument("person")
@click.option("--off", is_flag=True, help="Let the person speak again.")
@json_option
@acting_server_options
def mute(server: Server, name: str, person: str, off: bool, as_json: bool) -> None:
    """Let PERSON say nothing more in a room. PERSON is the `from` of a message.

    \b
    livewall room mute ops $person
    livewall room mute ops $person --off
    """
    answer = run(server.put(address(name, f"/people/{segment(person)}"), {"muted": not off}))
    output.as_json(answer) if as_json else click.echo(f"{person} {'is muted' if answer['muted'] else 'may speak'}")


@click.command()
@click.argument("name", metavar="ROOM")
@click.argument("text", required=False)
@json_option
@acting_server_options
def say(server: Server, name: str, text: str | None, as_json: bool) -> None:
    """Say TEXT in a room, or each line of standard input. The numbers of the messages are printed.

    A message is said once, however often the connection fails on the way.

    \b
    livewall say ops "The release begins at ten."
    git log -1 --format=%s | livewall say ops
    """
    if text is None and sys.stdin.isatty():
        raise click.UsageError("Give the TEXT, or pipe one message a line into this command.")
    lines = [text] if text is not None else (line for line in map(str.strip, sys.stdin) if line)
    run(say_all(server, address(name, "/messages"), lines, as_json=as_json))


async def say_all(server: Server, path: str, texts: Iterable[str], *, as_json: bool) -> None:
    """Post each text to an address as a message, once, and print its number."""
    for text in texts:
        body = {"text": text, "id": secrets.token_urlsafe(12)}
        said: dict[str, Any] = await server.post(path, body, repeat=True)
        output.as_json(said) if as_json else click.echo(said["n"])


def address(name: str, rest: str = "") -> str:
    return f"/api/rooms/{segment(name)}{rest}"


def print_message(shown: dict[str, Any], as_json: bool) -> None:
    output.as_json(shown) if as_json else click.echo(f"{shown['n']}: {output.plain(shown.get('text', 'withdrawn'))}")


def print_room(shown: dict[str, Any], as_json: bool) -> None:
    output.as_json(shown) if as_json else click.echo(shown["name"])
