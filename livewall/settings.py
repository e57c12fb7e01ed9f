"""The settings of a server, in one table.

Each field of `Settings` has its help and the function that reads it from text. The command line makes its options from
`table()`, and each option can also be given as an environment variable `LIVEWALL_…` or in a configuration file
(configuration.py). Nothing else in Livewall reads the environment.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from livewall.host_names import host_name
from livewall.terminal import readable

Network = IPv4Network | IPv6Network
LogFormat = Literal["plain", "json"]
TomlKind = type[str] | type[int] | type[float] | type[bool] | type[Path]
"""The TOML type with which a configuration file gives a setting. A path is text, relative to the folder of the file."""


def data_folder() -> Path:
    """Return the user's folder for data: `$XDG_DATA_HOME/livewall`, or `~/.local/share/livewall`."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "livewall"


def config_folder() -> Path:
    """Return the user's folder for configuration: `$XDG_CONFIG_HOME/livewall`, or `~/.config/livewall`."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "livewall"


def default_url() -> str:
    """Return the address at which commands look for the server of this machine: the port is the one that `livewall
    serve` takes from the same environment."""
    return f"http://127.0.0.1:{os.environ.get('LIVEWALL_PORT') or 8888}"


def server_of_environment() -> tuple[str, str | None]:
    """Return the address and the token of `LIVEWALL_URL` and `LIVEWALL_TOKEN`."""
    return os.environ.get("LIVEWALL_URL") or default_url(), secret(os.environ.get("LIVEWALL_TOKEN") or "")


def config_of_environment() -> Path | None:
    """Return the configuration file that `LIVEWALL_CONFIG` names, for commands that have no option for it."""
    named = os.environ.get("LIVEWALL_CONFIG")
    return Path(named) if named else None


def port_of_environment() -> str | None:
    """Return `LIVEWALL_PORT` if it is set."""
    return os.environ.get("LIVEWALL_PORT") or None


def environment_without_token() -> dict[str, str]:
    """Return the environment for a child process that must not act in our name."""
    return {name: value for name, value in os.environ.items() if name != "LIVEWALL_TOKEN"}


def replace_environment(environment: Mapping[bytes, bytes]) -> None:
    """Give this process, which was forked, the environment of the program that it runs."""
    os.environb.clear()
    os.environb.update(environment)


def environment_with(*names: str) -> dict[str, str]:
    """Return the variables in `names` that this process's environment has; without names all of them."""
    return {name: value for name, value in os.environ.items() if not names or name in names}


def environment_without_livewall() -> dict[str, str]:
    """Return the environment for a child process whose settings are all in its arguments."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LIVEWALL_")}


def port(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 65535:
        raise ValueError(f"{text!r} is not a port: 0 to 65535, 0 for any free one")
    return number


def public_url(text: str) -> str | None:
    if not text:
        return None
    parts = urlsplit(text)
    fits = parts.scheme in ("http", "https") and parts.netloc and parts.path in ("", "/") and not parts.query
    if not fits or readable(text) != text:
        raise ValueError(f"{text!r} is not the address of a server, such as https://wall.example.org")
    return f"{parts.scheme}://{parts.netloc}"


def switch(text: str) -> bool:
    words = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
    try:
        return words[text.lower()]
    except KeyError:
        raise ValueError(f"{text!r} is neither on nor off") from None


def network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as problem:
        raise ValueError(f"{text!r} is not a network such as 10.0.0.0/8: {problem}") from None


def hosts(text: str) -> tuple[str, ...]:
    """Return the names of hosts in a text, in which commas or blanks separate them."""
    return tuple(host_name(each) for each in text.replace(",", " ").split())


def rate(text: str) -> float:
    number = milliseconds(text)
    if not number:
        raise ValueError("must be more than 0")
    return number


def milliseconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
    if not 0 <= number < 1_000_000:  # false also for nan
        raise ValueError(f"{text!r} is negative or far too large")
    return number


def folder(text: str) -> Path:
    return expand_home(text).absolute()  # steps of tasks run in other folders


def expand_home(text: str) -> Path:
    """Return a path in which `~` or `~NAME` at its start stands for a home. Raises ValueError for an unknown home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"{text!r} begins with the home of a user that does not exist here") from None


