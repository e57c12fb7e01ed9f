"""Options that several commands have in common, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from livewall.client.calls import DEFAULT_URL, Server, server_url
from livewall.client.secret import admin_token, stays_here
from livewall.settings import data_folder, secret

F = TypeVar("F", bound=Callable[..., Any])

PATIENCE = 30.0  # seconds, once the server was there


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
        default=DEFAULT_URL,
        envvar="LIVEWALL_URL",
        show_default=True,
        help="Address of the server.",
    )(command)


def server_options(command: F) -> F:
    """--url, --token, --data and --wait, handed over as one argument `server`."""
    return _server_options(command, wait=0.0)


def patient_server_options(command: F) -> F:
    """The same for what scripts do while a server may be restarting."""
    return _server_options(command, wait=8.0)


def _server_options(command: F, *, wait: float) -> F:
    def with_server(*args: Any, url: str, token: str | None, data: Path | None, wait: float, **more: Any) -> Any:
        server = Server(url, role_token(url, token, data), patience=PATIENCE, wait=wait)
        return command(*args, server=server, **more)

    with_server.__name__, with_server.__doc__ = command.__name__, command.__doc__
    with_server.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in (wait_option(wait), data_option, token_option, url_option):
        with_server = option(with_server)
    return with_server  # type: ignore[return-value]


def wait_option(default: float) -> Callable[[F], F]:
    return click.option(
        "--wait",
        type=click.FloatRange(0),
        default=default,
        show_default=f"{default:g}",
        metavar="SECONDS",
        help="How long to wait for a server that is not there.",
    )


def token_option(command: F) -> F:
    return click.option(
        "--token", envvar="LIVEWALL_TOKEN", metavar="TOKEN", help="Who you are; on the server's machine --data will do."
    )(command)


def data_option(command: F) -> F:
    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        envvar="LIVEWALL_DATA",
        metavar="DIR",
        help="The server's data folder, for its secret.  [default: ~/.local/share/livewall]",
    )(command)


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print what the server answered, as JSON.")(command)


def role_token(url: str, token: str | None, data: Path | None) -> str | None:
    """The token to use: the one given, else the admin's from DATA, which never leaves this machine."""
    if token and secret(token):
        return secret(token)
    return admin_token(data or data_folder()) if stays_here(url) else None
