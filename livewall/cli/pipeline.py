"""`livewall pipeline …`: definitions of tasks, checked before the server sees them, and those that it has."""

from __future__ import annotations

from pathlib import Path

import click

from livewall.cli import output
from livewall.cli.options import json_option, server_options
from livewall.cli.outcome import REFUSED, run
from livewall.cli.wall import pages
from livewall.client.calls import Server, reason


@click.group()
def pipeline() -> None:
    """Check the files that define tasks, and list those that the server has."""


@pipeline.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.pass_context
def check(context: click.Context, files: tuple[Path, ...]) -> None:
    """Check pipelines, without a server. Prints FILE:LINE: REASON of each problem; status 1 if there is one."""
    from livewall.tasks.pipeline import load
    from livewall.tasks.problems import PipelineFault

    wrong = False
    for file in files:
        try:
            steps = len(load(file, str(file)).steps)
            click.echo(f"{file}: ok, {steps} step{'' if steps == 1 else 's'}")
        except PipelineFault as fault:
            wrong = True
            for problem in fault.problems:
                click.echo(output.plain(str(problem)))
        except OSError as problem:
            wrong = True
            click.echo(f"{file}:1: the file cannot be read: {reason(problem)}")
    if wrong:
        context.exit(REFUSED)


@pipeline.command(name="list")
@json_option
@server_options
def list_(server: Server, as_json: bool) -> None:
    """List the pipelines that the server has."""
    found = run(pages(server, "/api/pipelines"))
    if as_json:
        output.as_json(found)
        return
    rows = [
        (item["name"], len(item["steps"]), " ".join(param["name"] for param in item["params"]),
         _state(item["errors"]) or item["title"])
        for item in found
    ]  # fmt: skip
    empty = "No pipeline: put a TOML file into the folder that `serve --pipelines` names."
    output.table(("Name", "Steps", "Parameters", "Title"), rows, empty=empty)


def _state(errors: list[dict[str, str]]) -> str:
    """What is wrong with a pipeline, in few words."""
    if not errors:
        return ""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{errors[0]['file']}:{errors[0]['line']}: {errors[0]['reason']}{more}"
