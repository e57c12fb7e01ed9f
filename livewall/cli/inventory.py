"""`livewall inventory …`: the files that say which hosts there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from livewall.cli import output
from livewall.cli.exit_status import REFUSED
from livewall.cli.group import Group
from livewall.client.calls import reason


@click.group(cls=Group)
def inventory() -> None:
    """Check inventories: the files with the hosts of pipelines.

    \b
    livewall inventory check pipelines/hosts.toml
    """


@inventory.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print each file, its groups and its errors as JSON.")
@click.pass_context
def check(context: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Check inventories, without a server and without connecting to a host.

    Problems are printed as FILE:LINE: REASON, and the exit status is then 1.

    \b
    livewall inventory check hosts.toml
    """
    results = [check_file(file) for file in files]
    if as_json:
        output.as_json(results)
    else:
        for each in results:
            for problem in each["errors"]:
                click.echo(output.plain(f"{problem['file']}:{problem['line']}: {problem['reason']}"))
            if not each["errors"]:
                click.echo(output.plain(f"{each['file']}: ok, {summary(each)}"))
    if any(each["errors"] for each in results):
        context.exit(REFUSED)


def check_file(file: Path) -> dict[str, Any]:
    """Return the groups of a file, or its problems with their lines."""
    from livewall.tasks.hosts.inventory import read_inventory
    from livewall.toml_file import read

    try:
        groups, problems = read_inventory(read(file), str(file))
    except OSError as problem:
        error = {"file": str(file), "line": 1, "reason": f"the file cannot be read: {reason(problem)}"}
        return {"file": str(file), "groups": {}, "errors": [error]}
    return {
        "file": str(file),
        "groups": {} if problems else {name: [host.name for host in group] for name, group in groups.items()},
        "errors": [{"file": each.file, "line": each.line, "reason": each.reason} for each in problems],
    }


def summary(checked: dict[str, Any]) -> str:
    """Return in words how many hosts and groups an inventory has."""
    names = {name for group in checked["groups"].values() for name in group}
    groups = len(checked["groups"])
    return f"{len(names)} host{'s' * (len(names) != 1)} in {groups} group{'s' * (groups != 1)}"
