"""`livewall pipeline …`: check definitions of tasks without a server, and list those of a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import click

from livewall.cli import output
from livewall.cli.exit_status import REFUSED, run
from livewall.cli.group import Group
from livewall.cli.options import json_option, server_options
from livewall.cli.paging import pages
from livewall.client.calls import Server, reason, segment
from livewall.settings import environment_with

if TYPE_CHECKING:
    from livewall.toml_problems import Problem


@click.group(cls=Group)
def pipeline() -> None:
    """Check pipelines, the files that define tasks, and list those on the server and the refs that they can start with.

    \b
    livewall pipeline check pipelines/*.toml
    """


@pipeline.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print each file, its steps and its errors as JSON.")
@click.pass_context
def check(context: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Check pipelines, without a server. Problems are printed as FILE:LINE: REASON, and the exit status is then 1.

    The values of their secrets are checked if this command's environment has them.

    \b
    livewall pipeline check release.toml
    """
    inventories: set[Path] = set()
    results = [check_file(file, inventories) for file in files]
    # An inventory beside pipelines, which a pattern such as pipelines/*.toml names as well, is no pipeline.
    results = [each for each in results if Path(each["file"]).absolute() not in inventories]
    if as_json:
        output.as_json(results)
    else:
        for each in results:
            for problem in each["errors"]:
                click.echo(output.plain(f"{problem['file']}:{problem['line']}: {problem['reason']}"))
            for note in each["notes"]:
                click.echo(output.plain(f"{note['file']}:{note['line']}: note: {note['reason']}"))
            if not each["errors"]:
                steps = each["steps"]
                click.echo(f"{each['file']}: ok, {steps} step{'' if steps == 1 else 's'}")
    if any(each["errors"] for each in results):
        context.exit(REFUSED)


def check_file(file: Path, inventories: set[Path]) -> dict[str, Any]:
    """Return the number of steps of a file, or its problems with their lines; add the inventory that it names."""
    from livewall.tasks.pipelines.pipeline import checked
    from livewall.toml_file import decoded, read
    from livewall.toml_problems import TomlFault

    def beside(name: str) -> bytes:
        inventories.add(file.with_name(name).absolute())
        return read(file.with_name(name))

    try:
        content = decoded(read(file), str(file))
        pipeline, notes = checked(content, file.stem, str(file), environment_with(), beside=beside)
        return {"file": str(file), "steps": len(pipeline.steps), "errors": [], "notes": _as_dicts(notes)}
    except TomlFault as fault:
        errors = _as_dicts(fault.problems)
    except OSError as problem:
        errors = [{"file": str(file), "line": 1, "reason": f"the file cannot be read: {reason(problem)}"}]
    return {"file": str(file), "steps": 0, "errors": errors, "notes": []}


def _as_dicts(problems: list[Problem]) -> list[dict[str, Any]]:
    return [{"file": each.file, "line": each.line, "reason": each.reason} for each in problems]


@pipeline.command(name="list")
@json_option
@server_options
def list_(server: Server, as_json: bool) -> None:
    """List the pipelines that the server has.

    \b
    livewall pipeline list
    """
    pipelines = run(pages(server, "/api/pipelines"))
    if as_json:
        output.as_json(pipelines)
        return
    rows = [
        (item["name"], len(item["steps"]), " ".join(param["name"] for param in item["params"]),
         _errors_text(item["errors"]) or item["title"])
        for item in pipelines
    ]  # fmt: skip
    empty = "No pipeline: put a TOML file into the folder that `serve --pipelines` names."
    output.table(("Name", "Steps", "Parameters", "Title"), rows, empty=empty)


@pipeline.command()
@click.argument("name")
@click.argument("query", default="")
@click.option("--param", metavar="NAME", help="The parameter; the first one of type git_ref if it is left out.")
@json_option
@server_options
def refs(server: Server, name: str, query: str, param: str | None, as_json: bool) -> None:
    """List the branches, tags and last commits in the repository of the pipeline NAME, those that contain QUERY.

    \b
    livewall pipeline refs release
    livewall pipeline refs release fix --json
    """
    given = {"q": query} | ({"param": param} if param else {})
    answer = run(server.get(f"/api/pipelines/{segment(name)}/refs?{urlencode(given)}"))
    if as_json:
        output.as_json(answer["items"])
        return
    if answer["problem"]:
        click.echo(f"Note: {output.plain(answer['problem'])}.", err=True)
    rows = [
        (ref["ref"] if ref["kind"] != "commit" else ref["commit"][:12], ref["kind"], output.when(ref["date"]),
         ref["subject"])
        for ref in answer["items"]
    ]  # fmt: skip
    output.table(("Name", "Kind", "Date", "Subject"), rows, empty="No branch, tag or commit with this text.")


def _errors_text(errors: list[dict[str, str]]) -> str:
    """Return the first problem of a pipeline, and how many more there are."""
    if not errors:
        return ""
    others = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{errors[0]['file']}:{errors[0]['line']}: {errors[0]['reason']}{others}"
