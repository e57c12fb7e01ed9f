"""`livewall config`: the settings with which `livewall serve` would run, and the origin of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from livewall.cli import output
from livewall.cli.config_file import CONFIGURATION, config_option
from livewall.cli.serve import option
from livewall.settings import Setting, table

if TYPE_CHECKING:
    from livewall.configuration import Configuration

MASK = "********"
SECRET = frozenset({"admin_token"})


def _config(as_json: bool, **values: Any) -> None:
    """Print the settings that `livewall serve` would run with, given the same options, and where each comes from.

    Options override environment variables, which override the configuration file, which overrides the defaults.
    Secrets are masked.

    \b
    livewall config --config livewall.toml
    LIVEWALL_PORT=9000 livewall config
    """
    context = click.get_current_context()
    file: Configuration | None = context.meta.get(CONFIGURATION)
    rows = [(setting, values[setting.name], *_origin(context, setting, file)) for setting in table()]
    if as_json:
        settings = [
            {"name": setting.name, "value": _plain(setting, value), "source": source, "where": where}
            for setting, value, source, where in rows
        ]
        return output.as_json({"file": str(file.file) if file else None, "settings": settings})
    shown = [(setting.name, _words(setting, value), where or source) for setting, value, source, where in rows]
    output.table(("Setting", "Value", "From"), shown, empty="")


def _origin(context: click.Context, setting: Setting, file: Configuration | None) -> tuple[str, str | None]:
    """Return where the value comes from, and the option, the variable, or the file and line that holds it."""
    match context.get_parameter_source(setting.name):
        case ParameterSource.COMMANDLINE:
            return "option", setting.flag
        case ParameterSource.ENVIRONMENT:
            return "environment", setting.variable
        case ParameterSource.DEFAULT_MAP if file is not None:
            return "file", f"{file.file}:{file.given[setting.name].line}"
        case _:
            return "default", None


def _plain(setting: Setting, value: Any) -> Any:
    """Return the value as JSON, with secrets masked."""
    if setting.name in SECRET and value is not None:
        return MASK
    if isinstance(value, tuple):
        return [str(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def _words(setting: Setting, value: Any) -> str:
    """Return the value as text, as it would be given to the option."""
    match _plain(setting, value):
        case None:
            return ""
        case bool(on):
            return "on" if on else "off"
        case float(number):
            return f"{number:g}"
        case list(several):
            return " ".join(several)
        case other:
            return str(other)


config = click.Command(
    "config",
    callback=_config,
    params=[
        config_option(),
        *(option(setting) for setting in table()),
        click.Option(["--json", "as_json"], is_flag=True, help="Print the settings as JSON.", allow_from_autoenv=False),
    ],
    help=_config.__doc__,
    context_settings={"auto_envvar_prefix": "LIVEWALL", "help_option_names": ["-h", "--help"]},
)
