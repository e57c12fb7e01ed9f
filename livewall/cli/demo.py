"""`livewall demo`: a server with a simulated event, in the foreground."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from livewall.cli.exit_status import REFUSED, refusal_text, stop


@click.command()
@click.option(
    "--seconds", type=click.FloatRange(1), metavar="N", help="End after this many seconds.  [default: at Ctrl-C]"
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8888,
    envvar="LIVEWALL_PORT",
    metavar="PORT",
    show_default=True,
    help="Port to listen on.",
)
@click.option(
    "--address",
    default="127.0.0.1",
    envvar="LIVEWALL_ADDRESS",
    show_default=True,
    help="Address to listen on; with 0.0.0.0 phones in your network can take part.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep the data in this folder, which must be new or from an earlier demo.  [default: a temporary one]",
)
def demo(seconds: float | None, port: int, address: str, data: Path | None) -> None:
    """Run a server with a wall, polls, a task that reports its steps, and an audience of 944 real answers.

    LIVEWALL_DATA is ignored, so that a demo never writes into real data.

    \b
    livewall demo --seconds 60
    """
    from livewall.client.calls import NotReached, Refusal
    from livewall.demo.show import Failed, show
    from livewall.reaper import be_process_one
    from livewall.store.folder import GROUP_AND_OTHERS

    be_process_one()
    os.umask(GROUP_AND_OTHERS)
    try:
        asyncio.run(show(port=port, address=address, data=data, seconds=seconds, say=click.echo))
    except Refusal as problem:
        stop(REFUSED, refusal_text(problem))
    except (Failed, NotReached) as problem:
        stop(REFUSED, str(problem))
