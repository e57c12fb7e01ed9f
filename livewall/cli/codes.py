"""`livewall wall codes …`: voting codes, which are valid for all polls of a wall."""

from __future__ import annotations

from typing import Any

import click

from livewall.cli import output
from livewall.cli.confirmation import confirm, yes_option
from livewall.cli.exit_status import run
from livewall.cli.group import Group
from livewall.cli.options import acting_server_options, code_argument, json_option, server_options
from livewall.cli.paging import pages
from livewall.client.calls import Server, segment


class Codes(Group):
    """A group in which `wall codes CODE …` without a command still works as it did before there were commands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = next((each for each in args if not each.startswith("-")), None)
        if named is not None and named not in self.commands:
            args = ["count", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Codes)
def codes() -> None:
    """Create, list, replace and revoke the voting codes of the wall CODE; without a command, count them.

    \b
    livewall wall codes K7M2QD
    livewall wall codes make K7M2QD --count 200
    """


@codes.command(hidden=True)
@code_argument
@click.option("--count", type=click.IntRange(1, 2000), metavar="N", help="Create N new codes.")
@click.option("--replace", "replaced", metavar="NO", help="Replace code number NO with a new one.")
@click.option("--revoke", "revoked", metavar="NO", help="Revoke code number NO.")
@json_option
@acting_server_options
def count(
    server: Server, code: str, count: int | None, replaced: str | None, revoked: str | None, as_json: bool
) -> None:
    """Count the codes or, with --count, create new ones.

    \b
    livewall wall codes K7M2QD
    livewall wall codes K7M2QD --count 200
    """
    if sum(each is not None for each in (count, replaced, revoked)) > 1:
        raise click.UsageError("Give one of --count, --replace and --revoke.")
    if count is not None:
        print_codes(run(server.post(path(code), {"count": count})), as_json)
    elif replaced is not None:
        replace_code(server, code, replaced, as_json)
    elif revoked is not None:
        revoke_code(server, code, revoked, as_json)
    else:
        counts = run(server.get(f"{path(code)}?limit=1"))
        numbers = {name: counts[name] for name in ("made", "used", "left")}
        output.as_json(numbers) if as_json else click.echo(counts_text(numbers))


@codes.command()
@code_argument
@click.option("--count", type=click.IntRange(1, 2000), metavar="N", default=1, show_default=True, help="How many.")
@json_option
@acting_server_options
def make(server: Server, code: str, count: int, as_json: bool) -> None:
    """Create new codes. They are printed only once, each after its number; the server cannot print them again.

    \b
    livewall wall codes make K7M2QD --count 200 > codes.txt
    """
    print_codes(run(server.post(path(code), {"count": count})), as_json)


@codes.command(name="list")
@code_argument
@json_option
@server_options
def list_(server: Server, code: str, as_json: bool) -> None:
    """List the numbers of the codes, and which of them are used or revoked.

    \b
    livewall wall codes list K7M2QD
    """
    items = run(pages(server, f"{path(code)}?limit=500"))
    if as_json:
        output.as_json(items)
        return
    rows = [(each["id"], "revoked" if each["revoked"] else "used" if each["used"] else "new") for each in items]
    output.table(("No.", "Status"), rows, empty="No codes yet.")


@codes.command()
@code_argument
@click.argument("no")
@yes_option
@json_option
@acting_server_options
def replace(server: Server, code: str, no: str, yes: bool, as_json: bool) -> None:
    """Replace code number NO with a new code, which keeps the ballots of its holder. The old code is no longer valid.

    \b
    livewall wall codes replace K7M2QD 17 --yes
    """
    confirm(lambda: as_coroutine(f"Replace code {no}? The printed code will no longer be valid."), yes)
    replace_code(server, code, no, as_json)


@codes.command()
@code_argument
@click.argument("no")
@yes_option
@json_option
@acting_server_options
def revoke(server: Server, code: str, no: str, yes: bool, as_json: bool) -> None:
    """Revoke code number NO. It can no longer be used; ballots that were cast with it are kept.

    \b
    livewall wall codes revoke K7M2QD 17 --yes
    """
    confirm(lambda: as_coroutine(f"Revoke code {no}? It can no longer be used."), yes)
    revoke_code(server, code, no, as_json)


async def as_coroutine(question: str) -> str:
    return question


def path(code: str, suffix: str = "") -> str:
    return f"/api/walls/{segment(code.upper())}/codes{suffix}"


def counts_text(numbers: dict[str, int]) -> str:
    return f"{numbers['made']} created, {numbers['used']} used, {numbers['left']} not used yet"


def print_codes(new_codes: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.as_json(new_codes)
    else:
        output.table(("No.", "Code"), list(zip(new_codes["ids"], new_codes["codes"], strict=True)), empty="")


def replace_code(server: Server, code: str, no: str, as_json: bool) -> None:
    new_code = run(server.post(path(code, f"/{segment(no)}/replace")))
    print_codes({"codes": [new_code["code"]], "ids": [new_code["id"]]}, as_json)


def revoke_code(server: Server, code: str, no: str, as_json: bool) -> None:
    answer = run(server.delete(path(code, f"/{segment(no)}")))
    output.as_json(answer) if as_json else click.echo(f"Code {no} is revoked.")
