"""`livewall serve`, which is `python server.py`: the table of settings as options, then the server."""

from __future__ import annotations

import sys
from typing import Any

import click
from click.core import ParameterSource

from livewall.cli.config_file import config_option
from livewall.cli.exit_status import say
from livewall.cli.options import is_on_command_line
from livewall.reaper import be_process_one
from livewall.settings import Setting, Settings, table


class Value(click.ParamType[Any]):
    """A parameter type that parses text as its setting does."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.name = setting.name

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return self.setting.metavar

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self.setting.read(value)
        except ValueError as problem:
            if ctx is not None and ctx.get_parameter_source(self.name) is ParameterSource.ENVIRONMENT:
                raise click.BadParameter(str(problem), ctx, param_hint=self.setting.variable) from None
            self.fail(str(problem), param, ctx)


def option(setting: Setting) -> click.Option:
    return click.Option(
        [setting.flag],
        type=Value(setting),
        default=setting.default,
        multiple=setting.many,
        help=setting.help,
        show_default=shown_default(setting),
    )


def shown_default(setting: Setting) -> str | bool:
    """Return the default as it would be given, or False to show none, as for paths in this user's home."""
    match setting.default:
        case bool(on):
            return "on" if on else "off"
        case int(number) | float(number):
            return f"{number:g}"
        case str(text):
            return text
        case _:
            return False


def _serve(**values: Any) -> None:
    """Run the server until SIGTERM or Ctrl-C, then drain it.

    Every option can also be given as an environment variable (--publish-rate as LIVEWALL_PUBLISH_RATE) or in the
    file that --config names (publish_rate = 10). `livewall config` shows the settings in effect.

    \b
    livewall serve --address 0.0.0.0 --public-url https://wall.example.org
    """
    be_process_one()
    import server

    if is_on_command_line("admin_token"):
        say(
            "Every user of this machine can see --admin-token in the list of processes (ps). Give "
            f"LIVEWALL_ADMIN_TOKEN instead, or neither: a token is then created in {values['data'] / 'secret'}."
        )
    sys.exit(server.run(Settings(**values)))


serve = click.Command(
    "serve",
    callback=_serve,
    params=[config_option(), *(option(setting) for setting in table())],
    help=_serve.__doc__,
    # The prefix without the command's name: LIVEWALL_PORT, not LIVEWALL_SERVE_PORT.
    context_settings={"auto_envvar_prefix": "LIVEWALL", "help_option_names": ["-h", "--help"]},
)
