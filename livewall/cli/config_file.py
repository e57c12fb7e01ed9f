"""The option `--config`, and what commands without it take from the file that `LIVEWALL_CONFIG` names."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from livewall.cli import output
from livewall.cli.exit_status import USAGE, say
from livewall.client.calls import reason
from livewall.settings import config_of_environment, default_url, port_of_environment

if TYPE_CHECKING:
    from livewall.configuration import Configuration

CONFIGURATION = "livewall.configuration"


class BadConfiguration(click.ClickException):
    """The lines of what is wrong with a configuration file; as wrong options, they end a command with status 2."""

    exit_code = USAGE

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))

    def show(self, file: Any = None) -> None:
        for line in self.message.splitlines():
            click.echo(output.plain(line), err=True)


def config_option() -> click.Option:
    return click.Option(
        ["--config"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A TOML file that holds settings. An option or a variable goes before what it says.",
        is_eager=True,
        expose_value=False,
        callback=_take,
    )


def _take(context: click.Context, parameter: click.Parameter, file: Path | None) -> None:
    """Let the other options find the file's values where neither arguments nor the environment have one."""
    if file is None or context.resilient_parsing:
        return
    found = loaded(file)
    context.meta[CONFIGURATION] = found
    context.default_map = {name: given.text for name, given in found.given.items()}
    if found.exposed:
        say(
            f"{file} holds the admin's token, and other users of this machine can read it: "
            "change its mode to 0600, and make a new token if they are not to have it."
        )


@cache
def loaded(file: Path) -> Configuration:
    """Read a configuration file. Raises BadConfiguration."""
    from livewall.configuration import load
    from livewall.toml_problems import TomlFault

    try:
        return load(file)
    except TomlFault as fault:
        raise BadConfiguration([str(problem) for problem in fault.problems]) from None
    except OSError as problem:
        raise BadConfiguration([f"livewall: {file} cannot be read: {reason(problem)}."]) from None


def url_of_server() -> str:
    """Where commands look for the server of this machine: on the port that `livewall serve` takes from the same
    environment, be it from `LIVEWALL_PORT` or from the file that `LIVEWALL_CONFIG` names."""
    port = None if port_of_environment() else _configured("port")
    return f"http://127.0.0.1:{port}" if port else default_url()


def data_of_server() -> Path | None:
    """The data folder in the file that `LIVEWALL_CONFIG` names; None where there is none."""
    data = _configured("data")
    return Path(data) if data else None


def _configured(name: str) -> str | None:
    file = config_of_environment()
    if file is None:
        return None
    given = loaded(file).given.get(name)
    return str(given.text) if given else None
