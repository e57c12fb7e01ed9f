"""`livewall login` and `livewall token`: sign-ins of browsers and tokens of programs."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import urlsplit

import click

from livewall.cli import output
from livewall.cli.confirmation import confirm, yes_option
from livewall.cli.exit_status import run
from livewall.cli.group import Group
from livewall.cli.options import acting_server_options, json_option, server_options
from livewall.cli.paging import pages
from livewall.client.calls import Server, segment
from livewall.client.secret import is_loopback
from livewall.own_command import this_command

ROLES = ("reporter", "operator", "host", "admin")


@click.command()
@click.option("--role", type=click.Choice(ROLES), default="host", show_default=True, help="What the browser may do.")
@click.option("--qr/--no-qr", default=None, help="Print a QR code for a phone.  [default: on a terminal]")
@json_option
@acting_server_options
def login(server: Server, role: str, qr: bool | None, as_json: bool) -> None:
    """Create a link that signs a browser in. It can be used once, within ten minutes.

    This command needs a token or, on the server's machine, its data folder.

    \b
    livewall login --role operator
    """
    answer = run(server.post("/api/logins", {"role": role}))
    if as_json:
        output.as_json(answer)
        return
    link = absolute(server, answer["link"])
    click.echo(link)
    if qr or (qr is None and output.terminal()):
        show_qr(link)
    click.echo(f"Signs in as {role}, once, until {output.when(answer['expires_at'])}.", err=True)


def absolute(server: Server, link: str) -> str:
    """Return a link with a host. Without --public-url the server sends a path only; `server.url` works from here."""
    return link if urlsplit(link).netloc else server.url + link


def show_qr(link: str) -> None:
    import segno

    if is_loopback(link):
        click.echo("A phone cannot reach this address; start the server with --public-url or --address.", err=True)
    segno.make(link, error="l").terminal(out=sys.stdout, compact=True)


@click.group(cls=Group)
def token() -> None:
    """Create, list and revoke tokens for programs.

    \b
    livewall token create reporter "nightly build"
    """


@token.command()
@click.argument("role", type=click.Choice(ROLES))
@click.argument("name")
@json_option
@acting_server_options
def create(server: Server, role: str, name: str, as_json: bool) -> None:
    """Create a token for the program NAME. It is shown only once.

    \b
    export LIVEWALL_TOKEN=$(livewall token create host "the hall's laptop")
    """
    answer = run(server.post("/api/tokens", {"role": role, "name": name}))
    output.as_json(answer) if as_json else click.echo(answer["token"])


@token.command(name="list")
@json_option
@server_options
def list_(server: Server, as_json: bool) -> None:
    """List tokens and sign-ins, without their secrets.

    \b
    livewall token list
    """
    tokens = run(pages(server, "/api/tokens"))
    if as_json:
        output.as_json(tokens)
    else:
        rows = [(each["id"], each["role"], each["kind"], token_state(each), each["name"]) for each in tokens]
        empty = f"No token yet: {this_command()} token create ROLE NAME"
        output.table(("ID", "Role", "Kind", "Status", "Name"), rows, empty=empty)


def token_state(token: dict[str, Any]) -> str:
    if token.get("revoked_at"):
        return f"revoked {output.when(token['revoked_at'])}"
    return f"until {output.when(token['expires_at'])}" if token.get("expires_at") else "valid"


@token.command()
@click.argument("token_id", metavar="ID")
@yes_option
@json_option
@acting_server_options
def revoke(server: Server, token_id: str, yes: bool, as_json: bool) -> None:
    """Revoke a token or a sign-in.

    \b
    livewall token revoke 5f2c9a
    """

    async def question() -> str:
        return f"Revoke {token_id}? Whoever uses it loses access."

    confirm(question, yes, strict=False)
    answer = run(server.delete(f"/api/tokens/{segment(token_id)}"))
    if as_json:
        output.as_json(answer)