def count(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0
        if not 1 <= number <= most:
            raise ValueError(f"{text!r} is not a whole number from 1 to {most}")
        return number

    return read


def maybe(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Wrap `read` so that an empty text means None."""
    return lambda text: read(text) if text else None


def maybe_folder(text: str) -> Path | None:
    return folder(text) if text else None


def one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"{text!r} is not one of {', '.join(words)}")
        return text.lower()

    return read


def secret(text: str) -> str | None:
    return text.strip() or None


def admin_token(text: str) -> str | None:
    if not text.isascii():
        raise ValueError("a token consists of ASCII characters only: it is sent in an HTTP header")
    return secret(text)


def _option(
    default: Any, read: Callable[[str], Any], metavar: str, help: str, *, toml: TomlKind = str, many: bool = False
) -> Any:
    metadata = {"read": read, "metavar": metavar, "help": help, "toml": toml, "many": many}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """The settings of `livewall serve`. Immutable; made once, at the start."""

    port: int = _option(8888, port, "PORT", "Port to listen on; 0 takes any free one.", toml=int)
    address: str = _option(
        "127.0.0.1", str, "ADDRESS", "Address to listen on; 0.0.0.0 means every address of this machine."
    )
    public_url: str | None = _option(
        None, public_url, "URL", "How others reach this server; links and QR codes use it. https makes cookies Secure."
    )
    data: Path = _option(
        data_folder,
        folder,
        "DIR",
        "Folder of the database, the logs and the secret. Default: ~/.local/share/livewall.",
        toml=Path,
    )
    pipelines: Path | None = _option(
        None,
        maybe_folder,
        "DIR",
        "Folder of the pipelines, one TOML file each; without it, no tasks run here.",
        toml=Path,
    )
    workers: int = _option(
        4, count(1000), "N", "How many tasks run here at once; further tasks wait for their turn.", toml=int
    )
    log_days: int = _option(30, count(36500), "N", "How many days the logs of ended tasks are kept.", toml=int)
    log_size: int = _option(
        10, count(100_000), "GIB", "Size in GiB of all logs together; the oldest are deleted first.", toml=int
    )
    ballot_days: int | None = _option(
        None,
        maybe(count(36500)),
        "N",
        "How many days after closing ballots are kept; without it, forever.",
        toml=int,
    )
    message_days: int | None = _option(
        None,
        maybe(count(36500)),
        "N",
        "How many days messages are kept, private ones too; without it, until somebody withdraws or erases them.",
        toml=int,
    )
    admin_token: str | None = _option(
        None,
        admin_token,
        "TOKEN",
        "The admin's token; without it, one is created in DIR/secret. Given as an argument, it is visible in ps.",
    )
    rate_limits: bool = _option(
        True, switch, "on|off", "Limit requests per voter and per address; off on trusted networks.", toml=bool
    )
    trusted_proxy: tuple[Network, ...] = _option(
        (), network, "CIDR", "Network whose forwarded headers are trusted; may be given several times.", many=True
    )
    webhook_allow: tuple[str, ...] = _option(
        (),
        hosts,
        "HOST[,HOST…]",
        "Hosts to which webhooks are sent although their addresses are private, or of this machine.",
    )
    publish_rate: float = _option(
        20.0, rate, "N", "How many times a second a changing tally is published, at most.", toml=float
    )
    gather: float = _option(
        0.0, milliseconds, "MS", "Milliseconds that a commit waits for more ballots to share it.", toml=float
    )
    log_format: LogFormat = _option(
        "plain", one_of("plain", "json"), "plain|json", "Log lines as text or as JSON objects."
    )
    log_level: str = _option(
        "info",
        one_of("debug", "info", "warning", "error"),
        "LEVEL",
        "Log messages of this level and above: debug, info, warning, error.",
    )


@dataclass(frozen=True)
class Setting:
    """One row of the table: how an option is named, read, shown and explained."""

    name: str
    read: Callable[[str], Any]
    default: Any
    metavar: str
    help: str
    toml: TomlKind
    many: bool

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "LIVEWALL_" + self.name.upper()


def table() -> list[Setting]:
    """Return the settings in the order in which help and docs/configuration.md show them."""
    defaults = Settings()
    return [
        Setting(
            name=each.name,
            read=cast(Callable[[str], Any], each.metadata["read"]),
            default=getattr(defaults, each.name),
            metavar=each.metadata["metavar"],
            help=each.metadata["help"],
            toml=each.metadata["toml"],
            many=each.metadata["many"],
        )
        for each in fields(Settings)
    ]


def is_interactive() -> bool:
    """Return whether somebody sits at a terminal and reads the output."""
    return sys.stdout.isatty() and sys.stderr.isatty()
