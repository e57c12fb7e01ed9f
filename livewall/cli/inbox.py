"""`livewall inbox …`: one's own private messages."""

from __future__ import annotations

import sys

import click

from livewall.cli import output
from livewall.cli.exit_status import run
from livewall.cli.group import Group
from livewall.cli.options import acting_server_options, json_option, server_options
from livewall.cli.paging import pages
from livewall.cli.room import address, say_all
from livewall.client.calls import Server, segment
from livewall.own_command import this_command

ALL = 10**12
"""A number that no message has: all that there are were read."""


class Listing(Group):
    """A group that lists if no command is given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_option = bool(args) and args[0].startswith("-") and args[0] not in ctx.help_option_names
        return super().parse_args(ctx, ["list", *args] if not args or is_option else args)


@click.group(cls=Listing)
def inbox() -> None:
    """Read your private messages, and write some. Without a command, your conversations are listed.

    Whose they are follows from the token. `livewall watch inbox/me` follows them live.

    \b
    livewall inbox
    livewall inbox send ops $person "May I ask you something?"
    """


@inbox.command(name="list")
@json_option
@server_options
def list_(server: Server, as_json: bool) -> None:
    """List your conversations, the newest activity first.

    In a pipe: conversation, room, person, name, unread messages, messages, and whether you block the person, separated
    by tabs.

    \b
    livewall inbox list
    """
    found = run(pages(server, "/api/inbox"))
    if as_json:
        output.as_json(found)
        return
    rows = [
        (
            each["id"], each["room"], each["with"]["id"], each["with"]["name"], each["unread"], each["messages"],
            "blocked" if each["blocked"] else "",
        )
        for each in found
    ]  # fmt: skip
    empty = f"No private messages yet: {this_command()} inbox send ROOM PERSON TEXT"
    output.table(("Conversation", "Room", "Person", "Name", "Unread", "Messages", ""), rows, empty=empty)


@inbox.command()
@click.argument("conversation")
@click.option("--last", type=click.IntRange(1, 200), default=50, show_default=True, help="The number of messages.")
@click.option("--before", type=click.IntRange(1), metavar="N", help="Only messages before number N.")
@json_option
@server_options
def show(server: Server, conversation: str, last: int, before: int | None, as_json: bool) -> None:
    """Print the last messages of a conversation. In a pipe: number, name and text, separated by tabs.

    \b
    livewall inbox show $conversation
    """
    query = f"?limit={last}" + (f"&before={before}" if before else "")
    messages = run(server.get(f"{conversation_address(conversation)}/messages{query}"))["items"]
    if as_json:
        output.as_json(messages)
        return
    rows = [(each["n"], each.get("name", ""), each.get("text", "(erased)")) for each in messages]
    output.table(("No", "Name", "Text"), rows, empty="Nothing was written yet.")


@inbox.command()
@click.argument("room")
@click.argument("person")
@click.argument("text", required=False)
@json_option
@acting_server_options
def send(server: Server, room: str, person: str, text: str | None, as_json: bool) -> None:
    """Write TEXT to a person of a room, or each line of standard input. The numbers of the messages are printed.

    PERSON is the `from` of a message there. You answer with the same command.

    \b
    livewall inbox send ops $person "May I ask you something?"
    """
    if text is None and sys.stdin.isatty():
        raise click.UsageError("Give the TEXT, or pipe one message a line into this command.")
    lines = [text] if text is not None else (line for line in map(str.strip, sys.stdin) if line)
    run(say_all(server, address(room, f"/people/{segment(person)}/messages"), lines, as_json=as_json))


@inbox.command()
@click.argument("conversation")
@click.argument("number", type=click.IntRange(0), default=ALL, required=False)
@json_option
@acting_server_options
def read(server: Server, conversation: str, number: int, as_json: bool) -> None:
    """Mark a conversation as read up to NUMBER, or all of it. The number of unread messages is printed.

    \b
    livewall inbox read $conversation
    """
    answer = run(server.put(conversation_address(conversation), {"read": min(number, ALL)}))
    output.as_json(answer) if as_json else click.echo(answer["unread"])


@inbox.command()
@click.argument("conversation")
@click.option("--off", is_flag=True, help="Take messages of the person again.")
@json_option
@acting_server_options
def block(server: Server, conversation: str, off: bool, as_json: bool) -> None:
    """Take no more messages of the other person of a conversation.

    \b
    livewall inbox block $conversation
    livewall inbox block $conversation --off
    """
    answer = run(server.put(conversation_address(conversation), {"blocked": not off}))
    name = output.plain(answer["with"]["name"])
    output.as_json(answer) if as_json else click.echo(f"{name} {'is blocked' if answer['blocked'] else 'may write'}")


def conversation_address(conversation: str) -> str:
    return f"/api/inbox/{segment(conversation)}"
