"""Options that several commands share, and the server that they describe."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from livewall.cli.config_file import configured_data, configured_url
from livewall.cli.exit_status import remember_secret_folder, say
from livewall.client.calls import Server, server_url
from livewall.client.secret import admin_token, is_loopback, is_this_machine
from livewall.settings import data_folder, secret

F = TypeVar("F", bound=Callable[..., Any])

RETRY_SECONDS = 30.0  # seconds, once the server was reached
START_SECONDS = 5.0  # seconds that a server on this machine may take to start


class Url(click.ParamType[str]):
    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return server_url(value)
        except ValueError as problem:
            self.fail(str(problem), param, ctx)


def url_option(command: F) -> F:
    return click.option(
        "--url",
        type=Url(),
        default=configured_url,
        envvar="LIVEWALL_URL",
        show_default="http://127.0.0.1:8888, or LIVEWALL_PORT in place of 8888",
        help="Address of the server.",
    )(command)


def server_options(command: F) -> F:
    """Add --url, --token, --data and --wait, and pass them to the command as one argument `server`."""
    return _server_options(command, wait=0.0)


def acting_server_options(command: F) -> F:
    """Do the same for commands that may follow `livewall serve &`, and wait for a local server that is starting."""
    return _server_options(command, wait=None)


def patient_server_options(command: F) -> F:
    """Do the same for commands of scripts, and wait for a server that may be restarting."""
    return _server_options(command, wait=8.0)


def _server_options(command: F, *, wait: float | None) -> F:
    def with_server(
        *args: Any, url: str, token: str | None, data: Path | None, wait: float | None, **arguments: Any
    ) -> Any:
        if wait is None:
            wait = START_SECONDS if is_loopback(url) else 0.0
        given_token = secret(token or "")
        folder = None if given_token or not is_this_machine(url) else data or data_folder()

        def find() -> str | None:
            return admin_token(folder) if folder else None

        remember_secret_folder(folder)
        if given_token and sys.stderr.isatty() and is_on_command_line("token"):
            say("Every user of this machine can see --token (ps); LIVEWALL_TOKEN is not visible to them.")
        server = Server(url, given_token or find(), patience=RETRY_SECONDS, wait=wait, find_token=find, say=say)
        return command(*args, server=server, **arguments)

    with_server.__name__, with_server.__doc__ = command.__name__, command.__doc__
    with_server.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in (wait_option(wait), data_option, token_option, url_option):
        with_server = option(with_server)
    return with_server  # type: ignore[return-value]


def wait_option(default: float | None) -> Callable[[F], F]:
    return click.option(
        "--wait",
        type=click.FloatRange(0),
        default=default,
        show_default=f"{START_SECONDS:g} for a server on this machine, else 0" if default is None else f"{default:g}",
        metavar="SECONDS",
        help="How long to wait for a server that cannot be reached.",
    )


def token_option(command: F) -> F:
    return click.option(
        "--token",
        envvar="LIVEWALL_TOKEN",
        metavar="TOKEN",
        help="A token for the server; on its machine, --data is enough. LIVEWALL_TOKEN is safer: "
        "every user of this machine can see the arguments of processes.",
    )(command)


def is_on_command_line(name: str) -> bool:
    """Return whether an option was given as an argument, and not through the environment or not at all."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


def data_option(command: F) -> F:
    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        default=configured_data,
        envvar="LIVEWALL_DATA",
        metavar="DIR",
        help="The server's data folder, which holds its secret.  [default: ~/.local/share/livewall]",
    )(command)


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print the server's answer as JSON.")(command)


def output_option(command: F) -> F:
    """Add --output, for documents that `output.document` writes."""
    return click.option(
        "--output",
        "-o",
        "into",
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        metavar="FILE",
        help="Write to FILE, which appears only when it is complete, instead of printing.",
    )(command)


def poll_argument(command: F) -> F:
    return click.argument("poll", metavar="POLL", shell_complete=_complete("polls"))(command)


def code_argument(command: F) -> F:
    return click.argument("code", metavar="CODE", shell_complete=_complete("walls"))(command)


def wall_option(help: str) -> Callable[[F], F]:
    return click.option("--wall", metavar="CODE", help=help, shell_complete=_complete("walls"))


def _complete(collection: str) -> Callable[[click.Context, click.Parameter, str], list[Any]]:
    """Return a completion function for `polls` or `walls`, which is imported when it is used."""

    def complete(context: click.Context, parameter: click.Parameter, prefix: str) -> list[Any]:
        from livewall.cli import completion_values

        return completion_values.complete(collection, context.params, prefix)

    return complete
