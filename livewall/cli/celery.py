"""`livewall celery`: tasks of Celery apps as live tasks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from livewall.cli.exit_status import REFUSED, run, say, stop
from livewall.cli.group import Group
from livewall.cli.options import data_option, is_on_command_line, token_option, url_option
from livewall.cli.run import find_server
from livewall.settings import config_folder


@click.group(cls=Group)
def celery() -> None:
    """Show the tasks of Celery apps.

    \b
    livewall celery watch --only 'shop.*'
    """


@celery.command()
@click.option(
    "--broker",
    envvar=["LIVEWALL_CELERY_BROKER", "CELERY_BROKER_URL"],
    metavar="URL",
    help="The broker of the app. LIVEWALL_CELERY_BROKER is safer where the URL holds a password: every user of this "
    "machine can see the arguments of processes.",
)
@click.option(
    "--backend",
    envvar=["LIVEWALL_CELERY_BACKEND", "CELERY_RESULT_BACKEND"],
    metavar="URL",
    help="The result backend, which is asked after a lost connection. LIVEWALL_CELERY_BACKEND is safer.",
)
@click.option("--app", metavar="MODULE", help="Take broker and backend from an app, as `celery -A` does.")
@click.option("--only", multiple=True, metavar="PATTERN", help="Only tasks with such a name, as in 'shop.*'.")
@click.option("--skip", multiple=True, metavar="PATTERN", help="No tasks with such a name.")
@click.option("--terminate", is_flag=True, help="A cancel on the page also ends tasks that run already.")
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the open tasks are kept for a restart.  [default: a file in ~/.config/livewall]",
)
@data_option
@token_option
@url_option
def watch(
    url: str,
    token: str | None,
    data: Path | None,
    broker: str | None,
    backend: str | None,
    app: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    terminate: bool,
    state: Path | None,
) -> None:
    """Show the tasks of a Celery app live, until it is interrupted.

    Each task that no other task has sent becomes a task of Livewall; an app that calls livewall.celery.report(app)
    has its chains, groups and chords drawn whole. Arguments are never reported.

    \b
    LIVEWALL_CELERY_BROKER=redis://localhost/0 livewall celery watch --only 'shop.*'
    """
    from livewall.celery.broker import NoApp, find_app
    from livewall.celery.watcher import Busy, Choice, StateFile, Watcher

    server = find_server(url, token, data)
    for name in ("broker", "backend"):
        if is_on_command_line(name) and "@" in ((broker if name == "broker" else backend) or ""):
            say(f"Every user of this machine can see --{name} (ps); LIVEWALL_CELERY_{name.upper()} is not visible.")
    try:
        found = find_app(broker, backend, app)
        file = StateFile(state or _state_file(server.url, found.connection_for_read().as_uri()))
    except (NoApp, Busy) as problem:
        stop(REFUSED, str(problem))
    except OSError as problem:
        stop(REFUSED, f"the file of the state cannot be used: {problem.strerror}")

    async def work() -> None:
        await Watcher(found, server, file, Choice(only, skip), terminate=terminate, say=say).run()

    run(work())


def _state_file(url: str, broker: str) -> Path:
    """Return the file for a server and a broker, whose address comes without its password."""
    name = hashlib.sha256(f"{url} {broker}".encode()).hexdigest()[:16]
    return config_folder() / f"celery-{name}.json"
