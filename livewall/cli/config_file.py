"""The option `--config`, and the settings that other commands read from the file that `LIVEWALL_CONFIG` names."""

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
    """The problems of a configuration file, one line each. A command ends with status 2, as for a wrong option."""

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
        help="A TOML file with settings; options and environment variables override it.",
        is_eager=True,
        expose_value=False,
        callback=_load_defaults,
    )


def _load_defaults(context: click.Context, parameter: click.Parameter, file: Path | None) -> None:
    """Make the values of the file the defaults of the other options."""
    if file is None or context.resilient_parsing:
        return
    configuration = load_configuration(file)
    context.meta[CONFIGURATION] = configuration
    context.default_map = {name: given.text for name, given in configuration.given.items()}
    if configuration.exposed:
        say(
            f"{file} holds the admin's token, and other users of this machine can read it: "
            "change its mode to 0600, and create a new token if they must not have it."
        )


@cache
def load_configuration(file: Path) -> Configuration:
    """Read a configuration file. Raises BadConfiguration."""
    from livewall.configuration import load
    from livewall.toml_problems import TomlFault

    try:
        return load(file)
    except TomlFault as fault:
        raise BadConfiguration([str(problem) for problem in fault.problems]) from None
    except OSError as problem:
        raise BadConfiguration([f"livewall: {file} cannot be read: {reason(problem)}."]) from None


def configured_url() -> str:
    """Return the address of the server on this machine: with the port that `livewall serve` takes from the same
    environment, either from `LIVEWALL_PORT` or from the file that `LIVEWALL_CONFIG` names."""
    port = None if port_of_environment() else _configured("port")
    return f"http://127.0.0.1:{port}" if port else default_url()


def configured_data() -> Path | None:
    """Return the data folder in the file that `LIVEWALL_CONFIG` names, or None."""
    data = _configured("data")
    return Path(data) if data else None


def _configured(name: str) -> str | None:
    file = config_of_environment()
    if file is None:
        return None
    try:
        given = load_configuration(file).given.get(name)
    except BadConfiguration:
        if click.get_current_context().resilient_parsing:
            return None  # a shell that completes a line must not print what is wrong with a file
        raise
    return str(given.text) if given else None
