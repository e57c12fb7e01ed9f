"""`livewall audit`: what hosts and operators did."""

from __future__ import annotations

import json
from typing import Any

import click

from livewall.cli import output
from livewall.cli.exit_status import run
from livewall.cli.options import json_option, server_options
from livewall.client.calls import Server, segment

PAGE = 200  # lines of one answer


@click.command()
@click.option("--limit", type=click.IntRange(1), default=50, metavar="N", show_default=True, help="At most N lines.")
@json_option
@server_options
def audit(server: Server, limit: int, as_json: bool) -> None:
    """List what hosts and operators did and who signed in, the newest first.

    \b
    livewall audit --limit 20
    """
    lines = run(newest(server, limit))
    if as_json:
        output.as_json(lines)
        return
    rows = [
        (output.when(line["at"]), line["who"], line["role"], line["act"], line["about"], detail_text(line["detail"]))
        for line in lines
    ]
    output.table(("Time", "Who", "Role", "Action", "Object", "Details"), rows, empty="No entries yet.")


async def newest(server: Server, limit: int) -> list[dict[str, Any]]:
    """Return the newest lines, from as many pages as necessary."""
    lines: list[dict[str, Any]] = []
    query = ""
    while len(lines) < limit:
        answer = await server.get(f"/api/audit?limit={min(PAGE, limit - len(lines))}{query}")
        lines += answer["items"]
        if not answer["next"]:
            break
        query = f"&before={segment(answer['next'])}"
    return lines


def detail_text(detail: dict[str, Any]) -> str:
    return json.dumps(detail, ensure_ascii=False, separators=(",", ":")) if detail else ""
