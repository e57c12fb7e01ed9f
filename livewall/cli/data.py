"""`livewall backup|restore|recount`: commands that use the data folder directly, without a server."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from livewall.cli import output
from livewall.cli.config_file import configured_data
from livewall.cli.exit_status import REFUSED, say, stop
from livewall.client.calls import reason
from livewall.settings import data_folder

folder_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: configured_data() or data_folder(),
    envvar="LIVEWALL_DATA",
    metavar="DIR",
    help="The server's data folder.  [default: ~/.local/share/livewall]",
)


@contextmanager
def report_errors() -> Iterator[None]:
    """Turn errors of files and databases into a message and status 1."""
    from livewall.errors import LivewallError

    try:
        yield
    except LivewallError as problem:
        stop(REFUSED, f"{problem.message[:1].upper()}{problem.message[1:].rstrip('.')}.")
    except OSError as problem:
        stop(REFUSED, f"{problem.filename or 'The data folder'}: {reason(problem)}.")
    except sqlite3.Error as problem:
        stop(REFUSED, f"The database: {reason(problem)}.")


def existing_folder(data: Path) -> Path:
    if not data.is_dir():
        stop(REFUSED, f"There is no data folder {data}; give the right one with --data or LIVEWALL_DATA.")
    return data


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the file and its size as JSON.")
@folder_option
def backup(file: Path, as_json: bool, data: Path) -> None:
    """Write a backup of the data folder to FILE, even while the server is running.

    \b
    livewall backup /backups/livewall-$(date +%F).db
    """
    from livewall.store.backup import backup

    with report_errors():
        backup(existing_folder(data), file)
    size = file.stat().st_size
    output.as_json({"file": str(file), "bytes": size}) if as_json else click.echo(f"{file}: {size:,} bytes")


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--in-place", is_flag=True, help="The whole data folder has been restored already: only renew its epoch.")
@folder_option
def restore(file: Path | None, in_place: bool, data: Path) -> None:
    """Restore the backup FILE. The server must not be running.

    Clients whose positions are newer than the backup get a snapshot.

    \b
    livewall restore /backups/livewall-2026-11-21.db
    livewall restore --in-place
    """
    from livewall.store import backup as copies
    from livewall.store.folder import GROUP_AND_OTHERS

    if (file is None) != in_place:
        raise click.UsageError("Give the FILE to restore, or --in-place.")
    os.umask(GROUP_AND_OTHERS)
    with report_errors():
        if file is None:
            copies.restore_in_place(existing_folder(data))
        else:
            copies.restore(data, file)
    click.echo(f"{data} is restored; start the server.")


@click.command()
@click.argument("poll_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print both counts as JSON.")
@folder_option
def recount(poll_id: str, as_json: bool, data: Path) -> None:
    """Count the ballots of the poll ID again and compare with the stored counts. Exit status 1 when they differ.

    In a pipe: round, option's id (or `ballots`), counted, stored, `agree` or `DIFFER`, and label, separated by tabs.
    Rounds whose ballots were erased cannot be counted; if there are no others, the command is refused.

    \b
    livewall recount 7Q4F2K9D0MZ8XW3T
    """
    import msgspec

    from livewall.errors import NotFound
    from livewall.store.folder import DATABASE
    from livewall.voting.recount import erased_rounds, labels, recount

    poll_id = poll_id.removeprefix("polls/")
    with report_errors():
        database = existing_folder(data) / DATABASE
        if not database.exists():
            stop(REFUSED, f"There is no database in {data}.")
        try:
            rounds, names = recount(database, poll_id), labels(database, poll_id)
            erased_at = erased_rounds(database, poll_id)
        except NotFound:
            stop(REFUSED, f"There is no poll {poll_id!r} in {data}; recount takes a poll's ID, not a wall's code.")
    for number, at in erased_at.items():
        say(f"The ballots of round {number} were erased at {at}: its counts remain, but can no longer be checked.")
    if erased_at and not rounds:
        stop(REFUSED, "There is nothing left to count.")
    agree = all(each.agrees for each in rounds)
    if as_json:
        erased = {str(number): at for number, at in erased_at.items()}
        output.as_json({"poll": poll_id, "agree": agree, "rounds": msgspec.to_builtins(rounds), "erased": erased})
    else:
        rows: list[tuple[object, ...]] = []
        for each in rounds:
            counted, kept = each.counted.counts, each.kept.counts
            both = [(option, counted.get(option, 0), kept.get(option, 0)) for option in counted | kept]
            for option, now, then in [*both, ("ballots", each.counted.ballots, each.kept.ballots)]:
                rows.append((each.round, option, now, then, "agree" if now == then else "DIFFER", names.get(option)))
        output.table(("Round", "Option", "Counted", "Stored", "", "Label"), rows, empty="No ballots.")
    if not agree:
        stop(REFUSED, "The stored counts differ from those of the ballots.")
