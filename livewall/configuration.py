"""The configuration file: the settings of `livewall serve` as TOML, each checked, with the line it stands on.

Options and environment variables take precedence over the file; the command line sees to that, not this module.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livewall.settings import Setting, expand_home, table
from livewall.toml_file import decoded, parsed, read
from livewall.toml_lines import key_lines
from livewall.toml_problems import Findings, Place, did_you_mean, short, text, type_name

MAX_CHARACTERS = 4096
_KINDS: dict[type, str] = {int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True)
class Given:
    """A setting as an option would give it: one text or several, and its line in the file."""

    text: str | list[str]
    line: int


@dataclass(frozen=True)
class Configuration:
    """A configuration file that has been checked."""

    file: Path
    given: Mapping[str, Given]
    exposed: bool
    """Whether the file holds the admin's token and can be read by users who must not see it."""


def load(file: Path) -> Configuration:
    """Read and check a configuration file. Raises TomlFault with every problem and its line, OSError."""
    data = read(file)
    given = checked(decoded(data, str(file), "a configuration"), file)
    return Configuration(file, given, exposed="admin_token" in given and _exposed(file))


def checked(content: str, file: Path) -> dict[str, Given]:
    """Return the settings in the text of `file`, by their names. Raises TomlFault with every problem there is."""
    values = parsed(content, str(file))
    lines = key_lines(content)
    findings = Findings(str(file), lines)
    top = Place(findings)
    settings = {setting.name: setting for setting in table()}
    given: dict[str, Given] = {}
    for name, value in values.items():
        if name not in settings:
            near = did_you_mean(name, settings) or "; `livewall config` shows all keys"
            top[name].wrong(f"there is no setting {short(name)!r}{near}")
            continue
        setting_value = _texts(settings[name], value, top[name], file.absolute().parent)
        if setting_value is not None:
            given[name] = Given(setting_value, lines[(name,)])
    findings.done()
    return given


def _texts(setting: Setting, value: Any, where: Place, folder: Path) -> str | list[str] | None:
    """Return the text or texts that an option would be given for `value`, or None and note a problem."""
    if not setting.many:
        return _text(setting, value, where, folder)
    if not isinstance(value, list):
        where.wrong(f'{setting.name} must be a list of text, such as ["10.0.0.0/8"], not {type_name(value)}')
        return None
    given_texts = [_text(setting, each, where[index], folder) for index, each in enumerate(value)]
    return [each for each in given_texts if each is not None]


def _text(setting: Setting, value: Any, where: Place, folder: Path) -> str | None:
    given = _typed(setting, value, where)
    if given is None:
        return None
    try:
        if setting.toml is Path:
            given = str(folder / expand_home(given))
        setting.read(given)
    except ValueError as problem:
        where.wrong(f"{setting.name}: {problem}")
        return None
    return given


def _typed(setting: Setting, value: Any, where: Place) -> str | None:
    """Return the value as text, or None and note a problem where it does not have the type of the setting."""
    if setting.toml in (str, Path):
        return text(value, where, setting.name, most=MAX_CHARACTERS)
    if not _fits(value, setting.toml):
        where.wrong(f"{setting.name} must be {_KINDS[setting.toml]}, not {_described(value)}")
        return None
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _fits(value: Any, kind: Any) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, int) or (kind is float and isinstance(value, float))


def _described(value: Any) -> str:
    return str(value) if isinstance(value, float) else type_name(value)


def _exposed(file: Path) -> bool:
    """Whether users other than the owner can read the file; its group may, where this process does not own it."""
    held = os.stat(file)
    return bool(held.st_mode & (0o077 if held.st_uid == os.geteuid() else 0o007))
